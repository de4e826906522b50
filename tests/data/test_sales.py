"""What counts as sold where orders are cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from recsys.data.sales import kept_purchases

MORNING = datetime(2020, 5, 4, 9, tzinfo=timezone.utc)
SCHEMA = {"user_id": pl.String, "item_id": pl.String, "event_type": pl.String, "quantity": pl.Float64}


def kept(*rows: tuple[str, str, str, float, float]) -> list[tuple[str, str, float, float]]:
    """user, item, units, hours after MORNING of what stays sold of such rows, each with its event_type."""
    events = pl.DataFrame([row[:4] for row in rows], schema=SCHEMA, orient="row")
    at = pl.Series([MORNING + timedelta(hours=row[4]) for row in rows], dtype=pl.Datetime("us", "UTC"))
    found = kept_purchases(events.with_columns(occurred_at=at).lazy().sort("occurred_at"), 1).collect()
    hours = (pl.col("occurred_at") - MORNING).dt.total_seconds() / 3600
    return sorted(found.select("user_id", "item_id", "quantity", hours).rows())


def test_an_order_that_comes_back_at_once_was_never_sold() -> None:
    cancelled = [("u", "cup", "purchase", 80_995.0, 0.0), ("u", "cup", "return", 80_995.0, 0.2)]
    assert kept(*cancelled, ("v", "cup", "purchase", 2.0, 1.0)) == [("v", "cup", 2.0, 1.0)]
    assert kept(*cancelled, ("u", "cup", "purchase", 12.0, 0.1)) == [("u", "cup", 12.0, 0.0)]


def test_a_part_of_an_order_may_be_cancelled() -> None:
    lines = [("u", "cup", "purchase", 5.0, 0.0), ("u", "cup", "purchase", 3.0, 0.0)]
    assert kept(*lines, ("u", "cup", "return", 4.0, 0.0)) == [("u", "cup", 3.0, 0.0), ("u", "cup", 1.0, 0.0)][::-1]


@pytest.mark.parametrize("other", [("v", "cup", 1.0), ("u", "pot", 1.0), ("u", "cup", 25.0), ("u", "cup", -1.0)])
def test_goods_of_others_or_of_another_time_stay_sold(other: tuple[str, str, float]) -> None:
    user, item, hours = other
    assert kept(("u", "cup", "purchase", 5.0, 0.0), (user, item, "return", 5.0, hours)) == [("u", "cup", 5.0, 0.0)]
