"""Staging, checking, publishing and going back, against a Postgres server."""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import Any

import psycopg2
import pytest

from demo import postgres
from recsys import schemas
from recsys.claims import claim_run, release_day
from recsys.database import DatabaseError
from recsys.recommendations.publish import drop_partition, exclusive, publish, rollback
from recsys.recommendations.staging import check_staging, stage_tables
from recsys.run import RunError
from recsys.settings.publishing import PublishSettings
from recsys.storage import Lake, delete_partitions, write_partition
from recsys.warehouse import STAGING, connect_warehouse, create_warehouse, partition_name
from tests.recommendations.published_days import (
    FIRST,
    SECOND,
    THIRD,
    context_of,
    recommendations,
    run_day,
    write_day,
)

pytestmark = pytest.mark.postgres


def fetch(dsn: str, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()
    finally:
        connection.close()


def current_items(dsn: str) -> list[str]:
    return [item for (item,) in fetch(dsn, "select distinct item_id from bi.current_user_recommendations order by 1")]


def test_published_rows_are_the_rows_of_the_lake(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    counts = run_day(context_of(warehouse, lake))
    assert counts["rows"] == 7
    columns = ", ".join(schemas.USER_RECOMMENDATIONS.column_names)
    rows = fetch(warehouse, f"select {columns} from bi.current_user_recommendations order by user_id, rank")  # noqa: S608
    expected = recommendations(SECOND).rows()
    assert [row[:5] + row[6:] for row in rows] == [row[:5] + row[6:] for row in expected]
    assert [row[5] for row in rows] == pytest.approx([row[5] for row in expected], abs=1e-7)


def test_shards_are_published_together(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    delete_partitions(Lake(lake), schemas.USER_RECOMMENDATIONS, as_of_date=SECOND)
    whole = recommendations(SECOND, users=12)
    for shard in range(12):
        part = whole.filter(whole["user_id"] == f"u{shard}")
        write_partition(Lake(lake), schemas.USER_RECOMMENDATIONS, part, as_of_date=SECOND, shard=shard)
    run_day(context_of(warehouse, lake))
    assert fetch(warehouse, "select count(*), count(distinct user_id) from bi.user_recommendations") == [(36, 12)]


def test_same_rows_give_the_same_checksum_and_other_rows_another(warehouse: str, lake: str) -> None:
    query = "select table_name, checksum from recsys.published_runs where as_of_date = %s order by table_name"
    write_day(lake, SECOND)
    run_day(context_of(warehouse, lake, run="run-a"))
    first = fetch(warehouse, query, (SECOND,))
    # The order of the rows in the lake does not count.
    write_day(lake, SECOND, rows=recommendations(SECOND).reverse())
    run_day(context_of(warehouse, lake, run="run-b"))
    assert fetch(warehouse, query, (SECOND,)) == first
    write_day(lake, SECOND, rows=recommendations(SECOND, item="j"))
    run_day(context_of(warehouse, lake, run="run-c"))
    changed = {
        name for (name, old), (_, new) in zip(first, fetch(warehouse, query, (SECOND,)), strict=True) if old != new
    }
    assert changed == {"user_recommendations"}


def test_published_runs_tell_run_rows_and_model(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND, item="m")
    run_day(context_of(warehouse, lake, run="run-x"))
    assert fetch(
        warehouse,
        "select run_id, rows, model_version, length(checksum) from bi.published_runs where table_name = %s",
        ("user_recommendations",),
    ) == [("run-x", 6, "m", 64)]


def test_the_planner_knows_each_table_over_all_its_days(warehouse: str, lake: str) -> None:
    for day in (FIRST, SECOND):
        write_day(lake, day)
        run_day(context_of(warehouse, lake, day))
    query = (
        "select attname, most_common_vals::text from pg_stats where schemaname = 'recsys' and inherited"
        " and tablename = 'user_recommendations' and attname in ('as_of_date', 'user_id') order by 1"
    )
    assert fetch(warehouse, query) == [("as_of_date", f"{{{FIRST},{SECOND}}}"), ("user_id", "{u0,u1}")]


def test_a_rerun_replaces_exactly_its_day(warehouse: str, lake: str) -> None:
    for day in (FIRST, SECOND):
        write_day(lake, day)
        run_day(context_of(warehouse, lake, day))
    write_day(lake, FIRST, item="n")
    run_day(context_of(warehouse, lake, FIRST, run="run-b"))
    rows = fetch(
        warehouse, "select as_of_date, min(item_id), count(*) from bi.user_recommendations group by 1 order by 1"
    )
    assert rows == [(FIRST, "n1", 6), (SECOND, "i1", 6)]
    assert current_items(warehouse) == ["i1", "i2", "i3"], "an older day must not become current"


def test_publishing_again_after_success_changes_nothing(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    context = context_of(warehouse, lake)
    run_day(context)
    assert publish(context)["already_published"] == 1
    with pytest.raises(RunError, match="nothing is staged for 2017-12-04"):
        publish(context_of(warehouse, lake, run="run-b"))


def test_a_run_killed_between_staging_and_publishing_can_be_rerun(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND, item="old")
    stage_tables(context_of(warehouse, lake))
    write_day(lake, SECOND, item="new")
    run_day(context_of(warehouse, lake, run="run-b"))
    assert current_items(warehouse) == ["new1", "new2", "new3"]


def broken(change: str) -> Any:
    rows = recommendations(SECOND)
    rank, user = rows["rank"], rows["user_id"]
    if change == "gap":
        return rows.filter(~((rank == 2) & (user == "u1")))
    if change == "score":
        return rows.with_columns(score=rank.cast(float))
    if change == "nan":
        return rows.with_columns(score=rank.cast(float) * float("nan"))
    if change == "list":
        return rows.with_columns(list=user.replace({"u0": "for_them", "u1": "for_you"}))
    if change == "reason":
        return rows.with_columns(reason_text=user.replace({"u0": " ", "u1": "why"}))
    return rows.clear()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("gap", r"ranks do not run from 1 without gaps \(for_you / u1\)"),
        ("score", r"score rises with rank \(for_you / u0 / rank 2\)"),
        ("nan", "score is not a finite number"),
        ("list", r"unknown list \(for_them / u0 / rank 1\)"),
        ("reason", r"empty reason \(for_you / u0 / rank 1\)"),
        ("empty", "no list at all"),
    ],
)
def test_offending_rows_stop_the_run_and_leave_the_old_ones(
    warehouse: str, lake: str, change: str, message: str
) -> None:
    write_day(lake, FIRST, item="old")
    run_day(context_of(warehouse, lake, FIRST))
    write_day(lake, SECOND, rows=broken(change))
    context = context_of(warehouse, lake)
    stage_tables(context)
    with pytest.raises(RunError, match=message):
        check_staging(context)
    assert current_items(warehouse) == ["old1", "old2", "old3"]


def test_rows_that_cannot_be_a_day_are_refused_when_loaded(warehouse: str, lake: str) -> None:
    context = context_of(warehouse, lake)
    twice = recommendations(SECOND)
    write_day(lake, SECOND, rows=twice.vstack(twice.head(1)))
    with pytest.raises(RunError, match=r"repeats a key.*u0, for_you, 1"):
        stage_tables(context)
    write_day(lake, SECOND, rows=recommendations(FIRST))
    with pytest.raises(RunError, match="rows of another day"):
        stage_tables(context)
    with pytest.raises(RunError, match="nothing is staged"):
        check_staging(context_of(warehouse, lake, THIRD))


def test_a_table_without_a_partition_is_named(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    delete_partitions(Lake(lake), schemas.OFFLINE_METRICS, as_of_date=SECOND)
    with pytest.raises(RunError, match="no offline_metrics of 2017-12-04"):
        stage_tables(context_of(warehouse, lake))


def test_a_warehouse_that_refuses_is_named_without_its_password(lake: str) -> None:
    write_day(lake, SECOND)
    context = context_of("postgresql://someone:secret@127.0.0.1:1/warehouse", lake)
    with pytest.raises(DatabaseError, match="cannot connect to the warehouse database") as caught:
        stage_tables(context)
    assert "secret" not in str(caught.value)


def test_a_warehouse_not_yet_created_says_what_to_run(database: str, lake: str) -> None:
    write_day(lake, SECOND)
    with pytest.raises(DatabaseError, match="create-warehouse"):
        stage_tables(context_of(database, lake))


def test_a_warehouse_of_an_earlier_version_says_what_it_lacks(database: str, lake: str) -> None:
    create_warehouse(database)
    write_day(lake, FIRST)
    run_day(context_of(database, lake, FIRST))
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("alter table recsys.user_recommendations drop column propensity cascade")
        cursor.execute("drop table recsys.bundles cascade")
    connection.close()
    write_day(lake, SECOND)
    words = r"lacks table bundles, column user_recommendations.propensity: .*operations.md"
    with pytest.raises(DatabaseError, match=words):
        stage_tables(context_of(database, lake))
    with pytest.raises(DatabaseError, match=r"user_recommendations/create.sql: .*propensity.*operations.md"):
        create_warehouse(database)
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("alter table recsys.user_recommendations add column propensity real")
    connection.close()
    create_warehouse(database)
    run_day(context_of(database, lake))
    assert fetch(database, "select count(*) from bi.user_recommendations") == [(12,)]


def test_rollback_goes_back_one_day_or_to_a_named_one(warehouse: str, lake: str) -> None:
    environment = context_of(warehouse, lake).environment
    with pytest.raises(RunError, match="nothing was published yet"):
        rollback(environment)
    for day, item in ((FIRST, "a"), (SECOND, "b"), (THIRD, "c")):
        write_day(lake, day, item)
        run_day(context_of(warehouse, lake, day))
    assert rollback(environment) == SECOND
    assert current_items(warehouse) == ["b1", "b2", "b3"]
    assert rollback(environment) == FIRST
    with pytest.raises(RunError, match="no day before 2017-12-03"):
        rollback(environment)
    assert rollback(environment, THIRD) == THIRD
    with pytest.raises(RunError, match="2017-11-01 is not published"):
        rollback(environment, date(2017, 11, 1))
    assert current_items(warehouse) == ["c1", "c2", "c3"]


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
    monkeypatch.setattr("recsys.recommendations.publish._LONGEST_SILENCE", "300ms")
    impatient = f"{warehouse}?options=-c%20lock_timeout%3D10s"
    with (
        pytest.raises(DatabaseError, match="connection to the warehouse database was lost"),
        connect_warehouse(warehouse) as connection,
        exclusive(connection, PublishSettings()),
    ):
        drop_partition(connection, schemas.USER_RECOMMENDATIONS, FIRST)
        # Waits for as long as the publisher says nothing.
        assert fetch(impatient, "select count(*) from bi.current_user_recommendations") == [(6,)]


def test_a_run_whose_day_was_taken_over_does_not_publish(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    first, second = (context_of(warehouse, lake, SECOND, run=name) for name in ("run-a", "run-b"))
    claim_run(first)
    stage_tables(first)
    release_day(first.environment, SECOND)
    claim_run(second)
    with pytest.raises(RunError, match="2017-12-04 was taken over by run run-b"):
        publish(first)
    assert fetch(warehouse, "select count(*) from recsys.published_runs") == [(0,)]
    publish(second)


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


def test_a_warehouse_that_was_lost_is_filled_again_from_the_lake(postgres_server: postgres.Server, lake: str) -> None:
    write_day(lake, SECOND)
    checksums = []
    for _ in range(2):
        dsn = postgres.create_database(postgres_server, "lost_warehouse")
        create_warehouse(dsn)
        counts = run_day(context_of(dsn, lake))
        checksums.append(counts["checksum_user_recommendations"])
        assert current_items(dsn) == ["i1", "i2", "i3"]
        postgres.drop_database(postgres_server, "lost_warehouse")
    assert checksums[0] == checksums[1]


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
