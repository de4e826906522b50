"""What moved the ranker's score of a row: LightGBM's exact contributions (TreeSHAP), summed by group of features.

A score is the mean of standardised parts, so its contributions are those of the boosted parts, each divided by its
deviation, over the number of parts; with the base they add up to what the trees have in the score. What the network
adds is not told apart by features. Groups are named for people, not for columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.assemble import matrix
from recsys.models.ranker import Ranker, Trees, is_new
from recsys.models.tree_shares import TreeTables, expected_value, group_shares, read_trees, tree_tables

GROUPS = {
    "bought before": "how often, how much and how lately-weighted the user bought the item, and buy_again",
    "rhythm": "when the user bought it first and last, and the gaps between",
    "seen before": "views, carts and favourites of the item",
    "habits of the user": "trips, baskets and variety of the user",
    "sales of the item": "how many buy it, how many come back, how it grows",
    "category": "the user's purchases in its categories, and what category_popular proposes",
    "price": "its price beside what the user paid and beside its category",
    "store": "its sales in the user's store",
    "similar users": "scores and places of als, ease, item_knn and similar_users",
    "bought together": "what bought_together proposes",
    "popular now": "what trending proposes",
}
"""Name of each group of features, for people, and what belongs to it."""
OTHERS = "others"
MANY_ROWS = 1_000
"""From so many rows on the tables of recsys.models.tree_shares are quicker than LightGBM, which takes rows singly."""
_BY_GENERATOR = {
    "buy_again": "bought before",
    "als": "similar users",
    "ease": "similar users",
    "item_knn": "similar users",
    "similar_users": "similar users",
    "bought_together": "bought together",
    "category_popular": "category",
    "trending": "popular now",
}
_BY_PREFIX = {
    "ui": "bought before",
    "x": "bought before",
    "w": "seen before",
    "u": "habits of the user",
    "i": "sales of the item",
    "leaf": "category",
    "parent": "category",
    "s": "store",
}
_ENDINGS = ("_rank", "_score", "_place")
_RHYTHM = ("ui_last", "ui_first", "ui_gap", "ui_second", "ui_third", "ui_quantity_last", "x_last_by", "x_overdue")
"""Beginnings of names."""
_BY_NAME = {
    "x_supply": "rhythm",
    "x_leaf_last_by_gap": "category",
    "x_leaf_popular": "category",
    "x_in_leaf": "category",
    "x_in_parent": "category",
    "x_parent_popular": "category",
    "x_price_by_paid": "price",
    "x_price_by_leaf": "price",
    "x_price_by_parent": "price",
    "ui_paid": "price",
    "i_price": "price",
    "i_price_14": "price",
    "i_discount": "price",
    "x_store_by_all": "store",
    "x_user_trend": "habits of the user",
    "x_new_a_trip": "habits of the user",
    "x_popular": "sales of the item",
}


@dataclass(frozen=True)
class Contributions:
    """`groups`: one column (f64) a group; a row's groups and `base` add up to the trees' share of its score."""

    groups: pl.DataFrame
    base: float


def group_of(feature: str) -> str:
    """Name of the group that a feature belongs to."""
    if feature in _BY_NAME:
        return _BY_NAME[feature]
    if feature.startswith(_RHYTHM):
        return "rhythm"
    for ending in _ENDINGS:
        if feature.removesuffix(ending) in _BY_GENERATOR:
            return _BY_GENERATOR[feature.removesuffix(ending)]
    return _BY_PREFIX.get(feature.split("_")[0], OTHERS)


def contributions(ranker: Ranker, frame: pl.DataFrame, discovery: bool = False) -> Contributions | None:
    """Contributions to the general score of the rows of `frame`, or to the score for discovery (never-bought rows).

    None for a ranker without parts: its score is a sum of reciprocal ranks.
    """
    names = ranker.names(discovery)
    if not names:
        return None
    if discovery and not frame.select(is_new().all()).item():
        raise ValueError("only candidates that the user never bought have a score for discovery")
    values = matrix(frame, ranker.features)
    labels = list(dict.fromkeys(group_of(name) for name in ranker.features))
    groups = np.array([labels.index(group_of(name)) for name in ranker.features])
    trees = [part for part in map(ranker.parts.__getitem__, names) if isinstance(part, Trees)]
    shares, bases = zip(*(_of_part(part, values, groups, ranker.threads) for part in trees), strict=True)
    share = ranker.learnt / len(names)
    summed = np.sum(shares, axis=0) * share
    told = {label: summed[:, place] for place, label in enumerate(labels)}
    return Contributions(pl.DataFrame(told), float(np.sum(bases)) * share)


def strongest(told: Contributions, count: int = 3) -> list[list[tuple[str, float]]]:
    """For each row its `count` groups of largest magnitude, the largest first; ties by name."""
    names, values, order = _by_magnitude(told, count)
    return [[(names[place], float(row[place])) for place in best] for row, best in zip(values, order, strict=True)]


def told_in_words(told: Contributions, count: int = 3) -> pl.Series:
    """`strongest` as texts, such as "bought before +0.84, rhythm +0.31, price -0.05"."""
    names, values, order = _by_magnitude(told, count)
    hundredths = (pl.col("value").abs() * 100).round().cast(pl.Int64)
    sign = pl.when((pl.col("value") < 0) & (hundredths > 0)).then(pl.lit("-")).otherwise(pl.lit("+"))
    size = pl.format("{}.{}", hundredths // 100, (hundredths % 100).cast(pl.String).str.zfill(2))
    parts = []
    for column in range(order.shape[1]):
        value = np.take_along_axis(values, order[:, [column]], 1).ravel()
        frame = pl.DataFrame({"name": pl.Series(names).gather(order[:, column]), "value": value})
        parts.append(frame.select(pl.format("{} {}{}", "name", sign, size).alias(str(column))))
    if not parts:
        return pl.Series([], dtype=pl.String)
    return pl.concat(parts, how="horizontal").select(pl.concat_str(pl.all(), separator=", ")).to_series()


def _by_magnitude(told: Contributions, count: int) -> tuple[list[str], NDArray[np.float64], NDArray[np.int64]]:
    """Names of the groups, rows x groups values, and each row's `count` largest by magnitude; ties by name."""
    names = sorted(told.groups.columns)
    values = told.groups.select(names).to_numpy()
    return names, values, np.argsort(-np.abs(values), axis=1, kind="stable")[:, :count]


def _of_part(
    part: Trees, values: NDArray[np.float32], groups: NDArray[np.int64], threads: int
) -> tuple[NDArray[np.float64], float]:
    """Rows x groups, and the base."""
    if len(values) >= MANY_ROWS:
        tables, base = _tables_of(part.text, tuple(groups.tolist()))
        shares = group_shares(tables, values, groups)
    else:
        import lightgbm as lgb

        booster = lgb.Booster(model_str=part.text)
        raw = np.asarray(booster.predict(values, pred_contrib=True, num_threads=threads), dtype=np.float64)
        columns = [raw[:, :-1][:, groups == group].sum(axis=1) for group in range(int(groups.max()) + 1)]
        shares, base = np.stack(columns, axis=1), float(raw[0, -1]) if len(raw) else part.mean
    return shares / part.deviation, (base - part.mean) / part.deviation


@lru_cache(maxsize=4)
def _tables_of(text: str, groups: tuple[int, ...]) -> tuple[list[TreeTables], float]:
    """Tables and base of a part: all batches of a day ask for the same."""
    trees = read_trees(text)
    return tree_tables(trees, np.array(groups)), expected_value(trees)
