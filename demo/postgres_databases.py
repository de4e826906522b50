"""The databases and roles on the project's own server: who owns what, and who may connect where.

| role | may |
|---|---|
| shop_owner | own the database shop: the loader |
| shop_reader | read schema shop: the extraction |
| warehouse_owner | own the database warehouse |
| recsys_writer | own the warehouse's schemas: the runs |
| bi_reader | connect to the warehouse, and read what it is granted there |
| airflow | own the database airflow: Airflow's metadata |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql

HOST = "127.0.0.1"
SUPERUSER = "postgres"
OWNERS = {"shop": "shop_owner", "warehouse": "warehouse_owner", "airflow": "airflow"}
ROLES = ("shop_owner", "shop_reader", "warehouse_owner", "recsys_writer", "bi_reader", "airflow")
WAREHOUSE_SCHEMAS = ("recsys", "recsys_staging", "bi")


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, where its files are, and each role's password."""

    host: str
    port: int
    data: Path
    pid: int
    passwords: Mapping[str, str] = field(repr=False)

    def dsn(self, database: str, role: str = SUPERUSER) -> str:
        """URL of `database` for `role`."""
        return f"postgresql://{role}:{self.passwords[role]}@{self.host}:{self.port}/{database}"

    @property
    def superuser_dsn(self) -> str:
        """URL of the maintenance database for the superuser."""
        return self.dsn("postgres")

    def environment(self) -> dict[str, str]:
        """What other programs need to reach the databases, by variable."""
        return {
            "RECSYS_SHOP_DSN": self.dsn("shop", "shop_reader"),
            "RECSYS_WAREHOUSE_DSN": self.dsn("warehouse", "recsys_writer"),
            "RECSYS_BI_DSN": self.dsn("warehouse", "bi_reader"),
            "AIRFLOW_DSN": self.dsn("airflow", "airflow"),
            "SHOP_OWNER_DSN": self.dsn("shop", "shop_owner"),
            "WAREHOUSE_OWNER_DSN": self.dsn("warehouse", "warehouse_owner"),
        }


def create_database(server: Server, name: str, owner: str = SUPERUSER) -> str:
    """Create the empty database `name` of `owner`, closed to other roles; the superuser's URL of it."""
    with _session(server.superuser_dsn) as cursor:
        cursor.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(owner)))
        cursor.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
    return server.dsn(name)


def drop_database(server: Server, name: str) -> None:
    """Drop the database `name`, ending the sessions that are still on it."""
    with _session(server.superuser_dsn) as cursor:
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def prepare_shop(dsn: str) -> None:
    """Let shop_reader connect to the database at `dsn`; its tables' rights come with `demo/shop/create.sql`."""
    _grant_connect(dsn, ("shop_owner", "shop_reader"))


def prepare_warehouse(dsn: str) -> None:
    """Create the warehouse's schemas in the database at `dsn`: recsys_writer owns them, bi_reader may connect."""
    _grant_connect(dsn, ("recsys_writer", "bi_reader"))
    with _session(dsn) as cursor:
        for schema in WAREHOUSE_SCHEMAS:
            statement = sql.SQL("create schema if not exists {} authorization recsys_writer")
            cursor.execute(statement.format(sql.Identifier(schema)))


def create_roles_and_databases(server: Server) -> None:
    """Create the login roles, with their passwords, and the databases shop, warehouse and airflow; safe to repeat."""
    with _session(server.superuser_dsn) as cursor:
        cursor.execute("select rolname from pg_roles")
        roles = {name for (name,) in cursor.fetchall()}
        for role in ROLES:
            verb = "alter" if role in roles else "create"
            statement = sql.SQL(verb + " role {} login password {}")
            cursor.execute(statement.format(sql.Identifier(role), sql.Literal(server.passwords[role])))
        cursor.execute("select datname from pg_database")
        databases = {name for (name,) in cursor.fetchall()}
    for name, owner in OWNERS.items():
        if name not in databases:
            create_database(server, name, owner)
    prepare_shop(server.dsn("shop"))
    prepare_warehouse(server.dsn("warehouse"))


class _session:
    """A cursor that commits each statement."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg2.connect(dsn, connect_timeout=10)
        self._connection.autocommit = True

    def __enter__(self) -> psycopg2.extensions.cursor:
        return self._connection.cursor()

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _grant_connect(dsn: str, roles: tuple[str, ...]) -> None:
    name = str(psycopg2.extensions.parse_dsn(dsn)["dbname"])
    with _session(dsn) as cursor:
        for role in roles:
            statement = sql.SQL("grant connect on database {} to {}")
            cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(role)))
