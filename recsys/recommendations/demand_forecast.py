"""The published forecast: daily rows of the items that sell most, with quantiles of days and of running totals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl
import pyarrow as pa

from recsys.features.demand_series import Floats
from recsys.models.demand_spread import Spread
from recsys.models.item_demand import daily_means, read_item_demand, read_spread
from recsys.recommendations.published_demand import PublishedDemand, published_demand
from recsys.recommendations.store_demand import build_store_demand
from recsys.run import Counts, RunContext, RunError
from recsys.schemas import DEMAND_FORECAST
from recsys.storage import write_batches

BATCH_ITEMS = 5_000
QUANTILES = {"q10": 0.1, "q50": 0.5, "q90": 0.9}


def build_demand_forecast(context: RunContext) -> Counts:
    """Step: write the day's demand_forecast and store_demand to the lake, from its item_demand and own publishing."""
    demand = read_item_demand(context)
    if demand is None:
        raise RunError(f"there is no item_demand of {context.as_of_date}: run build_item_demand first")
    chosen = published_items(demand, context.settings.demand.published_items)
    batches = _batches(context, chosen, published_demand(context, demand))
    rows = write_batches(context.lake, DEMAND_FORECAST, batches, as_of_date=context.as_of_date)
    of_stores = build_store_demand(context, chosen, read_spread(context))
    alive = demand.filter(pl.col("level") > 0).height
    return {"rows": rows, "items": chosen.height, "forecast_items": alive, "store_rows": of_stores}


def published_items(demand: pl.DataFrame, most: int) -> pl.DataFrame:
    """Rows of item_demand with demand to expect: at most `most`, those with most days of demand, by item_id."""
    alive = demand.filter(pl.col("level") > 0)
    return alive.sort(["demand_days", "level", "item_id"], descending=[True, True, False]).head(most).sort("item_id")


def _batches(context: RunContext, chosen: pl.DataFrame, published: PublishedDemand) -> Iterator[pa.Table]:
    spread = read_spread(context)
    for part in chosen.iter_slices(BATCH_ITEMS):
        means = daily_means(context, part)
        extra = published.of(part["item_id"], means.shape[1])
        frame = forecast_rows(part, means, extra, spread)
        start = pl.lit(context.as_of_date)
        stamped = frame.with_columns(
            as_of_date=start,
            forecast_date=start + pl.col("offset") * timedelta(days=1),
            model_version=pl.lit(context.settings.fingerprint()),
        )
        yield stamped.select(DEMAND_FORECAST.column_names).to_arrow()


def forecast_rows(items: pl.DataFrame, means: Floats, extra: Floats, spread: Spread) -> pl.DataFrame:
    """One row per item and day: item_id, model, offset (days from the as-of date), and the numbers of the forecast.

    `means` is items x days; so is `extra`, the units that our own publishing may add.
    """
    count, days = means.shape
    shape = np.repeat(items["dispersion"].to_numpy(), days)
    mean, total = means.ravel(), np.cumsum(means, axis=1).ravel()
    length = np.tile(np.arange(1.0, days + 1), count)
    daily = {name: spread.of_day(mean, shape, p) for name, p in QUANTILES.items()}
    sums = {f"total_{name}": spread.of_sum(total, shape, length, p) for name, p in QUANTILES.items()}
    return pl.DataFrame(
        {
            "item_id": items["item_id"].gather(np.repeat(np.arange(count), days)),
            "model": items["model"].gather(np.repeat(np.arange(count), days)),
            "offset": length.astype(np.int64) - 1,
            "mean": mean,
            "total_mean": total,
            **_uncrossed(daily),
            **_uncrossed(sums),
            "published_demand": extra.ravel(),
        }
    )


def _uncrossed(quantiles: dict[str, Floats]) -> dict[str, Floats]:
    """Each at least as large as the one before: cells of a forecast's neighbours may cross by a hair."""
    rising = np.maximum.accumulate(np.stack(list(quantiles.values())), axis=0)
    return dict(zip(quantiles, rising, strict=True))
