"""One Postgres server for a test process, a fresh database for a test.

Each worker of pytest-xdist starts a server of its own, so that nothing is shared between them; it is stopped by its
process id at the end.
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

from demo import postgres
from recsys.features import encoders

# Airflow makes its home folder when it is imported: not the user's.
os.environ.setdefault("AIRFLOW_HOME", str(Path(__file__).resolve().parent.parent / ".test" / "airflow"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

TEST_SETTINGS = {
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "100",
}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Program of the browser of tests/browser and tests/superset."""
# What takes minutes is collected where `make pictures` and `make dashboards` ask for it.
collect_ignore = [] if os.environ.get("RECSYS_PICTURES") else ["browser", "superset"]
LONGEST = ("test_runs.py", "test_no_leak.py")
"""They begin first, since `make test` hands files out in this order: else a worker ends minutes after the other."""
CREATE_SHOP = Path(postgres.__file__).parent / "shop" / "create.sql"
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files of LONGEST before all others, each in one piece."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def weights_loaded_once() -> Iterator[None]:
    """The weights of the text encoder take seconds to load: once a test process, not once a day that is built."""
    module, package, encoder = encoders._PACKAGED["sentences"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(encoders._PACKAGED, "sentences", (module, package, functools.cache(encoder)))
        yield


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """A running server with all roles, and no database of a test yet."""
    folder = tmp_path_factory.mktemp("postgres")
    try:
        yield postgres.start(folder, TEST_SETTINGS)
    finally:
        postgres.remove(folder)


@pytest.fixture
def database(postgres_server: postgres.Server) -> Iterator[str]:
    """URL (superuser) of a fresh empty database."""
    yield from _fresh_database(postgres_server)


@pytest.fixture
def shop_database(postgres_server: postgres.Server) -> Iterator[str]:
    """URL (superuser) of a fresh database with the empty tables of the demo shop; fill it with `insert_rows`."""
    for dsn in _fresh_database(postgres_server):
        postgres.prepare_shop(dsn)
        with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
            cursor.execute(CREATE_SHOP.read_text())
        connection.close()
        yield dsn


@pytest.fixture
def warehouse_database(postgres_server: postgres.Server) -> Iterator[str]:
    """URL (recsys_writer) of a fresh database with the warehouse's empty schemas."""
    for dsn in _fresh_database(postgres_server):
        postgres.prepare_warehouse(dsn)
        name = str(psycopg2.extensions.parse_dsn(dsn)["dbname"])
        yield postgres_server.dsn(name, "recsys_writer")


@pytest.fixture
def bi_dsn(postgres_server: postgres.Server, warehouse_database: str) -> str:
    """URL (bi_reader) of the same database as `warehouse_database`."""
    name = str(psycopg2.extensions.parse_dsn(warehouse_database)["dbname"])
    return postgres_server.dsn(name, "bi_reader")


@pytest.fixture
def lake(tmp_path: Path) -> str:
    """Folder of an empty lake."""
    folder = tmp_path / "lake"
    folder.mkdir()
    return str(folder)


def _fresh_database(server: postgres.Server) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    dsn = postgres.create_database(server, name)
    try:
        yield dsn
    finally:
        postgres.drop_database(server, name)


def insert_rows(dsn: str, table: str, rows: list[dict[str, object]]) -> None:
    """Insert literal `rows` into `table` ("schema.name") of the database at `dsn`; absent columns get their default."""
    identifier = sql.Identifier(*table.split("."))
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        for row in rows:
            columns = sql.SQL(", ").join(map(sql.Identifier, row))
            values = sql.SQL(", ").join(sql.Placeholder() * len(row))
            statement = sql.SQL("insert into {} ({}) values ({})").format(identifier, columns, values)
            cursor.execute(statement, list(row.values()))
    connection.close()
