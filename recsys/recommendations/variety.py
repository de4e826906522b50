"""Lists reordered for variety: greedy maximal marginal relevance, and calibration to the user's mix of categories.

Carbonell and Goldstein, The use of MMR (SIGIR 1998): the next place goes to the item whose relevance less its likeness
to the items above is largest. Likeness is summed over the items above rather than taken from the nearest, and relevance
counts with the discount of its place, so that the sum of both is what intra-list distance and ndcg measure (max-sum
diversification: Borodin, Lee and Ye, PODS 2012); on past cuts that gave three times the distance for the same loss.
Steck, Calibrated recommendations (RecSys 2018): what brings the list's shares of categories nearer to the user's own,
by the divergence of Kullback and Leibler, is worth more. Only the order changes: what stands in a list stays in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.encoders import Vectors
from recsys.features.item_space import ItemSpace, Places
from recsys.recommendations.list_variety import list_matrix
from recsys.recommendations.realised import TOP
from recsys.settings.variety import VarietySettings

_SMOOTHING = 0.01
"""Share of the user's own mix in the list's, so that the divergence stays finite."""
_OTHERS = TOP - 1
"""Likeness is told a pair of the first TOP places, as intra-list distance is."""
_CHUNK = 250
"""Lists that are reordered at once; bounds memory (lists x places x dimensions)."""


@dataclass(frozen=True)
class Pool:
    """Lists to reorder, as matrices of lists x places: numbers of the items, scores (NaN: no item), the share that the
    item's category has in what the user bought."""

    items: Places
    scores: Vectors
    shares: Vectors


def vary(rows: pl.DataFrame, space: ItemSpace, bought: pl.DataFrame, settings: VarietySettings) -> pl.DataFrame:
    """`rows` (list, user_id, rank, item_id, score, fallback …, sorted by the first three) in their new order.

    `bought` has user_id, item_id. Fallback rows keep their places. A score that would rise with its new rank is lowered
    to the one above it.
    """
    diversity, calibration = (settings.strengths(told) for told in (settings.diversity, settings.calibration))
    parts = [rows.clear()]
    for (name,), own in rows.group_by("list", maintain_order=True):
        strengths = diversity.get(str(name), 0.0), calibration.get(str(name), 0.0)
        parts.append(_reordered(own, space, bought, strengths, settings.places) if any(strengths) else own)
    return pl.concat(parts)


def _reordered(
    own: pl.DataFrame, space: ItemSpace, bought: pl.DataFrame, strengths: tuple[float, float], places: int
) -> pl.DataFrame:
    """The rows of one list of many users in their new order."""
    personal = own.with_row_index("row").filter(pl.col("fallback").is_null())
    if personal.is_empty():
        return own
    users, longest = personal["user_id"].unique(maintain_order=True), int(personal["rank"].to_numpy().max())
    rows = list_matrix(personal, personal["row"].cast(pl.Int64).to_numpy(), longest, fill=-1)
    numbers = space.places(own["item_id"])
    scores = np.append(own["score"].to_numpy(), np.nan).astype(np.float32)[rows]
    shares = bought_shares(users, numbers[rows], rows >= 0, space, bought)
    target = np.arange(len(own))
    for start in range(0, len(rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        order = choose(Pool(numbers[rows[part]], scores[part], shares[part]), space, strengths, places)
        there = rows[part] >= 0
        # Places without an item come last in both, so that the two masks are one.
        target[rows[part][there]] = np.take_along_axis(rows[part], order, 1)[there]
    moved = own[target].with_columns(own["rank"])
    return moved.with_columns(score=pl.col("score").cum_min().over("user_id"))


def bought_shares(
    users: pl.Series, numbers: Places, there: NDArray[np.bool_], space: ItemSpace, bought: pl.DataFrame
) -> Vectors:
    """Share that the parent category of each item (users x places) has in what the user bought; 0 where unknown."""
    own = bought.join(users.to_frame(), on="user_id", how="semi")
    parents = pl.Series("parent", space.parent[space.places(own["item_id"])])
    mix = own.select("user_id").with_columns(parents).filter(pl.col("parent") >= 0).group_by("user_id", "parent").len()
    mix = mix.with_columns(share=pl.col("len") / pl.col("len").sum().over("user_id"))
    row, _ = np.nonzero(there)
    asked = pl.DataFrame({"user_id": users.gather(row), "parent": space.parent[numbers[there]]})
    told = asked.join(mix, on=["user_id", "parent"], how="left", maintain_order="left")["share"].fill_null(0.0)
    shares = np.zeros(numbers.shape, np.float32)
    shares[there] = told.to_numpy()
    return shares


def choose(pool: Pool, space: ItemSpace, strengths: tuple[float, float], places: int) -> NDArray[np.int64]:
    """The new order (places of the pool, lists x places): greedy for the first `places`, the rest as it was.

    Ties go to the item that stood higher.
    """
    diversity, calibration = strengths
    missing = np.isnan(pool.scores)
    relevance = _relevance(pool.scores)
    lists, width = relevance.shape
    alike, same = np.zeros_like(relevance), np.zeros_like(relevance)
    order = np.broadcast_to(np.arange(width) + width, relevance.shape).copy()
    taken = missing.copy()
    every, homes = np.arange(lists), space.parent[pool.items]
    likeness = space.likeness(pool.items) if diversity else np.zeros((lists, width, 0), np.float32)
    for place in range(min(places, width)):
        weight = diversity * np.log2(place + 2) / _OTHERS
        value = relevance - weight * alike + calibration * _gain(pool.shares, same, place)
        pick = np.where(taken, -np.inf, value).argmax(axis=1)
        open_ = ~taken[every, pick]
        order[every[open_], pick[open_]] = place
        taken[every, pick] = True
        if diversity:
            alike += likeness[every, pick]
        same += homes == homes[every, pick][:, None]
    return order.argsort(axis=1, kind="stable")


def _relevance(scores: Vectors) -> Vectors:
    """Scores of each list from 0 (its last) to 1 (its first)."""
    low, high = (pick(scores, axis=1, keepdims=True) for pick in (np.nanmin, np.nanmax))
    spread = np.where(high > low, high - low, 1)
    return np.nan_to_num((scores - low) / spread, nan=0.0).astype(np.float32)


def _gain(shares: Vectors, same: Vectors, place: int) -> Vectors:
    """What one more item of its category takes from the divergence of the user's mix from the list's.

    `same`: items of the category among the `place` chosen ones. What is common to all items is left out.
    """
    own = np.maximum(shares, 1e-9)
    before = (1 - _SMOOTHING) * same / (place + 1) + _SMOOTHING * own
    after = (1 - _SMOOTHING) * (same + 1) / (place + 1) + _SMOOTHING * own
    return np.asarray(shares * np.log(after / before), dtype=np.float32)
