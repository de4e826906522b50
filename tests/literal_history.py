"""A history of a few purchases, told by user, item and age."""

from __future__ import annotations

from datetime import datetime, timezone

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
    return encode(events, items, AS_OF)
