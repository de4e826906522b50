"""What it costs to embed a catalogue: items a second, memory, and a second daily run, beside TF-IDF alone.

    python -m benchmarks.embeddings [--items 92000]

The items are those of Complete Journey, each with a text of its own (its title and a number), so that none shares an
embedding with another. Every step runs as a process of its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from benchmarks.combination_data import complete_journey
from benchmarks.measure import measure_python
from recsys import schemas
from recsys.config import Environment, Settings
from recsys.features.item_content import build_item_content
from recsys.run import RunContext
from recsys.settings.content import ContentSettings
from recsys.storage import Lake, write_partition

FIRST = date(2017, 12, 4)


def main() -> None:
    """Run the benchmark, or, with --step, one step in this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=92_000)
    parser.add_argument("--step", nargs=3, metavar=("LAKE", "DAY", "ENCODER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        run_step(*options.step)
        return
    with tempfile.TemporaryDirectory() as folder:
        for day in (FIRST, FIRST + timedelta(days=1)):
            write_items(folder, day, options.items)
        for name, day, encoder in (
            ("TF-IDF alone", FIRST, "none"),
            ("first run", FIRST, "sentences"),
            ("second daily run", FIRST + timedelta(days=1), "sentences"),
        ):
            done = measure_python("-m", "benchmarks.embeddings", "--step", folder, str(day), encoder)
            told = json.loads(done.output)
            rate = round(told["embedded"] / told["cpu_seconds"])
            print(json.dumps({"what": name, **told, "items_a_second": rate, "peak_mib": round(done.peak_mib)}))


def write_items(folder: str, day: date, count: int) -> None:
    """The items snapshot of `day`."""
    frame = complete_journey()[1].head(count).with_row_index("number")
    frame = frame.with_columns(title=pl.format("{} {}", pl.col("title").fill_null("item"), "number"))
    empty = pl.DataFrame(schemas.ITEMS.empty_table())
    missing = [pl.lit(None, kind).alias(name) for name, kind in empty.schema.items() if name not in frame.columns]
    frame = frame.with_columns(missing).with_columns(snapshot_date=pl.lit(day))
    write_partition(Lake(folder), schemas.ITEMS, frame.select(empty.columns), as_of_date=day)


def run_step(folder: str, day: str, encoder: str) -> None:
    """Run build_item_content and print its counts with CPU seconds, the model's loading included."""
    settings = Settings(content=ContentSettings(encoder=encoder))
    context = RunContext(date.fromisoformat(day), Environment("", "", str(Path(folder))), settings, "benchmark")
    start = time.process_time()
    counts = build_item_content(context)
    print(json.dumps({**counts, "cpu_seconds": round(time.process_time() - start, 2)}))


if __name__ == "__main__":
    main()
