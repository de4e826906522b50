"""Load a day's result tables from the lake into schema recsys_staging, out of the readers' sight, and check them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

import psycopg2
import pyarrow as pa
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection

from recsys import schemas
from recsys.database import copy_in
from recsys.run import Counts, RunContext, RunError
from recsys.schemas import Table
from recsys.storage import Lake, has_partition, shards_of, stream_partition
from recsys.threads import dealt
from recsys.warehouse import (
    SESSIONS,
    SQL,
    STAGING,
    WRITER,
    connect_warehouse,
    for_published_tables,
    partition_name,
    require_tables,
)


def stage_tables(context: RunContext) -> Counts:
    """Load the lake's rows of the day of every published table into a fresh staging table each.

    Returns the rows by table. Raises RunError for a table without a partition of the day, rows of another day, or rows
    that repeat a key; DatabaseError when the warehouse cannot be reached or is older than this version.
    """
    dsn, day = context.environment.warehouse_dsn, context.as_of_date
    partitions = {table: _lake_partitions(context.lake, table, day) for table in schemas.PUBLISHED}
    with connect_warehouse(dsn) as connection:
        require_tables(connection)
        for table in partitions:
            create_staged(connection, table, day)
    rows: dict[str, int] = {}
    for loaded in dealt(partitions.items(), partial(_load, context), SESSIONS):
        rows |= loaded

    def finish(connection: Connection, tables: Iterator[Table]) -> None:
        for table in tables:
            add_keys(connection, table, day)

    for_published_tables(dsn, finish)
    return {table.name: rows[partition_name(table, day)] for table in partitions}


def _load(context: RunContext, tables: Iterator[tuple[Table, list[dict[str, object]]]]) -> dict[str, int]:
    """Load the partitions of tables in one session, each in its order, so that its keys find the rows all but sorted.

    Returns the rows by staging table.
    """
    readers = (
        (partition_name(table, context.as_of_date), _reader(context.lake, table, partitions))
        for table, partitions in tables
    )
    return copy_in(context.environment.warehouse_dsn, WRITER, STAGING, readers)


def check_staging(context: RunContext) -> Counts:
    """Run every table's check.sql on the staged rows of the day.

    Returns the number of checks. Raises RunError with each table's problems, an example and how many rows have it:
    nothing is published.
    """
    dsn, day = context.environment.warehouse_dsn, context.as_of_date
    with connect_warehouse(dsn) as connection:
        require_staged(connection, day)

    def check(connection: Connection, tables: Iterator[Table]) -> list[str]:
        _show_staged(connection, day)
        found = [line for table in tables for line in _offending(connection, table)]
        connection.rollback()
        return found

    if found := sorted(line for lines in for_published_tables(dsn, check) for line in lines):
        raise RunError(f"the rows of {day} are not published: " + "; ".join(found))
    return {"checks": len(schemas.PUBLISHED), "offending": 0}


def require_staged(connection: Connection, day: date) -> None:
    """Raise RunError, which names the tables, unless every published table is staged for `day`."""
    missing = [table.name for table in schemas.PUBLISHED if not is_staged(connection, table, day)]
    if missing:
        raise RunError(f"nothing is staged for {day} of {', '.join(missing)}: run stage_tables first")


def is_staged(connection: Connection, table: Table, day: date) -> bool:
    """Whether the rows of `day` wait in schema recsys_staging."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is not null", (f"{STAGING}.{partition_name(table, day)}",))
        row = cursor.fetchone()
    return bool(row and row[0])


def create_staged(connection: Connection, table: Table, day: date) -> None:
    """A fresh staging table of `table` for the rows of `day`, without keys yet."""
    staged, parent = sql.Identifier(STAGING, partition_name(table, day)), sql.Identifier("recsys", table.name)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop table if exists {}").format(staged))
        cursor.execute(sql.SQL("create table {} (like {} including comments including storage)").format(staged, parent))


def _lake_partitions(lake: Lake, table: Table, day: date) -> list[dict[str, object]]:
    whole: dict[str, object] = {"as_of_date": day}
    shards = shards_of(lake, table, **whole)
    if has_partition(lake, table, **whole):
        if shards:
            raise RunError(f"the lake holds {table.name} of {day} both whole and in shards: delete one of them")
        return [whole]
    if not shards:
        raise RunError(f"the lake {lake} has no {table.name} of {day}: run the step that writes it")
    return shards


def _reader(lake: Lake, table: Table, partitions: list[dict[str, object]]) -> pa.RecordBatchReader:
    batches = (batch for keys in partitions for batch in stream_partition(lake, table, **keys))
    return pa.RecordBatchReader.from_batches(table.arrow_schema, batches)


def add_keys(connection: Connection, table: Table, day: date) -> None:
    """Add what attaching needs, faster after the load than before: the parent's keys, and proof of the rows' day.

    Raises RunError for rows of another day, or rows that repeat a key.
    """
    staged = sql.Identifier(STAGING, partition_name(table, day))
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid = %s::regclass and contype in ('p', 'u') order by contype",
            (f"recsys.{table.name}",),
        )
        keys = [definition for (definition,) in cursor.fetchall()]
        try:
            cursor.execute("set local maintenance_work_mem = '256MB'")
            proof = sql.SQL("add check (as_of_date = {})").format(sql.Literal(day))
            added = sql.SQL(", ").join([proof, *(sql.SQL("add {}").format(sql.SQL(key)) for key in keys)])
            cursor.execute(sql.SQL("alter table {} {}").format(staged, added))
            cursor.execute(sql.SQL("analyze {}").format(staged))
        except errors.CheckViolation as error:
            raise RunError(f"{table.name} of {day} holds rows of another day") from error
        except errors.UniqueViolation as error:
            detail = (error.diag.message_detail or str(error)).strip()
            raise RunError(f"{table.name} of {day} repeats a key: {detail}") from error


def _show_staged(connection: Connection, day: date) -> None:
    """Let this session read the staged rows under the tables' plain names, as the checks do."""
    with connection.cursor() as cursor:
        for table in schemas.PUBLISHED:
            cursor.execute(
                sql.SQL("create temporary view {} as select * from {}").format(
                    sql.Identifier(table.name), sql.Identifier(STAGING, partition_name(table, day))
                )
            )


def _offending(connection: Connection, table: Table) -> list[str]:
    """What breaks the table's check, as sentences. Raises RunError for a check that cannot run."""
    path = SQL / "warehouse" / table.name / "check.sql"
    # Counted in the server: a check that every row breaks must not bring every row here.
    query = sql.SQL("select problem, min(place), count(*) from ({}) as found group by problem order by problem").format(
        sql.SQL(path.read_text(encoding="utf-8"))
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return [
                f"{table.name}: {problem} ({place})" + (f", in {rows:,} rows" if rows > 1 else "")
                for problem, place, rows in cursor.fetchall()
            ]
    except psycopg2.Error as error:
        raise RunError(f"sql/warehouse/{table.name}/check.sql: {str(error).strip()}") from error
