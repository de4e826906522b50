"""The demand of each store, where the shop has several: the item's forecast, dealt out as the stores sold it lately.

A store's share of an item leans on its share of everything, so that a few units prove little. What was bought without
a store (on the web, say) is part of the item's demand and of no store's. The variance over mean
of a part of a demand that is dealt out at random is 1 + share x (that of the whole - 1). A day of one store: `share`
times the mean of that day in demand_forecast.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from recsys.data.events import read_events
from recsys.data.sales import KEY, kept_purchases
from recsys.models.demand_spread import Spread
from recsys.run import RunContext
from recsys.schemas import STORE_DEMAND
from recsys.storage import write_partition

QUANTILES = (0.1, 0.5, 0.9)
STORE_KEY = ("item_id", "store_id")


def build_store_demand(context: RunContext, demand: pl.DataFrame, spread: Spread) -> int:
    """Write the day's store_demand for the items of `demand` (rows of item_demand); no row with a single store.

    Returns the rows written.
    """
    settings = context.settings.demand
    shares = store_shares(units_by_store(context), settings.store_lean_units)
    rows = shares.filter(pl.col("units") >= settings.store_min_units).join(demand, on="item_id").sort(*STORE_KEY)
    days = float(settings.horizon_days)
    mean = (rows["level"] * rows["share"]).to_numpy() * days
    dispersion = 1.0 + rows["share"].to_numpy() * (rows["dispersion"].to_numpy() - 1.0)
    length = np.full(len(mean), days)
    told = rows.select(*STORE_KEY, "share").with_columns(
        as_of_date=pl.lit(context.as_of_date),
        daily_demand=mean / days,
        horizon_demand=mean,
        **{f"horizon_q{int(100 * p)}": spread.of_sum(mean, dispersion, length, p) for p in QUANTILES},
        model_version=pl.lit(context.settings.fingerprint()),
    )
    return write_partition(
        context.lake, STORE_DEMAND, told.select(STORE_DEMAND.column_names), as_of_date=context.as_of_date
    )


def units_by_store(context: RunContext) -> pl.DataFrame:
    """item_id, store_id (null: bought in none), units bought in the newest `store_days`; what was cancelled is left
    out."""
    settings = context.settings.demand
    since = context.as_of - timedelta(days=settings.store_days)
    events = read_events(context, columns=[*KEY, "event_type", "quantity", "store_id"])
    sold = kept_purchases(events.filter(pl.col("occurred_at") >= since), settings.cancelled_days)
    # Sums of floats hang on their order: the largest first, so that it is always the same.
    return (
        sold.group_by(*STORE_KEY).agg(units=pl.col("quantity").sort(descending=True).sum()).sort(*STORE_KEY).collect()
    )


def store_shares(units: pl.DataFrame, lean: float) -> pl.DataFrame:
    """`units` (item_id, store_id, units) with `share` of the item's demand; no row where there is one store or none.

    `lean` units of an item, dealt out as everything is, stand beside its own. Units without a store (null) count in
    the wholes, and have no row.
    """
    if units["store_id"].drop_nulls().n_unique() < 2:
        return units.clear().with_columns(share=pl.lit(0.0))
    whole = float(units["units"].sum())
    usual = pl.col("units").sum().over("store_id") / whole
    own = pl.col("units").sum().over("item_id")
    shares = units.with_columns(share=(pl.col("units") + lean * usual) / (own + lean))
    return shares.filter(pl.col("store_id").is_not_null())
