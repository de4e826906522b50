"""Feature views of a few literal events whose values can be worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from recsys.features.assemble import assemble, feature_names, matrix
from recsys.features.history import History, encode, weights
from recsys.features.views import build_views
from recsys.settings.data import InteractionSettings
from tests.literal_history import evenings

AS_OF = datetime(2020, 3, 1, tzinfo=timezone.utc)
ITEMS = pl.DataFrame(
    {"item_id": ["a", "b", "c"], "category_path": ["FOOD > DAIRY", "FOOD > BAKERY", "FOOD > DAIRY"]},
)


def event(
    user: str, item: str, days_ago: float, kind: str = "purchase", price: float | None = 2.0
) -> dict[str, object]:
    return {
        "user_id": user,
        "item_id": item,
        "event_type": kind,
        "quantity": 1.0,
        "unit_price": price,
        "order_id": None,
        "store_id": None,
        "occurred_at": AS_OF - timedelta(days=days_ago),
    }


def history_of(*rows: dict[str, object]) -> History:
    types = {"unit_price": pl.Float64, "order_id": pl.String, "store_id": pl.String}
    return encode(pl.DataFrame(list(rows), schema_overrides=types), ITEMS, AS_OF, "UTC")


SMALL = history_of(
    event("u", "a", 30), event("u", "a", 20), event("u", "a", 10), event("u", "b", 10), event("v", "a", 5, "view")
)


def pair(history: History, item: str) -> dict[str, float]:
    code = history.items.to_list().index(item)
    return build_views(history).pairs.filter(pl.col("item") == code).to_dicts()[0]


def test_pairs_know_frequency_recency_and_gap() -> None:
    a = pair(SMALL, "a")
    assert (a["ui_trips"], a["ui_last"], a["ui_first"], a["ui_gap"]) == (3.0, 10.0, 30.0, 10.0)
    assert a["ui_decayed_30"] == pytest.approx(0.5 ** (10 / 30) + 0.5 ** (20 / 30) + 0.5)
    assert (a["ui_count_14"], a["ui_count_28"]) == (1.0, 2.0)


def test_a_single_purchase_has_no_gap() -> None:
    b = pair(SMALL, "b")
    assert (b["ui_gap"], b["ui_gap_median"], b["ui_second"]) == (None, None, None)


def test_pairs_know_how_even_their_gaps_are() -> None:
    uneven = pair(history_of(event("u", "a", 90), event("u", "a", 30), event("u", "a", 20), event("u", "a", 10)), "a")
    assert (uneven["ui_second"], uneven["ui_third"]) == (20.0, 30.0)
    assert (uneven["ui_gap_median"], uneven["ui_gap_least"]) == (10.0, 10.0)
    assert uneven["ui_gap_deviation"] == pytest.approx(28.8675, abs=1e-3)
    assert uneven["ui_months"] == 3
    assert pair(SMALL, "a")["ui_gap_deviation"] == 0


def test_a_day_is_the_trip_where_events_have_no_order() -> None:
    users = build_views(SMALL).users
    assert users["u_trips"].to_list() == [3.0]


def test_views_of_items_reach_interest_and_not_purchases() -> None:
    views = build_views(SMALL)
    assert views.interest.select("user", "item").rows() == [(1, 0)]
    assert views.pairs["user"].unique().to_list() == [0]


def test_a_cut_hides_what_comes_after() -> None:
    late = history_of(event("u", "a", 30), event("u", "a", 20))
    assert build_views(SMALL.before(AS_OF - timedelta(days=15))).pairs["ui_trips"].to_list() == [2.0]
    assert pair(late, "a")["ui_trips"] == 2.0


def test_weights_follow_type_and_half_life_and_returns_cancel() -> None:
    history = history_of(event("u", "a", 90), event("u", "b", 0.5), event("u", "b", 0.25, "return"))
    told = weights(history, InteractionSettings(), 90.0)
    assert told["item"].to_list() == [0]
    assert told["weight"].to_list() == pytest.approx([0.5])


def test_a_shop_of_views_alone_has_views_without_rows() -> None:
    views = build_views(history_of(event("u", "a", 3, "view", None), event("u", "c", 2, "view", None)))
    assert views.pairs.is_empty()
    assert views.interest["w_events"].to_list() == [1.0, 1.0]
    candidates = pl.DataFrame({"user": [0], "item": [1]}, schema={"user": pl.Int32, "item": pl.Int32})
    frame = assemble(candidates, views)
    assert matrix(frame, feature_names(frame)).shape[0] == 1


def test_assembly_keeps_the_order_and_compares_views() -> None:
    views = build_views(SMALL)
    candidates = pl.DataFrame({"user": [0, 0], "item": [1, 0]}, schema={"user": pl.Int32, "item": pl.Int32})
    frame = assemble(candidates, views)
    assert frame["item"].to_list() == [1, 0]
    assert frame["x_last_by_gap"].to_list() == [None, 1.0]
    assert frame["x_share"].to_list() == pytest.approx([1 / 3, 1.0])
    assert not {"user", "item", "leaf", "u_store"} & set(feature_names(frame))


@pytest.mark.parametrize(("time_zone", "days"), [("UTC", [2, 1]), ("America/New_York", [1, 2])])
def test_days_and_trips_are_those_of_the_shop(time_zone: str, days: list[int]) -> None:
    pairs = build_views(evenings(time_zone)).pairs
    assert pairs["ui_days"].to_list() == days and pairs["ui_trips"].to_list() == days
    assert [gap is not None for gap in pairs["ui_gap"]] == [count > 1 for count in days]
