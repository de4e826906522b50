"""Events that are fine by themselves but not beside the others of the look-back window."""

from __future__ import annotations

import polars as pl

from recsys.data.events import event_day
from recsys.data.reject import as_json, split_duplicates
from recsys.schemas import EVENTS, EXCLUDED_EVENTS

_MIN_PRICES = 5
"""Below this many prices of an item its median says little."""


def excluded_events(events: pl.LazyFrame, absurd_price_factor: float, time_zone: str) -> pl.DataFrame:
    """Rows of schemas.EXCLUDED_EVENTS: what must be left out of `events` (schemas.EVENTS), sorted by event_id.

    An event_id that occurs on several days counts once, where it was loaded first. A price more than
    `absurd_price_factor` times above or below the median of its item's prices (at least five, gifts apart) is no price.
    """
    doubles = repeated_ids(events).with_columns(pl.lit("duplicate_event_id").alias("reason"))
    absurd = absurd_prices(events, absurd_price_factor).with_columns(pl.lit("absurd_price_for_item").alias("reason"))
    both = pl.concat([doubles, absurd]).unique(["event_id", "occurred_at"], keep="first", maintain_order=True)
    day = event_day(time_zone).alias("day")
    marked = both.with_columns(day, as_json(both.select(EVENTS.column_names)).alias("row_text"))
    return marked.select(EXCLUDED_EVENTS.column_names).sort("event_id", "occurred_at")


def repeated_ids(events: pl.LazyFrame) -> pl.DataFrame:
    """Events whose event_id came before: every row of a repeated id but the one loaded first."""
    # Hashes fit in memory where the ids of a large window would not; the ids of equal hashes are compared afterwards.
    hashes = events.select(pl.col("event_id").hash()).collect().to_series()
    repeated = hashes.filter(hashes.is_duplicated()).unique()
    if repeated.is_empty():
        return events.clear().collect()
    suspects = events.filter(pl.col("event_id").hash().is_in(repeated.implode())).collect()
    return split_duplicates(suspects, ["event_id"])[1]


def absurd_prices(events: pl.LazyFrame, factor: float) -> pl.DataFrame:
    """Events whose unit_price lies more than `factor` times above or below the median of their item's prices."""
    price = pl.col("unit_price")
    usual = (
        events.filter(price > 0)
        .group_by("item_id")
        .agg(price.median().alias("median"), pl.len().alias("prices"))
        .filter(pl.col("prices") >= _MIN_PRICES)
    )
    ratio = price / pl.col("median")
    suspects = events.filter(price > 0).join(usual, on="item_id", how="inner")
    return suspects.filter((ratio > factor) | (ratio < 1.0 / factor)).select(EVENTS.column_names).collect()
