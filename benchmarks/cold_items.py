"""How well hidden items find their buyers, by what they are alone.

    python -m benchmarks.cold_items [--cut 2017-11-06] [--seed 20171204] [--encoder sentences]

Data are Complete Journey before the cut. A seeded tenth of the items with at least 20 buyers loses all its events; then
those items alone are ranked for their hidden buyers, by recall@20 and ndcg@20: at random, by what an item of the same
category has of buyers on average, by the user's purchases in the category, by content (what the user bought among the
20 items most alike), by the map into the factors of ALS alone, by the semantic prior alone, and by both as new items
are scored. Differences of the last to each other are paired over users.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import date

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.combination_data import complete_journey, midnight
from benchmarks.repeat_purchases import journey
from benchmarks.similar_items import content_before
from recsys.config import Settings
from recsys.features.history import History, weight_matrix, weights
from recsys.features.item_traits import traits_of
from recsys.models.als import fit_als
from recsys.models.cold_items import fit_cold_items
from recsys.models.generator import Known
from recsys.models.metrics import estimate

K, SHARE, FEWEST = 20, 0.1, 20
Scores = NDArray[np.float32]


def main() -> None:
    """Print a line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    parser.add_argument("--seed", type=int, default=Settings().seed)
    parser.add_argument("--encoder", default=Settings().content.encoder, help="a value of content.encoder")
    options = parser.parse_args()
    settings = Settings(seed=options.seed)
    history = journey().before(midnight(options.cut), settings.models.history_days)
    hidden = drawn(history, options.seed)
    kept, truth = hide(history, hidden)
    known = Known(weight_matrix(weights(kept, settings.interactions, settings.models.half_life_days), kept))
    als = fit_als(known, settings.models, settings.seed)
    traits = traits_of(content_before(complete_journey()[1], options.cut, options.encoder))
    new = history.items.gather(hidden).sort()
    users = np.unique(truth.nonzero()[0]).astype(np.int32)
    own, factors = known.matrix[users], als.user_factors[users]
    plain = dataclasses.replace(settings.new_items, sharpness=1.0)
    model = fit_cold_items(kept, traits, als, new, settings.new_items)
    nearest = fit_cold_items(kept, traits, als, new, plain)
    order = [list(history.items.gather(hidden)).index(name) for name in model.item_ids]
    relevant = truth[users][:, hidden[order]].toarray() > 0
    told: dict[str, Scores] = {
        "random": np.random.default_rng(options.seed).random(relevant.shape).astype(np.float32),
        **by_category(history, known, hidden[order], users),
        "content nearest neighbours": np.asarray((own @ nearest.prior).todense()),
        "map to ALS alone": factors @ model.factors.T,
        "semantic prior alone": np.asarray((own @ model.prior).todense()),
        "both": model.scores(own, factors),
    }
    print(json.dumps({"hidden": len(hidden), "users": len(users), "pairs": int(relevant.sum())}))
    tell({name: measured(scores, relevant) for name, scores in told.items()}, settings)


def drawn(history: History, seed: int) -> NDArray[np.int32]:
    """Codes of a tenth of the items with enough buyers, ascending."""
    buyers = history.aged("purchase").group_by("item").agg(pl.col("user").n_unique())
    enough = buyers.filter(pl.col("user") >= FEWEST)["item"].sort().to_numpy()
    return np.sort(np.random.default_rng(seed).choice(enough, round(len(enough) * SHARE), replace=False))


def hide(history: History, hidden: NDArray[np.int32]) -> tuple[History, sp.csr_matrix]:
    """The history without events of the hidden items, and who bought them: users x items."""
    gone = pl.col("item").is_in(pl.Series(hidden).implode())
    pairs = history.aged("purchase").filter(gone).select("user", "item").unique()
    shape = (len(history.users), len(history.items))
    found = sp.csr_matrix((np.ones(len(pairs)), (pairs["user"].to_numpy(), pairs["item"].to_numpy())), shape)
    return dataclasses.replace(history, events=history.events.filter(~gone)), found


def by_category(
    history: History, known: Known, hidden: NDArray[np.int32], users: NDArray[np.int32]
) -> dict[str, Scores]:
    """By the mean of buyers an item of the leaf category, and by what the user bought in it."""
    leaf = history.tree.sort("item")["leaf"].to_numpy()
    buyers = np.bincount(known.matrix.indices, minlength=len(leaf)).astype(np.float64)
    mean = np.bincount(leaf, weights=buyers) / np.maximum(np.bincount(leaf, weights=buyers > 0), 1)
    homes = sp.csr_matrix((np.ones(len(leaf), np.float32), (np.arange(len(leaf)), leaf)))
    theirs = np.asarray((known.matrix[users] @ homes).todense())
    popular = np.tile(mean[leaf[hidden]], (len(users), 1)).astype(np.float32)
    return {"category popularity": popular, "the user's purchases in the category": theirs[:, leaf[hidden]]}


def measured(scores: Scores, relevant: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """recall@20 and ndcg@20 of each user; ties go to the item that comes first."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    hits, wanted = np.take_along_axis(relevant, best, 1), relevant.sum(axis=1)
    worth = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.cumsum(worth)[np.minimum(wanted, K) - 1]
    return hits.sum(axis=1) / wanted, (hits * worth).sum(axis=1) / ideal


def tell(values: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], settings: Settings) -> None:
    """Print the means, and the last method's paired differences to the others."""
    ours = values["both"]
    for name, theirs in values.items():
        line: dict[str, object] = {"order": name}
        for at, metric in enumerate(("recall@20", "ndcg@20")):
            line[metric] = round(float(theirs[at].mean()), 4)
            if name != "both":
                told = estimate(ours[at] - theirs[at], settings.models.bootstrap_draws, settings.seed)
                line[f"{metric} above it"] = [round(x, 4) for x in (told.value, told.low, told.high)]
        print(json.dumps(line))


if __name__ == "__main__":
    main()
