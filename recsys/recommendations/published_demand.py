"""Demand that our own publishing may cause: bundles shown to users today, beyond what the history holds already.

A cautious guess until a shop has measured its own rate: each bundle on a user's list is ordered with a small chance a
day, and an order takes one of each member that is new to the user. It stands in a column of its own and is never part
of a forecast's mean.
"""

from __future__ import annotations

import polars as pl

from recsys.run import RunContext
from recsys.schemas import BUNDLE_ITEMS, USER_BUNDLES
from recsys.storage import has_partition, read_partition


def bundle_demand(context: RunContext) -> pl.DataFrame:
    """Units a day by item that today's user_bundles may bring: item_id, units; empty where the day has none."""
    day, rate = context.as_of_date, context.settings.demand.bundle_response
    if not all(has_partition(context.lake, table, as_of_date=day) for table in (USER_BUNDLES, BUNDLE_ITEMS)):
        return pl.DataFrame(schema={"item_id": pl.String, "units": pl.Float64})
    shown = read_partition(context.lake, USER_BUNDLES, as_of_date=day)
    members = read_partition(context.lake, BUNDLE_ITEMS, as_of_date=day)
    return expected_units(shown, members, rate)


def expected_units(shown: pl.DataFrame, members: pl.DataFrame, rate: float) -> pl.DataFrame:
    """item_id, units a day: `rate` orders a day of each row of `shown`, for the share of its members that is new."""
    sizes = members.group_by("bundle_id").agg(size=pl.len())
    share = (pl.col("new_items") / pl.col("size")).sum() * rate
    orders = shown.join(sizes, on="bundle_id").group_by("bundle_id").agg(units=share)
    spread = members.select("bundle_id", "item_id").join(orders, on="bundle_id")
    return spread.sort("item_id", "bundle_id").group_by("item_id", maintain_order=True).agg(pl.col("units").sum())
