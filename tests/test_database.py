"""Connections to Postgres: what they say, how text arrives, how a query is left."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2 import sql

from demo import postgres
from recsys.database import DatabaseError, connect, copy_out


@pytest.fixture
def latin_database(postgres_server: postgres.Server) -> Iterator[str]:
    """URL of an empty database whose text is LATIN1."""
    connection = psycopg2.connect(postgres_server.superuser_dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("create database latin encoding 'LATIN1' locale 'C' template template0")
    connection.close()
    yield postgres_server.dsn("latin")
    postgres.drop_database(postgres_server, "latin")


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql+psycopg2://reader:s3cret@db/shop",
        "s3cret",
        "postgresql://reader:pass@s3cret@127.0.0.1:1/shop",
        "postgresql://reader:s3cret/word@127.0.0.1:1/shop",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(dsn: str) -> None:
    words = "the shop database: write postgresql://user:password@host/db"
    with pytest.raises(DatabaseError, match=words) as caught, connect(dsn, "shop"):
        pass
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.postgres
def test_options_of_an_address_are_kept(database: str) -> None:
    dsn = f"{database}?options=-c%20search_path%3Dbazaar&application_name=crm"
    names = ("search_path", "application_name", "timezone", "client_encoding")
    with connect(dsn, "shop") as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting(name) from unnest(%s) as name", (list(names),))
        assert [value for (value,) in cursor.fetchall()] == ["bazaar", "crm", "UTC", "UTF8"]


@pytest.mark.postgres
def test_a_connection_that_is_lost_is_named(database: str) -> None:
    words = "connection to the shop database was lost: server closed the connection"
    with (
        pytest.raises(DatabaseError, match=words),
        connect(database, "shop") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select pg_terminate_backend(pg_backend_pid())")


@pytest.mark.postgres
def test_text_of_another_encoding_arrives_as_utf8(latin_database: str) -> None:
    with connect(latin_database, "shop") as connection:
        blocks = copy_out(connection, sql.SQL("select chr(228) as letter"), ["letter"])
        assert b"".join(block.csv for block in blocks) == "ä\n".encode()


@pytest.mark.postgres
def test_a_query_that_waits_is_cancelled_when_it_is_left(database: str) -> None:
    def out_of_time(*_: object) -> None:
        raise TimeoutError("the task took too long")

    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(TimeoutError), connect(database, "shop") as connection:
            list(copy_out(connection, sql.SQL("select pg_sleep(20)"), ["slept"]))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 10
