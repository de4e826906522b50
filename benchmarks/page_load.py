"""How long the pages of the UI take, with a million users published and many people asking at once.

    python -m benchmarks.page_load [--folder FOLDER] [--users 1000000] [--at-once 20] [--processes 2]

A Postgres and a real Airflow are started, the warehouse is filled with made rows, and as many clients as `--at-once`
ask the API server for one page after the other, logged in, without pause: each page with values drawn anew, so that
no two requests are the same. Prints a Markdown table of milliseconds as the clients saw them. With `--folder` server
and rows stay there for another call; about 20 GB of disk and 20 minutes for a million users. Exits with 1 when a page
could not be shown.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np

from benchmarks.warehouse_rows import filled_server, server_folder
from demo import airflow_services, postgres, rest
from demo.memory import tree
from recsys.schemas import PUBLISHED

WORDS = ("green tea", "oat", "coffee", "frozen", "soap 99", "nothing of the sort")
SETTLE_SECONDS = 30
"""Until scheduler and DAG processor have started, which no page waits for on another day."""
ORDERS = ("rank", "lift", "users", "price")


@dataclass(frozen=True)
class Answer:
    """One page as a client saw it: its kind, the status, and the milliseconds until its last byte."""

    kind: str
    status: int
    milliseconds: float


def main() -> int:
    """Fill, start, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="keep server and rows here, and use them again")
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=20, help="clients, each with one request under way")
    parser.add_argument("--processes", type=int, default=2, help="of the API server (AIRFLOW__API__WORKERS)")
    parser.add_argument("--requests", type=int, default=2_000, help="in all, after as many others to warm up")
    options = parser.parse_args()
    with server_folder(options.folder) as folder:
        return run(folder, options)


def run(folder: Path, options: argparse.Namespace) -> int:
    """Measure on the servers of `folder`, which are stopped at the end; the number of failed requests as 0 or 1."""
    server = filled_server(folder, options.users, options.items)
    try:
        os.environ["AIRFLOW__API__WORKERS"] = str(options.processes)
        airflow = airflow_services.start(folder)
        rest.wait_for_dag(airflow)
        asked, others = (
            list(itertools.islice(pages(options.users, options.items, seed), options.requests)) for seed in (7, 8)
        )
        # The processes that the clients wait for; their time tells more than the clients' where others are at work too.
        servers = {"API server": [airflow_services.process_ids(folder)[0]], "Postgres": [server.pid]}
        ask(airflow, others, options.at_once)
        time.sleep(SETTLE_SECONDS)
        before = {name: _processor_seconds(tree(roots)) for name, roots in servers.items()}
        answers = ask(airflow, asked, options.at_once)
        used = {name: _processor_seconds(tree(roots)) - before[name] for name, roots in servers.items()}
    finally:
        airflow_services.stop(folder)
        postgres.stop(folder)
    _print(answers, options.at_once)
    for name, seconds in used.items():
        print(f"{name}: {seconds / len(answers) * 1000:.1f} CPU milliseconds a request")
    return int(any(answer.status != 200 for answer in answers))


def pages(users: int, items: int, seed: int) -> Iterator[tuple[str, str]]:
    """Kind and path of endless requests, kind after kind, so that each is asked for equally often."""
    draw = random.Random(seed)
    tables = [table.name for table in PUBLISHED]

    def user() -> str:
        return f"u{draw.randrange(users):08}"

    def item() -> str:
        return f"i{draw.randrange(items):07}"

    while True:
        yield "overview", ""
        yield "overview of an earlier day", "?day=2017-11-20"
        yield "list of users", "users?" + urlencode({"first": user()})
        yield "user", "users?" + urlencode({"user_id": user()})
        yield "user, why an item is missing", "users?" + urlencode({"user_id": user(), "missing": item()})
        yield "search of items", "items?" + urlencode({"text": draw.choice(WORDS), "page": draw.randint(1, 5)})
        yield "item", "items?" + urlencode({"item_id": item()})
        yield "bundles", "bundles?" + urlencode({"order": draw.choice(ORDERS), "page": draw.randint(1, 200)})
        yield "bundle", "bundles?" + urlencode({"bundle_id": f"b{draw.randrange(5000):06}"})
        yield "table", "tables?" + urlencode({"name": draw.choice(tables)})
        following = {"name": "user_recommendations", "after": [user(), "for_you", 7]}
        yield "table, a later page", "tables?" + urlencode(following, doseq=True)
        yield "table, rows of a user", "tables?" + urlencode({"name": "user_recommendations", "value": user()})


def ask(airflow: rest.Airflow, asked: Sequence[tuple[str, str]], at_once: int) -> list[Answer]:
    """The answers to `asked`, from `at_once` clients that each keep one connection open, as a browser does."""
    token = airflow.token()
    rest_of = iter(asked)

    def client(_: int) -> list[Answer]:
        address = urlsplit(airflow.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
        answers = []
        # Taking the next one from an iterator of a list is one step of the interpreter: no two clients take the same.
        for kind, path in rest_of:
            start = time.perf_counter()
            connection.request("GET", f"/recommendations/{path}", headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            response.read()
            answers.append(Answer(kind, response.status, (time.perf_counter() - start) * 1000))
        connection.close()
        return answers

    with ThreadPoolExecutor(at_once) as pool:
        return [answer for answers in pool.map(client, range(at_once)) for answer in answers]


def _processor_seconds(pids: Iterable[int]) -> float:
    """CPU seconds that the processes have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def _print(answers: Sequence[Answer], at_once: int) -> None:
    print(f"{at_once} requests at once, load of the machine {os.getloadavg()[0]:.1f}\n")
    print("| page | requests | median ms | p95 ms | longest ms |\n| --- | ---: | ---: | ---: | ---: |")
    for kind in [*dict.fromkeys(answer.kind for answer in answers), "all"]:
        took = np.array([answer.milliseconds for answer in answers if kind in {answer.kind, "all"}])
        middle, high = np.percentile(took, [50, 95])
        print(f"| {kind} | {len(took):,} | {middle:.0f} | {high:.0f} | {took.max():.0f} |")
    for kind, status in sorted({(a.kind, a.status) for a in answers if a.status != 200}):
        print(f"{kind}: status {status}")


if __name__ == "__main__":
    sys.exit(main())
