"""A warehouse full of made rows, for the speed of those who read it: published as a run's are, to the same keys.

What a table holds is one query each in `made_rows/`; the numbers in them mean nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from demo import postgres
from demo.postgres import Server
from recsys import schemas
from recsys.config import Environment, Settings
from recsys.recommendations.publish import publish
from recsys.recommendations.staging import add_keys, create_staged
from recsys.run import RunContext
from recsys.schemas import Table
from recsys.warehouse import STAGING, connect_warehouse, create_warehouse, partition_name

QUERIES = Path(__file__).resolve().parent / "made_rows"
DAY = date(2017, 12, 4)
BY_DAY = {
    schemas.OFFLINE_METRICS,
    schemas.REALISED_METRICS,
    schemas.GATE_VERDICTS,
    schemas.DATA_QUALITY,
    schemas.REJECTED_ROWS,
    schemas.RUN_FUNNEL,
    schemas.AUDIENCE_RESULTS,
}
"""Tables that earlier days hold too: what is charted over time. Of the other tables the last day alone has rows."""


@contextmanager
def server_folder(kept: Path | None) -> Iterator[Path]:
    """The folder of a server: `kept`, or a temporary one that goes with its server at the end of the block."""
    if kept:
        yield kept
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            postgres.remove(Path(folder))


def filled_server(folder: Path, users: int, items: int) -> Server:
    """A running server in `folder` with a warehouse of this size, filled by this call or by an earlier one."""
    server = postgres.start(folder)
    filled = folder / f"filled_{users}_{items}"
    if not filled.exists():
        rows = fill_warehouse(server.dsn("warehouse"), str(folder / "lake"), users, items)
        print(f"published {rows:,} rows", flush=True)
        filled.touch()
    return server


def fill_warehouse(dsn: str, lake: str, users: int, items: int, days: int = 30) -> int:
    """Create the warehouse at `dsn` (its administrator) and publish `days` days up to DAY; the rows of DAY.

    DAY holds 43 rows a user, in lists, histories and bundles, and about 30 an item. `lake` is a folder for the marks
    that publishing leaves.
    """
    create_warehouse(dsn)
    rows = 0
    for ago in reversed(range(days)):
        context = RunContext(DAY - timedelta(days=ago), Environment("unused", dsn, lake), Settings(), f"made {ago}")
        with connect_warehouse(dsn) as connection:
            for table in schemas.PUBLISHED:
                create_staged(connection, table, context.as_of_date)
                if ago == 0 or table in BY_DAY:
                    _insert(connection, table, context.as_of_date, users, items)
                add_keys(connection, table, context.as_of_date)
                connection.commit()
        rows = int(publish(context)["rows"])
    _vacuum(dsn)
    return rows


def _insert(connection: Connection, table: Table, day: date, users: int, items: int) -> None:
    """Fill the staged table; a table without a query stays empty, a column that its query leaves out null."""
    file = QUERIES / f"{table.name}.sql"
    if not file.exists():
        return
    query, values = sql.SQL(file.read_text()), {"day": day, "users": users, "items": items}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from ({}) as made limit 0").format(query), values)
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in cursor.description or ())
        staged = sql.Identifier(STAGING, partition_name(table, day))
        cursor.execute(sql.SQL("insert into {} ({}) {}").format(staged, columns, query), values)


def _vacuum(dsn: str) -> None:
    """Mark every row as seen, as a server left alone for a while has done."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("vacuum analyze")
