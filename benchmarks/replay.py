"""A replay of the last weeks: what the stock would have done under the suggested levels, beside a fixed cover.

    python -m benchmarks.replay --as-of 2017-12-04 [--weeks 12] [--every 4] [--items 3000] [--picture FILE]

Takes the lake of the environment, in which extraction and check_extracts of the as-of date have run. The demand of the
`weeks` before it is replayed day by day: each week every item is ordered up to its level (an (R, S) rule), what
is not in stock is lost. Levels are those of reorder_suggestions, from forecasts made every `every` weeks out of the
days before alone, for a service level of each target; lead times and smallest orders are the shop's, and `--late`
orders of ten come one to three days late, drawn with the seed. Beside it, at the same value of stock: a fixed number of
days at the pace of the newest 56. Demand on days without stock is not known to the shop and counts as none.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.pictures import Curve, line_chart
from benchmarks.replenishment import Levels, Replayed, replay, same_value
from recsys.config import load_environment, load_settings
from recsys.data.events import event_day
from recsys.data.stock_outs import read_stock_outs
from recsys.features.demand_series import DemandLines, Floats, Integers, build_lines, lay_out
from recsys.models.demand_averages import window_mean
from recsys.models.demand_fit import DemandForecast, forecast_demand
from recsys.models.demand_shape import days_from, over_days
from recsys.models.item_demand import daily_sales
from recsys.recommendations.reorder_rules import order_levels
from recsys.run import RunContext
from recsys.schemas import ITEMS, STOCK
from recsys.settings.opening import OpeningSettings
from recsys.storage import read_partition

TARGETS = (0.80, 0.90, 0.95, 0.98, 0.99)
WEEK = 7
PACE_DAYS = 56


@dataclass(frozen=True)
class Shelf:
    """What is replayed: demand of the period (items x days) and the facts of each item."""

    item_ids: list[str]
    demand: Floats
    lead: Integers
    smallest: Floats
    cost: Floats
    delay: Integers
    cycle: int
    opening: OpeningSettings


@dataclass(frozen=True)
class Forecast:
    """A forecast made on a day of the period, rows aligned with the shelf's items."""

    level: Floats
    dispersion: Floats
    factors: Floats
    pace: Floats
    made: DemandForecast


def known_before(context: RunContext, sales: pl.DataFrame, day: date) -> DemandLines:
    """Demand of the days before `day`, of the items of `sales` that had sold by then."""
    items = read_partition(context.lake, ITEMS, as_of_date=context.as_of_date)
    past = sales.filter(pl.col("day") < day)
    launched_on = event_day(context.settings.time_zone, "launched_at")
    columns = items.select("item_id", "category_path", launched_on=launched_on)
    first: date = past["day"].min()  # type: ignore[assignment]
    return build_lines(past, columns, read_stock_outs(context), first, day, context.settings.opening)


def forecast_of(context: RunContext, demand: DemandLines, item_ids: list[str]) -> Forecast:
    """The forecast at the end of `demand` for the items of the shelf, in their order."""
    made = forecast_demand(demand, context.settings.demand, context.settings.seed)
    rows = np.searchsorted(demand.item_ids.astype(str), np.array(item_ids))
    pace = window_mean(lay_out(demand, rows), demand.days, PACE_DAYS)
    return Forecast(made.level[rows], made.dispersion[rows], made.factors[rows], pace, made)


def shelf_of(context: RunContext, sales: pl.DataFrame, start: date, most: int, least_days: int, late: float) -> Shelf:
    """Items that sold on `least_days` days before `start` and have a count, at most `most` of them, drawn."""
    seed = context.settings.seed
    frequent = sales.filter(pl.col("day") < start).group_by("item_id").len().filter(pl.col("len") >= least_days)
    stock = read_partition(context.lake, STOCK, as_of_date=context.as_of_date)
    items = read_partition(context.lake, ITEMS, as_of_date=context.as_of_date).select("item_id", "unit_cost")
    facts = stock.join(frequent, on="item_id").join(items, on="item_id", how="left").sort("item_id")
    facts = facts.sample(min(most, facts.height), seed=seed).sort("item_id") if most else facts
    days = (context.as_of_date - start).days
    place = pl.DataFrame({"item_id": facts["item_id"], "row": range(facts.height)})
    later = sales.filter(pl.col("day") >= start).join(place, on="item_id")
    demand = np.zeros((facts.height, days))
    offsets = (later["day"] - start).dt.total_days().to_numpy()
    demand[later["row"].to_numpy(), offsets] = later["units"].to_numpy()
    draw = np.random.default_rng(seed)
    cycle = context.settings.reorder.order_cycle_days
    reviews = (facts.height, -(-days // cycle))
    delay = np.where(draw.random(reviews) < late / 10, draw.integers(1, 4, reviews), 0)
    lead = facts["lead_time_days"].fill_null(context.settings.reorder.lead_time_days).round().cast(pl.Int64)
    smallest = facts["min_order_quantity"].fill_null(1.0).clip(lower_bound=1.0)
    cost = facts["unit_cost"].fill_null(1.0)
    return Shelf(
        item_ids=facts["item_id"].to_list(),
        demand=demand,
        lead=lead.to_numpy(),
        smallest=smallest.to_numpy(),
        cost=cost.to_numpy(),
        delay=delay,
        cycle=cycle,
        opening=context.settings.opening,
    )


def our_levels(shelf: Shelf, forecasts: list[Forecast], start: date, every: int, service: float) -> Levels:
    """Order-up-to levels as reorder_suggestions tells them, from the newest forecast before each review."""

    def of(day: int) -> Floats:
        newest = forecasts[min(day // (every * WEEK), len(forecasts) - 1)]
        ahead = days_from(start, day, day + 28, shelf.opening)
        means = over_days(newest.level, newest.factors, np.arange(len(newest.level)), ahead)
        lead, wanted = shelf.lead.astype(np.float64), np.full(len(means), service)
        nothing = np.zeros_like(means)
        return order_levels(means, newest.dispersion, lead, wanted, nothing, newest.made.spread, float(shelf.cycle))[1]

    return of


def fixed_cover(shelf: Shelf, forecasts: list[Forecast], every: int, days: float) -> Levels:
    """The rival's: the units of `days` days at the newest pace, rounded up."""

    def of(day: int) -> Floats:
        pace = forecasts[min(day // (every * WEEK), len(forecasts) - 1)].pace
        return np.ceil(pace * days - 1e-9)

    return of


def run(shelf: Shelf, levels: Levels) -> Replayed:
    """The replay of the shelf under `levels`."""
    return replay(shelf.demand, levels, shelf.lead, shelf.smallest, shelf.cost, shelf.cycle, shelf.delay)


def compare(shelf: Shelf, forecasts: list[Forecast], start: date, every: int) -> list[dict[str, object]]:
    """One row a target: what our levels reached, and the fixed cover whose stock is worth as much."""
    rows: list[dict[str, object]] = []
    for target in TARGETS:
        ours = run(shelf, our_levels(shelf, forecasts, start, every, target))

        def rival(days: float) -> Replayed:
            return run(shelf, fixed_cover(shelf, forecasts, every, days))

        cover = same_value(rival, ours.stock_value)
        found: dict[str, object] = {"target": target, "cover_days": round(cover, 1)}
        for name, one in (("ours", ours), ("fixed", rival(cover))):
            found |= {f"{name}_{key}": round(value, 4) for key, value in asdict(one).items()}
        rows.append(found)
    return rows


def picture(rows: list[dict[str, object]]) -> str:
    """Fill rate and cycle service over the value of the stock, ours beside the fixed cover's, as SVG."""
    curves = [
        Curve(f"{label}: {name}", [(float(row[f"{rule}_stock_value"]), float(row[f"{rule}_{key}"])) for row in rows])  # type: ignore[arg-type]
        for rule, label in (("ours", "suggested levels"), ("fixed", "fixed cover"))
        for key, name in (("fill_rate", "units delivered"), ("cycle_service", "cycles without loss"))
    ]
    return line_chart(curves, "mean value of the stock", "share")


def main() -> None:
    """Print one line a target, and draw them where a picture is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="end of the replayed weeks")
    parser.add_argument("--weeks", type=int, default=12)
    parser.add_argument("--every", type=int, default=4, help="weeks from one forecast to the next")
    parser.add_argument("--items", type=int, default=0, help="at most so many items, drawn; 0: all")
    parser.add_argument("--least-days", type=int, default=30, help="days of demand that an item had before")
    parser.add_argument("--late", type=float, default=1.0, help="orders of ten that come one to three days late")
    parser.add_argument(
        "--whole-orders", action="store_true", help="with the shop's smallest orders; else from one unit"
    )
    parser.add_argument("--picture", type=Path, help="SVG file to write")
    options = parser.parse_args()
    context = RunContext(options.as_of, load_environment(), load_settings(), "benchmark")
    start = options.as_of - timedelta(weeks=options.weeks)
    sales = daily_sales(context)
    shelf = shelf_of(context, sales, start, options.items, options.least_days, options.late)
    if not options.whole_orders:
        shelf = replace(shelf, smallest=np.ones_like(shelf.smallest))
    days = [start + timedelta(weeks=week) for week in range(0, options.weeks, options.every)]
    # Of drawn items alone, which is quicker; with all items the models learn from every item that ever sold.
    learnt = sales.filter(pl.col("item_id").is_in(shelf.item_ids)) if options.items else sales
    forecasts = [forecast_of(context, known_before(context, learnt, day), shelf.item_ids) for day in days]
    rows = compare(shelf, forecasts, start, options.every)
    print(json.dumps({"items": len(shelf.item_ids), "units": float(shelf.demand.sum()), "forecasts": len(days)}))
    for row in rows:
        print(json.dumps(row))
    if options.picture:
        options.picture.write_text(picture(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
