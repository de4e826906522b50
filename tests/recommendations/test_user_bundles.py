"""Which bundles a user is shown, and which not."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path

import polars as pl
import pytest

from recsys.config import Environment, Settings
from recsys.recommendations.user_bundles import bundle_links, choose_for_users, with_user_reasons
from recsys.recommendations.user_chances import chance_batches, list_chances, purchase_rhythm
from recsys.run import RunContext, RunError
from recsys.settings.combinations import BundleSettings
from tests.recommendations.combination_shop import AS_OF_DATE, combination_events, combination_items

BUNDLES = pl.DataFrame({"bundle_id": ["x", "y", "z"], "name": ["X", "Y", "Z"], "baskets": [5, 6, 7]})
MEMBERS = pl.DataFrame({"bundle_id": list("xxyyzz"), "item_id": ["a", "b", "c", "d", "e", "f"]})
PAIRS = pl.DataFrame(
    [("a", "b", 0.1), ("b", "a", 0.2), ("c", "d", 0.1), ("e", "f", 0.4)],
    schema=["item_id", "other_item_id", "score"],
    orient="row",
).with_columns(relation=pl.lit("complement"))
LINKS = bundle_links(MEMBERS, PAIRS)


def owned(*rows: tuple[str, str, int, float | None]) -> pl.DataFrame:
    schema = {"user_id": pl.String, "item_id": pl.String, "days_ago": pl.Int32, "usual_gap_days": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def chances(*rows: tuple[str, str, float]) -> pl.DataFrame:
    schema = {"user_id": pl.String, "item_id": pl.String, "chance": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def choose(fits: pl.DataFrame, had: pl.DataFrame | None = None, settings: BundleSettings | None = None) -> pl.DataFrame:
    return choose_for_users(fits, owned() if had is None else had, MEMBERS, LINKS, settings or BundleSettings())


def test_better_fit_comes_first_and_bundles_without_fit_are_not_shown() -> None:
    rows = choose(chances(("u", "a", 0.2), ("u", "c", 0.9)))
    assert rows.select("bundle_id", "rank", "new_items", "anchor_item_id").rows() == [
        ("y", 1, 2, "c"),
        ("x", 2, 2, "a"),
    ]


def test_score_is_the_joint_purchases_to_expect() -> None:
    rows = choose(chances(("u", "a", 0.5), ("u", "b", 0.3), ("u", "e", 0.5)))
    assert rows.select("bundle_id", "anchor_item_id").rows() == [("x", "b"), ("z", "e")]
    assert rows["score"].to_list() == pytest.approx([0.5 * (0.1 + 0.3) + 0.3 * (0.2 + 0.5), 0.5 * 0.4])


def test_a_bundle_without_anything_new_is_not_shown() -> None:
    had = owned(("u", "a", 90, None), ("u", "b", 90, None), ("u", "c", 90, None))
    rows = choose(chances(("u", "a", 1.0), ("u", "c", 0.1)), had)
    assert rows.select("bundle_id", "new_items").rows() == [("y", 1)]


@pytest.mark.parametrize(
    ("share", "days_ago", "shown"), [(1.0, 9, False), (1.0, 10, True), (0.5, 4, False), (0.5, 5, True)]
)
def test_a_member_bought_within_its_gap_keeps_the_bundle_away(share: float, days_ago: int, shown: bool) -> None:
    had = owned(("u", "a", days_ago, 10.0))
    rows = choose(chances(("u", "b", 1.0)), had, BundleSettings(gap_share=share))
    assert (rows["bundle_id"].to_list() == ["x"]) is shown


def test_the_gap_of_one_user_says_nothing_about_another() -> None:
    rows = choose(chances(("u", "b", 1.0), ("v", "b", 1.0)), owned(("u", "a", 1, 10.0)))
    assert rows.select("user_id", "bundle_id", "new_items").rows() == [("v", "x", 2)]


def test_list_length_and_users_apart() -> None:
    both = chances(("u", "a", 1.0), ("u", "c", 0.5), ("v", "c", 1.0))
    rows = choose(both, settings=BundleSettings(bundles_per_user=1))
    assert rows.select("user_id", "bundle_id").rows() == [("u", "x"), ("v", "y")]


def test_chances_come_from_places_and_never_from_fallbacks_or_explored_rows() -> None:
    lists = pl.DataFrame({
        "user_id": ["u"] * 5, "list": ["for_you", "buy_again", "discover", "for_you", "for_you"],
        "item_id": ["a", "a", "c", "b", "new"], "rank": [15, 30, 15, 1, 2],
        "fallback": [None, None, None, "trending", None], "propensity": [None, None, None, None, 0.4],
    })  # fmt: skip
    assert list_chances(lists).rows() == [("u", "a", 0.25), ("u", "c", 0.075)]


def test_rhythm_of_the_heavy_buyer() -> None:
    rhythm = purchase_rhythm(combination_events().lazy(), AS_OF_DATE, "UTC")
    ink = rhythm.filter((pl.col("user_id") == "heavy") & (pl.col("item_id") == "ink")).to_dicts()
    assert ink == [{"user_id": "heavy", "item_id": "ink", "days_ago": 10, "usual_gap_days": 7.0}]


def test_rhythm_counts_days_of_the_shop_and_borrows_the_gap_of_others() -> None:
    times = [(1, 23), (1, 23), (5, 12), (2, 12)]
    events = pl.DataFrame({
        "user_id": ["u", "u", "u", "v"], "item_id": ["a"] * 4, "event_type": ["purchase"] * 4, "quantity": [1.0] * 4,
        "occurred_at": [datetime(2024, 1, day, hour, tzinfo=timezone.utc) for day, hour in times],
    })  # fmt: skip
    rhythm = purchase_rhythm(events.lazy(), date(2024, 1, 11), "Europe/Berlin")
    assert rhythm.rows() == [("u", "a", 6, 3.0), ("v", "a", 9, 3.0)]


def test_reason_names_bundle_and_anchor() -> None:
    rows = choose(chances(("u", "a", 1.0)))
    text = with_user_reasons(rows, BUNDLES, combination_items())["reason_text"][0]
    assert text == "X: goes with a, 2 new to you; 5 baskets held it whole"


def test_a_day_without_lists_is_an_error_that_says_which_step_is_missing(tmp_path: Path) -> None:
    environment = Environment(shop_dsn="", warehouse_dsn="", lake_uri=str(tmp_path))
    context = RunContext(date(2017, 12, 4), environment, Settings(), "test")
    with pytest.raises(RunError, match="no user_recommendations of 2017-12-04: run recommend_users first"):
        next(chance_batches(context))
