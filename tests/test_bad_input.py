"""Bad input from the shop's tables to the readers' views: what ends a run leaves the published rows as they were."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import polars as pl
import psycopg2
import pytest

from demo import postgres
from recsys import schemas, steps, warehouse
from recsys.config import Environment
from recsys.database import DatabaseError
from recsys.recommendations.publish import publish
from recsys.recommendations.staging import stage_tables
from recsys.run import RunContext, RunError
from recsys.storage import LakeError, read_partition
from tests import known_answer_shop as shop
from tests.recommendations.published_days import write_day

pytestmark = pytest.mark.postgres

EVENTS = shop.events()
LAST = EVENTS.filter(pl.col("occurred_at") >= shop.instant(shop.AS_OF_DATE - timedelta(days=3)))
BOUGHT = EVENTS.filter(pl.col("event_type") == "purchase")


@pytest.fixture
def context(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[RunContext]:
    """A run of a day on an empty shop; the day before it is published, with items old1 to old3."""
    names = ("bad_input_shop", "bad_input_warehouse")
    shop_dsn, warehouse_dsn = (postgres.create_database(postgres_server, name) for name in names)
    shop.create_tables(shop_dsn)
    for table, rows in (("items", shop.items()), ("users", shop.users()), ("stock", shop.stock())):
        shop.copy_rows(shop_dsn, table, rows)
    warehouse.create_warehouse(warehouse_dsn)
    before = shop.AS_OF_DATE - timedelta(days=1)
    write_day(str(tmp_path / "before"), before, item="old")
    environment = Environment(shop_dsn, warehouse_dsn, str(tmp_path / "before"))
    earlier = RunContext(before, environment, shop.SETTINGS, "earlier")
    stage_tables(earlier)
    publish(earlier)
    environment = dataclasses.replace(environment, lake_uri=str(tmp_path / "lake"))
    yield RunContext(shop.AS_OF_DATE, environment, shop.SETTINGS, "test")
    for name in names:
        postgres.drop_database(postgres_server, name)


def shown(dsn: str) -> set[str]:
    """Items that readers see."""
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("select item_id from bi.current_user_recommendations")
        items = {item for (item,) in cursor.fetchall()}
    connection.close()
    return items


OLD = {"old1", "old2", "old3"}
ENDINGS = {
    "empty source": (EVENTS.head(0), "the shop has no event before"),
    "a day before all data": (
        EVENTS.with_columns(pl.col("occurred_at", "ingested_at") + pl.duration(days=400)),
        "the shop has no event before",
    ),
    "a date in the future": (
        EVENTS.with_columns(pl.col("occurred_at", "ingested_at") - pl.duration(days=30)),
        "in the future of the shop's data",
    ),
    "duplicate events": (pl.concat([EVENTS, EVENTS.tail(300)]), "of the rows were refused|may not be published"),
    "null users": (EVENTS.with_columns(user_id=pl.lit(None, pl.String)), "may not be published"),
    "absurd quantities": (EVENTS.with_columns(quantity=pl.lit(-5.0)), "may not be published"),
    "unknown event types": (EVENTS.with_columns(event_type=pl.lit("glance")), "may not be published"),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_what_ends_a_run_leaves_the_published_rows(context: RunContext, name: str) -> None:
    rows, words = ENDINGS[name]
    shop.copy_rows(context.environment.shop_dsn, "events", rows)
    with pytest.raises(RunError, match=words):
        steps.run_all(context)
    assert shown(context.environment.warehouse_dsn) == OLD


def test_a_missing_column_leaves_the_published_rows(context: RunContext, tmp_path: Path) -> None:
    shop.copy_rows(context.environment.shop_dsn, "events", LAST)
    text = (context.environment.source_sql / "events.sql").read_text()
    (tmp_path / "events.sql").write_text(text.replace("    item_id,\n", ""))
    environment = dataclasses.replace(context.environment, source_sql=tmp_path)
    with pytest.raises(RunError, match=r"events\.sql: the query gives no column item_id"):
        steps.run_all(dataclasses.replace(context, environment=environment))
    assert shown(context.environment.warehouse_dsn) == OLD


def test_a_source_that_dies_half_way_leaves_the_published_rows(context: RunContext, tmp_path: Path) -> None:
    shop.copy_rows(context.environment.shop_dsn, "events", EVENTS)
    text = (context.environment.source_sql / "events.sql").read_text()
    half = EVENTS["event_id"][EVENTS.height // 2]
    (tmp_path / "events.sql").write_text(
        text.replace(
            "    quantity,\n", f"    case when event_id = '{half}' then 1 / (quantity - quantity) end as quantity,\n"
        )
    )
    environment = dataclasses.replace(context.environment, source_sql=tmp_path)
    with pytest.raises(RunError, match="reading events from the shop: the source broke off: division by zero"):
        steps.run_all(dataclasses.replace(context, environment=environment))
    assert shown(context.environment.warehouse_dsn) == OLD


def test_a_full_disk_leaves_the_published_rows(context: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    shop.copy_rows(context.environment.shop_dsn, "events", LAST)
    monkeypatch.setattr("recsys.storage.os.replace", full)
    with pytest.raises(LakeError, match="No space left"):
        steps.run_all(context)
    assert shown(context.environment.warehouse_dsn) == OLD


def test_a_warehouse_that_refuses_ends_the_run_before_the_shop_is_read(context: RunContext) -> None:
    shop.copy_rows(context.environment.shop_dsn, "events", LAST)
    environment = dataclasses.replace(context.environment, warehouse_dsn="postgresql://me:secret@127.0.0.1:1/warehouse")
    with pytest.raises(DatabaseError, match="cannot connect to the warehouse database"):
        steps.run_all(dataclasses.replace(context, environment=environment))
    assert not Path(context.environment.lake_uri).exists()
    assert shown(context.environment.warehouse_dsn) == OLD


SMALL = {
    "one user": EVENTS.filter(pl.col("user_id") == "family_1"),
    "one item": EVENTS.filter(pl.col("item_id") == "milk"),
    "no event on a day": EVENTS.filter(
        pl.col("occurred_at").dt.date().is_in([shop.AS_OF_DATE - timedelta(days=n) for n in (2, 5)]).not_()
    ),
    "without orders and prices": EVENTS.with_columns(
        pl.lit(None, pl.String).alias("order_id"),
        pl.lit(None, pl.String).alias("session_id"),
        pl.lit(None, pl.Float64).alias("unit_price"),
    ),
    "an id that no key holds": EVENTS.with_columns(
        pl.when((pl.col("user_id") == "family_1") & (pl.col("item_id") == "milk"))
        .then(pl.lit("".join(sha256(bytes([n])).hexdigest() for n in range(100))))
        .otherwise("item_id")
        .alias("item_id")
    ),
    "views only": EVENTS.filter(pl.col("event_type") == "view"),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_and_bare_shops_are_published(context: RunContext, name: str) -> None:
    shop.copy_rows(context.environment.shop_dsn, "events", SMALL[name])
    steps.run_all(context)
    seen = shown(context.environment.warehouse_dsn)
    assert seen
    assert seen <= set(shop.ITEMS) - {shop.RETIRED, shop.SOLD_OUT}


def test_a_shop_that_delivers_events_alone_has_lists_and_similar_items(context: RunContext, tmp_path: Path) -> None:
    shop.copy_rows(context.environment.shop_dsn, "events", EVENTS)
    folder = tmp_path / "events_alone"
    folder.mkdir()
    (folder / "events.sql").write_text((context.environment.source_sql / "events.sql").read_text())
    steps.run_all(dataclasses.replace(context, environment=dataclasses.replace(context.environment, source_sql=folder)))
    assert shown(context.environment.warehouse_dsn)
    similar = read_partition(context.lake, schemas.SIMILAR_ITEMS, as_of_date=context.as_of_date)
    assert set(similar["item_id"]) <= set(shop.ITEMS) and len(similar)
