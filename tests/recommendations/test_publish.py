"""Staging, checking, publishing and going back, against a Postgres server."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg2
import pytest

from demo import postgres
from recsys import schemas
from recsys.claims import claim_run, release_day
from recsys.database import DatabaseError
from recsys.recommendations.publish import publish, rollback
from recsys.recommendations.staging import check_staging, stage_tables
from recsys.run import RunError
from recsys.storage import Lake, delete_partitions, write_partition
from recsys.warehouse import create_warehouse
from tests.recommendations.published_days import (
    FIRST,
    SECOND,
    THIRD,
    context_of,
    fetch,
    recommendations,
    run_day,
    write_day,
)

pytestmark = pytest.mark.postgres


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
