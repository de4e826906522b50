"""The .sql files against the declarations in recsys/schemas/, and the rights of the two roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import polars as pl
import psycopg2
import pytest
from psycopg2 import errors

from demo import postgres
from recsys import schemas
from recsys.database import DatabaseError
from recsys.recommendations.bundle_pricing import with_prices
from recsys.settings.combinations import BundleSettings
from recsys.tables_page import type_name
from recsys.warehouse import SQL, create_warehouse

pytestmark = pytest.mark.postgres

TABLES = (*schemas.PUBLISHED, schemas.PUBLISHED_RUNS)


@pytest.fixture
def cursor(database: str) -> Iterator[Any]:
    create_warehouse(database)
    connection = psycopg2.connect(database)
    with connection.cursor() as opened:
        yield opened
    connection.close()


def rows(cursor: Any, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    cursor.execute(query, parameters)
    return list(cursor.fetchall())


COLUMNS = """
select attname, format_type(atttypid, atttypmod), not attnotnull, col_description(attrelid, attnum)
from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
"""


def test_tables_are_what_the_schemas_declare(cursor: Any) -> None:
    for table in TABLES:
        declared = [(c.name, type_name(c.type), c.nullable, c.meaning) for c in table.columns]
        assert rows(cursor, COLUMNS, f"recsys.{table.name}") == declared, table.name
        assert rows(cursor, "select obj_description(%s::regclass)", f"recsys.{table.name}") == [(table.grain,)]


def test_keys_are_what_the_schemas_declare_and_sort_the_same_everywhere(cursor: Any) -> None:
    for table in TABLES:
        definition = rows(
            cursor,
            "select pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = 'p'",
            f"recsys.{table.name}",
        )
        assert definition == [(f"PRIMARY KEY ({', '.join(table.key)})",)]
        collations = rows(
            cursor,
            "select attname, collname from pg_attribute join pg_collation on pg_collation.oid = attcollation"
            " where attrelid = %s::regclass and attname = any(%s)",
            f"recsys.{table.name}",
            list(table.key),
        )
        assert {collation for _, collation in collations} <= {"C"}, table.name


def test_published_tables_have_one_partition_a_day(cursor: Any) -> None:
    for table in schemas.PUBLISHED:
        assert rows(cursor, "select pg_get_partkeydef(%s::regclass)", f"recsys.{table.name}") == [
            ("LIST (as_of_date)",)
        ]


def test_an_item_stands_once_in_a_list(cursor: Any) -> None:
    assert rows(
        cursor,
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = 'recsys.user_recommendations'::regclass and contype = 'u'",
    ) == [("UNIQUE (user_id, list, item_id, as_of_date)",)]


def test_every_published_table_has_its_views_with_the_same_columns_and_meanings(cursor: Any) -> None:
    def described(view: str) -> list[tuple[Any, ...]]:
        return [(name, kind, meaning) for name, kind, _, meaning in rows(cursor, COLUMNS, view)]

    for table in schemas.PUBLISHED:
        declared = [(c.name, type_name(c.type), c.meaning) for c in table.columns]
        whole = described(f"bi.{table.name}")
        assert whole[: len(declared)] == declared
        assert described(f"bi.current_{table.name}") == whole


def test_everything_in_the_warehouse_has_a_comment(cursor: Any) -> None:
    bare = rows(
        cursor,
        "select relnamespace::regnamespace || '.' || relname || '.' || attname"
        " from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0"
        " where relnamespace in ('recsys'::regnamespace, 'bi'::regnamespace) and relkind in ('r', 'p', 'v')"
        " and (col_description(pg_class.oid, attnum) is null or obj_description(pg_class.oid) is null)",
    )
    assert bare == []


def test_creating_twice_changes_nothing(cursor: Any, database: str) -> None:
    query = "select relname, relowner::regrole::text, oid from pg_class where relnamespace = 'recsys'::regnamespace"
    before = sorted(rows(cursor, query))
    create_warehouse(database)
    assert sorted(rows(cursor, query)) == before
    assert {owner for _, owner, _ in before} == {"recsys_writer"}


def test_views_that_others_keep_in_the_schema_stay_theirs(cursor: Any, database: str) -> None:
    cursor.execute("create view bi.current_own as select 1 as n; create view bi.own as select 1 as n")
    cursor.connection.commit()
    create_warehouse(database)
    assert rows(cursor, "select has_table_privilege('bi_reader', 'bi.own', 'select')") == [(False,)]
    assert rows(cursor, "select has_table_privilege('bi_reader', 'bi.bundles', 'select')") == [(True,)]


def test_every_published_table_has_a_check(cursor: Any) -> None:
    for table in schemas.PUBLISHED:
        assert (SQL / "warehouse" / table.name / "check.sql").is_file()


@pytest.mark.parametrize(
    ("list_price", "unit_cost", "price", "offends"),
    [(10.0, 8.0, None, False), (10.0, 12.0, None, False), (10.0, 12.0, 9.5, True), (10.0, 8.0, 7.9, True),
     (10.0, 8.0, 10.1, True), (10.0, None, None, False)],
)  # fmt: skip
def test_a_bundle_keeps_to_its_costs_or_where_they_are_above_it_to_its_list_price(
    cursor: Any, list_price: float, unit_cost: float | None, price: float | None, offends: bool
) -> None:
    """`price` None: the one that is suggested."""
    frame = pl.DataFrame(
        {"list_price": [list_price], "unit_cost": [unit_cost], "cohesion": [0.0]},
        schema_overrides={"unit_cost": pl.Float64},
    )
    if price is None:
        price = with_prices(frame, BundleSettings())["suggested_price"].item()
    for table in ("bundles", "bundle_items"):
        cursor.execute(f"create temp table {table} (like recsys.{table})")
        cursor.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0", [f"pg_temp.{table}"]
        )
        for (column,) in cursor.fetchall():
            cursor.execute(f"alter table pg_temp.{table} alter {column} drop not null")
    cursor.execute(
        "insert into pg_temp.bundles (bundle_id, size, rank, score, name, reason_code, reason_text,"
        " list_price, unit_cost, suggested_price) values ('b', 1, 1, 1, 'n', 'r', 't', %s, %s, %s)",
        [list_price, unit_cost, price],
    )
    cursor.execute("insert into pg_temp.bundle_items (bundle_id) values ('b')")
    found = rows(cursor, (SQL / "warehouse" / "bundles" / "check.sql").read_text())
    assert found == (
        [("a price below both unit costs and list price, or above the list price", "b")] if offends else []
    )


FORBIDDEN_TO_READERS = (
    "select count(*) from recsys.user_recommendations",
    "select count(*) from recsys.current_run",
    "select count(*) from recsys.run_claims",
    "create table bi.mine (n integer)",
    "create table recsys_staging.mine (n integer)",
    "create table public.mine (n integer)",
    "create schema mine",
    "delete from bi.data_quality",
    "update bi.current_run set as_of_date = '2017-01-01'",
)


def test_bi_reader_reads_the_views_and_nothing_else(cursor: Any) -> None:
    cursor.execute("set role bi_reader")
    assert rows(cursor, "select count(*) from bi.current_user_recommendations") == [(0,)]
    for statement in FORBIDDEN_TO_READERS:
        cursor.execute("savepoint before")
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute(statement)
        cursor.execute("rollback to before")


def test_bi_reader_is_stopped_after_a_while(cursor: Any) -> None:
    [(settings,)] = rows(cursor, "select rolconfig from pg_roles where rolname = 'bi_reader'")
    assert {"statement_timeout=60s", "idle_in_transaction_session_timeout=60s"} <= set(settings)
    assert rows(cursor, "select has_database_privilege('bi_reader', current_database(), 'temporary')") == [(False,)]


def test_who_is_added_to_the_readers_gets_their_limits_with_the_next_creation(
    cursor: Any, database: str, postgres_server: postgres.Server
) -> None:
    name = psycopg2.extensions.parse_dsn(database)["dbname"]
    limits = ("statement_timeout", "idle_in_transaction_session_timeout", "default_transaction_read_only")
    # An analyst, one with a limit of their own, and a program that writes as well.
    readers = {"analyst": ["1min", "1min", "on"], "hasty": ["5s", "1min", "on"], "loader": ["0", "0", "off"]}
    try:
        for reader in readers:
            cursor.execute(f"create role {reader} login password 'p' in role bi_reader")
        cursor.execute("alter role hasty set statement_timeout = '5s'; grant recsys_writer to loader")
        cursor.connection.commit()
        create_warehouse(database)
        for reader, wanted in readers.items():
            address = f"postgresql://{reader}:p@{postgres_server.host}:{postgres_server.port}/{name}"
            with closing(psycopg2.connect(address)) as connection, connection.cursor() as own:
                assert [rows(own, f"show {limit}")[0][0] for limit in limits] == wanted, reader
    finally:
        cursor.execute("drop role if exists analyst, hasty, loader")
        cursor.connection.commit()


def test_recsys_writer_has_no_rights_beyond_its_schemas(cursor: Any) -> None:
    assert rows(
        cursor,
        "select rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolreplication"
        " from pg_roles where rolname = 'recsys_writer'",
    ) == [(False,) * 5]
    assert rows(cursor, "select has_database_privilege('recsys_writer', current_database(), 'create')") == [(False,)]
    cursor.execute("create schema payroll")
    cursor.execute("create table payroll.wages (amount integer)")
    cursor.execute("set role recsys_writer")
    with pytest.raises(errors.InsufficientPrivilege):
        cursor.execute("select count(*) from payroll.wages")


def test_creating_without_the_rights_says_who_may(warehouse_database: str) -> None:
    with pytest.raises(DatabaseError, match=r"needs an administrator once.*--admin-dsn"):
        create_warehouse(warehouse_database)
