"""Quality, speed and memory of item_pairs.

    python -m benchmarks.item_pairs quality [--cut 2017-11-06] [--out FOLDER]
    python -m benchmarks.item_pairs scale [--lines 10000000] [--items 100000]

`quality` writes the two orders of a Complete Journey cut as Parquet (item_id, other_item_id, rank) and prints, over
baskets of the following 28 days, the share of queries (one random item a basket) with one of its five best partners in
the rest of the basket (hit@5), the same for partners outside the 200 items most bought (tail_hit@5), and the distinct
partners shown over the items with 20 or more buyers (coverage@5); and, for queries that borrow their pairs, hit@5
beside the five bestsellers. `scale` fills a lake with purchases, runs the step on it in a process of its own, as the
scheduler does, and prints its seconds and its peak memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.combination_data import (
    SETTINGS,
    baskets_after,
    baskets_before,
    complete_journey,
    generated_baskets,
    midnight,
    stopwatch,
)
from benchmarks.measure import measure_python
from recsys.config import Environment, Settings
from recsys.recommendations.baskets import Baskets
from recsys.recommendations.item_pairs import build_item_pairs, mine_pairs, pair_rows
from recsys.recommendations.pair_relations import no_substitutes
from recsys.run import RunContext
from recsys.schemas import COMBINATIONS, EVENTS, EXCLUDED_EVENTS, ITEMS, Table
from recsys.storage import Lake, write_partition


def main() -> None:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["quality", "scale", "step"], help="step: run it on the lake --out")
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    args = parser.parse_args()
    if args.what == "quality":
        quality(args.cut, args.out)
    elif args.what == "scale":
        scale(args.lines, args.items)
    else:
        print(
            json.dumps(build_item_pairs(RunContext(args.cut, Environment("", "", str(args.out)), Settings(), "scale")))
        )


def quality(cut: date, out: Path | None) -> None:
    """Print the scores of both orders at `cut`."""
    events, items = complete_journey()
    before, after = baskets_before(events, items, cut), baskets_after(events, items, cut)
    with stopwatch() as seconds:
        mined = mine_pairs(before, SETTINGS)
        mining = seconds()
        no_rules = pl.DataFrame(COMBINATIONS.empty_table())
        rows = pair_rows(before, items, mined, no_substitutes(), no_rules, SETTINGS)
    figures = {"rows": rows.height, "tests": mined.tests, "significant": mined.significant}
    print(json.dumps({"cut": str(cut), **figures, "mining_seconds": round(mining, 1), "seconds": round(seconds(), 1)}))
    for order in ("rank", "rank_distinct"):
        pairs = rows.select("item_id", "other_item_id", rank=order).drop_nulls()
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            pairs.write_parquet(out / f"{order}.parquet")
        print(json.dumps({"order": order, **score(pairs, before, after)}))
    borrowed = rows.filter(pl.col("evidence").is_in(["text", "category"]) & pl.col("rank").is_not_null())
    for (evidence,), lent in borrowed.group_by("evidence", maintain_order=True):
        best = bestsellers_for(lent["item_id"].unique(maintain_order=True), before)
        for name, pairs in (("borrowed", lent.select("item_id", "other_item_id", "rank")), ("bestsellers", best)):
            scored = score(pairs, before, after, only=set(lent["item_id"]), known=set(items["item_id"]))
            print(json.dumps({"evidence": evidence, "who": name, **scored}))


def bestsellers_for(item_ids: pl.Series, before: Baskets) -> pl.DataFrame:
    """The five items in most baskets as partners of each of `item_ids`."""
    order = np.argsort(-before.item_baskets.astype(np.int64), kind="stable")[:5]
    best = pl.DataFrame({"other_item_id": [before.item_ids[i] for i in order], "rank": range(1, 6)})
    return pl.DataFrame({"item_id": item_ids}).join(best, how="cross")


def score(
    pairs: pl.DataFrame,
    before: Baskets,
    after: Baskets,
    seed: int = 0,
    only: set[str] | None = None,
    known: set[str] | None = None,
) -> dict[str, float]:
    """hit@5, tail_hit@5 and coverage@5 of `pairs` (item_id, other_item_id, rank).

    Queries are drawn among `only` (default: all), and baskets hold `known` items (default: those bought before).
    """
    top = pairs.filter(pl.col("rank") <= 5).group_by("item_id").agg(pl.col("other_item_id").sort_by("rank"))
    partners = dict(top.iter_rows())
    order = np.argsort(-before.item_baskets.astype(np.int64), kind="stable")
    head = {before.item_ids[i] for i in order[:200]}
    rng, known = np.random.default_rng(seed), known or set(before.item_ids)
    hits, tails, shown = [], [], set()
    for basket in range(len(after.user)):
        held = [after.item_ids[i] for i in after.lines[basket].indices]
        held = [item for item in held if item in known]
        queries = held if only is None else [item for item in held if item in only]
        if len(held) < 2 or not queries:
            continue
        query = queries[rng.integers(len(queries))]
        best = partners.get(query, [])
        found = (set(held) - {query}) & set(best)
        hits.append(bool(found))
        tails.append(bool(found - head))
        shown.update(best)
    catalogue = int((before.item_users() >= 20).sum())
    return {"hit@5": round(float(np.mean(hits)), 4), "tail_hit@5": round(float(np.mean(tails)), 4),
            "coverage@5": round(len(shown) / catalogue, 4), "queries": len(hits)}  # fmt: skip


def scale(lines: int, items: int) -> None:
    """Print seconds and peak memory of the step on a generated shop."""
    with tempfile.TemporaryDirectory() as folder:
        day = fill_lake(Lake(folder), generated_baskets(lines, items, users=max(lines // 100, 1)))
        done = measure_python("-m", "benchmarks.item_pairs", "step", "--cut", str(day), "--out", folder)
    if done.code:
        sys.exit(f"the step failed with exit code {done.code}")
    figures = {"lines": lines, "items": items, "seconds": round(done.seconds, 1), "peak_mib": round(done.peak_mib)}
    print(json.dumps({**figures, "counts": json.loads(done.output)}))


def fill_lake(lake: Lake, baskets: Baskets) -> date:
    """Write the events and items of `baskets` into the lake, as the extraction leaves them; returns the as-of date."""
    day, ids = baskets.as_of_date, pl.Series(baskets.item_ids, dtype=pl.String)
    for age in np.unique(baskets.age_days):
        rows = np.flatnonzero(baskets.age_days == age)
        lines = baskets.lines[rows].tocoo()
        row = rows[lines.row]
        frame = pl.DataFrame({"user": baskets.user[row], "row": row, "item_id": ids.gather(lines.col)})
        frame = frame.with_columns(
            event_id=pl.format("e{}-{}", pl.lit(int(age)), pl.int_range(pl.len())),
            user_id=pl.format("u{}", "user"), order_id=pl.format("o{}", "row"),
            event_type=pl.lit("purchase"), quantity=pl.lit(1.0),
            occurred_at=pl.lit(midnight(day) - timedelta(days=int(age))),
            ingested_at=pl.lit(midnight(day) - timedelta(days=int(age))),
        )  # fmt: skip
        write_partition(lake, EVENTS, filled(EVENTS, frame), date=day - timedelta(days=int(age)))
    leaves = pl.format("kind {} > leaf {}", pl.int_range(pl.len()) % 20, pl.int_range(pl.len()) % 1000)
    named = pl.DataFrame({"item_id": ids}).with_columns(category_path=leaves, title=pl.format("item {}", "item_id"))
    named = named.with_columns(snapshot_date=pl.lit(day))
    write_partition(lake, ITEMS, filled(ITEMS, named), as_of_date=day)
    write_partition(lake, EXCLUDED_EVENTS, EXCLUDED_EVENTS.empty_table(), as_of_date=day)
    return day


def filled(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the table's other columns null."""
    empty = pl.DataFrame(table.empty_table())
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in empty.schema.items() if name not in frame.columns]
    return frame.with_columns(absent).select(table.column_names)


if __name__ == "__main__":
    main()
