"""What readers see while a day is published, and who waits for whom, against a Postgres server."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg2
import pytest

from recsys import schemas
from recsys.database import DatabaseError
from recsys.recommendations.publish import drop_partition, publish, rollback
from recsys.recommendations.publish_turn import exclusive
from recsys.recommendations.staging import stage_tables
from recsys.run import RunError
from recsys.settings.publishing import PublishSettings
from recsys.warehouse import STAGING, connect_warehouse, partition_name
from tests.recommendations.published_days import (
    FIRST,
    SECOND,
    context_of,
    fetch,
    run_day,
    write_day,
)

pytestmark = pytest.mark.postgres


def test_a_reader_sees_the_old_run_or_the_new_one_never_a_mix(warehouse: str, lake: str) -> None:
    """Two tables in one statement, read without pause while days, and the same day again, are published."""
    for day in (FIRST, SECOND):
        write_day(lake, day, item=f"{day:%d}-")
    run_day(context_of(warehouse, lake, FIRST))
    query = (
        "select distinct left(r.item_id, 3), q.message, count(*) over ()"
        " from bi.current_user_recommendations as r cross join bi.current_data_quality as q"
    )
    seen: list[list[tuple[Any, ...]]] = []
    stop = threading.Event()

    def read() -> None:
        connection = psycopg2.connect(warehouse)
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute(query)
                seen.append(cursor.fetchall())
        connection.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for run in range(6):
        day = (SECOND, FIRST)[run % 2]
        run_day(context_of(warehouse, lake, day, run=f"run-{run}"))
        rollback(context_of(warehouse, lake).environment, FIRST)
    stop.set()
    for reader in readers:
        reader.join()
    assert {tuple(rows) for rows in seen} == {(("03-", "03-", 6),), (("04-", "04-", 6),)}


def test_a_long_reader_is_waited_for_without_blocking_others(warehouse: str, lake: str) -> None:
    settings = PublishSettings(lock_timeout_seconds=0.05, publish_attempts=2)
    write_day(lake, SECOND)
    context = context_of(warehouse, lake, publish=settings)
    stage_tables(context)
    connection = psycopg2.connect(warehouse)
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from bi.user_recommendations")
        said = rf"readers held the published tables through 2 attempts \(\w+, pid {connection.info.backend_pid}\)"
        with pytest.raises(RunError, match=said):
            publish(context)
    timer = threading.Timer(0.3, connection.rollback)
    timer.start()
    patient = context_of(warehouse, lake, publish=PublishSettings(lock_timeout_seconds=0.05, publish_attempts=20))
    began = time.perf_counter()
    assert publish(patient)["rows"] == 7
    assert time.perf_counter() - began > 0.05
    timer.join()
    connection.close()


def test_no_reader_can_take_the_turn_of_publishing(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    reader = psycopg2.connect(warehouse)
    with reader.cursor() as cursor:
        cursor.execute("set role bi_reader")
        # The name of the lock that publishing once took; and the pointer, which every reader reads.
        cursor.execute("select pg_advisory_lock(hashtext('recsys.publish'))")
        cursor.execute("select as_of_date from bi.current_run")
        run_day(context_of(warehouse, lake, publish=PublishSettings(lock_timeout_seconds=0.05, publish_attempts=2)))
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("lock table recsys.current_run in share row exclusive mode")
    reader.close()


def test_the_turn_of_publishing_is_not_waited_for_without_end(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    context = context_of(warehouse, lake, publish=PublishSettings(lock_timeout_seconds=0.05, publish_attempts=2))
    stage_tables(context)
    said = r"another run or session that .* held the turn through 2 attempts \(\w+, pid \d+\): look"
    with (
        connect_warehouse(warehouse) as other,
        exclusive(other, PublishSettings()),
        pytest.raises(RunError, match=said),
    ):
        publish(context)
    assert publish(context)["rows"] == 7


def test_a_publisher_that_stands_still_does_not_keep_readers_out(
    warehouse: str, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_day(lake, FIRST)
    run_day(context_of(warehouse, lake, FIRST))
    monkeypatch.setattr("recsys.recommendations.publish_turn._LONGEST_SILENCE", "300ms")
    impatient = f"{warehouse}?options=-c%20lock_timeout%3D10s"
    with (
        pytest.raises(DatabaseError, match="connection to the warehouse database was lost"),
        connect_warehouse(warehouse) as connection,
        exclusive(connection, PublishSettings()),
    ):
        drop_partition(connection, schemas.USER_RECOMMENDATIONS, FIRST)
        # Waits for as long as the publisher says nothing.
        assert fetch(impatient, "select count(*) from bi.current_user_recommendations") == [(6,)]


def test_autovacuum_at_work_in_a_staged_table_is_waited_for(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    context = context_of(warehouse, lake, publish=PublishSettings(lock_timeout_seconds=0.05, publish_attempts=1))
    stage_tables(context)
    connection = psycopg2.connect(warehouse)
    with connection.cursor() as cursor:
        staged = f"{STAGING}.{partition_name(schemas.USER_RECOMMENDATIONS, SECOND)}"
        # The lock that vacuum and analyze take.
        cursor.execute(f"lock table {staged} in share update exclusive mode")
    timer = threading.Timer(0.4, connection.rollback)
    timer.start()
    assert publish(context)["rows"] == 7
    timer.join()
    connection.close()


def test_a_repeatable_reader_keeps_its_rows_only_of_tables_it_has_read(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND, item="old")
    run_day(context_of(warehouse, lake))
    reader = psycopg2.connect(warehouse)
    reader.set_session(isolation_level="REPEATABLE READ")
    with reader.cursor() as cursor:
        cursor.execute("select as_of_date from bi.current_run")
        write_day(lake, SECOND, item="new")
        run_day(context_of(warehouse, lake, run="run-b"))
        cursor.execute("select count(*) from bi.current_user_recommendations")
        assert cursor.fetchone() == (0,), "rows written after the reader began are not its to see"
        reader.rollback()
        cursor.execute("select count(*) from bi.current_user_recommendations")
        assert cursor.fetchone() == (6,)
    reader.close()
