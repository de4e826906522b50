"""The source queries: sql/source/<table>.sql, run against the shop's database."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from recsys.database import CsvRows, DatabaseError, bind, copy_out, query_columns
from recsys.run import RunContext, RunError, start_of_day
from recsys.schemas import TEXT, Table

log = logging.getLogger(__name__)

OPTIONAL_COLUMNS = {"items": {"snapshot_date", "image_vector"}, "users": {"snapshot_date"}}
"""Columns of the contract that a source query may leave out: rows then tell of the as-of date, and of no picture."""


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
    except (FileNotFoundError, psycopg2.Error, DatabaseError) as error:
        if isinstance(error, FileNotFoundError) or _is_missing_table(error):
            connection.rollback()
            log.info("%s: the shop has no such table (%s)", table.name, str(error).strip().splitlines()[0])
            return None
        raise RunError(f"{file}: {str(error).strip()}") from error
    allowed = OPTIONAL_COLUMNS.get(table.name, set())
    missing = [name for name in table.column_names if name not in columns and name not in allowed]
    if missing:
        raise RunError(f"{file}: the query gives no column {', '.join(missing)}; select null for what the shop lacks")
    return query, columns


def _is_missing_table(error: Exception) -> bool:
    # A wrong alias has the same SQLSTATE, and the message is in the server's language: where it arose tells them apart.
    return isinstance(error, psycopg2.errors.UndefinedTable) and error.diag.source_function == "parserOpenTable"


@dataclass(frozen=True)
class SourceRows:
    """A block of rows: `values` of the contract's types, or all of it text where a value is none of its type."""

    values: pa.Table
    csv: CsvRows

    def text(self) -> pa.Table:
        """The rows as the source wrote them."""
        return self.csv.read(dict.fromkeys(self.values.column_names, TEXT))


def stream_values(table: Table, connection: Connection, query: sql.SQL, columns: list[str]) -> Generator[SourceRows]:
    """The query's rows, block by block; missing optional columns are left out.

    Raises RunError, which names the table, when the source fails or breaks off.
    """
    types = {column.name: column.type for column in table.columns if column.name in columns}
    with _named(table), closing(copy_out(connection, query, columns)) as blocks:
        for csv in blocks:
            try:
                values = csv.read(types)
            except pa.ArrowInvalid:
                values = csv.read(dict.fromkeys(types, TEXT))
            yield SourceRows(values, csv)


def stream_rows(table: Table, connection: Connection, query: sql.SQL, columns: list[str]) -> Iterator[pa.Table]:
    """The query's rows, block by block, as text columns of the contract; else as stream_values."""
    texts = dict.fromkeys((name for name in table.column_names if name in columns), TEXT)
    with _named(table), closing(copy_out(connection, query, columns)) as blocks:
        for csv in blocks:
            yield csv.read(texts)


@contextmanager
def _named(table: Table) -> Iterator[None]:
    try:
        yield
    except (DatabaseError, pa.ArrowInvalid) as error:
        raise RunError(f"reading {table.name} from the shop: {error}") from error


def has_rows(connection: Connection, query: sql.SQL, table: Table) -> bool:
    """Whether `query` gives a row."""
    return _first_row(connection, sql.SQL("select 1 from ({}) as source limit 1").format(query), table) is not None


def oldest(connection: Connection, query: sql.SQL, table: Table, time_zone: str) -> datetime | None:
    """First `occurred_at` that `query` gives; None where it gives none. One look into an index that has its order.

    Raises RunError for days without a time whose midnight, that of UTC, lies on the day before in `time_zone`.
    """
    first = "select occurred_at from ({}) as source where occurred_at is not null order by occurred_at limit 1"
    statement = sql.SQL(first).format(query)
    row = _first_row(connection, statement, table)
    if row and type(row[0]) is date and start_of_day(row[0], time_zone) > _as_utc(row[0], table):
        raise RunError(
            f"{table.name}.sql: occurred_at is a day without a time, of which {time_zone} would make the day before; "
            f"write occurred_at::timestamp at time zone '{time_zone}' in the query, where it is selected and compared"
        )
    return _as_utc(row[0], table) if row and row[0] is not None else None


def newest(connection: Connection, query: sql.SQL, table: Table) -> datetime | None:
    """Last `occurred_at` that `query` gives; None where it gives none. Reads every row."""
    statement = sql.SQL("select max(occurred_at) from ({}) as source").format(query)
    row = _first_row(connection, statement, table)
    return _as_utc(row[0], table) if row and row[0] is not None else None


def _first_row(connection: Connection, statement: sql.Composable, table: Table) -> tuple[Any, ...] | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()
    except psycopg2.Error as error:
        raise RunError(f"reading {table.name} from the shop: {str(error).strip()}") from error


def _as_utc(value: object, table: Table) -> datetime:
    # A day and a column without a zone are read as UTC, as in the extraction.
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), timezone.utc)
    if not isinstance(value, datetime):
        raise RunError(
            f"{table.name}.sql: occurred_at is {value!r}, of type {type(value).__name__} and no instant; write "
            "occurred_at::timestamptz, or to_timestamp(…), in the query"
        )
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
