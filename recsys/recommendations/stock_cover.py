"""How long the stock of each item lasts, and what that changes in the lists.

    out of stock   cover below `min_cover_days`: the item would be gone before most users read their list
    exposure       a factor from 1 - `stock_exposure` to 1 + `stock_exposure`; 1 between the two ends below
                   less   cover below the time that an order takes: least where nothing is left
                   more   cover beyond the longest that is sensible (`overstock_days`): most from twice that on

A factor moves a score by (factor - 1) standard deviations of the user's scores: a bounded push, whatever ranker serves.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from recsys.models.item_demand import read_item_demand
from recsys.run import RunContext
from recsys.schemas import STOCK
from recsys.settings.demand import ReorderSettings
from recsys.storage import read_partition


def read_stock_cover(context: RunContext, items: pl.DataFrame) -> pl.DataFrame:
    """The day's stock with `days_of_cover` (null: nothing is known of the demand) and `push` (-1 to 1).

    `items` has item_id and launched_at. Where the demand was not forecast, every cover is null and no item is pushed.
    """
    stock = read_partition(context.lake, STOCK, as_of_date=context.as_of_date)
    demand = read_item_demand(context)
    if demand is None:
        demand = pl.DataFrame(schema={"item_id": pl.String, "level": pl.Float64})
    return with_cover(stock, demand, items, context.as_of, context.settings.reorder)


def with_cover(
    stock: pl.DataFrame, demand: pl.DataFrame, items: pl.DataFrame, as_of: datetime, settings: ReorderSettings
) -> pl.DataFrame:
    """`stock` with days_of_cover and push, from `demand` (item_id, level: units a day); the order of rows stays."""
    launched = items.select("item_id", "launched_at").unique("item_id", keep="first")
    frame = stock.join(demand.select("item_id", "level"), on="item_id", how="left", maintain_order="left")
    frame = frame.join(launched, on="item_id", how="left", maintain_order="left")
    on_hand, level = pl.col("on_hand").clip(lower_bound=0.0), pl.col("level")
    cover = pl.when(on_hand == 0).then(0.0).when(level > 0).then(on_hand / level).otherwise(float("inf"))
    frame = frame.with_columns(days_of_cover=pl.when(level.is_not_null()).then(cover))
    young = (pl.lit(as_of) - pl.col("launched_at")).dt.total_days() < settings.young_days
    arrival = pl.col("lead_time_days").fill_nan(None).fill_null(settings.lead_time_days).clip(lower_bound=0.0) + 1.0
    less = (pl.col("days_of_cover") / arrival - 1.0).clip(-1.0, 0.0)
    more = (pl.col("days_of_cover") / settings.overstock_days - 1.0).clip(0.0, 1.0)
    pushed = less + pl.when(young.fill_null(False)).then(0.0).otherwise(more)
    return frame.with_columns(push=pushed.fill_null(0.0)).drop("level", "launched_at")


def exposed(scored: pl.DataFrame, cover: pl.DataFrame, columns: tuple[str, ...], strength: float) -> pl.DataFrame:
    """`scored` (user_id, item_id and score `columns`) with the scores of items pushed by their stock; same order.

    `cover` has item_id and push. At strength 0 nothing is touched.
    """
    pushed = cover.filter(pl.col("push") != 0)
    if not strength or pushed.is_empty() or scored.is_empty():
        return scored
    push = pl.col("push").fill_null(0.0) * strength
    frame = scored.join(pushed.select("item_id", "push"), on="item_id", how="left", maintain_order="left")
    moved = [
        (pl.col(name) + push * pl.col(name).std().over("user_id").fill_null(0.0)).cast(scored.schema[name])
        for name in columns
    ]
    return frame.with_columns(moved).drop("push")
