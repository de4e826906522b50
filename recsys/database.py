"""Connections to Postgres; streams of rows out of it and into it.

Values always travel as bound parameters; identifiers are composed by psycopg2.sql.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection


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
