"""A history of a few purchases, told by user, item and age or instant."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import polars as pl

from recsys.features.history import History, encode

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)


def history_of(purchases: list[tuple[str, str, float]], items: pl.DataFrame | None = None) -> History:
    """From user, item and age in days before AS_OF; what a user buys at one moment is one order.

    `items`: item_id, category_path; without it all items are of one category.
    """
    rows = pl.DataFrame(purchases, schema=["user_id", "item_id", "age"], orient="row")
    events = rows.select(
        "user_id",
        "item_id",
        event_type=pl.lit("purchase"),
        quantity=pl.lit(1.0),
        unit_price=pl.lit(2.0),
        order_id=pl.format("{} {}", "user_id", "age"),
        store_id=pl.lit(None, pl.String),
        occurred_at=pl.lit(AS_OF).cast(pl.Datetime("us", "UTC")) - pl.duration(seconds=pl.col("age") * 86_400),
    )
    if items is None:
        items = rows.select("item_id", category_path=pl.lit("FOOD")).unique()
    return encode(events, items, AS_OF, "UTC")


def events_of(purchases: list[tuple[str, str, datetime]]) -> pl.DataFrame:
    """Rows for `encode` from user, item and instant, without orders."""
    rows = [(user, item, at.astimezone(timezone.utc)) for user, item, at in purchases]
    names = ["user_id", "item_id", "occurred_at"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        event_type=pl.lit("purchase"),
        quantity=pl.lit(1.0),
        unit_price=pl.lit(2.0),
        order_id=pl.lit(None, pl.String),
        store_id=pl.lit(None, pl.String),
    )


def evenings(time_zone: str) -> History:
    """ann buys milk on one evening of New York, two days of UTC; bob on two days of New York, one of UTC."""
    twice = [("ann", day(20, 23.75)), ("ann", day(21, 0.25)), ("bob", day(21, 0.5)), ("bob", day(21, 22.0))]
    rows = events_of([(user, "milk", at) for user, at in twice])
    return encode(rows, pl.DataFrame({"item_id": ["milk"], "category_path": ["FOOD"]}), AS_OF, time_zone)


def day(of_may: int, hour: float) -> datetime:
    """An instant of May 2024 in UTC."""
    return datetime(2024, 5, of_may, tzinfo=timezone.utc) + timedelta(hours=hour)
