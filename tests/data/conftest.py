"""A run against a small shop, and how to fill that shop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from recsys.config import Environment, Settings
from recsys.data.events import held_days
from recsys.run import RunContext
from recsys.schemas import EVENTS
from recsys.settings.data import DataSettings
from recsys.storage import read_partition
from tests.conftest import insert_rows

AS_OF = date(2024, 3, 10)
MakeContext = Callable[..., RunContext]
AddEvents = Callable[..., None]


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    """A moment of March 2024, UTC."""
    return datetime(2024, 3, day, hour, minute, tzinfo=timezone.utc)


def event(name: str, day: int, **changes: object) -> dict[str, object]:
    """An event row of the shop: user u1 buys item i1 at noon of that day in March 2024, known five minutes later."""
    row: dict[str, object] = {
        "event_id": name,
        "user_id": "u1",
        "item_id": "i1",
        "event_type": "purchase",
        "quantity": 1.0,
        "unit_price": 2.0,
        "occurred_at": at(day),
    }
    row |= changes
    occurred_at = row["occurred_at"]
    loaded = occurred_at + timedelta(minutes=5) if isinstance(occurred_at, datetime) else at(day, 13)
    return {"ingested_at": loaded, **row}


def make_context(dsn: str, lake: str, as_of_date: date = AS_OF, **changes: Any) -> RunContext:
    """A run on the shop at `dsn`; `changes` are data settings, time_zone or source_sql."""
    environment = Environment(dsn, dsn, lake)
    if "source_sql" in changes:
        environment = dataclasses.replace(environment, source_sql=Path(changes.pop("source_sql")))
    zone = changes.pop("time_zone", "UTC")
    data = DataSettings(**({"look_back_days": 20, "max_rejected_share": 0.5} | changes))
    return RunContext(as_of_date, environment, Settings(time_zone=zone, data=data), "test")


def execute(dsn: str, statement: str) -> None:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def days_of(run: RunContext) -> dict[int, list[str]]:
    """Event ids of each day of March 2024 that the lake holds."""
    return {day.day: read_partition(run.lake, EVENTS, date=day)["event_id"].to_list() for day in held_days(run)}


@pytest.fixture
def context(shop_database: str, lake: str) -> MakeContext:
    """make_context on the test's own shop and lake."""

    def make(as_of_date: date = AS_OF, **changes: Any) -> RunContext:
        return make_context(shop_database, lake, as_of_date, **changes)

    return make


@pytest.fixture
def add_events(shop_database: str) -> AddEvents:
    """Insert event rows into the test's shop."""

    def add(*rows: dict[str, object]) -> None:
        insert_rows(shop_database, "shop.events", list(rows))

    return add
