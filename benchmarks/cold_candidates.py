"""What new items among the candidates cost known ones, and what they gain, in one list.

    python -m benchmarks.cold_candidates [--cut 2017-11-06] [--seed 20171204] [--candidates 5] [--shares 0.02 0.05]

Data are Complete Journey. A seeded tenth of the items with at least 20 buyers loses all events before the cut (as in
benchmarks.cold_items), in the training cuts too; the ranker learns from the cuts before, and lists of all users with a
purchase in the 28 days from the cut are measured against those purchases: of known items (warm), of the hidden ones
(cold), and of both. First without new items among the candidates, then with them, then, for each of --shares, with a
ranker that learns from a share of its rows a second time as if their items were new (`models.hidden_items`); each with
the paired difference to the first. It takes minutes, most of them for the rankers.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.cold_items import drawn, hide
from benchmarks.combination_data import complete_journey, midnight
from benchmarks.repeat_purchases import journey
from benchmarks.similar_items import content_before
from recsys.config import Settings
from recsys.features.assemble import feature_names
from recsys.features.history import History
from recsys.features.item_traits import traits_of
from recsys.models.candidates import als_of, fit_generators_on, with_generator
from recsys.models.cold_candidates import fit_cold_candidates
from recsys.models.cold_items import fit_cold_items
from recsys.models.cuts import candidates_with_features, cut_frame, labels_between, make_cut, sampled
from recsys.models.measuring import split_truth
from recsys.models.metrics import Values, estimate, ndcg, recall, top_lists
from recsys.models.ranker import Ranker, fit_ranker, score

LISTS = {"for_you": ("score", "all"), "discover": ("discover_score", "discover")}
"""List: its score, and the part of the truth that it is measured against."""


@dataclass(frozen=True)
class Holdout:
    """candidates: assembled, those of new items with a cold_items_rank; truth: user, item by part and by kind."""

    candidates: pl.DataFrame
    truth: dict[tuple[str, str], pl.DataFrame]
    hidden: pl.Series


def main() -> None:
    """Print a line a ranker, list, kind and metric."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    parser.add_argument("--seed", type=int, default=Settings().seed)
    parser.add_argument("--candidates", type=int, default=Settings().new_items.candidates)
    parser.add_argument("--shares", type=float, nargs="+", default=[Settings().models.hidden_items])
    options = parser.parse_args()
    settings, whole, at = Settings(), journey(), midnight(options.cut)
    settings = dataclasses.replace(
        settings, new_items=dataclasses.replace(settings.new_items, candidates=options.candidates)
    )
    before = whole.before(at, settings.models.history_days)
    hidden = drawn(before, options.seed)
    unseen = pl.col("item").is_in(pl.Series(hidden).implode()) & (pl.col("at") < at)
    shop = dataclasses.replace(whole, events=whole.events.filter(~unseen))
    past = [past_frame(shop, options.cut - timedelta(days=28 * n), settings) for n in (1, 2, 3)]
    holdout = held_out(before, whole, hidden, options.cut, settings)
    first: dict[str, Values] = {}
    for share in [0.0, *options.shares]:
        models = dataclasses.replace(settings.models, hidden_items=share)
        ranker = fit_ranker(past, feature_names(past[0]), models, settings.seed)
        if not first:
            known = holdout.candidates.filter(~pl.col("item").is_in(holdout.hidden.implode()))
            first = values_of(dataclasses.replace(holdout, candidates=known), ranker)
            tell("without new items", first, first, settings)
        tell(f"with new items, hidden_items {share:g}", values_of(holdout, ranker), first, settings)


def past_frame(shop: History, day: date, settings: Settings) -> pl.DataFrame:
    """The rows that the ranker learns from of the cut at `day`."""
    cut = make_cut(shop, day, ("purchase",), settings)
    return sampled(cut_frame(cut, settings, with_ease=True), settings)


def held_out(before: History, whole: History, hidden: np.ndarray, day: date, settings: Settings) -> Holdout:
    """Candidates and truth of the cut at `day`, which the hidden items' events do not reach."""
    kept, _ = hide(before, hidden)
    fitted = fit_generators_on(kept, settings, with_ease=True)
    als, k = als_of(fitted), settings.new_items.candidates
    assert als is not None
    traits = traits_of(content_before(complete_journey()[1], day))
    cold = fit_cold_items(kept, traits, als, before.items.gather(hidden).sort(), settings.new_items)
    fitted = with_generator(fitted, fit_cold_candidates(kept, cold, als, k), k)
    labels = labels_between(whole, whole.before(midnight(day)), midnight(day + timedelta(days=28)), ("purchase",))
    labels = labels.join(kept.events.select("user").unique(), on="user", how="semi").select("user", "item")
    users = labels["user"].unique().sort().to_numpy().astype(np.int32)
    gone = pl.col("item").is_in(pl.Series(hidden).implode())
    truth: dict[tuple[str, str], pl.DataFrame] = {}
    for part, pairs in split_truth(labels, before.aged("purchase").select("user", "item").unique()).items():
        truth |= {(part, "warm"): pairs.filter(~gone), (part, "cold"): pairs.filter(gone), (part, "both"): pairs}
    return Holdout(candidates_with_features(kept, fitted, users, settings), truth, pl.Series(hidden))


def values_of(holdout: Holdout, ranker: Ranker) -> dict[str, Values]:
    """ndcg@10 and recall@50 of each user by list and kind of truth."""
    general, discovery = score(ranker, holdout.candidates)
    scored = holdout.candidates.select("user", "item", score=pl.Series(general), discover_score=pl.Series(discovery))
    values = {}
    for name, (column, part) in LISTS.items():
        lists = top_lists(scored.select("user", "item", score=column), 50)
        for kind in ("warm", "cold", "both"):
            truth = holdout.truth[part, kind]
            values[f"{name} {kind} ndcg@10"] = ndcg(lists, truth)
            values[f"{name} {kind} recall@50"] = recall(lists, truth)
    return values


def tell(name: str, values: dict[str, Values], first: dict[str, Values], settings: Settings) -> None:
    """Print the means, and the paired differences to `first`."""
    for metric, own in values.items():
        told = estimate(own - first[metric], settings.models.bootstrap_draws, settings.seed)
        difference = [round(x, 4) for x in (told.value, told.low, told.high)]
        print(json.dumps({"order": name, "metric": metric, "value": round(float(own.mean()), 4), "more": difference}))


if __name__ == "__main__":
    main()
