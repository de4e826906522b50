from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsys.models.demand_spread import assumed_spread
from recsys.recommendations.published_demand import (
    Promotion,
    PublishedDemand,
    buyers_a_day,
    expected_units,
    shared_units,
)
from recsys.recommendations.reorder_rules import (
    abc_classes,
    days_of_cover,
    order_levels,
    order_quantities,
    over_lead_time,
    service_levels,
)
from recsys.settings.demand import ReorderSettings


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_classes_are_shares_of_the_margin_and_unknown_margins_are_class_c() -> None:
    margin = pl.Series([10.0, 70.0, None, 15.0, 5.0, 0.0])
    assert abc_classes(margin, ReorderSettings()).to_list() == ["B", "A", "C", "A", "C", "C"]
    assert abc_classes(pl.Series([None, None], dtype=pl.Float64), ReorderSettings()).to_list() == ["C", "C"]


def test_the_newsvendor_rules_where_price_and_cost_are_known() -> None:
    items = pl.DataFrame(
        {"abc_class": ["A", "B", "C", "C"], "list_price": [2.0, None, 1.0, 1.05], "unit_cost": [1.0, 1.0, 2.0, 1.0]}
    )
    settings = ReorderSettings(leftover_cost=0.25, min_service=0.5)
    found = service_levels(items, settings)
    # 1 / (1 + 0.25); no price: class B; sold at a loss: class C; 0.05 / 0.3 is below the least level.
    assert found["service_level"].to_list() == pytest.approx([0.8, 0.95, 0.90, 0.5])
    assert found["service_source"].to_list() == ["newsvendor", "class", "class", "newsvendor"]
    off = service_levels(items, ReorderSettings(newsvendor=False))
    assert off["service_level"].to_list() == [0.98, 0.95, 0.90, 0.90]


def test_demand_of_part_days_and_beyond_the_horizon() -> None:
    means = np.array([[1.0, 3.0, 2.0]] * 5)
    assert over_lead_time(means, array(0, 1, 1.5, 3, 5)).tolist() == [0, 1, 2.5, 6, 10]


def test_cover_counts_days_of_expected_demand() -> None:
    means = np.array([[1.0, 3.0, 2.0]] * 5 + [[0.0, 0.0, 0.0]])
    cover = days_of_cover(array(0, 1, 2.5, 6, 10, 4), means)
    assert cover.tolist() == [0, 1, 1.5, 3, 5, np.inf]


def test_nothing_is_ordered_above_the_reorder_point_or_without_demand() -> None:
    position, point, up_to = array(6, 5, 5, 0), array(5, 5, 5, 0), array(20, 20, 20, 0)
    assert order_quantities(position, point, up_to, array(1, 1, 6, 1)).tolist() == [0, 15, 18, 0]


def test_levels_rise_with_service_and_lead_time_and_carry_our_own_demand() -> None:
    means = np.full((4, 28), 2.0)
    lead, service, extra = array(0, 7, 7, 7), array(0.9, 0.9, 0.98, 0.9), np.zeros((4, 28))
    extra[3] = 1
    point, up_to = order_levels(means, np.ones(4), lead, service, extra, assumed_spread(True), 7.0)
    # Two units a day over lead time and a day, plus 1.28 deviations of sqrt(2 or 16).
    assert point.tolist() == [4, 22, 25, 30]
    assert (up_to > point).all()
    assert order_levels(means * 0, np.ones(4), lead, service, extra, assumed_spread(True), 7.0)[0].tolist() == [0] * 4


def test_a_bundle_brings_its_new_members() -> None:
    shown = pl.DataFrame({"bundle_id": ["b", "b", "c"], "new_items": [2, 1, 1]})
    members = pl.DataFrame({"bundle_id": ["b", "b", "c"], "item_id": ["x", "y", "x"]})
    assert expected_units(shown, members, 0.1).rows() == [
        ("x", pytest.approx(0.25)),
        ("y", pytest.approx(0.15)),
    ]


def test_who_is_contacted_once_counts_once_and_who_is_kept_apart_not_at_all() -> None:
    audience = pl.DataFrame(
        {
            "way": ["affinity", "response", "affinity", "affinity"],
            "user_id": ["u", "u", "v", "w"],
            "probability": [0.5, 0.25, 0.75, 0.125],
            "holdout": [False, False, True, False],
        }
    )
    assert buyers_a_day(audience, 10, 28) == pytest.approx(0.625 / 10)


def test_a_long_campaign_has_its_buyers_in_the_days_that_their_probability_is_of() -> None:
    """A purchase within 28 days is told of those, be the campaign thrice as long; a response of all its days."""
    audience = pl.DataFrame(
        {"way": ["lookalike", "response"], "user_id": ["u", "v"], "probability": [0.28, 0.84], "holdout": False}
    )
    assert buyers_a_day(audience, 84, 28) == pytest.approx(0.28 / 28 + 0.84 / 84)


def test_what_a_campaign_brings_follows_what_sells_and_ends_with_it() -> None:
    demand = pl.DataFrame({"item_id": ["a", "b", "dead"], "level": [3.0, 1.0, 0.0]})
    promoted = pl.DataFrame({"item_id": ["a", "b", "dead", "unknown"]})
    shares = shared_units(promoted, demand, 8.0)
    assert shares.rows() == [("a", 6.0), ("b", 2.0)]
    published = PublishedDemand(pl.DataFrame({"item_id": ["b"], "units": [0.5]}), (Promotion(1, 3, shares),))
    found = published.of(pl.Series("item_id", ["b", "a", "dead"]), 4)
    assert found.tolist() == [[0.5, 2.5, 2.5, 0.5], [0, 6, 6, 0], [0, 0, 0, 0]]
    shut = replace(published, closed=(2, 9)).of(pl.Series("item_id", ["b", "a"]), 4)
    assert shut.tolist() == [[0.5, 2.5, 0, 0.5], [0, 6, 0, 0]]
