"""Bundles against the future, on Complete Journey.

    python -m benchmarks.bundles [--cut 2017-11-06]

A bundle is a hit when somebody buys all its members in one basket in the 28 days from the cut on. Beside ours: random
sets of the same sizes drawn from the same popularity, and two rivals. `frequent` takes the most frequent pairs, each
extended to the size of ours by the item most often found with all; `same_anchors` takes the anchors of ours instead,
each with its most frequent partner. `beyond_chance` is the mean number of baskets above that of the random sets.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse

from benchmarks.combination_data import SETTINGS, baskets_after, baskets_before, complete_journey, stopwatch
from recsys.recommendations.baskets import Baskets
from recsys.recommendations.bundle_rows import bundle_rows
from recsys.recommendations.bundles import allowed_items, candidate_sets
from recsys.recommendations.item_pairs import mine_pairs, pair_rows
from recsys.recommendations.pair_relations import no_substitutes
from recsys.schemas import COMBINATIONS, STOCK
from recsys.settings.combinations import BundleSettings

Sets = list[list[str]]
_BEST = (200, 1000)


def main() -> None:
    """Print the figures of one cut."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    cut = parser.parse_args().cut
    events, items = complete_journey()
    before, after = baskets_before(events, items, cut), baskets_after(events, items, cut)
    bundles, members = make_bundles(before, items)
    ordered = members.join(bundles.select("bundle_id", "rank"), on="bundle_id").sort("rank", "position")
    ours: Sets = ordered.group_by("rank", maintain_order=True).agg("item_id")["item_id"].to_list()
    show(cut=str(cut), **catalogue_figures(bundles, members, before))
    for count in sorted({min(best, len(ours)) for best in (*_BEST, len(ours))}):
        chosen = ours[:count]
        rivals = {"ours": chosen, "frequent": frequent_sets(before, chosen), "same_anchors": anchored(before, chosen)}
        for name, picked in rivals.items():
            show(best=count, who=name, **against_chance(picked, after))


def show(**figures: Any) -> None:
    """Print one line of figures."""
    print(json.dumps(figures), flush=True)


def make_bundles(before: Baskets, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The bundles of a shop without a stock table, and their members."""
    settings, rules = BundleSettings(), pl.DataFrame(COMBINATIONS.empty_table())
    pairs = pair_rows(before, items, mine_pairs(before, SETTINGS), no_substitutes(), rules, SETTINGS)
    no_stock, no_sales = pl.DataFrame(STOCK.empty_table()), pl.DataFrame({"item_id": [], "units": []})
    no_sales = no_sales.cast({"item_id": pl.String, "units": pl.Float64})
    allowed = allowed_items(items, no_stock, no_sales, before, settings)
    with stopwatch() as seconds:
        sets = candidate_sets(before, pairs, items, allowed, rules, settings)
        made = bundle_rows(sets, before, items, allowed, settings)
        grown = np.unique([len(each.members) for each, _ in sets], return_counts=True)
        show(candidates=dict(zip(*(x.tolist() for x in grown), strict=True)), seconds=round(seconds(), 1))
    return made


def catalogue_figures(bundles: pl.DataFrame, members: pl.DataFrame, before: Baskets) -> dict[str, Any]:
    """How many bundles, of which sizes, with how many anchors, and what part of the catalogue is in one."""
    known = {item for item, users in zip(before.item_ids, before.item_users(), strict=True) if users >= 20}
    held, anchors = set(members["item_id"]), members.filter(pl.col("position") == 1)["item_id"].n_unique()
    return {
        "bundles": bundles.height,
        "sizes": dict(bundles.group_by("size").len().sort("size").rows()),
        "anchors": anchors,
        "items": len(held),
        "of_items_with_20_buyers": round(len(held & known) / len(known), 3),
        "of_items_bought": round(len(held) / len(before.item_ids), 3),
    }


def against_chance(sets: Sets, after: Baskets) -> dict[str, Any]:
    """Figures of `sets` in `after`, beside those of at least 1,000 random sets."""
    found, chance = future(sets, after), future(random_sets(sets, max(1000, len(sets))), after)
    return {
        **found,
        "random": chance,
        "ratio": round(found["mean_baskets"] / max(chance["mean_baskets"], 1e-9), 1),
        "beyond_chance": round(found["mean_baskets"] - chance["mean_baskets"], 2),
        "items": len({item for members in sets for item in members}),
    }


def future(sets: Sets, after: Baskets) -> dict[str, float]:
    """Share of `sets` bought whole by somebody in `after`, and the mean number of such baskets."""
    place = {item: index for index, item in enumerate(after.item_ids)}
    by_item = after.lines.tocsc()
    counts = []
    for members in sets:
        spots = [place[item] for item in members if item in place]
        if len(spots) < len(members):
            counts.append(0)
            continue
        held = by_item[:, spots].sum(axis=1)
        counts.append(int((np.asarray(held).ravel() >= len(spots)).sum()))
    return {"share": round(float(np.mean(np.array(counts) > 0)), 4), "mean_baskets": round(float(np.mean(counts)), 3)}


def random_sets(like: Sets, count: int, seed: int = 0) -> Sets:
    """`count` sets with the sizes of `like`, items drawn by how many sets of `like` hold them."""
    rng = np.random.default_rng(seed)
    used = [item for members in like for item in members]
    sizes = [len(like[i % len(like)]) for i in range(count)]
    return [[str(item) for item in _draw(rng, used, size)] for size in sizes] if used else []


def _draw(rng: np.random.Generator, used: list[str], size: int) -> list[str]:
    """`size` different items, as frequent as they are in `used`."""
    while len(drawn := {used[i] for i in rng.integers(0, len(used), size)}) < size:
        pass
    return sorted(drawn)


def frequent_sets(before: Baskets, like: Sets) -> Sets:
    """The most frequent pairs of items in 20 or more baskets, extended to the sizes of `like`."""
    kept = before.item_baskets >= 20
    lines = sparse.csr_matrix(before.lines @ sparse.diags(kept.astype(np.float32)))
    lines.eliminate_zeros()
    pairs = sparse.triu(lines.T @ lines, k=1).tocoo()
    order = np.argsort(-pairs.data, kind="stable")[: len(like)]
    seeds = [[int(pairs.row[spot]), int(pairs.col[spot])] for spot in order]
    return extended(before, seeds, like)


def anchored(before: Baskets, like: Sets) -> Sets:
    """The first item of each of `like` with the items most often found with it."""
    place = {item: index for index, item in enumerate(before.item_ids)}
    return extended(before, [[place[members[0]]] for members in like], like)


def extended(before: Baskets, seeds: list[list[int]], like: Sets) -> Sets:
    """Each seed extended, item by item, by the one in most baskets that hold all so far, to the sizes of `like`."""
    by_item, sets = before.lines.tocsc(), []
    for chosen, members in zip(seeds, like, strict=True):
        held = np.arange(len(before.user))
        for item in chosen:
            held = np.intersect1d(held, by_item.indices[by_item.indptr[item] : by_item.indptr[item + 1]])
        while len(chosen) < len(members):
            counts = np.bincount(before.lines[held].indices, minlength=len(before.item_ids))
            counts[chosen] = 0
            chosen.append(int(np.argmax(counts)))
            held = np.intersect1d(held, by_item.indices[by_item.indptr[chosen[-1]] : by_item.indptr[chosen[-1] + 1]])
        sets.append([before.item_ids[item] for item in chosen])
    return sets


if __name__ == "__main__":
    main()
