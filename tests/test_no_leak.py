"""What happens on or after the as-of date changes no byte of that day's lists; the same day is the same bytes.

Everything runs on the known-answer shop, from Postgres to the lists in the lake.
"""

import multiprocessing
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import psycopg2
import pytest

from recsys import schemas
from recsys.config import Environment
from recsys.run import RunContext
from recsys.storage import file_checksum, list_keys, partition_path, scan_partitions
from tests import known_answer_shop as shop
from tests.conftest import insert_rows

pytestmark = pytest.mark.postgres

LEARNT_LATER = "late-"
LOOK_AT_OTHER_DAYS = ("data_quality", "gate_verdicts", "realised_metrics")
"""Tables that hold more where other days were built first."""
DAYS = [shop.AS_OF_DATE - timedelta(days=back) for back in range(3)]


@pytest.fixture
def context(shop_database: str, lake: str) -> RunContext:
    shop.fill_shop(shop_database)
    return RunContext(shop.AS_OF_DATE, Environment(shop_database, "", lake), shop.SETTINGS, "test")


def on_empty_lake(context: RunContext, folder: Path) -> RunContext:
    return replace(context, environment=replace(context.environment, lake_uri=str(folder)))


def on_day(context: RunContext, day: date) -> RunContext:
    return replace(context, as_of_date=day)


def checksums(context: RunContext, but: Collection[str] = ()) -> dict[str, str]:
    """SHA-256 of each file of the day that is published, but those of the tables named in `but`."""
    day = {"as_of_date": context.as_of_date}
    shards = list_keys(context.lake, schemas.USER_RECOMMENDATIONS, **day)
    assert shards, "no lists were written"
    paths = [partition_path("user_recommendations", **day, shard=shard) for shard in shards]
    whole = [table.name for table in schemas.PUBLISHED if table is not schemas.USER_RECOMMENDATIONS]
    paths += [partition_path(name, **day) for name in whole if name not in but]
    return {path: file_checksum(context.lake, path) for path in paths}


def planted_rows(context: RunContext) -> int:
    """Planted rows that lie in the lake within reach of the run, were it not for when they were ingested."""
    days = [{"date": day} for day in list_keys(context.lake, schemas.EVENTS)]
    rows = scan_partitions(context.lake, schemas.EVENTS, days).filter(pl.col("occurred_at") < context.as_of)
    return rows.filter(pl.col("event_id").str.starts_with(LEARNT_LATER)).collect().height


def plant_future(dsn: str) -> None:
    """Absurd events, prices, stock, consent, titles and a campaign that a run of the as-of date cannot have known."""
    as_of = shop.instant(shop.AS_OF_DATE)
    genuine = shop.events().filter(pl.col("event_type") == "purchase")
    absurd = {"item_id": pl.lit("cat_toy"), "quantity": pl.lit(1e6), "unit_price": pl.lit(1e6)}
    later = pl.lit(timedelta(days=shop.DAYS))
    future = genuine.with_columns(
        event_id=pl.format("f{}", "event_id"),
        occurred_at=pl.col("occurred_at") + later,
        ingested_at=pl.col("ingested_at") + later,
        **absurd,
    )
    learnt_later = genuine.with_columns(
        event_id=pl.format(LEARNT_LATER + "{}", "event_id"), ingested_at=pl.lit(as_of) + timedelta(seconds=1), **absurd
    )
    shop.copy_rows(dsn, "events", pl.concat([future, learnt_later]))
    since = {"valid_from": pl.lit(as_of)}
    items = shop.items().with_columns(title=pl.lit("Future"), list_price=pl.lit(1e9), retired_at=as_of, **since)
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("update shop.items set valid_to = %s", (as_of,))
        cursor.execute("update shop.users set valid_to = %s", (as_of,))
    connection.close()
    shop.copy_rows(dsn, "items", items)
    shop.copy_rows(dsn, "users", shop.users().with_columns(consent=False, segment=pl.lit("future"), **since))
    shop.copy_rows(dsn, "stock", shop.stock().with_columns(snapshot_date=shop.AS_OF_DATE, on_hand=0.0))
    plant_campaign(dsn, as_of)


def plant_campaign(dsn: str, announced_at: datetime) -> None:
    """A campaign for every item that reaches everybody, whom all of them answer at once."""
    campaign = {"campaign_id": "future", "name": "Future", "starts_at": announced_at, "announced_at": announced_at}
    insert_rows(dsn, "shop.campaigns", [{**campaign, "ends_at": announced_at + timedelta(days=9)}])
    insert_rows(dsn, "shop.campaign_items", [{"campaign_id": "future", "item_id": item_id} for item_id in shop.ITEMS])
    for table, moment in (("campaign_contacts", "contacted_at"), ("campaign_responses", "responded_at")):
        reached = [{"campaign_id": "future", "user_id": user, moment: announced_at} for user in shop.SEGMENTS]
        insert_rows(dsn, f"shop.{table}", reached)


def test_the_future_changes_no_byte(context: RunContext, tmp_path: Path) -> None:
    shop.build_day(context)
    before = checksums(context)
    plant_future(context.environment.shop_dsn)
    again = on_empty_lake(context, tmp_path / "with the future")
    shop.build_day(again)
    assert checksums(again) == before
    assert planted_rows(again) == shop.events().filter(pl.col("event_type") == "purchase").height


def test_the_same_day_twice_is_the_same_bytes(context: RunContext) -> None:
    shop.build_day(context)
    before = checksums(context)
    shop.build_day(context)
    assert checksums(context) == before


def test_three_days_at_once_equal_the_same_days_one_by_one(context: RunContext, tmp_path: Path) -> None:
    together = on_empty_lake(context, tmp_path / "together")
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(len(DAYS)) as pool:
        pool.map(shop.build_day, [on_day(together, day) for day in DAYS], chunksize=1)
    for day in reversed(DAYS):
        shop.build_day(on_day(context, day))
    for day in DAYS:
        alone = checksums(on_day(context, day), but=LOOK_AT_OTHER_DAYS)
        assert checksums(on_day(together, day), but=LOOK_AT_OTHER_DAYS) == alone
