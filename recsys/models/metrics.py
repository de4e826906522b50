"""Metrics of ranked lists over the full catalogue, users weighing the same; paired bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean over users with the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def top_lists(scored: pl.DataFrame, k: int) -> pl.DataFrame:
    """user, item, rank (from 1) of the `k` best rows of each user by `score`; ties go to the smaller item code."""
    best = scored.filter(pl.col("score").is_not_nan() & pl.col("score").is_not_null())
    best = best.sort("user", "score", "item", descending=[False, True, False])
    best = best.with_columns(rank=pl.int_range(pl.len(), dtype=pl.Int32).over("user") + 1)
    return best.filter(pl.col("rank") <= k).select("user", "item", "rank")


def ndcg(lists: pl.DataFrame, truth: pl.DataFrame, k: int = 10) -> Values:
    """NDCG at `k` of each user of `truth` (user, item), in the order of their codes; no list: 0."""
    wanted = truth.group_by("user").len("wanted").sort("user")
    gains = lists.filter(pl.col("rank") <= k).join(truth, on=["user", "item"], how="semi")
    # One sum per user in rank order: the last digit must not depend on how rows were grouped.
    found = (
        gains.sort("user", "rank")
        .group_by("user", maintain_order=True)
        .agg((1 / (pl.col("rank") + 1).log(2)).sum().alias("found"))
    )
    both = wanted.join(found, on="user", how="left", maintain_order="left")
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    if both.is_empty():
        return np.zeros(0)
    return both["found"].fill_null(0.0).to_numpy() / ideal[np.minimum(both["wanted"].to_numpy(), k) - 1]


def recall(lists: pl.DataFrame, truth: pl.DataFrame) -> Values:
    """Share of each user's `truth` that `lists` (user, item) holds, in the order of their codes."""
    hit = truth.join(lists.select("user", "item", hit=pl.lit(1.0)).unique(), on=["user", "item"], how="left")
    return hit.group_by("user").agg(pl.col("hit").fill_null(0.0).mean()).sort("user")["hit"].to_numpy()


def estimate(values: Values, draws: int, seed: int) -> Estimate:
    """Mean of per-user `values` and its interval over `draws` resamples of users; no users: zeros.

    For the difference of two models give the differences per user: the bootstrap is then paired.
    """
    if not len(values):
        return Estimate(0.0, 0.0, 0.0)
    generator = np.random.default_rng(seed)
    means = [values[generator.integers(0, len(values), len(values))].mean() for _ in range(draws)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high))
