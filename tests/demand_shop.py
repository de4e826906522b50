"""A shop whose demand is known: 140 days before the as-of date, a Monday, no random numbers.

steady      one unit a day
emptied     two units a day, but out of stock in its last week
launched    three units a day since its launch a week ago
retired     one unit a day until it left the range two days ago
once        a single unit, 100 days ago
weekly      seven units each Saturday
bulky       like steady; its supplier sells 50 at least
at_once     like steady; its lead time is zero
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import polars as pl

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.run import RunContext
from recsys.settings.demand import ReorderSettings
from recsys.storage import write_partition

AS_OF_DATE = date(2020, 6, 1)
DAYS = 140
FIRST_DATE = AS_OF_DATE - timedelta(days=DAYS)
SETTINGS = Settings(reorder=ReorderSettings(newsvendor=False))
ON_HAND = {"emptied": 0.0, "retired": 4.0, "once": 30.0, "launched": 5.0}
LEAD_TIME = {"at_once": 0.0}
SMALLEST = {"bulky": 50.0}


def instant(day: date) -> datetime:
    """Noon of a day, UTC."""
    return datetime.combine(day, time(12), timezone.utc)


def units(item: str, ago: int) -> float:
    """Units sold `ago` days before the as-of date (1: yesterday)."""
    day = AS_OF_DATE - timedelta(days=ago)
    sold = {
        "emptied": 2.0 if ago > 7 else 0.0,
        "launched": 3.0 if ago <= 7 else 0.0,
        "retired": 1.0 if ago > 2 else 0.0,
        "once": 1.0 if ago == 100 else 0.0,
        "weekly": 7.0 if day.isoweekday() == 6 else 0.0,
    }
    return sold.get(item, 1.0)


ITEM_IDS = ("at_once", "bulky", "emptied", "launched", "once", "retired", "steady", "weekly")


def events() -> pl.DataFrame:
    """One purchase an item and day of demand, schemas.EVENTS."""
    rows = [
        {
            "event_id": f"{item}:{ago}",
            "user_id": "u",
            "item_id": item,
            "event_type": "purchase",
            "quantity": units(item, ago),
            "unit_price": 2.0,
            "occurred_at": instant(AS_OF_DATE - timedelta(days=ago)),
            "ingested_at": instant(AS_OF_DATE - timedelta(days=ago)),
        }
        for ago in range(1, DAYS + 1)
        for item in ITEM_IDS
        if units(item, ago)
    ]
    return _typed(schemas.EVENTS, rows)


def items() -> pl.DataFrame:
    """The catalogue."""
    launched, retired = AS_OF_DATE - timedelta(days=7), AS_OF_DATE - timedelta(days=2)
    rows = [
        {
            "item_id": item,
            "category_path": f"ALL > {item}",
            "list_price": 2.0,
            "unit_cost": 1.0,
            "launched_at": instant(launched) - timedelta(hours=12) if item == "launched" else None,
            "retired_at": instant(retired) if item == "retired" else None,
            "snapshot_date": AS_OF_DATE,
        }
        for item in ITEM_IDS
    ]
    return _typed(schemas.ITEMS, rows)


def stock() -> pl.DataFrame:
    """One count of each item, of the evening before the as-of date."""
    rows = [
        {
            "item_id": item,
            "snapshot_date": AS_OF_DATE - timedelta(days=1),
            "on_hand": ON_HAND.get(item, 3.0),
            "on_order": 0.0,
            "lead_time_days": LEAD_TIME.get(item, 4.0),
            "min_order_quantity": SMALLEST.get(item, 1.0),
        }
        for item in ITEM_IDS
    ]
    return _typed(schemas.STOCK, rows)


def stock_outs() -> pl.DataFrame:
    """The week in which `emptied` could not be sold."""
    first, last = AS_OF_DATE - timedelta(days=7), AS_OF_DATE - timedelta(days=1)
    return _typed(schemas.STOCK_OUTS, [{"item_id": "emptied", "first_day": first, "last_day": last}])


def context_of(lake: str, settings: Settings = SETTINGS) -> RunContext:
    """A run of the as-of date on the lake at `lake`."""
    return RunContext(AS_OF_DATE, Environment("", "", lake), settings, "test")


def write_to_lake(context: RunContext, sold: pl.DataFrame | None = None) -> None:
    """Write the partitions that extraction and checking leave; `sold` instead of `events()`."""
    dated = (events() if sold is None else sold).with_columns(day=pl.col("occurred_at").dt.date())
    for day in pl.date_range(FIRST_DATE, AS_OF_DATE, "1d", eager=True):
        rows = dated.filter(pl.col("day") == day).sort("occurred_at", "event_id")
        write_partition(context.lake, schemas.EVENTS, rows, date=day)
    key = {"as_of_date": context.as_of_date}
    write_partition(context.lake, schemas.EXCLUDED_EVENTS, schemas.EXCLUDED_EVENTS.arrow_schema.empty_table(), **key)
    for table, rows in ((schemas.ITEMS, items()), (schemas.STOCK, stock()), (schemas.STOCK_OUTS, stock_outs())):
        write_partition(context.lake, table, rows, **key)


def _typed(table: schemas.Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=pl.DataFrame(table.arrow_schema.empty_table()).schema)
