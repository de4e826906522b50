"""The source queries: sql/source/<table>.sql, run against the shop's database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from recsys.database import DatabaseError, bind, copy_out, query_columns
from recsys.run import RunContext, RunError
from recsys.schemas import Table

log = logging.getLogger(__name__)

OPTIONAL_COLUMNS = {"items": {"snapshot_date"}, "users": {"snapshot_date"}}
"""Columns of the contract that a source query may leave out: they then tell of the as-of date."""


def source_text(context: RunContext, table: Table) -> str:
    """The text of the table's source query. Raises FileNotFoundError when the shop has none."""
    return (context.environment.source_sql / f"{table.name}.sql").read_text(encoding="utf-8")


def snapshot_parameters(context: RunContext) -> dict[str, Any]:
    """Parameters of the queries of items, users, stock and its history."""
    data, day = context.settings.data, context.as_of_date
    stock_from = day - timedelta(days=data.stock_look_back_days)
    history_from = day - timedelta(days=data.look_back_days)
    return {"as_of": context.as_of, "as_of_date": day, "stock_from": stock_from, "history_from": history_from}


def bound_query(
    context: RunContext, connection: Connection, table: Table, parameters: dict[str, Any]
) -> tuple[sql.SQL, list[str]] | None:
    """The source query with its parameters, and its columns; None where the shop has no such table.

    Raises RunError, which names the file, for a query that the database refuses or that lacks a column.
    """
    file = context.environment.source_sql / f"{table.name}.sql"
    try:
        query = bind(connection, source_text(context, table), parameters)
        columns = query_columns(connection, query)
    except (FileNotFoundError, psycopg2.errors.UndefinedTable) as error:
        connection.rollback()
        log.info("%s: the shop has no such table (%s)", table.name, str(error).strip().splitlines()[0])
        return None
    except (psycopg2.Error, DatabaseError) as error:
        raise RunError(f"{file}: {str(error).strip()}") from error
    allowed = OPTIONAL_COLUMNS.get(table.name, set())
    missing = [name for name in table.column_names if name not in columns and name not in allowed]
    if missing:
        raise RunError(f"{file}: the query gives no column {', '.join(missing)}; select null for what the shop lacks")
    return query, columns


def stream_rows(table: Table, connection: Connection, query: sql.SQL, columns: list[str]) -> Iterator[pa.Table]:
    """The query's rows, block by block, as text columns of the contract; missing optional columns are left out.

    Raises RunError, which names the table, when the source fails or breaks off.
    """
    wanted = [name for name in table.column_names if name in columns]
    try:
        for batch in copy_out(connection, query, columns):
            yield pa.Table.from_batches([batch]).select(wanted)
    except DatabaseError as error:
        raise RunError(f"reading {table.name} from the shop: {error}") from error


def oldest_and_newest(connection: Connection, query: sql.SQL, table: Table) -> tuple[datetime | None, datetime | None]:
    """First and last `occurred_at` that `query` gives; None where it gives none."""
    statement = sql.SQL("select min(occurred_at), max(occurred_at) from ({}) as source").format(query)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            oldest, newest = cursor.fetchone() or (None, None)
    except psycopg2.Error as error:
        raise RunError(f"reading {table.name} from the shop: {str(error).strip()}") from error
    return _as_utc(oldest), _as_utc(newest)


def _as_utc(instant: datetime | None) -> datetime | None:
    # A column without a zone is read as UTC, as in the extraction.
    return instant.replace(tzinfo=timezone.utc) if instant is not None and instant.tzinfo is None else instant
