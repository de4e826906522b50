"""What moved the ranker's score of a row: LightGBM's exact contributions (TreeSHAP), summed by group of features.

A score is the mean of two standardised parts, so its contributions are the mean of the parts' own, each divided by its
deviation; with the base they add up to the score. Groups are named for people, not for columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.assemble import matrix
from recsys.models.ranker import DISCOVERY, GENERAL, Part, Ranker, is_new

GROUPS = {
    "ui": "purchases of the item",
    "w": "views, carts and favourites of the item",
    "u": "habits of the user",
    "i": "sales of the item",
    "leaf": "purchases in its category",
    "parent": "purchases in the category above",
    "s": "sales in the user's store",
}
"""Name of each group by the prefix of its features; features of generators make one group more, and some are named
one by one."""
PROPOSALS = "proposals of the generators"
_ENDINGS = ("_rank", "_score", "_place")
_BY_NAME = {
    "x_leaf_last_by_gap": "leaf",
    "x_leaf_popular": "leaf",
    "x_in_leaf": "leaf",
    "x_in_parent": "parent",
    "x_parent_popular": "parent",
    "x_price_by_paid": "price",
    "x_price_by_leaf": "price",
    "x_price_by_parent": "price",
    "x_store_by_all": "s",
    "x_user_trend": "u",
    "x_new_a_trip": "u",
    "x_popular": "i",
    "i_price": "price",
    "i_price_14": "price",
    "i_discount": "price",
}


@dataclass(frozen=True)
class Contributions:
    """`groups`: one column (f64) a group; a row's groups and `base` add up to its score."""

    groups: pl.DataFrame
    base: float


def group_of(feature: str) -> str:
    """Name of the group that a feature belongs to."""
    if feature.endswith(_ENDINGS) and not feature.startswith(("ui_", "x_")):
        return PROPOSALS
    prefix = _BY_NAME.get(feature, feature.split("_")[0])
    # Other ratios compare a user's purchases of the item with something else.
    return GROUPS.get("ui" if prefix == "x" else prefix, prefix)


def contributions(ranker: Ranker, frame: pl.DataFrame, discovery: bool = False) -> Contributions | None:
    """Contributions to the general score of the rows of `frame`, or to the score for discovery (never-bought rows).

    None for a ranker without parts: its score is a sum of reciprocal ranks.
    """
    names = parts_of(ranker, discovery)
    if not names:
        return None
    if discovery and not frame.select(is_new().all()).item():
        raise ValueError("only candidates that the user never bought have a score for discovery")
    values = matrix(frame, ranker.features)
    shares, bases = zip(*(_of_part(ranker.parts[name], values, ranker.threads) for name in names), strict=True)
    mean = np.mean(shares, axis=0)
    labels = [group_of(name) for name in ranker.features]
    groups = {
        label: mean[:, [place for place, own in enumerate(labels) if own == label]].sum(axis=1)
        for label in dict.fromkeys(labels)
    }
    return Contributions(pl.DataFrame(groups), float(np.mean(bases)))


def parts_of(ranker: Ranker, discovery: bool) -> tuple[str, ...]:
    """The parts whose mean is the score."""
    if not ranker.parts:
        return ()
    return DISCOVERY if discovery and "discover" in ranker.parts else GENERAL


def strongest(told: Contributions, count: int = 3) -> list[list[tuple[str, float]]]:
    """For each row its `count` groups of largest magnitude, the largest first; ties by name."""
    rows = []
    for row in told.groups.iter_rows(named=True):
        rows.append(sorted(row.items(), key=lambda item: (-abs(item[1]), item[0]))[:count])
    return rows


def _of_part(part: Part, values: NDArray[np.float32], threads: int) -> tuple[NDArray[np.float64], float]:
    import lightgbm as lgb

    booster = lgb.Booster(model_str=part.text)
    raw = np.asarray(booster.predict(values, pred_contrib=True, num_threads=threads), dtype=np.float64)
    base = float(raw[0, -1]) if len(raw) else part.mean
    return raw[:, :-1] / part.deviation, (base - part.mean) / part.deviation
