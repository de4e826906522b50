"""Connections to Postgres; streams of rows out of it and into it.

Values always travel as bound parameters; identifiers are composed by psycopg2.sql.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import psycopg2
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

_BLOCK_BYTES = 4 << 20


class DatabaseError(RuntimeError):
    """A database cannot be reached or refused a statement; the message says which one, never the password."""


@contextmanager
def connect(dsn: str, name: str) -> Iterator[Connection]:
    """A connection to the database called `name` in messages: committed at the end, rolled back on an error.

    Sessions speak UTC. Raises DatabaseError when the server cannot be reached.
    """
    try:
        connection = psycopg2.connect(dsn, connect_timeout=10, application_name="recsys", options="-c timezone=UTC")
    except psycopg2.OperationalError as error:
        raise DatabaseError(f"cannot connect to the {name} database: {str(error).strip()}") from error
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def bind(connection: Connection, query: str, parameters: dict[str, Any]) -> sql.SQL:
    """`query` with `parameters` bound by the driver, to be put inside another statement.

    Raises DatabaseError for a %(…)s without a parameter or a percent sign that is not doubled.
    """
    try:
        with connection.cursor() as cursor:
            bound = cursor.mogrify(query.strip().rstrip(";"), parameters)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        known = ", ".join(f"%({name})s" for name in parameters)
        raise DatabaseError(f"{error}: the query may use {known}; any other percent sign is written twice") from error
    # The line break ends a comment that the query may end with.
    return sql.SQL(bound.decode("utf-8") + "\n")


def query_columns(connection: Connection, query: sql.SQL) -> list[str]:
    """Names of the columns that `query` would give, without running it. Raises psycopg2.Error for a wrong query."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from ({}) as source limit 0").format(query))
        return [column.name for column in cursor.description or ()]


def copy_out(connection: Connection, query: sql.SQL, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Stream the rows of `query` as batches of text columns, in order; memory is bounded by a few blocks.

    `columns` are its column names. A null and an empty text stay apart. Raises DatabaseError, after what had arrived,
    when the query fails, breaks off, or the server counted other rows than arrived. Only whole rows are yielded.
    """
    command = sql.SQL("copy ({}) to stdout (format csv, header)").format(query).as_string(connection)
    read_end, write_end = os.pipe()
    outcome: dict[str, Any] = {}
    copier = threading.Thread(target=_copy_into_pipe, args=(connection, command, write_end, outcome), daemon=True)
    copier.start()
    rows = 0
    try:
        with os.fdopen(read_end, "rb") as stream:
            for batch in _read_csv(stream, columns, copier, outcome):
                rows += batch.num_rows
                yield batch
    finally:
        # The pipe is closed by now, which stops a copier whose rows nobody wants any more.
        copier.join()
    if outcome["rows"] != rows:
        raise DatabaseError(f"the server sent {outcome['rows']} rows and {rows} arrived")


def _copy_into_pipe(connection: Connection, command: str, write_end: int, outcome: dict[str, Any]) -> None:
    try:
        with os.fdopen(write_end, "wb", buffering=1 << 20) as pipe, connection.cursor() as cursor:
            cursor.copy_expert(command, pipe)
            outcome["rows"] = cursor.rowcount
    except (psycopg2.Error, OSError) as error:
        outcome["error"] = error


def _read_csv(
    stream: IO[bytes], columns: list[str], copier: threading.Thread, outcome: dict[str, Any]
) -> Iterator[pa.RecordBatch]:
    held = None
    try:
        for batch in _text_batches(stream, columns):
            if held is not None:
                yield held
            held = batch
    except pa.ArrowInvalid as error:
        outcome.setdefault("unreadable", error)
    copier.join()
    # A stream that broke off may end in half a row, which reads as bad CSV: the server's own error says more.
    failure = outcome.get("error") or outcome.get("unreadable")
    if failure is not None:
        raise DatabaseError(f"the source broke off: {str(failure).strip()}") from failure
    # No rows at all are a batch of none, which tells the columns.
    yield (
        held if held is not None else pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in columns})
    )


def _text_batches(stream: IO[bytes], columns: list[str]) -> Iterator[pa.RecordBatch]:
    reader = pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    yield from reader


def copy_in(dsn: str, role: str, schema: str, tables: Iterable[tuple[str, pa.RecordBatchReader]]) -> dict[str, int]:
    """Append rows to tables of `schema` by binary COPY, acting as `role`: all of them or none. Returns rows by table.

    Columns go by name; memory holds one batch. Raises DatabaseError when the database refuses.
    """
    # It loads pandas, which takes longer than most steps' own start; only staging needs it.
    import adbc_driver_postgresql.dbapi as adbc_dbapi

    rows = {}
    try:
        with adbc_dbapi.connect(dsn) as connection, connection.cursor() as cursor:
            cursor.execute("select set_config('role', $1, false)", (role,))
            cursor.fetchall()
            for table, batches in tables:
                rows[table] = int(cursor.adbc_ingest(table, batches, mode="append", db_schema_name=schema))
            connection.commit()
    except adbc_dbapi.Error as error:
        raise DatabaseError(f"COPY into schema {schema}: {error}") from error
    return rows
