"""How long the queries of the dashboards take on tables of 200,000 users.

    python -m benchmarks.chart_queries [--folder FOLDER]

A Postgres of its own is filled with made rows; every chart of bi/dashboards and every choice of a filter is then asked
for as bi_reader, one after the other, some times over. Prints a Markdown table, the slowest first: the first time, and
the median of the others, as a client waits; and the CPU time that the server's process uses for it without helpers,
which other work on the machine changes little. With `--folder` server and rows stay there for another call.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg2
from psycopg2 import sql

from benchmarks.warehouse_rows import filled_server, server_folder
from bi.charts import Chart, Filter, read_dashboards, statement
from demo import postgres


@dataclass(frozen=True)
class Timed:
    """A query: rows, milliseconds of the first time and of the others' median, CPU milliseconds of one time."""

    name: str
    rows: int
    first: float
    usual: float
    processor: float


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keep server and rows here, and use them again")
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    with server_folder(options.folder) as folder:
        run(folder, options)


def run(folder: Path, options: argparse.Namespace) -> None:
    """Measure on the server of `folder`, which is stopped at the end."""
    server = filled_server(folder, options.users, options.items)
    try:
        with closing(psycopg2.connect(server.dsn("warehouse", "bi_reader"))) as connection:
            timed = [_time(connection, name, query, options.times) for name, query in queries().items()]
    finally:
        postgres.stop(folder)
    print(f"{len(timed)} queries, load of the machine {os.getloadavg()[0]:.1f}\n")
    print("| chart | rows | first ms | median ms | CPU ms |\n| --- | ---: | ---: | ---: | ---: |")
    for row in sorted(timed, key=lambda row: -row.processor):
        print(f"| {row.name} | {row.rows:,} | {row.first:,.0f} | {row.usual:,.0f} | {row.processor:,.0f} |")


def queries() -> dict[str, sql.Composed]:
    """What is asked, by dashboard and chart or filter."""
    asked: dict[str, Chart | Filter] = {}
    for dashboard in read_dashboards():
        asked |= {f"{dashboard.name} / {name}": chart for name, chart in dashboard.charts.items()}
        asked |= {f"{dashboard.name} / choices of {chosen.title}": chosen for chosen in dashboard.filters}
    return {name: statement(one) for name, one in asked.items()}


def _time(connection: Any, name: str, query: sql.Composed, times: int) -> Timed:
    took = []
    with connection.cursor() as cursor:
        # Helpers of a parallel query would be processes of their own, whose time this one does not carry.
        for _ in range(times):
            start = time.perf_counter()
            cursor.execute(query)
            rows = len(cursor.fetchall())
            took.append((time.perf_counter() - start) * 1000)
        cursor.execute("set max_parallel_workers_per_gather = 0")
        before = _processor_seconds(connection.get_backend_pid())
        for _ in range(times):
            cursor.execute(query)
        used = (_processor_seconds(connection.get_backend_pid()) - before) / times * 1000
        cursor.execute("reset max_parallel_workers_per_gather")
    return Timed(name, rows, took[0], median(took[1:]), used)


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
