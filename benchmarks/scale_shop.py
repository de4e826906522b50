"""A generated shop end to end, a step at a time: `python -m benchmarks.scale_shop [--events 5000000]`.

Each step runs as `python -m recsys STEP` in a process of its own, as Airflow runs it; its seconds and its peak memory
are the operating system's. Prints a Markdown table and exits with 1 when a step fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.generated_shop import load
from benchmarks.measure import Measure, measure_python
from demo import postgres
from recsys.schemas import USER_SHARDS
from recsys.steps import STEPS, recommend_users
from recsys.storage import Lake, list_keys
from recsys.warehouse import create_warehouse


def main() -> None:
    """Load the shop, run every step, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=50_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder))
        try:
            as_of = load(server.dsn("shop"), args.events, args.users, args.items).date()
            print(f"loaded {args.events:,} events; as of {as_of}", flush=True)
            create_warehouse(server.dsn("warehouse"))
            environment = {
                "RECSYS_SHOP_DSN": server.dsn("shop"),
                "RECSYS_WAREHOUSE_DSN": server.dsn("warehouse"),
                "RECSYS_LAKE": f"{folder}/lake",
                "OPENBLAS_NUM_THREADS": "1",
            }
            print("| step | seconds | peak MiB |\n| --- | ---: | ---: |", flush=True)
            total = 0.0
            for step in STEPS:
                if step is recommend_users:
                    shards = list_keys(Lake(environment["RECSYS_LAKE"]), USER_SHARDS, as_of_date=as_of)
                    total += sum(_run(step.__name__, as_of.isoformat(), environment, "--shard", n) for n in shards)
                else:
                    total += _run(step.__name__, as_of.isoformat(), environment)
            print(f"| all | {total:,.0f} | |")
        finally:
            postgres.stop(Path(folder))


def _run(step: str, as_of: str, environment: dict[str, str], *options: str) -> float:
    arguments = ["-m", "recsys", step, "--as-of", as_of, *options]
    result: Measure = measure_python(*arguments, environment=environment)
    if result.code:
        sys.exit(f"{step} failed with exit code {result.code}")
    print(f"| {' '.join((step, *options))} | {result.seconds:,.1f} | {result.peak_mib:,.0f} |", flush=True)
    return result.seconds


if __name__ == "__main__":
    main()
