"""What a ranker has to beat: the orders that a shop has without learning anything."""

from __future__ import annotations

import polars as pl

HALF_LIFE = 90.0
"""Days, of the weights that baselines are compared by."""
_POPULAR = 500
"""Items of the popularity list: far more than the ten places that are compared, whatever a user has bought of them."""


def decayed_frequency(pairs: pl.DataFrame) -> pl.DataFrame:
    """user, item, score: the user's own items by weight, equal ones (what was bought once, in one basket) by the item's
    weight over all users. `pairs`: user, item, weight (`weights`).

    `score` is no weight: it tells the order within a user alone.
    """
    pairs = pairs.join(_by_item(pairs), on="item", how="left", maintain_order="left")
    place = pl.int_range(pl.len(), dtype=pl.Int32).over("user")
    ordered = pairs.sort("user", "weight", "popularity", "item", descending=[False, True, True, False])
    return ordered.select("user", "item", score=-place.cast(pl.Float64))


def popularity(pairs: pl.DataFrame) -> pl.DataFrame:
    """item, score (weight over all users) of the most popular items, best first. `pairs`: user, item, weight."""
    best = _by_item(pairs).sort("popularity", "item", descending=[True, False]).head(_POPULAR)
    return best.select("item", score="popularity")


def _by_item(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.group_by("item").agg(pl.col("weight").cast(pl.Float64).sum().alias("popularity"))
