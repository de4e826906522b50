"""A small shop with campaigns whose right answers are known; no random numbers.

    fan_0 … fan_59        drink tea every week and answer every tea campaign that reaches them
    buyer_0 … buyer_59    drink tea every week and answer nothing
    novice_0 … novice_59  buy cups, as all tea drinkers do; half of them began with tea in the last four weeks
    cleaner_0 … cleaner_59 buy soap and nothing else

Four tea campaigns are over, one runs, one is to come; each reached every fan and every buyer.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.features.campaigns import Campaigns, alike, promoted_items
from recsys.features.user_facts import Purchases, encode_purchases
from recsys.run import RunContext
from recsys.settings.audiences import AudienceSettings
from recsys.settings.models import ModelSettings
from recsys.storage import Lake, write_partition

AS_OF_DATE = date(2020, 7, 1)
AS_OF = datetime(2020, 7, 1, tzinfo=timezone.utc)
EACH = 60
GROUPS = ("fan", "buyer", "novice", "cleaner")
USERS = [f"{group}_{number}" for group in GROUPS for number in range(EACH)]
CAMPAIGN_DAYS = {"past_1": (-150, -130), "past_2": (-120, -100), "past_3": (-90, -70), "past_4": (-60, -40),
                 "running": (-10, 10), "coming": (7, 27)}  # fmt: skip
"""First and last day of each campaign, counted from the as-of date."""
SETTINGS = Settings(
    models=ModelSettings(threads=1), audiences=AudienceSettings(max_campaigns=10, regularization=1.0, privacy_floor=20)
)


def day(offset: float) -> datetime:
    """An instant `offset` days from the as-of date."""
    return AS_OF + timedelta(days=offset)


def filled(table: schemas.Table, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the table's other columns null, in the table's types."""
    types = pl.DataFrame(table.arrow_schema.empty_table()).schema
    return frame.with_columns(pl.lit(None).alias(n) for n in types if n not in frame.columns).select(
        pl.col(name).cast(kind) for name, kind in types.items()
    )


def items() -> pl.DataFrame:
    """Four items, schemas.ITEMS."""
    rows = [("tea", "DRINKS > TEA", "leaf"), ("coffee", "DRINKS > COFFEE", "acme"), ("cup", "HOME > CUPS", None),
            ("soap", "HOME > SOAP", "acme")]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["item_id", "category_path", "brand"], orient="row")
    return filled(schemas.ITEMS, frame.with_columns(snapshot_date=pl.lit(AS_OF_DATE)))


def events() -> pl.DataFrame:
    """Purchases of half a year, schemas.EVENTS, by time."""
    rows = []
    for place, user_id in enumerate(USERS):
        group, number = user_id.split("_")
        for week in range(26):
            at = day(-182 + 7 * week + place % 7 + 0.5)
            basket = {"fan": ["tea", "cup"], "buyer": ["tea", "cup"], "novice": ["cup"], "cleaner": ["soap"]}[group]
            if group == "novice" and week == 23 and int(number) % 2:
                basket = [*basket, "tea"]
            rows += [(user_id, item_id, at) for item_id in basket]
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "occurred_at"], orient="row").with_columns(
        event_id=pl.format("{}-{}-{}", "user_id", "item_id", "occurred_at"), event_type=pl.lit("purchase"),
        quantity=pl.lit(1.0), unit_price=pl.lit(2.0), ingested_at="occurred_at",
        order_id=pl.format("{}-{}", "user_id", "occurred_at"),
    )  # fmt: skip
    return filled(schemas.EVENTS, frame.sort("occurred_at", "event_id"))


def campaign_rows(**changes: object) -> pl.DataFrame:
    """The campaigns, schemas.CAMPAIGNS; `changes` are columns of all of them."""
    rows = [
        {"campaign_id": name, "name": f"Tea {name}", "starts_at": day(first), "ends_at": day(last), **changes}
        for name, (first, last) in CAMPAIGN_DAYS.items()
    ]
    return filled(schemas.CAMPAIGNS, pl.DataFrame(rows)).sort("campaign_id")


def contacts() -> pl.DataFrame:
    """Fans and buyers were sent every campaign that has begun but the running one, schemas.CONTACTS."""
    rows = [
        (name, user_id, day(first))
        for name, (first, _) in CAMPAIGN_DAYS.items()
        if name.startswith("past")
        for user_id in USERS[: 2 * EACH]
    ]
    return pl.DataFrame(rows, schema=schemas.CONTACTS.column_names, orient="row").sort("campaign_id", "user_id")


def responses() -> pl.DataFrame:
    """Fans answered a week later, schemas.RESPONSES; every tenth did not, so that nothing is certain."""
    return (
        contacts()
        .filter(pl.col("user_id").str.starts_with("fan") & ~pl.col("user_id").str.ends_with("9"))
        .select("campaign_id", "user_id", responded_at=pl.col("contacted_at") + timedelta(days=7))
    )


def targets() -> pl.DataFrame:
    """Every campaign promotes tea, schemas.CAMPAIGN_TARGETS."""
    return pl.DataFrame(
        [(name, "item", "tea") for name in sorted(CAMPAIGN_DAYS)],
        schema=schemas.CAMPAIGN_TARGETS.column_names,
        orient="row",
    )


def campaigns() -> Campaigns:
    """The campaigns as the features read them."""
    promoted = promoted_items(targets(), items())
    return Campaigns(campaign_rows(), promoted, contacts(), responses(), alike(promoted, items()))


def purchases() -> Purchases:
    """The purchases as the features read them."""
    return encode_purchases(events(), items(), "UTC")


def users() -> pl.DataFrame:
    """All users, schemas.USERS; cleaner_0 gave no consent."""
    frame = pl.DataFrame({"user_id": sorted(USERS)}).with_columns(
        consent=pl.col("user_id") != "cleaner_0", snapshot_date=pl.lit(AS_OF_DATE)
    )
    return filled(schemas.USERS, frame)


def lake_context(folder: Path, settings: Settings = SETTINGS, as_of_date: date = AS_OF_DATE) -> RunContext:
    """A run on a lake in `folder`."""
    return RunContext(as_of_date, Environment("", "", str(folder)), settings, "test")


def write_lake(context: RunContext, **frames: pl.DataFrame) -> Lake:
    """Write what the steps before leave for the context's day; `frames` replaces tables by name."""
    key = {"as_of_date": context.as_of_date}
    bought = frames.pop("events", events())
    for (when,), rows in bought.group_by(pl.col("occurred_at").dt.date()):
        write_partition(context.lake, schemas.EVENTS, rows.sort("occurred_at", "event_id"), date=when)
    made = {
        "items": items(), "users": users(), "campaigns": campaign_rows(), "campaign_targets": targets(),
        "contacts": contacts(), "responses": responses(),
    }  # fmt: skip
    written = (schemas.ITEMS, schemas.USERS, schemas.STOCK, schemas.EXCLUDED_EVENTS, *schemas.CAMPAIGN_TABLES)
    for table in written:
        frame = frames.get(table.name, made.get(table.name))
        write_partition(context.lake, table, table.arrow_schema.empty_table() if frame is None else frame, **key)
    return context.lake
