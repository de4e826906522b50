"""Quality, speed and memory of item_pairs.

    python -m benchmarks.item_pairs quality [--cut 2017-11-06] [--out FOLDER]
    python -m benchmarks.item_pairs scale [--lines 10000000] [--items 100000]

`quality` writes the two orders of a Complete Journey cut as Parquet (item_id, other_item_id, rank) and prints, over
baskets of the following 28 days, the share of queries (one random item a basket) with one of its five best partners in
the rest of the basket (hit@5), the same for partners outside the 200 items most bought (tail_hit@5), and the distinct
partners shown over the items with 20 or more buyers (coverage@5). `scale` prints seconds and peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.combination_data import (
    SETTINGS,
    baskets_after,
    baskets_before,
    complete_journey,
    generated_baskets,
    stopwatch,
)
from recsys.recommendations.baskets import Baskets
from recsys.recommendations.item_pairs import mine_pairs, pair_rows
from recsys.recommendations.pair_relations import no_substitutes
from recsys.schemas import COMBINATIONS


def main() -> None:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["quality", "scale"])
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    args = parser.parse_args()
    if args.what == "quality":
        quality(args.cut, args.out)
    else:
        scale(args.lines, args.items)


def quality(cut: date, out: Path | None) -> None:
    """Print the scores of both orders at `cut`."""
    events, items = complete_journey()
    before, after = baskets_before(events, items, cut), baskets_after(events, items, cut)
    with stopwatch() as seconds:
        mined = mine_pairs(before, SETTINGS)
        mining = seconds()
        no_rules = pl.DataFrame(COMBINATIONS.arrow_schema.empty_table())
        rows = pair_rows(before, items, mined, no_substitutes(), no_rules, SETTINGS)
    print(json.dumps({"cut": str(cut), "rows": rows.height, "mining_seconds": round(mining, 1),
                      "seconds": round(seconds(), 1), "tests": mined.tests, "significant": mined.significant,
                      "peak_mib": peak_mib()}))  # fmt: skip
    for order in ("rank", "rank_distinct"):
        pairs = rows.select("item_id", "other_item_id", rank=order).drop_nulls()
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            pairs.write_parquet(out / f"{order}.parquet")
        print(json.dumps({"order": order, **score(pairs, before, after)}))


def score(pairs: pl.DataFrame, before: Baskets, after: Baskets, seed: int = 0) -> dict[str, float]:
    """hit@5, tail_hit@5 and coverage@5 of `pairs` (item_id, other_item_id, rank)."""
    top = pairs.filter(pl.col("rank") <= 5).group_by("item_id").agg(pl.col("other_item_id").sort_by("rank"))
    partners = dict(top.iter_rows())
    order = np.argsort(-before.item_baskets.astype(np.int64), kind="stable")
    head = {before.item_ids[i] for i in order[:200]}
    known, rng = set(before.item_ids), np.random.default_rng(seed)
    hits, tails, shown = [], [], set()
    for basket in range(len(after.user)):
        held = [after.item_ids[i] for i in after.lines[basket].indices]
        held = [item for item in held if item in known]
        if len(held) < 2:
            continue
        query = held[rng.integers(len(held))]
        best = partners.get(query, [])
        found = (set(held) - {query}) & set(best)
        hits.append(bool(found))
        tails.append(bool(found - head))
        shown.update(best)
    catalogue = int((before.item_users() >= 20).sum())
    return {"hit@5": round(float(np.mean(hits)), 4), "tail_hit@5": round(float(np.mean(tails)), 4),
            "coverage@5": round(len(shown) / catalogue, 4), "queries": len(hits)}  # fmt: skip


def scale(lines: int, items: int) -> None:
    """Print seconds and peak memory for a generated shop."""
    baskets = generated_baskets(lines, items, users=max(lines // 100, 1))
    with stopwatch() as seconds:
        mined = mine_pairs(baskets, SETTINGS)
    print(json.dumps({"lines": int(baskets.lines.nnz), "items": items, "pairs_kept": mined.pairs.height,
                      "seconds": round(seconds(), 1), "peak_mib": peak_mib()}))  # fmt: skip


def peak_mib() -> int:
    """Peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
