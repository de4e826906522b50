"""Reading the views of schema bi for the pages: few connections, short queries, as bi_reader.

Values are bound by the driver; the only identifiers that are composed are names of views and columns that
recsys.schemas declares.
"""

from __future__ import annotations

import os
import select
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection

from plugins.connections import postgres_address
from recsys.schemas import Table

Row = dict[str, Any]

CONNECTION = "recsys_bi"
VARIABLE = "RECSYS_BI_DSN"
KEPT = 40
_OPTIONS = (
    "-c timezone=UTC -c statement_timeout=5000 -c default_transaction_read_only=on"
    # Each question is about a few rows: to start a process for it takes longer than to answer it.
    " -c max_parallel_workers_per_gather=0 -c jit=off"
)


class UnavailableError(RuntimeError):
    """The warehouse cannot be read; the message says what to do, never a password."""


class Warehouse:
    """At most `size` connections, made when they are needed and used again; further requests wait for one."""

    def __init__(self, size: int = 8, patience_seconds: float = 10.0) -> None:
        self._slots = threading.BoundedSemaphore(size)
        self._patience = patience_seconds
        self._idle: list[Connection] = []
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader for one request. Raises UnavailableError when the database cannot be reached or all are busy."""
        if not self._slots.acquire(timeout=self._patience):
            raise UnavailableError("all connections to the warehouse are busy: try again in a moment")
        try:
            reader = Reader(self._take())
            yield reader
            self._idle.append(reader.connection)
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            # The server went away, or ended a query that took too long: the next request makes a connection of its own.
            raise UnavailableError(f"the warehouse did not answer: {str(error).strip()}") from error
        except psycopg2.Error as error:
            raise UnavailableError(
                f"the warehouse refused: {error.diag.message_primary or str(error).strip()}; the pages need a role "
                "that is a member of bi_reader, and the warehouse as this version's "
                "`python -m recsys create-warehouse` makes it"
            ) from error
        finally:
            self._slots.release()

    def kept(self, key: Any, find: Callable[[], Any]) -> Any:
        """What `find` gave for `key`, of the newest KEPT keys; found where it is not there."""
        found = self._kept.get(key)
        if found is None:
            self._kept[key] = found = find()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if _is_open(connection):
                return connection
        return _connect(find_dsn())


class Reader:
    """Queries of one request."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def rows(self, query: str | sql.Composable, **values: Any) -> list[Row]:
        """The rows of `query`, %(name)s bound to `values`; none when a view is not there (yet)."""
        try:
            return self._rows(query, values)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if not self.connection.closed:
                raise
            # The server ended it after the look at it: what only reads is asked once more, of a new one.
            self.connection = _connect(find_dsn())
            return self._rows(query, values)

    def _rows(self, query: str | sql.Composable, values: Row) -> list[Row]:
        with self.connection.cursor() as cursor:
            try:
                cursor.execute(query, values)
            except errors.UndefinedTable:
                return []
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def table_rows(self, table: Table, equal: Row, limit: int, after: Row | None = None) -> list[Row]:
        """Rows of the view of `table` whose columns have the values of `equal`, in key order.

        `after` holds key columns of a row; those that follow it are found by the index, however many came before.
        """
        conditions = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in equal]
        if after:
            columns = sql.SQL(", ").join(map(sql.Identifier, after))
            values = sql.SQL(", ").join(sql.Placeholder(f"after {name}") for name in after)
            conditions.append(sql.SQL("({}) > ({})").format(columns, values))
        query = sql.SQL("select * from {} where {} order by {} limit {}").format(
            sql.Identifier("bi", table.name),
            sql.SQL(" and ").join(conditions),
            sql.SQL(", ").join(sql.Identifier(name) for name in table.key),
            sql.Literal(limit),
        )
        return self.rows(query, **equal, **{f"after {name}": value for name, value in (after or {}).items()})


def find_dsn() -> str:
    """Address of the warehouse for bi_reader: the Airflow connection recsys_bi where it is defined, else RECSYS_BI_DSN.

    Raises UnavailableError when neither is there.
    """
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return postgres_address(AirflowConnection.get(CONNECTION))
    except AirflowNotFoundException:
        dsn = os.environ.get(VARIABLE)
    if not dsn:
        raise UnavailableError(
            f"the pages do not know the warehouse: define the Airflow connection {CONNECTION}, or {VARIABLE} in the "
            "environment of the API server, with a role that is a member of bi_reader"
        )
    return dsn


def _connect(dsn: str) -> Connection:
    try:
        connection = psycopg2.connect(dsn, connect_timeout=5, application_name="recsys pages", options=_OPTIONS)
    except psycopg2.ProgrammingError:
        # libpq quotes the address that it cannot read, and with it the password.
        raise UnavailableError(
            f"the address of the warehouse cannot be read: see the connection {CONNECTION} (its extra may hold libpq's "
            f"own parameters alone) or {VARIABLE}"
        ) from None
    except psycopg2.OperationalError as error:
        raise UnavailableError(f"the warehouse cannot be reached: {str(error).strip()}") from error
    # Each query stands alone: a view that is missing must not spoil the ones after it.
    connection.autocommit = True
    return connection


def _is_open(connection: Connection) -> bool:
    """Whether the server still holds its end: what it says unasked on an idle connection is that it goes."""
    said, _, _ = select.select([connection], [], [], 0)
    if said:
        connection.close()
    return not said
