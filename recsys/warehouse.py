"""The warehouse: who writes there, how it is created, where a table's rows of a day lie, which day is current.

Published tables live in schema `recsys`, one partition a day; a day's rows are loaded and checked in schema
`recsys_staging`; analysts read the views of schema `bi`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection

from recsys.database import DatabaseError, connect
from recsys.run import Counts
from recsys.schemas import PUBLISHED, PUBLISHED_RUNS, Table
from recsys.threads import dealt

_log = logging.getLogger(__name__)
Result = TypeVar("Result")
WRITER = "recsys_writer"
STAGING = "recsys_staging"
SQL = Path(__file__).resolve().parent.parent / "sql"
SESSIONS = 2
"""Of a step that goes through the published tables: one sends or sorts rows while the server works on the other's. More
would cost small shops more in connecting than large ones gain."""
_UNPARTITIONED = (PUBLISHED_RUNS.name, "current_run", "run_claims")
_OLDER = "it was created by an earlier version, see docs/operations.md, 'After an upgrade of this project'"
REPORTS = ("published_days", "table_freshness", "model_comparison", "experiment_results")
"""Views of schema bi that stand for no table of their own."""


@contextmanager
def connect_warehouse(dsn: str) -> Iterator[Connection]:
    """A connection that acts as the role recsys_writer, whatever role it logged in with; committed at the end.

    Raises DatabaseError when the server cannot be reached, and when the warehouse was not created yet.
    """
    with connect(dsn, "warehouse") as connection:
        with connection.cursor() as cursor:
            try:
                cursor.execute("set role recsys_writer")
                cursor.execute("select to_regclass('recsys.run_claims')")
                row = cursor.fetchone()
            except psycopg2.Error as error:
                raise DatabaseError(
                    f"the warehouse does not let us act as {WRITER}: {str(error).strip()}; run "
                    "`python -m recsys create-warehouse` once, and grant the role to the user of RECSYS_WAREHOUSE_DSN"
                ) from error
        connection.commit()
        if row is None or row[0] is None:
            raise DatabaseError("the warehouse has no tables yet: run `python -m recsys create-warehouse` once")
        yield connection


def for_published_tables(dsn: str, work: Callable[[Connection, Iterator[Table]], Result]) -> list[Result]:
    """What `work` returns in each of SESSIONS sessions of `connect_warehouse`, to which the published tables are dealt.

    What it raises is raised when all sessions have ended.
    """

    def in_session(tables: Iterator[Table]) -> Result:
        with connect_warehouse(dsn) as connection:
            return work(connection, tables)

    return dealt(PUBLISHED, in_session, SESSIONS)


def create_warehouse(admin_dsn: str) -> Counts:
    """Create roles, schemas, tables and views where they are missing; of what is there, only rights and limits change.

    `admin_dsn` may create roles and schemas (a superuser, or the database's owner with CREATEROLE). Runs need no such
    rights afterwards. Raises DatabaseError when the server cannot be reached or refuses.
    """
    tables = [table.name for table in PUBLISHED] + list(_UNPARTITIONED)
    views = [table.name for table in PUBLISHED] + [PUBLISHED_RUNS.name, "current_run", *REPORTS]
    with connect(admin_dsn, "warehouse") as connection:
        # Two creations at once would both find a role missing and both try to create it.
        _execute(connection, "select pg_advisory_xact_lock(hashtext('recsys.create_warehouse'))")
        run_file(connection, SQL / "bi" / "roles.sql")
        for notice in connection.notices:
            if notice.startswith("WARNING"):
                _log.warning("sql/bi/roles.sql: %s", notice.removeprefix("WARNING:").split("\n")[0].strip())
        _execute(connection, "set local role recsys_writer")
        for name in tables:
            run_file(connection, SQL / "warehouse" / name / "create.sql")
        for name in views:
            run_file(connection, SQL / "bi" / f"{name}.sql")
        run_file(connection, SQL / "bi" / "explain_recommendation.sql")
        run_file(connection, SQL / "bi" / "comments.sql")
    return {"tables": len(tables), "published": len(PUBLISHED)}


def require_tables(connection: Connection) -> None:
    """Raise DatabaseError, which names them, where the warehouse lacks published tables or columns: it is too old."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname, attname from pg_attribute join pg_class on pg_class.oid = attrelid"
            " where relnamespace = 'recsys'::regnamespace and relkind = 'p' and attnum > 0 and not attisdropped"
        )
        held = set(cursor.fetchall())
    tables = {table for table, _ in held}
    lacking = [f"table {table.name}" for table in PUBLISHED if table.name not in tables]
    columns = [(table.name, name) for table in PUBLISHED if table.name in tables for name in table.column_names]
    lacking += [f"column {table}.{name}" for table, name in columns if (table, name) not in held]
    if lacking:
        raise DatabaseError(f"the warehouse lacks {', '.join(lacking)}: {_OLDER}")


def run_file(connection: Connection, path: Path) -> None:
    """Run the statements of a .sql file. Raises DatabaseError, which names the file, when one is refused."""
    try:
        _execute(connection, path.read_text(encoding="utf-8"))
    except psycopg2.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"sql/{path.relative_to(SQL)}: {str(error).strip()}; creating the warehouse needs an administrator once, "
            "who may create roles and schemas: --admin-dsn postgresql://admin:…@host/warehouse"
        ) from error
    except (psycopg2.errors.UndefinedColumn, psycopg2.errors.InvalidTableDefinition) as error:
        raise DatabaseError(f"sql/{path.relative_to(SQL)}: {str(error).strip()}; {_OLDER}") from error
    except psycopg2.Error as error:
        raise DatabaseError(f"sql/{path.relative_to(SQL)}: {str(error).strip()}") from error


def partition_name(table: Table, day: date) -> str:
    """Name of the table with the rows of `day`, such as user_recommendations_20171204."""
    return f"{table.name}_{day:%Y%m%d}"


def partition_days(connection: Connection, schema: str, table: Table) -> list[date]:
    """Days of which `schema` holds a partition of `table`, or a staged one, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select right(relname, 8) from pg_class join pg_namespace on pg_namespace.oid = relnamespace"
            " where nspname = %s and relkind = 'r' and relname ~ ('^' || %s || '_[0-9]{8}$') order by 1",
            (schema, table.name),
        )
        return [date(int(text[:4]), int(text[4:6]), int(text[6:])) for (text,) in cursor.fetchall()]


def current_day(connection: Connection) -> date | None:
    """The day that readers see; None before the first publishing."""
    with connection.cursor() as cursor:
        cursor.execute("select as_of_date from recsys.current_run")
        row = cursor.fetchone()
    return row[0] if row else None


def published_days(connection: Connection) -> list[date]:
    """Days that can be made current, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("select distinct as_of_date from recsys.published_runs order by as_of_date")
        return [day for (day,) in cursor.fetchall()]


def _execute(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
