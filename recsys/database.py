"""Connections to Postgres; streams of rows out of it and into it.

Values always travel as bound parameters; identifiers are composed by psycopg2.sql.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import parse_dsn

_BLOCK_BYTES = 4 << 20
_BLOCKS_WAITING = 2


class DatabaseError(RuntimeError):
    """A database cannot be reached or refused a statement; the message says which one, never the password."""


@contextmanager
def connect(dsn: str, name: str) -> Iterator[Connection]:
    """A connection to the database called `name` in messages: committed at the end, rolled back on an error.

    Sessions speak UTC and UTF-8, whatever the database holds; other options of the address are kept. Raises
    DatabaseError when the address cannot be read, the server cannot be reached or the connection is lost.
    """
    try:
        told = _options(dsn)
        own = {"options": f"{told.get('options', '')} -c timezone=UTC".strip(), "client_encoding": "UTF8"}
        connection = psycopg2.connect(**{"connect_timeout": 10, "application_name": "recsys", **told, **own})
    except psycopg2.ProgrammingError:
        # libpq quotes the address that it cannot read, and with it the password.
        raise DatabaseError(
            f"cannot read the address of the {name} database: write postgresql://user:password@host/db, with any "
            "@ : / ? # % of the password percent-encoded (%40 for @)"
        ) from None
    except psycopg2.OperationalError as error:
        raise DatabaseError(f"cannot connect to the {name} database: {str(error).strip()}") from error
    try:
        with connection:
            yield connection
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        if not connection.closed:
            raise
        # Going back on a connection that is closed has an error of its own, which tells nothing.
        said = error.__context__ if isinstance(error, psycopg2.InterfaceError) and error.__context__ else error
        raise DatabaseError(f"the connection to the {name} database was lost: {str(said).strip()}") from error
    finally:
        connection.close()


def _options(dsn: str) -> dict[str, Any]:
    """Options of the address, by name. Raises psycopg2.ProgrammingError for one that cannot be read.

    A password with an @ or / that is not encoded spills into host, port and database, which libpq would quote.
    """
    told: dict[str, Any] = parse_dsn(dsn)
    spilt = "://" in dsn and any("@" in str(told.get(name, "")) for name in ("host", "dbname"))
    if spilt or not str(told.get("port", "")).replace(",", "").strip("0123456789") == "":
        raise psycopg2.ProgrammingError("a part of the password stands for host or port")
    return told


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


@dataclass(frozen=True)
class CsvRows:
    """Whole rows of a query as the server sent them: CSV without a header, a null and an empty text apart."""

    csv: bytes
    rows: int
    columns: tuple[str, ...]

    def read(self, types: Mapping[str, pa.DataType]) -> pa.Table:
        """The columns that `types` names, each of its type.

        Raises pa.ArrowInvalid for a value that is none of its type, DatabaseError when a row got lost.
        """
        if not self.rows:
            return pa.table({name: pa.array([], type_) for name, type_ in types.items()})
        table = _read_csv(self.csv, self.columns, types)
        if table.num_rows != self.rows:
            raise DatabaseError(f"the server sent {self.rows} rows and {table.num_rows} arrived")
        return table


def copy_out(connection: Connection, query: sql.SQL, columns: Iterable[str]) -> Generator[CsvRows]:
    """Stream the rows of `query` in blocks, in order, one empty block where there are none; memory holds a few blocks.

    `columns` are its column names. Raises DatabaseError, after what had arrived, when the query fails, breaks off, or
    the server counted other rows than arrived.
    """
    command = sql.SQL("copy ({}) to stdout (format csv)").format(query).as_string(connection)
    blocks = _Blocks(tuple(columns))
    copier = threading.Thread(target=_copy_into, args=(connection, command, blocks), daemon=True)
    copier.start()
    try:
        while (block := blocks.waiting.get()) is not None:
            yield block
    except BaseException:
        blocks.abandon(copier, connection)
        raise
    copier.join()
    if blocks.error is not None:
        raise DatabaseError(f"the source broke off: {str(blocks.error).strip()}") from blocks.error
    if blocks.sent != blocks.arrived:
        raise DatabaseError(f"the server sent {blocks.sent} rows and {blocks.arrived} arrived")


class _Blocks:
    """The file that COPY writes to. Each write is one row, as Postgres sends it; rows are handed on by the block."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.waiting: Queue[CsvRows | None] = Queue(maxsize=_BLOCKS_WAITING)
        self.error: Exception | None = None
        self.sent = self.arrived = 0
        self._columns = columns
        self._abandoned = False
        self._rows: list[bytes] = []
        self._bytes = 0

    def write(self, row: bytes) -> int:
        self._rows.append(row)
        self._bytes += len(row)
        if self._bytes >= _BLOCK_BYTES:
            self.hand_on()
        return len(row)

    def hand_on(self) -> None:
        if self._abandoned:
            raise OSError("nobody wants the rows any more")
        self.waiting.put(CsvRows(b"".join(self._rows), len(self._rows), self._columns))
        self.arrived += len(self._rows)
        self._rows, self._bytes = [], 0

    def abandon(self, copier: threading.Thread, connection: Connection) -> None:
        """Cancel the copier's query and wait for its end: what it still has to say is not heard."""
        self._abandoned = True
        while copier.is_alive():
            # Again and again: a request that comes before the statement does is lost.
            with suppress(psycopg2.Error):
                connection.cancel()
            with suppress(Empty):
                while copier.is_alive():
                    self.waiting.get(timeout=0.05)


def _copy_into(connection: Connection, command: str, blocks: _Blocks) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert(command, blocks)
            blocks.sent = cursor.rowcount
        blocks.hand_on()
    except (psycopg2.Error, OSError) as error:
        blocks.error = error
    finally:
        blocks.waiting.put(None)


def _read_csv(csv: bytes, columns: tuple[str, ...], types: Mapping[str, pa.DataType]) -> pa.Table:
    return pacsv.read_csv(
        pa.BufferReader(csv),
        read_options=pacsv.ReadOptions(column_names=columns, block_size=len(csv) + 1),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


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
