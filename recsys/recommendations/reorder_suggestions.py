"""What to order today: each item with a stock count, its levels, the quantity, and why."""

from __future__ import annotations

import logging
from datetime import timedelta

import numpy as np
import polars as pl

from recsys.models.demand_spread import Spread
from recsys.models.item_demand import WEEKDAYS, daily_means, read_item_demand, read_spread
from recsys.recommendations.published_demand import PublishedDemand, published_demand
from recsys.recommendations.reorder_reasons import with_reasons
from recsys.recommendations.reorder_rules import (
    abc_classes,
    days_of_cover,
    order_levels,
    order_quantities,
    over_lead_time,
    service_levels,
)
from recsys.run import Counts, RunContext
from recsys.schemas import ITEMS, REORDER_SUGGESTIONS, STOCK
from recsys.storage import read_partition, write_partition

log = logging.getLogger(__name__)


def build_reorder_suggestions(context: RunContext) -> Counts:
    """Step: write the day's reorder_suggestions to the lake, from its stock and item_demand.

    Without a stock table, or without item_demand, there is no row.
    """
    day = context.as_of_date
    stock = read_partition(context.lake, STOCK, as_of_date=day)
    demand = read_item_demand(context)
    if stock.is_empty() or demand is None:
        log.info("reorder_suggestions are off: the shop delivers no stock, or nothing is forecast")
        empty = REORDER_SUGGESTIONS.empty_table()
        return {"rows": write_partition(context.lake, REORDER_SUGGESTIONS, empty, as_of_date=day)}
    items = read_partition(context.lake, ITEMS, as_of_date=day)
    published = published_demand(context, demand)
    rows = suggest(context, stocked_items(context, stock, demand, items), read_spread(context), published)
    written = write_partition(context.lake, REORDER_SUGGESTIONS, rows, as_of_date=day)
    orders = rows.filter(pl.col("suggested_quantity") > 0)
    return {
        "rows": written,
        "orders": orders.height,
        "units": float(orders["suggested_quantity"].sum()),
        "overstocked": int(rows["overstock"].sum()),
    }


def stocked_items(context: RunContext, stock: pl.DataFrame, demand: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """One row per item with a count, by item_id: stock, demand and catalogue side by side, gaps filled.

    Items that left the range long ago are left out.
    """
    known = items.select("item_id", "list_price", "unit_cost", "launched_at", "retired_at")
    frame = stock.join(known.unique("item_id", keep="first"), on="item_id", how="left").join(
        demand.drop("margin", "demand_days", "model"), on="item_id", how="left"
    )
    frame = frame.join(demand.select("item_id", "margin"), on="item_id", how="left")
    settings = context.settings.reorder
    long_ago = context.as_of - timedelta(days=settings.retired_days)
    frame = frame.filter(pl.col("retired_at").is_null() | (pl.col("retired_at") >= long_ago))
    smallest = pl.col("min_order_quantity").fill_null(1.0).fill_nan(1.0)
    lead = pl.col("lead_time_days").fill_nan(None).fill_null(settings.lead_time_days).clip(lower_bound=0.0)
    return (
        frame.with_columns(
            pl.col("level").fill_null(0.0),
            pl.col("dispersion", *WEEKDAYS).fill_null(1.0),
            pl.col("demand_class").fill_null("none"),
            on_order=pl.col("on_order").fill_nan(None).fill_null(0.0).clip(lower_bound=0.0),
            lead_time_days=lead,
            min_order_quantity=pl.when(smallest > 0).then(smallest).otherwise(1.0),
        )
        .with_columns(level=pl.when(pl.col("retired_at").is_null()).then("level").otherwise(0.0))
        .sort("item_id")
    )


def suggest(context: RunContext, frame: pl.DataFrame, spread: Spread, published: PublishedDemand) -> pl.DataFrame:
    """Rows of schemas.REORDER_SUGGESTIONS from the frame of `stocked_items`."""
    settings = context.settings.reorder
    frame = frame.with_columns(abc_classes(frame["margin"], settings).alias("abc_class"))
    frame = service_levels(frame, settings)
    means = daily_means(context, frame)
    dispersion, lead = (frame[name].to_numpy() for name in ("dispersion", "lead_time_days"))
    extra = published.of(frame["item_id"], means.shape[1])
    service, on_hand = frame["service_level"].to_numpy(), frame["on_hand"].to_numpy()
    cycle = float(settings.order_cycle_days)
    point, up_to = order_levels(means, dispersion, lead, service, extra, spread, cycle)
    position = on_hand + frame["on_order"].to_numpy()
    quantity = order_quantities(position, point, up_to, frame["min_order_quantity"].to_numpy())
    cover = days_of_cover(on_hand, means)
    until = over_lead_time(means, lead)
    total, length = means.sum(axis=1), np.full(len(means), float(means.shape[1]))
    limit = np.maximum(means.mean(axis=1) * settings.overstock_days, up_to)
    young = (context.as_of - frame["launched_at"]).dt.total_days().fill_null(10_000).to_numpy() < settings.young_days
    too_much = np.where(young, 0.0, np.maximum(on_hand - limit, 0.0)) * (quantity == 0)
    told = cover <= settings.max_cover_days
    rows = frame.with_columns(
        as_of_date=pl.lit(context.as_of_date),
        counted_on=pl.col("snapshot_date"),
        suggested_quantity=quantity,
        suggested_cost=pl.Series(quantity) * pl.col("unit_cost"),
        daily_demand=means.mean(axis=1),
        lead_time_demand=until,
        horizon_demand=total,
        **{f"lead_time_q{int(100 * p)}": spread.of_sum(until, dispersion, lead, p) for p in (0.5, 0.9)},
        **{f"horizon_q{int(100 * p)}": spread.of_sum(total, dispersion, length, p) for p in (0.1, 0.5, 0.9)},
        published_demand=over_lead_time(extra, lead + cycle),
        reorder_point=point,
        order_up_to=up_to,
        days_of_cover=pl.Series(np.where(told, cover, np.nan)).fill_nan(None),
        overstock=too_much > 0,
        overstock_units=too_much,
        model_version=pl.lit(context.settings.fingerprint()),
    )
    date = pl.lit(context.as_of_date) + pl.col("days_of_cover").floor().cast(pl.Int64) * timedelta(days=1)
    rows = _with_priority(rows.with_columns(stock_out_date=date))
    return with_reasons(rows, context.settings.language).select(REORDER_SUGGESTIONS.column_names)


def _with_priority(rows: pl.DataFrame) -> pl.DataFrame:
    """Orders ranked by the margin (else the units) that would be lost if they came a cycle late."""
    worth = (pl.col("list_price") - pl.col("unit_cost")).clip(lower_bound=0.0).fill_null(1.0)
    missing = (pl.col("order_up_to") - pl.col("on_hand") - pl.col("on_order")).clip(lower_bound=0.0)
    risk = pl.when(pl.col("suggested_quantity") > 0).then(worth * missing)
    # Rows are sorted by item_id, so that ties have an order too.
    place = risk.rank("ordinal", descending=True).cast(pl.Int32)
    return rows.with_columns(priority=pl.when(pl.col("suggested_quantity") > 0).then(place))
