"""Show a day's staged tables to the readers: one transaction attaches all of them and moves the pointer.

A reader sees the old run or the new one, never a mix: the tables are locked for the few milliseconds between the first
change and the commit, so that no statement that was planned before runs on after it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from recsys import schemas
from recsys.claims import refuse_other_run
from recsys.config import Environment
from recsys.recommendations.publish_turn import TAKE_TURN, exclusive
from recsys.recommendations.staging import is_staged, require_staged
from recsys.run import Counts, RunContext, RunError
from recsys.schemas import Table
from recsys.storage import write_partition
from recsys.warehouse import (
    STAGING,
    connect_warehouse,
    current_day,
    for_published_tables,
    partition_name,
    published_days,
)


@dataclass(frozen=True)
class Staged:
    """What is known of a staged table before it is published: rows, checksum, model version."""

    table: Table
    rows: int
    checksum: str
    model_version: str | None


def publish(context: RunContext) -> Counts:
    """Attach the day's staged tables, in place of an older run's, and make the day current unless a later one is.

    Returns the rows published and the milliseconds for which readers were kept waiting. A second call of the same run
    changes nothing. Raises RunError when nothing is staged, when readers never let go of the tables, or when another
    run holds the day by now.
    """
    day = context.as_of_date
    with connect_warehouse(context.environment.warehouse_dsn) as connection:
        if _published_already(connection, context):
            _mark_lists(connection, context)
            return {"rows": 0, "already_published": 1}
        require_staged(connection, day)
        connection.commit()
        staged = _describe_all(context)
        own = [sql.Identifier(STAGING, partition_name(table.table, day)) for table in staged]
        with exclusive(connection, context.settings.publish, own) as locked_at:
            refuse_other_run(connection, context)
            for table in staged:
                _attach(connection, table.table, day)
                _record(connection, table, context)
            moved = _move_pointer_forward(connection, day)
        locked_ms = (time.perf_counter() - locked_at) * 1000
        _tell_planner(connection)
        _mark_lists(connection, context)
    return {
        "rows": sum(table.rows for table in staged),
        "locked_ms": round(locked_ms, 1),
        "current": int(moved),
        **{f"rows_{table.table.name}": table.rows for table in staged},
        **{f"checksum_{table.table.name}": table.checksum for table in staged},
    }


def rollback(environment: Environment, to: date | None = None) -> date:
    """Make an earlier published day current: `to`, or the newest one before the current. Returns that day.

    Nothing is deleted; publishing a later day, or the same one again, moves the pointer forward. Raises RunError when
    there is no such day.
    """
    with connect_warehouse(environment.warehouse_dsn) as connection:
        _execute(connection, TAKE_TURN)
        current, published = current_day(connection), published_days(connection)
        if current is None:
            raise RunError("nothing was published yet: there is no day to go back to")
        earlier = [day for day in published if day < current]
        if to is None and not earlier:
            raise RunError(f"no day before {current}, the current one, is published: there is no day to go back to")
        target = to or earlier[-1]
        if target not in published:
            held = ", ".join(str(day) for day in published[-10:])
            raise RunError(f"{target} is not published; the newest published days are {held}")
        _point_to(connection, target)
    return target


def drop_partition(connection: Connection, table: Table, day: date) -> None:
    """Drop the published rows of a day; nothing there is no error."""
    name = sql.Identifier("recsys", partition_name(table, day))
    _execute(connection, sql.SQL("drop table if exists {}").format(name))


def _tell_planner(connection: Connection) -> None:
    """Take the statistics of the tables over all their days, which the server never takes by itself.

    The statistics of each day are taken with its keys; without those of the whole table a join that a view makes is
    taken for hundreds of rows a row, and one user's lists for a second's work.
    """
    # Since version 18 the days, whose statistics are there, can be left out.
    whole = "analyze only {}" if connection.server_version >= 180000 else "analyze {}"
    for table in schemas.PUBLISHED:
        _execute(connection, sql.SQL(whole).format(sql.Identifier("recsys", table.name)))
        connection.commit()


def _published_already(connection: Connection, context: RunContext) -> bool:
    day = context.as_of_date
    if any(is_staged(connection, table, day) for table in schemas.PUBLISHED):
        return False
    with connection.cursor() as cursor:
        cursor.execute("select from recsys.published_runs where as_of_date = %s and run_id = %s", (day, context.run_id))
        return cursor.rowcount == len(schemas.PUBLISHED)


def _describe_all(context: RunContext) -> list[Staged]:
    """What is known of each staged table of the day, in the order of PUBLISHED."""

    def describe(connection: Connection, tables: Iterator[Table]) -> list[Staged]:
        return [_describe(connection, table, context.as_of_date) for table in tables]

    sessions = for_published_tables(context.environment.warehouse_dsn, describe)
    return sorted(
        (staged for session in sessions for staged in session), key=lambda told: schemas.PUBLISHED.index(told.table)
    )


def _describe(connection: Connection, table: Table, day: date) -> Staged:
    staged = sql.Identifier(STAGING, partition_name(table, day))
    version = sql.SQL("max(model_version)") if "model_version" in table.column_names else sql.SQL("null")
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select count(*), {} from {}").format(version, staged))
        rows, model_version = cursor.fetchone() or (0, None)
    return Staged(table, rows, _checksum(connection, table, staged), model_version)


class _Digest:
    """A file that keeps the SHA-256 of what is written to it."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, block: bytes) -> int:
        self.sha256.update(block)
        return len(block)


def _checksum(connection: Connection, table: Table, staged: sql.Identifier) -> str:
    """SHA-256, hexadecimal, of the rows as COPY writes them, in key order."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in table.column_names)
    key = sql.SQL(", ").join(sql.Identifier(name) for name in table.key)
    digest = _Digest()
    query = sql.SQL("copy (select {} from {} order by {}) to stdout").format(columns, staged, key)
    with connection.cursor() as cursor:
        cursor.execute("set local extra_float_digits = 1")
        cursor.copy_expert(query, digest)
    return digest.sha256.hexdigest()


def _attach(connection: Connection, table: Table, day: date) -> None:
    drop_partition(connection, table, day)
    name = partition_name(table, day)
    _execute(connection, sql.SQL("alter table {} set schema recsys").format(sql.Identifier(STAGING, name)))
    _execute(
        connection,
        sql.SQL("alter table {} attach partition {} for values in ({})").format(
            sql.Identifier("recsys", table.name), sql.Identifier("recsys", name), sql.Literal(day)
        ),
    )


def _record(connection: Connection, staged: Staged, context: RunContext) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into recsys.published_runs (as_of_date, table_name, run_id, rows, checksum, model_version)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (as_of_date, table_name) do update set"
            " run_id = excluded.run_id, rows = excluded.rows, checksum = excluded.checksum,"
            " model_version = excluded.model_version, published_at = excluded.published_at",
            (
                context.as_of_date,
                staged.table.name,
                context.run_id,
                staged.rows,
                staged.checksum,
                staged.model_version,
            ),
        )


def _mark_lists(connection: Connection, context: RunContext) -> None:
    """Note in the lake that its lists of the day are the published ones: only such lists are measured later."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select as_of_date, run_id, rows, checksum, model_version from recsys.published_runs"
            " where as_of_date = %s and table_name = %s",
            (context.as_of_date, schemas.USER_RECOMMENDATIONS.name),
        )
        rows = [dict(zip(schemas.PUBLISHED_LISTS.column_names, row, strict=True)) for row in cursor.fetchall()]
    mark = pa.Table.from_pylist(rows, schema=schemas.PUBLISHED_LISTS.arrow_schema)
    write_partition(context.lake, schemas.PUBLISHED_LISTS, mark, as_of_date=context.as_of_date)


def _move_pointer_forward(connection: Connection, day: date) -> bool:
    current = current_day(connection)
    if current is not None and day < current:
        return False
    _point_to(connection, day)
    return True


def _point_to(connection: Connection, day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into recsys.current_run (as_of_date) values (%s) on conflict (only_row) do update set"
            " as_of_date = excluded.as_of_date, moved_at = excluded.moved_at",
            (day,),
        )


def _execute(connection: Connection, statement: sql.Composable | str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
