"""Campaigns at a cut, and what their targets stand for."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from recsys import schemas
from recsys.features.campaigns import alike, promoted_items
from tests.audience_shop import AS_OF, CAMPAIGN_DAYS, campaigns, items


def targets(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schemas.CAMPAIGN_TARGETS.column_names, orient="row")


@pytest.mark.parametrize(
    ("kind", "target", "promoted"),
    [
        ("item", "tea", ["tea"]),
        ("item", "not in the catalogue", ["not in the catalogue"]),
        ("category", "DRINKS", ["coffee", "tea"]),
        ("category", "DRINKS > TEA", ["tea"]),
        ("category", "DRI", []),
        ("brand", "acme", ["coffee", "soap"]),
    ],
)
def test_a_target_stands_for_items(kind: str, target: str, promoted: list[str]) -> None:
    assert promoted_items(targets(("c", kind, target)), items())["item_id"].to_list() == promoted


def test_an_item_behind_two_targets_counts_once() -> None:
    both = promoted_items(targets(("c", "item", "tea"), ("c", "category", "DRINKS")), items())
    assert both.rows() == [("c", "coffee"), ("c", "tea")]


def test_campaigns_are_alike_as_far_as_they_promote_the_same_categories() -> None:
    promoted = pl.DataFrame(
        [("x", "tea"), ("y", "coffee"), ("z", "soap"), ("w", "tea"), ("w", "soap")],
        schema=["campaign_id", "item_id"],
        orient="row",
    )
    told = {(a, b): value for a, b, value in alike(promoted, items()).iter_rows()}
    assert told[("x", "y")] == pytest.approx(1.0)
    assert told[("x", "z")] == 0.0
    assert told[("x", "w")] == pytest.approx(0.5**0.5)


def test_open_and_matured_campaigns_of_a_day() -> None:
    known = campaigns()
    assert known.open(AS_OF, 28)["campaign_id"].to_list() == ["coming", "running"]
    assert known.open(AS_OF, 2)["campaign_id"].to_list() == ["running"]
    matured = known.matured(AS_OF, 1)["campaign_id"].to_list()
    assert matured == [name for name in CAMPAIGN_DAYS if name.startswith("past")]
    assert known.matured(AS_OF - timedelta(days=200), 1).is_empty()


def test_before_a_cut_nothing_later_is_known() -> None:
    cut = AS_OF - timedelta(days=60)
    early = campaigns().before(cut)
    assert 0 < early.contacts.height < campaigns().contacts.height
    assert early.contacts["contacted_at"].max() < cut  # type: ignore[operator]
    assert early.responses["responded_at"].max() < cut  # type: ignore[operator]
