"""The step that forecasts every item, and how later steps read what it found."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsys.data.events import event_day, held_days, read_events
from recsys.data.sales import KEY, kept_purchases
from recsys.data.stock_outs import read_stock_outs
from recsys.features.demand_series import DemandLines, Floats, build_lines
from recsys.models.demand_fit import DemandForecast, forecast_demand
from recsys.models.demand_shape import days_from, over_days
from recsys.models.demand_spread import Spread, spread_from_json
from recsys.models.registry import read_json, write_json
from recsys.run import Counts, RunContext
from recsys.schemas import ITEM_DEMAND, ITEMS
from recsys.storage import has_partition, read_partition, write_partition

MARGIN_DAYS = 28
SPREAD = "demand_spread"
WEEKDAYS = [f"weekday_{number}" for number in range(1, 8)]


def build_item_demand(context: RunContext) -> Counts:
    """Step: write the day's item_demand, and the spread around it among the models of the day."""
    day = context.as_of_date
    items = read_partition(context.lake, ITEMS, as_of_date=day)
    sales = daily_sales(context)
    held = held_days(context)
    outs = read_stock_outs(context)
    launched_on = event_day(context.settings.time_zone, "launched_at")
    columns = items.select("item_id", "category_path", launched_on=launched_on)
    demand = build_lines(sales, columns, outs, held[0] if held else day, day, context.settings.opening)
    found = forecast_demand(demand, context.settings.demand, context.settings.seed)
    rows = item_rows(demand, found, items)
    write_json(context.lake, day, SPREAD, {"spread": found.spread.as_json(), "elected": found.elected})
    return {
        "items": write_partition(context.lake, ITEM_DEMAND, rows, as_of_date=day),
        "trials": found.trials,
        "spells_without_stock": demand.stock_outs.height,
        **{f"elected_{kind}": name for kind, name in sorted(found.elected.items())},
    }


def daily_sales(context: RunContext) -> pl.DataFrame:
    """Purchases of the look-back window, without cancelled ones: item_id, day (in the configured time zone), units,
    revenue; sorted."""
    events = read_events(context, columns=[*KEY, "event_type", "quantity", "unit_price"])
    day = event_day(context.settings.time_zone)
    sold = kept_purchases(events, context.settings.demand.cancelled_days)
    sold = sold.with_columns(day=day, revenue=pl.col("quantity") * pl.col("unit_price").fill_null(0.0))
    grouped = sold.group_by("item_id", "day").agg(
        # Sums of floats hang on their order: the largest first, so that it is always the same.
        units=pl.col("quantity").sort(descending=True).sum(),
        revenue=pl.col("revenue").sort(descending=True).sum(),
    )
    return grouped.sort("item_id", "day").collect()


def item_rows(demand: DemandLines, found: DemandForecast, items: pl.DataFrame) -> pl.DataFrame:
    """Rows of schemas.ITEM_DEMAND; an item that left the range is expected to sell nothing."""
    lately = demand.lines.filter(pl.col("day") >= demand.days - MARGIN_DAYS)
    units = np.bincount(lately["item"].to_numpy(), lately["units"].to_numpy(), len(demand.item_ids))
    frame = pl.DataFrame(
        {
            "item_id": pl.Series(demand.item_ids, dtype=pl.String),
            "level": found.level,
            "dispersion": found.dispersion,
            "demand_class": pl.Series(found.kind, dtype=pl.String),
            "model": pl.Series(found.model, dtype=pl.String),
            "demand_days": demand.demand_days,
            "units": units,
            **{name: found.factors[:, place] for place, name in enumerate(WEEKDAYS)},
        }
    )
    known = items.select("item_id", "list_price", "unit_cost", "retired_at").unique("item_id", keep="first")
    frame = frame.join(known, on="item_id", how="left", maintain_order="left")
    retired = pl.col("retired_at").is_not_null()
    return frame.with_columns(
        level=pl.when(retired).then(0.0).otherwise("level"),
        model=pl.when(retired).then(pl.lit("none")).otherwise("model"),
        margin=pl.col("units") * (pl.col("list_price") - pl.col("unit_cost")),
    )


def read_item_demand(context: RunContext) -> pl.DataFrame | None:
    """The day's item_demand; None where the step has not run."""
    if has_partition(context.lake, ITEM_DEMAND, as_of_date=context.as_of_date):
        return read_partition(context.lake, ITEM_DEMAND, as_of_date=context.as_of_date)
    return None


def read_spread(context: RunContext) -> Spread:
    """The day's spread. Raises LakeError when build_item_demand has not run."""
    return spread_from_json(read_json(context.lake, context.as_of_date, SPREAD)["spread"])


def daily_means(context: RunContext, rows: pl.DataFrame) -> Floats:
    """Units expected on each day of the configured horizon: rows of item_demand x days (see `over_days`)."""
    days = days_from(context.as_of_date, 0, context.settings.demand.horizon_days, context.settings.opening)
    factors = rows.select(WEEKDAYS).to_numpy()
    return over_days(rows["level"].to_numpy(), factors, np.arange(rows.height), days)
