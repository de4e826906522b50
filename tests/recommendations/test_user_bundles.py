"""Which bundles a user is shown, and which not."""

from __future__ import annotations

import polars as pl
import pytest

from recsys.recommendations.user_bundles import choose_for_users, list_fits, purchase_rhythm, with_user_reasons
from recsys.settings.combinations import BundleSettings
from tests.recommendations.combination_shop import combination_baskets, combination_items

BUNDLES = pl.DataFrame(
    {"bundle_id": ["x", "y", "z"], "size": [2, 2, 2], "score": [1.0, 1.0, 4.0], "name": ["X", "Y", "Z"],
     "baskets": [5, 6, 7]}
)  # fmt: skip
MEMBERS = pl.DataFrame({"bundle_id": list("xxyyzz"), "item_id": ["a", "b", "c", "d", "e", "f"]})


def owned(*rows: tuple[str, str, float, int, float | None]) -> pl.DataFrame:
    schema = {
        "user_id": pl.String, "item_id": pl.String, "share": pl.Float64, "days_ago": pl.Int32,
        "usual_gap_days": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def fits(*rows: tuple[str, str, float]) -> pl.DataFrame:
    schema = {"user_id": pl.String, "item_id": pl.String, "fit": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def test_better_fit_comes_first_and_bundles_without_fit_are_not_shown() -> None:
    rows = choose_for_users(fits(("u", "a", 0.2), ("u", "c", 0.9)), owned(), BUNDLES, MEMBERS, BundleSettings())
    assert rows.select("bundle_id", "rank", "new_items", "anchor_item_id").rows() == [
        ("y", 1, 2, "c"),
        ("x", 2, 2, "a"),
    ]


def test_strength_of_the_bundle_counts() -> None:
    rows = choose_for_users(fits(("u", "a", 0.5), ("u", "e", 0.5)), owned(), BUNDLES, MEMBERS, BundleSettings())
    assert rows["bundle_id"].to_list() == ["z", "x"]


def test_a_bundle_without_anything_new_is_not_shown() -> None:
    had = owned(("u", "a", 0.1, 90, None), ("u", "b", 0.1, 90, None), ("u", "c", 0.1, 90, None))
    rows = choose_for_users(fits(("u", "a", 1.0), ("u", "c", 0.1)), had, BUNDLES, MEMBERS, BundleSettings())
    assert rows.select("bundle_id", "new_items").rows() == [("y", 1)]


@pytest.mark.parametrize(("days_ago", "shown"), [(4, False), (5, True)])
def test_a_member_bought_within_its_gap_keeps_the_bundle_away(days_ago: int, shown: bool) -> None:
    had = owned(("u", "a", 0.5, days_ago, 10.0))
    rows = choose_for_users(fits(("u", "b", 1.0)), had, BUNDLES, MEMBERS, BundleSettings(gap_share=0.5))
    assert (rows["bundle_id"].to_list() == ["x"]) is shown


def test_list_length_and_users_apart() -> None:
    both = fits(("u", "a", 1.0), ("u", "c", 0.5), ("v", "c", 1.0))
    rows = choose_for_users(both, owned(), BUNDLES, MEMBERS, BundleSettings(bundles_per_user=1))
    assert rows.select("user_id", "bundle_id").rows() == [("u", "x"), ("v", "y")]


def test_fallback_rows_say_nothing_about_a_user() -> None:
    lists = pl.DataFrame({
        "user_id": ["u", "u", "u"], "item_id": ["a", "a", "b"], "rank": [3, 1, 1],
        "fallback": [None, None, "trending"],
    })  # fmt: skip
    assert list_fits(lists).rows() == [("u", "a", 1.0)]


def test_rhythm_of_the_heavy_buyer() -> None:
    rhythm = purchase_rhythm(combination_baskets())
    ink = rhythm.filter((pl.col("user_id") == "heavy") & (pl.col("item_id") == "ink")).to_dicts()
    assert ink == [{"user_id": "heavy", "item_id": "ink", "share": 1.0, "days_ago": 10, "usual_gap_days": 7.0}]


def test_reason_names_bundle_and_anchor() -> None:
    rows = choose_for_users(fits(("u", "a", 1.0)), owned(), BUNDLES, MEMBERS, BundleSettings())
    text = with_user_reasons(rows, BUNDLES, combination_items())["reason_text"][0]
    assert text == "X: goes with a, 2 new to you; 5 baskets held it whole"
