"""Weights of interactions, whose right values are worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from recsys.data.interactions import weighted_interactions
from recsys.schemas import INTERACTIONS
from recsys.settings.data import InteractionSettings

AS_OF = datetime(2024, 3, 10, tzinfo=timezone.utc)


def events(*rows: tuple[str, str, str, float]) -> pl.LazyFrame:
    """Rows of (user, item, type, age in days)."""
    users, items, types, ages = zip(*rows, strict=True)
    times = [AS_OF - timedelta(days=age) for age in ages]
    schema = {
        "user_id": pl.String,
        "item_id": pl.String,
        "event_type": pl.String,
        "occurred_at": pl.Datetime("us", "UTC"),
    }
    return pl.LazyFrame([users, items, types, times], schema=schema)


def test_weights_halve_each_half_life_and_returns_count_against() -> None:
    rows = events(
        ("u", "a", "purchase", 0.5), ("u", "a", "purchase", 10.5), ("u", "b", "return", 20), ("a", "b", "view", 10)
    )
    found = weighted_interactions(rows, AS_OF, InteractionSettings(half_life_days=10.0)).collect()
    assert found["user_id"].to_list() == ["a", "u", "u"]
    assert found["item_id"].to_list() == ["b", "a", "b"]
    half = 0.5**0.05
    assert found["weight"].to_list() == pytest.approx([0.05 / 2, half + half / 2, -0.25], rel=1e-6)
    assert found["events"].to_list() == [1, 2, 1]
    assert found["last_at"].to_list() == [AS_OF - timedelta(days=age) for age in (10, 0.5, 20)]
    INTERACTIONS.conform(found.to_arrow())


def test_events_at_or_after_the_cut_do_not_count() -> None:
    rows = events(("u", "a", "purchase", 0), ("u", "a", "purchase", -1), ("u", "b", "purchase", 1))
    assert weighted_interactions(rows, AS_OF, InteractionSettings()).collect()["item_id"].to_list() == ["b"]


def test_the_order_of_rows_does_not_change_a_bit_of_the_sums() -> None:
    rows = events(*(("u", "a", "purchase", 0.1 * n) for n in range(1, 4000))).collect()
    sums = {
        weighted_interactions(
            rows.sample(fraction=1.0, shuffle=True, seed=seed).lazy(), AS_OF, InteractionSettings()
        ).collect()["weight"][0]
        for seed in range(5)
    }
    assert len(sums) == 1


def test_no_events_give_no_interactions() -> None:
    rows = events(("u", "a", "purchase", 1)).filter(pl.lit(value=False))
    assert weighted_interactions(rows, AS_OF, InteractionSettings()).collect().is_empty()
