"""Bundles and user_bundles against the future, on Complete Journey.

    python -m benchmarks.bundles [--cut 2017-11-06]

A bundle is a hit when somebody buys all its members in one basket in the 28 days from the cut on. Beside it: random
sets of the same sizes drawn from the same popularity, and the obvious rival, the most frequent pairs extended by the
item most often found with both. For user_bundles: of the published bundles with something new to the user of which
the user buys two or more members in one basket in those 28 days, the share among the user's ten (fits from habits and
pairs alone, without the ranker), beside the ten best for everybody.
"""

from __future__ import annotations

import argparse
import json
from datetime import date

import numpy as np
import polars as pl
from scipy import sparse

from benchmarks.combination_data import SETTINGS, baskets_after, baskets_before, complete_journey, stopwatch
from recsys.recommendations.baskets import Baskets
from recsys.recommendations.bundle_rows import bundle_rows
from recsys.recommendations.bundles import allowed_items, candidate_sets
from recsys.recommendations.item_pairs import mine_pairs, pair_rows
from recsys.recommendations.pair_relations import no_substitutes
from recsys.recommendations.user_bundles import choose_for_users, purchase_rhythm
from recsys.schemas import COMBINATIONS
from recsys.settings.combinations import BundleSettings

Sets = list[list[str]]


def main() -> None:
    """Print the figures of one cut."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    cut = parser.parse_args().cut
    events, items = complete_journey()
    before, after = baskets_before(events, items, cut), baskets_after(events, items, cut)
    settings, rules = BundleSettings(), pl.DataFrame(COMBINATIONS.arrow_schema.empty_table())
    pairs = pair_rows(before, items, mine_pairs(before, SETTINGS), no_substitutes(), rules, SETTINGS)
    allowed = allowed_items(items, pl.DataFrame(), pl.DataFrame(), before, settings)
    with stopwatch() as seconds:
        sets = candidate_sets(before, pairs, items, allowed, rules, settings)
        bundles, members = bundle_rows(sets, before, items, allowed, settings)
        grown = np.unique([len(each.members) for each, _ in sets], return_counts=True)
        print(
            json.dumps(
                {
                    "cut": str(cut),
                    "candidates": dict(zip(*(x.tolist() for x in grown), strict=True)),
                    "seconds": round(seconds(), 1),
                }
            )
        )
    ordered = members.join(bundles.select("bundle_id", "rank"), on="bundle_id").sort("rank", "position")
    ours: Sets = ordered.group_by("rank", maintain_order=True).agg("item_id")["item_id"].to_list()
    sizes = bundles.group_by("size").len().sort("size").rows()
    print(
        json.dumps(
            {
                "bundles": len(ours),
                "sizes": dict(sizes),
                "items": members["item_id"].n_unique(),
                "of_items_with_20_buyers": round(
                    members["item_id"].n_unique() / int((before.item_users() >= 20).sum()), 3
                ),
            }
        )
    )
    for count in (200, 1000, len(ours)):
        chosen = ours[:count]
        rival = rival_sets(before, chosen)
        for name, picked in (("ours", chosen), ("rival", rival)):
            chance = future(random_sets(before, picked, max(1000, len(picked))), after)
            found = future(picked, after)
            print(
                json.dumps(
                    {
                        "best": len(chosen),
                        "who": name,
                        **found,
                        "random": chance,
                        "items": len({item for members in picked for item in members}),
                        "ratio": round(found["mean_baskets"] / max(chance["mean_baskets"], 1e-9), 1),
                    }
                )
            )
    for_users(before, after, pairs, bundles, members, settings)


def for_users(
    before: Baskets, after: Baskets, pairs: pl.DataFrame, bundles: pl.DataFrame, members: pl.DataFrame,
    settings: BundleSettings,
) -> None:  # fmt: skip
    """Print recall@10 of the bundles of which a user buys two or more members in one later basket."""
    owned = purchase_rhythm(before)
    likely = pairs.filter(pl.col("rank").is_not_null()).select("item_id", "other_item_id", likelihood="score")
    reach = owned.join(likely, on="item_id").group_by("user_id", item_id="other_item_id").agg(
        fit=(pl.col("share") * pl.col("likelihood")).sum()
    )  # fmt: skip
    chosen = choose_for_users(reach, owned, bundles, members, settings)
    lines = after.lines.tocoo()
    users, items = pl.Series(after.user_ids), pl.Series(after.item_ids)
    bought = pl.DataFrame({"user_id": users.gather(after.user[lines.row]), "basket": lines.row,
                           "item_id": items.gather(lines.col)})  # fmt: skip
    joint = bought.join(members.select("bundle_id", "item_id"), on="item_id").group_by("user_id", "basket", "bundle_id")
    relevant = joint.len().filter(pl.col("len") > 1).select("user_id", "bundle_id").unique()
    held = owned.join(members.select("bundle_id", "item_id"), on="item_id").group_by("user_id", "bundle_id").len("held")
    with_size = relevant.join(bundles.select("bundle_id", "size"), on="bundle_id")
    with_held = with_size.join(held, on=["user_id", "bundle_id"], how="left")
    eligible = with_held.filter(pl.col("held").fill_null(0) < pl.col("size"))
    best = bundles.sort("rank").head(10).select("bundle_id")
    popular = eligible.select("user_id").unique().join(best, how="cross")
    wanted = eligible.group_by("user_id").agg(wanted=pl.len())
    for name, shown in (("personal", chosen.select("user_id", "bundle_id")), ("popular", popular)):
        hits = eligible.join(shown, on=["user_id", "bundle_id"]).group_by("user_id").agg(hits=pl.len())
        rate = wanted.join(hits, on="user_id", how="left").select(
            recall=(pl.col("hits").fill_null(0) / pl.col("wanted").clip(upper_bound=10)).mean()
        )  # fmt: skip
        print(json.dumps({"who": name, "users": wanted.height, "recall@10": round(rate.item(), 4)}))


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


def random_sets(before: Baskets, like: Sets, count: int, seed: int = 0) -> Sets:
    """`count` sets with the sizes of `like`, items drawn by their number of baskets among the items of `like`."""
    rng = np.random.default_rng(seed)
    used = [item for members in like for item in members]
    sizes = [len(like[i % len(like)]) for i in range(count)]
    return [[str(item) for item in _draw(rng, used, size)] for size in sizes] if used else []


def _draw(rng: np.random.Generator, used: list[str], size: int) -> list[str]:
    """`size` different items, as frequent as they are in `used`."""
    while len(drawn := {used[i] for i in rng.integers(0, len(used), size)}) < size:
        pass
    return sorted(drawn)


def rival_sets(before: Baskets, like: Sets) -> Sets:
    """The most frequent pairs, each extended by the items most often found with all members, to the sizes of `like`."""
    kept = before.item_baskets >= 20
    lines = sparse.csr_matrix(before.lines @ sparse.diags(kept.astype(np.float32)))
    lines.eliminate_zeros()
    pairs = sparse.triu(lines.T @ lines, k=1).tocoo()
    order = np.argsort(-pairs.data, kind="stable")[: len(like)]
    by_item, sets = before.lines.tocsc(), []
    for spot, members in zip(order, like, strict=True):
        chosen = [int(pairs.row[spot]), int(pairs.col[spot])]
        while len(chosen) < len(members):
            held = np.asarray(by_item[:, chosen].sum(axis=1)).ravel() >= len(chosen)
            counts = np.asarray(before.lines[np.flatnonzero(held)].sum(axis=0)).ravel()
            counts[chosen] = 0
            chosen.append(int(np.argmax(counts)))
        sets.append([before.item_ids[item] for item in chosen])
    return sets


if __name__ == "__main__":
    main()
