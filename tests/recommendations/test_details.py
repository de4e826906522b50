"""Names of items, histories of users and the counts of a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone

import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.recommendations.details import build_details, item_details, user_history
from recsys.run import RunContext
from recsys.settings.publishing import PublishSettings
from recsys.storage import read_partition, write_partition
from tests import known_answer_shop as shop

DAY = {"as_of_date": shop.AS_OF_DATE}


def interactions(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """user, item and day of April 2020 of the newest event."""
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "day"], orient="row")
    instants = [datetime(2020, 4, day, 23, 30, tzinfo=timezone.utc) for day in frame["day"]]
    return frame.select(
        "user_id",
        "item_id",
        weight=pl.lit(1.0, pl.Float32),
        events=pl.lit(2, pl.Int32),
        last_at=pl.Series(instants, dtype=pl.Datetime("us", "UTC")),
    )


def test_history_is_newest_first_in_the_days_of_the_shop() -> None:
    rows = user_history(interactions(("u", "a", 1), ("u", "b", 3), ("u", "c", 3)), ["u"], 2, "Europe/Berlin")
    assert rows.select("rank", "item_id", "last_on").rows() == [(1, "b", date(2020, 4, 4)), (2, "c", date(2020, 4, 4))]


def test_who_withdrew_consent_has_no_history() -> None:
    assert user_history(interactions(("u", "a", 1), ("v", "a", 1)), ["v"], 5, "UTC")["user_id"].to_list() == ["v"]


def test_an_item_that_only_events_know_has_a_row_and_one_that_nobody_can_have_has_none() -> None:
    items = pl.DataFrame(
        {"item_id": ["sold", "gone", "new"], "title": ["Sold", "Gone", "New"], "list_price": [1.0, 2.0, 3.0]}
    ).with_columns(
        pl.lit(None, pl.String).alias(name) for name in ("category_path", "brand", "image_url", "description")
    )
    stock = pl.DataFrame({"item_id": ["sold"], "on_hand": [0.0]})
    blocked = pl.DataFrame({"item_id": ["sold", "gone"], "rule": ["out_of_stock", "retired"]})
    rows = item_details(items, stock, blocked, interactions(("u", "sold", 1), ("v", "sold", 1), ("u", "unknown", 2)))
    assert rows.select("item_id", "title", "on_hand", "users", "held_back").rows() == [
        ("new", "New", None, 0, None),
        ("sold", "Sold", 0.0, 2, "out_of_stock"),
        ("unknown", None, None, 1, None),
    ]


@pytest.fixture
def context(lake: str) -> RunContext:
    """The small shop with interactions, one shard that was served, and two refused rows."""
    made = RunContext(shop.AS_OF_DATE, Environment("", "", lake), Settings(), "test")
    shop.write_to_lake(made)
    write_partition(
        made.lake, schemas.INTERACTIONS, interactions(("family_0", "milk", 5), (shop.REFUSER, "cake", 6)), **DAY
    )
    counts = pl.DataFrame({"shard": [0], "users": [31], "scored_users": [7], "candidates": [90], "rows": [60]})
    write_partition(made.lake, schemas.SHARD_COUNTS, counts, **DAY, shard=0)
    refused = pl.DataFrame({"row_key": ["1", "2"]}).with_columns(
        pl.lit(shop.AS_OF_DATE).alias("as_of_date"),
        pl.lit(None, pl.Date).alias("day"),
        *(pl.lit("events").alias(name) for name in ("table_name", "reason", "row_text")),
    )
    write_partition(made.lake, schemas.REJECTED_ROWS, refused, **DAY)
    return made


def test_the_step_writes_the_three_tables(context: RunContext) -> None:
    counts = build_details(
        replace(context, settings=replace(context.settings, publish=PublishSettings(history_items=1)))
    )
    funnel = read_partition(context.lake, schemas.RUN_FUNNEL, **DAY)
    assert dict(funnel.select("stage", "value").rows()) == {
        "rejected_rows": 2,
        "events": 4,
        "interactions": 2,
        "active_users": 2,
        "active_items": 2,
        "offered_items": len(shop.ITEMS) - 2,
        "served_users": 31,
        "scored_users": 7,
        "candidates": 90,
        "list_rows": 60,
    }
    assert counts == {"item_details": len(shop.ITEMS) - 2, "user_history": 1, "run_funnel": funnel.height}
    assert read_partition(context.lake, schemas.USER_HISTORY, **DAY)["user_id"].to_list() == ["family_0"]
