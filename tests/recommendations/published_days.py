"""A small day of published tables in a lake, for the tests of staging and publishing."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import psycopg2

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.recommendations.publish import publish
from recsys.recommendations.staging import check_staging, stage_tables
from recsys.run import Counts, RunContext
from recsys.settings.publishing import PublishSettings
from recsys.storage import Lake, write_partition

FIRST, SECOND, THIRD = date(2017, 12, 3), date(2017, 12, 4), date(2017, 12, 5)


def context_of(
    dsn: str, lake: str, day: date = SECOND, run: str = "run-a", publish: PublishSettings | None = None
) -> RunContext:
    settings = Settings(publish=publish or PublishSettings(retention_days=30))
    return RunContext(day, Environment("unused", dsn, lake), settings, run)


def recommendations(day: date, item: str = "i", users: int = 2) -> pl.DataFrame:
    """Three items for each user: `<item>1` to `<item>3`."""
    rows = [
        {
            "as_of_date": day,
            "list": "for_you",
            "user_id": f"u{user}",
            "rank": rank,
            "item_id": f"{item}{rank}",
            "score": 1.0 / rank,
            "generator": "buy_again",
            "anchor_item_id": None,
            "purchases": 3,
            "last_purchase_days": 5,
            "usual_gap_days": 9,
            "fallback": None,
            "reason_code": "bought_before",
            "reason_text": "You buy it often.",
            "top_features": None,
            "probability": None,
            "due_date": None,
            "overdue": None,
            "propensity": None,
            "model_version": item,
        }
        for user in range(users)
        for rank in (1, 2, 3)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def finding(day: date, message: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "as_of_date": [day],
            "table_name": ["events"],
            "check_name": ["rows"],
            "subject": [""],
            "severity": ["info"],
            "value": [1.0],
            "threshold": [None],
            "passed": [True],
            "message": [message],
        }
    )


def write_day(lake: str, day: date, item: str = "i", rows: pl.DataFrame | None = None) -> None:
    """Every published table of `day`: the lists, one finding whose message is `item`, and empty partitions."""
    filled = {
        schemas.USER_RECOMMENDATIONS.name: recommendations(day, item) if rows is None else rows,
        schemas.DATA_QUALITY.name: finding(day, item),
    }
    for table in schemas.PUBLISHED:
        frame = filled.get(table.name)
        data = table.arrow_schema.empty_table() if frame is None else frame.to_arrow()
        write_partition(Lake(lake), table, data, as_of_date=day)


def run_day(context: RunContext) -> Counts:
    """Stage, check, publish."""
    stage_tables(context)
    check_staging(context)
    return publish(context)


def fetch(dsn: str, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Rows of `query`."""
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()
    finally:
        connection.close()
