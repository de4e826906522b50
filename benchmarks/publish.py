"""Staging and publishing a day of lists against pandas' DataFrame.to_sql: rows a second, measured in one run.

    python -m benchmarks.publish [--dsn URL] [--users 10000] [--to-sql-rows 30000]

`--dsn` is an empty database in which the caller may create roles; without it a server of its own is started for as
long as it takes. Publishing is everything between the lake and the reader: COPY, keys, checks, checksum, attaching.
to_sql writes a sample of the same rows into a table with the same keys, with method="multi" and without, and checks
nothing.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import polars as pl
import psycopg2
import sqlalchemy

from demo import postgres
from recsys import schemas
from recsys.config import Environment, Settings
from recsys.recommendations.publish import publish
from recsys.recommendations.staging import check_staging, stage_tables
from recsys.run import RunContext
from recsys.storage import Lake, write_partition
from recsys.warehouse import create_warehouse

DAY = datetime.date(2017, 12, 4)
LISTS = ("for_you", "discover", "buy_again")
LENGTH = 50
SHARD_USERS = 5_000


def main() -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", help="an empty database (default: a server of its own)")
    parser.add_argument("--users", type=int, default=10_000, help="users with three lists of 50 items each")
    parser.add_argument("--to-sql-rows", type=int, default=30_000, help="rows written by to_sql")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _database(options.dsn, Path(folder)) as dsn:
        create_warehouse(dsn)
        context = RunContext(DAY, Environment("unused", dsn, f"{folder}/lake"), Settings(), "benchmark")
        rows = _write_lake(context.lake, options.users)
        steps = {}
        for step in (stage_tables, check_staging, publish):
            start = time.perf_counter()
            counts = step(context)
            steps[step.__name__] = time.perf_counter() - start
        plain = {method: _to_sql_rate(dsn, min(options.to_sql_rows, rows), method) for method in (None, "multi")}
    ours = rows / sum(steps.values())
    for name, seconds in steps.items():
        print(f"{name:15} {rows:>10,} rows {seconds:7.2f} s {rows / seconds:>12,.0f} rows/s")
    print(f"readers waited  {counts['locked_ms']} ms")
    print(f"all of it       {ours:>12,.0f} rows/s")
    for method, rate in plain.items():
        print(f"to_sql, method={method}: {rate:,.0f} rows/s; publishing is {ours / rate:.0f} times as fast, ", end="")
        print(f"staging alone {rows / steps['stage_tables'] / rate:.0f} times")


@contextmanager
def _database(dsn: str | None, folder: Path) -> Iterator[str]:
    if dsn is not None:
        yield dsn
        return
    server = postgres.start(folder / "server")
    try:
        yield postgres.create_database(server, "benchmark")
    finally:
        postgres.remove(folder / "server")


def _lists(users: range, random: np.random.Generator) -> pl.DataFrame:
    """Three lists of 50 for each of `users`, in key order of each user."""
    size = len(users) * len(LISTS) * LENGTH
    rank = np.tile(np.arange(1, LENGTH + 1, dtype=np.int32), len(users) * len(LISTS))
    item = (random.integers(0, 50_000, size // LENGTH).repeat(LENGTH) + rank * 997) % 60_000
    known = pl.DataFrame(
        {
            "as_of_date": pl.repeat(DAY, size, dtype=pl.Date, eager=True),
            "list": np.tile(np.repeat(LISTS, LENGTH), len(users)),
            "user_id": np.repeat([f"{user:08d}" for user in users], len(LISTS) * LENGTH),
            "rank": rank,
            "item_id": item.astype(str),
            "score": (1.0 / rank).astype(np.float32),
            "generator": pl.repeat("buy_again", size, eager=True),
            "anchor_item_id": item[::-1].astype(str),
            "reason_code": pl.repeat("bought_often", size, eager=True),
            "reason_text": pl.repeat("You buy it about every two weeks.", size, eager=True),
            "model_version": pl.repeat("0123456789ab", size, eager=True),
        }
    )
    # Whatever else a list may hold, and need not, is null.
    return pl.concat([pl.DataFrame(schemas.USER_RECOMMENDATIONS.empty_table()), known], how="diagonal")


def _write_lake(lake: Lake, users: int) -> int:
    random = np.random.default_rng(20171204)
    for table in schemas.PUBLISHED:
        if table is not schemas.USER_RECOMMENDATIONS:
            write_partition(lake, table, table.empty_table(), as_of_date=DAY)
    shards = [range(first, min(first + SHARD_USERS, users)) for first in range(0, users, SHARD_USERS)]
    return sum(
        write_partition(lake, schemas.USER_RECOMMENDATIONS, _lists(part, random), as_of_date=DAY, shard=number)
        for number, part in enumerate(shards)
    )


def _to_sql_rate(dsn: str, rows: int, method: Literal["multi"] | None) -> float:
    """Rows a second of DataFrame.to_sql into an ordinary table with the same columns and keys."""
    users = range(rows // (len(LISTS) * LENGTH) + 1)
    frame: pd.DataFrame = _lists(users, np.random.default_rng(1)).head(rows).to_pandas()
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("drop table if exists public.plain")
        cursor.execute("create table public.plain (like recsys.user_recommendations including indexes)")
    connection.close()
    engine = sqlalchemy.create_engine(dsn.replace("postgresql://", "postgresql+psycopg2://", 1))
    start = time.perf_counter()
    frame.to_sql("plain", engine, schema="public", if_exists="append", index=False, method=method, chunksize=1_000)
    seconds = time.perf_counter() - start
    engine.dispose()
    return rows / seconds


if __name__ == "__main__":
    main()
