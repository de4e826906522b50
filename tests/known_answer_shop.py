"""A small shop whose right answers are known: 31 users, 21 items, 120 days of events, no random numbers.

    families      shop every week; milk and bread always, other dairy in turn
    coffee_lovers shop every week; coffee and filters always, pasta in turn
    cat_owners    shop every week; cat food and litter always, soap in turn
    refuser       shops like a family, then withdrew consent
    browser       only looks
    newcomer      no event, segment family;   stranger: no event, no segment

Every shopper bought truffle oil, which is out of stock, and lemonade, which left the range: both would be in lists
if no rule held them back. Two in three users of a segment found out about its treat, one after the other, and nobody
else did: it is what the third should discover.
"""

from __future__ import annotations

import io
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import polars as pl
import psycopg2
from psycopg2 import sql

from demo import postgres
from recsys import schemas, steps
from recsys.config import Settings
from recsys.run import RunContext
from recsys.settings.lists import RulesSettings
from recsys.settings.models import ModelSettings
from recsys.storage import list_keys, write_partition

CREATE_SHOP = Path(postgres.__file__).parent / "shop" / "create.sql"
SETTINGS = Settings(
    models=ModelSettings(
        threads=1,
        min_item_users=2,
        als_factors=8,
        als_iterations=4,
        horizon_days=14,
        training_cuts=2,
        min_labels=5,
        trees=20,
        lambdarank_trees=20,
        discover_trees=20,
        network_units=(32, 16),
        network_epochs=1,
        bootstrap_draws=100,
    ),
    rules=RulesSettings(users_per_shard=20),
)
"""Models of a size that 30 users need, and two shards."""

AS_OF_DATE = date(2020, 5, 1)
DAYS = 120
FIRST_DATE = AS_OF_DATE - timedelta(days=DAYS)

RETIRED, SOLD_OUT = "lemonade", "truffle_oil"
ITEMS = {
    "milk": ("FOOD > DAIRY", 1.0),
    "butter": ("FOOD > DAIRY", 2.0),
    "yogurt": ("FOOD > DAIRY", 1.5),
    "cheese": ("FOOD > DAIRY", 4.0),
    "bread": ("FOOD > BAKERY", 3.0),
    "rolls": ("FOOD > BAKERY", 1.0),
    "cake": ("FOOD > BAKERY", 9.0),
    "coffee": ("DRINKS > COFFEE", 6.0),
    "filters": ("DRINKS > COFFEE", 2.0),
    "espresso": ("DRINKS > COFFEE", 8.0),
    "tea": ("DRINKS > TEA", 3.0),
    "pasta": ("FOOD > PASTA", 2.0),
    "sauce": ("FOOD > PASTA", 2.5),
    "parmesan": ("FOOD > PASTA", 5.0),
    "cat_food": ("PETS > CAT", 7.0),
    "litter": ("PETS > CAT", 6.0),
    "cat_toy": ("PETS > CAT", 4.0),
    "soap": ("HOME > CLEANING", 2.0),
    "detergent": ("HOME > CLEANING", 8.0),
    RETIRED: ("DRINKS > SODA", 1.0),
    SOLD_OUT: ("FOOD > PASTA", 12.0),
}
HABITS = {
    "family": (("milk", "bread"), ("butter", "yogurt", "cheese", "rolls"), "cake"),
    "coffee_lover": (("coffee", "filters"), ("pasta", "sauce", "parmesan", "tea"), "espresso"),
    "cat_owner": (("cat_food", "litter"), ("soap", "detergent", "tea"), "cat_toy"),
}
"""Segment: what is bought every week, what in turn, and the rare treat."""

REFUSER, BROWSER, NEWCOMER, STRANGER = "refuser", "browser", "newcomer", "stranger"
SHOPPERS = {f"{segment}_{number}": segment for segment in HABITS for number in range(9)}
SEGMENTS: dict[str, str | None] = {
    **SHOPPERS,
    REFUSER: "family",
    BROWSER: "coffee_lover",
    NEWCOMER: "family",
    STRANGER: None,
}


def instant(day: date, hour: int = 0) -> datetime:
    """An hour of a day, UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=timezone.utc)


def treat_week(index: int) -> int | None:
    """Week in which the shopper at `index` finds out about the treat; a third of them never do."""
    return None if index % 3 == 0 else 6 + index % 11


def due(user_id: str, weeks: int = 2) -> set[str]:
    """What a shopper is going to buy in the next `weeks` weeks, if nothing changes."""
    index, segment = list(SHOPPERS).index(user_id), SHOPPERS[user_id]
    staples, turns, _ = HABITS[segment]
    next_week = len(range(index % 7, DAYS, 7))
    return {*staples, *(turns[(week + index) % len(turns)] for week in range(next_week, next_week + weeks))}


WITHOUT_TREAT = [user_id for index, user_id in enumerate(SHOPPERS) if treat_week(index) is None]


def visit(numbers: count[int], user_id: str, day: date, item_ids: list[str]) -> list[dict[str, object]]:
    """A view and a purchase of each item, in one order."""
    rows: list[dict[str, object]] = []
    order_id = f"{user_id}:{day}"
    for position, item_id in enumerate(item_ids):
        for event_type, hour in (("view", 9), ("purchase", 10)):
            moment = instant(day, hour) + timedelta(minutes=position)
            rows.append(
                {
                    "event_id": f"e{next(numbers):06d}",
                    "user_id": user_id,
                    "item_id": item_id,
                    "event_type": event_type,
                    "quantity": 1.0,
                    "unit_price": ITEMS[item_id][1],
                    "order_id": order_id if event_type == "purchase" else None,
                    "session_id": order_id,
                    "store_id": None,
                    "occurred_at": moment,
                    "ingested_at": moment + timedelta(minutes=5),
                }
            )
    return rows


def events() -> pl.DataFrame:
    """All events, schemas.EVENTS, by time."""
    numbers = count(1)
    rows: list[dict[str, object]] = []
    shoppers = [*SHOPPERS.items(), (REFUSER, "family")]
    for index, (user_id, segment) in enumerate(shoppers):
        staples, turns, treat = HABITS[segment]
        for week, day_number in enumerate(range(index % 7, DAYS, 7)):
            basket = [*staples, turns[(week + index) % len(turns)]]
            if week == 2:
                basket += [RETIRED, SOLD_OUT]
            if week == treat_week(index):
                basket.append(treat)
            rows += visit(numbers, user_id, FIRST_DATE + timedelta(days=day_number), basket)
    looked_at = visit(numbers, BROWSER, AS_OF_DATE - timedelta(days=4), ["coffee", "espresso"])
    rows += [row for row in looked_at if row["event_type"] == "view"]
    return as_events(rows)


def as_events(rows: list[dict[str, object]]) -> pl.DataFrame:
    """`rows` of `visit` as schemas.EVENTS, by time."""
    return pl.DataFrame(rows, schema=_schema(schemas.EVENTS, drop=False)).sort("occurred_at", "event_id")


def items() -> pl.DataFrame:
    """The catalogue, without its day of snapshot."""
    rows = [
        {
            "item_id": item_id,
            "title": item_id.replace("_", " ").capitalize(),
            "category_path": category,
            "list_price": price,
            "unit_cost": price / 2,
            "retired_at": instant(AS_OF_DATE - timedelta(days=30)) if item_id == RETIRED else None,
        }
        for item_id, (category, price) in ITEMS.items()
    ]
    return pl.DataFrame(rows, schema=_schema(schemas.ITEMS))


def users() -> pl.DataFrame:
    """All users, without the day of their snapshot."""
    rows = [
        {
            "user_id": user_id,
            "signed_up_at": instant(FIRST_DATE),
            "segment": segment,
            "consent": user_id != REFUSER,
        }
        for user_id, segment in SEGMENTS.items()
    ]
    return pl.DataFrame(rows, schema=_schema(schemas.USERS))


def stock() -> pl.DataFrame:
    """One count of each item, of the evening before the as-of date."""
    rows = [
        {
            "item_id": item_id,
            "snapshot_date": AS_OF_DATE - timedelta(days=1),
            "on_hand": 0.0 if item_id == SOLD_OUT else 100.0,
        }
        for item_id in ITEMS
    ]
    return pl.DataFrame(rows, schema=_schema(schemas.STOCK, drop=False))


def write_to_lake(context: RunContext) -> None:
    """Write the partitions that extraction and checking leave for the context's as-of date."""
    everything = events().with_columns(day=pl.col("occurred_at").dt.date())
    for offset in range(DAYS):
        day = FIRST_DATE + timedelta(days=offset)
        write_partition(context.lake, schemas.EVENTS, everything.filter(pl.col("day") == day), date=day)
    dated = pl.lit(AS_OF_DATE).alias("snapshot_date")
    day_key = {"as_of_date": context.as_of_date}
    write_partition(context.lake, schemas.ITEMS, items().with_columns(dated), **day_key)
    write_partition(context.lake, schemas.USERS, users().with_columns(dated), **day_key)
    write_partition(context.lake, schemas.STOCK, stock(), **day_key)
    nothing = schemas.EXCLUDED_EVENTS.arrow_schema.empty_table()
    write_partition(context.lake, schemas.EXCLUDED_EVENTS, nothing, **day_key)


def create_tables(dsn: str) -> None:
    """Create the empty tables of schema `shop` in the database at `dsn`."""
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(CREATE_SHOP.read_text(encoding="utf-8"))


def fill_shop(dsn: str) -> None:
    """Copy everything into the empty tables of schema `shop` in the database at `dsn`."""
    copy_rows(dsn, "events", events())
    copy_rows(dsn, "items", items())
    copy_rows(dsn, "users", users())
    copy_rows(dsn, "stock", stock())


def copy_rows(dsn: str, table: str, rows: pl.DataFrame) -> None:
    """Append `rows` to a table of schema `shop`."""
    columns = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(sql.Identifier("shop", table), columns)
    text = rows.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f+00")
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        cursor.copy_expert(statement, io.StringIO(text))


def build_day(context: RunContext) -> None:
    """Every step of a day up to the lists in the lake; the warehouse is not touched."""
    for step in steps.STEPS:
        if step is steps.stage_tables:
            return
        if step is steps.recommend_users:
            for shard in list_keys(context.lake, schemas.USER_SHARDS, as_of_date=context.as_of_date):
                step(context, int(shard))
        else:
            step(context)


def _schema(table: schemas.Table, drop: bool = True) -> dict[str, pl.DataType]:
    types = dict(pl.DataFrame(table.arrow_schema.empty_table()).schema)
    if drop:
        types.pop("snapshot_date")
    return types
