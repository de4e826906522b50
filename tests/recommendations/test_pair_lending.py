"""Pairs lent to items that have none of their own."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recsys.recommendations import pair_lending
from recsys.recommendations.pair_lending import lend_pairs
from tests.recommendations.combination_shop import SETTINGS, combination_baskets, combination_events

THIN = ("torch, blue", "torch, red", "torch, green")


NOTHING = pl.DataFrame(schema={"item_id": pl.String, "other_item_id": pl.String})


def lent(substitutes: pl.DataFrame = NOTHING, **settings: int) -> pl.DataFrame:
    """Three items never bought, with two known torches as donors, each of which goes with battery and rope."""
    items = pl.DataFrame(
        {
            "item_id": ["torch", "lamp", *THIN],
            "title": ["Torch", "Torch", *(f"Torch {n}" for n in range(3))],
            "category_path": ["camping > light"] * 5,
            "retired_at": pl.Series([None] * 5, dtype=pl.Datetime("us", "UTC")),
        }
    )
    pairs = pl.DataFrame(
        {
            "item_id": ["torch", "torch", "lamp", "lamp"],
            "other_item_id": ["battery", "rope", "battery", "rope"],
            "score": [0.4, 0.2, 0.6, 0.2],
            "rank_score": [0.4, 0.2, 0.6, 0.2],
            "distinct_score": [0.2, 0.1, 0.2, 0.1],
        }
    )
    chosen = dataclasses.replace(SETTINGS, donors=2, **settings)
    return lend_pairs(pairs, items, combination_baskets(combination_events()), substitutes, chosen)


def test_a_thin_item_gets_the_mean_of_its_donors_partners() -> None:
    rows = lent().filter(pl.col("item_id") == THIN[0]).sort("other_item_id")
    assert rows["other_item_id"].to_list() == ["battery", "rope"]
    assert rows["score"].to_list() == pytest.approx([0.5, 0.2])
    assert rows["significant"].to_list() == [False, False]


@pytest.mark.parametrize("size", [1, 2])
def test_no_partner_is_lent_twice_however_the_items_are_chunked(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = lent()
    monkeypatch.setattr(pair_lending, "_CHUNK_ITEMS", size)
    assert_frame_equal(lent(), whole)
    assert not whole.select("item_id", "other_item_id").is_duplicated().any()


def test_the_next_partner_takes_the_place_of_a_substitute() -> None:
    substitutes = pl.DataFrame({"item_id": [THIN[0]], "other_item_id": ["battery"]})
    rows = lent(substitutes, pairs_per_thin_item=1).sort("item_id")
    partners = dict(rows.select("item_id", "other_item_id").iter_rows())
    assert partners == {"torch, blue": "rope", "torch, green": "battery", "torch, red": "battery"}
