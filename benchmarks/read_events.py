"""Extraction of events to Parquet against pandas.read_sql: `python -m benchmarks.read_events`.

Both read the same generated events from one server, each in a process of its own: extraction with all that it does
(types, refused rows, duplicates, day partitions on disk), pandas with the bare query, once as it is and once with
DataFrame.to_parquet after it, which is the nearer match: the same rows, in files.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.generated_shop import load
from benchmarks.measure import measure_python
from recsys.config import load_environment, load_settings
from recsys.run import RunContext


def main() -> None:
    """Start a server, fill it, read it both ways and print rows a second, peak memory and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--reader", choices=["pandas", "extract"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.reader:
        print(*(read_pandas() if args.reader == "pandas" else [read_extract()]))
        return
    from demo import postgres

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder))
        try:
            as_of = load(server.dsn("shop"), args.events, 50_000, 20_000).date()
            environment = {
                "RECSYS_SHOP_DSN": server.dsn("shop"),
                "RECSYS_WAREHOUSE_DSN": server.dsn("warehouse"),
                "RECSYS_LAKE": f"{folder}/lake",
                "BENCHMARK_AS_OF": as_of.isoformat(),
            }
            results = {}
            for reader in ("extract", "pandas"):
                run = measure_python("-m", "benchmarks.read_events", "--reader", reader, environment=environment)
                if run.code:
                    sys.exit(f"{reader} failed with exit code {run.code}")
                seconds = [float(text) for text in run.output.split()]
                results[reader] = (seconds, run.peak_mib)
                rates = ", ".join(f"{args.events / part:,.0f} rows/s" for part in seconds)
                print(f"{reader}: {rates}, peak {run.peak_mib:,.0f} MiB", flush=True)
            ([ours], ours_mib), ([read, written], theirs_mib) = results["extract"], results["pandas"]
            print(
                f"{read / ours:.1f} times as fast as read_sql, {written / ours:.1f} times as fast as read_sql and "
                f"to_parquet, {ours_mib / theirs_mib:.2f} of the memory"
            )
        finally:
            postgres.stop(Path(folder))


def read_extract() -> float:
    """Seconds of the extraction step."""
    from recsys.data.extract import extract_events

    day = date.fromisoformat(os.environ["BENCHMARK_AS_OF"])
    context = RunContext(day, load_environment(), load_settings(), "benchmark")
    start = time.perf_counter()
    extract_events(context)
    return time.perf_counter() - start


def read_pandas() -> list[float]:
    """Seconds of pandas.read_sql of the same columns, and of that and to_parquet together."""
    import pandas as pd
    import sqlalchemy as sa

    dsn = os.environ["RECSYS_SHOP_DSN"].replace("postgresql://", "postgresql+psycopg2://")
    query = (
        "select event_id, user_id, item_id, event_type, quantity, unit_price, order_id, session_id, store_id,"
        " occurred_at, ingested_at from shop.events order by occurred_at"
    )
    start = time.perf_counter()
    frame = pd.read_sql(sa.text(query), sa.create_engine(dsn))
    read = time.perf_counter() - start
    frame.to_parquet(f"{os.environ['RECSYS_LAKE']}-pandas.parquet", compression="zstd")
    return [read, time.perf_counter() - start]


if __name__ == "__main__":
    main()
