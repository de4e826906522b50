"""What completes a basket."""

from __future__ import annotations

import polars as pl
import pytest

from recsys.recommendations.bundle_completion import NO_CHANCES, complete_basket

BUNDLES = pl.DataFrame({"bundle_id": ["x", "y"], "rank": [2, 1]})
MEMBERS = pl.DataFrame({"bundle_id": list("xxxyy"), "item_id": ["torch", "rope", "battery", "torch", "tent"]})
PAIRS = pl.DataFrame(
    [
        ("torch", "battery", "complement", 0.30),
        ("rope", "battery", "complement", 0.10),
        ("torch", "tent", "complement", 0.19),
        ("torch", "milk", "complement", 0.05),
        ("torch", "lamp", "substitute", 0.90),
        ("torch", "rope", "complement", 0.50),
        ("other", "bread", "complement", 0.99),
    ],
    schema=["item_id", "other_item_id", "relation", "score"],
    orient="row",
)


def complete(items: list[str], chances: dict[str, float] | None = None, count: int = 10) -> pl.DataFrame:
    rows = list((chances or {}).items())
    return complete_basket(items, BUNDLES, MEMBERS, PAIRS, pl.DataFrame(rows, schema=NO_CHANCES, orient="row"), count)


def test_likeliest_item_comes_first_with_its_bundle_and_anchor() -> None:
    rows = complete(["torch", "rope"])
    assert rows.select("item_id", "rank", "bundle_id", "anchor_item_id").rows() == [
        ("battery", 1, "x", "torch"),
        ("tent", 2, "y", "torch"),
        ("milk", 3, None, "torch"),
    ]
    assert rows["score"][0] == pytest.approx(0.02 * (0.01 + 0.4 / 2) ** 0.25)


def test_what_the_user_is_likely_to_buy_comes_forward() -> None:
    assert complete(["torch", "rope"], {"milk": 0.4, "bread": 0.5})["item_id"].to_list() == ["milk", "battery", "tent"]


def test_neither_the_basket_itself_nor_substitutes_appear() -> None:
    assert not set(complete(["torch", "rope"])["item_id"]) & {"torch", "rope", "lamp"}


def test_an_item_twice_in_the_basket_counts_once() -> None:
    assert complete(["torch", "torch", "rope"]).equals(complete(["torch", "rope"]))


def test_count_and_baskets_of_unknown_items() -> None:
    assert complete(["torch"], count=1)["item_id"].to_list() == ["rope"]
    assert complete(["never seen"]).is_empty() and complete([]).is_empty()
