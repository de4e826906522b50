"""Counts of pairs, one block of anchor items at a time: never items x items in memory.

For a block of anchors all lines of their baskets are laid out (anchor, partner, basket), sorted once, and every
statistic is a reduction over the runs of equal pairs. Blocks are cut so that a layout stays below a set number of
rows; memory depends on that number, not on the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.features.history import find_sorted
from recsys.recommendations.baskets import Baskets

Longs = NDArray[np.int64]


@dataclass(frozen=True)
class PairBlock:
    """Pairs of the anchors in [first, last), sorted by anchor and then partner; one value a pair.

    `baskets` and `users` count distinct ones; `weight` sums the baskets' weights; ages are in days before the
    as-of date; `recent` counts the baskets younger than the window that was asked for.
    """

    first: int
    last: int
    anchor: Longs
    partner: Longs
    baskets: NDArray[np.int32]
    users: NDArray[np.int32]
    weight: NDArray[np.float64]
    oldest: NDArray[np.int32]
    newest: NDArray[np.int32]
    recent: NDArray[np.int32]

    def find(self, anchor: Longs, partner: Longs, items: int) -> tuple[Longs, NDArray[np.bool_]]:
        """Position of each asked pair in this block, and whether it is there."""
        return find_sorted(self.anchor * items + self.partner, anchor * items + partner)


def count_pairs(
    baskets: Baskets, weights: NDArray[np.float32], partners: NDArray[np.bool_], recent_days: int, rows: int = 3_000_000
) -> Iterator[PairBlock]:
    """Yield the pairs of all anchors in blocks; only items that `partners` marks appear as anchor or partner.

    `weights` has one value a basket; a basket of weight 0 still counts in `baskets` and `users`.
    """
    kept = _keep(baskets.lines, partners)
    by_item = kept.tocsc()
    by_item.sort_indices()
    sizes = np.diff(kept.indptr)
    cost = np.zeros(len(by_item.indptr), np.int64)
    cost[1:] = np.cumsum(np.bincount(kept.indices, np.repeat(sizes, sizes), minlength=kept.shape[1]))
    first = 0
    while first < kept.shape[1]:
        last = max(int(np.searchsorted(cost, cost[first] + rows, side="right")) - 1, first + 1)
        yield _block(baskets, weights, kept, by_item, first, last, recent_days)
        first = last


def _keep(lines: sparse.csr_matrix, partners: NDArray[np.bool_]) -> sparse.csr_matrix:
    kept = lines @ sparse.diags(partners.astype(np.float32))
    kept = sparse.csr_matrix(kept)
    kept.eliminate_zeros()
    kept.sort_indices()
    return kept


def _block(
    baskets: Baskets,
    weights: NDArray[np.float32],
    kept: sparse.csr_matrix,
    by_item: sparse.csc_matrix,
    first: int,
    last: int,
    recent_days: int,
) -> PairBlock:
    key, basket = _lay_out(kept, by_item, first, last)
    # Baskets are sorted by user, and a stable sort keeps that order within a pair: users are runs.
    order = np.argsort(key, kind="stable")
    key, basket = key[order], basket[order]
    new_pair = np.ones(len(key), bool)
    new_pair[1:] = key[1:] != key[:-1]
    user = baskets.user[basket]
    new_user = new_pair.copy()
    new_user[1:] |= user[1:] != user[:-1]
    starts = np.flatnonzero(new_pair)
    age = baskets.age_days[basket]
    empty = not len(starts)
    pairs = key[starts]

    def total(values: NDArray[np.float64] | NDArray[np.int32]) -> NDArray[np.float64]:
        return np.zeros(0) if empty else np.add.reduceat(values, starts)

    return PairBlock(
        first,
        last,
        pairs // kept.shape[1] + first,
        pairs % kept.shape[1],
        np.diff(np.append(starts, len(key))).astype(np.int32),
        total(new_user.astype(np.int32)).astype(np.int32),
        total(weights[basket].astype(np.float64)),
        (age[:0] if empty else np.maximum.reduceat(age, starts)).astype(np.int32),
        (age[:0] if empty else np.minimum.reduceat(age, starts)).astype(np.int32),
        total((age <= recent_days).astype(np.int32)).astype(np.int32),
    )


def _lay_out(kept: sparse.csr_matrix, by_item: sparse.csc_matrix, first: int, last: int) -> tuple[Longs, Longs]:
    """Key (anchor, partner) and basket of every line that shares a basket with an anchor of the block."""
    start, end = by_item.indptr[first], by_item.indptr[last]
    basket = by_item.indices[start:end]
    anchor = np.repeat(np.arange(last - first), np.diff(by_item.indptr[first : last + 1]))
    size = np.diff(kept.indptr)[basket]
    offset = np.cumsum(size) - size
    line = np.arange(size.sum()) + np.repeat(kept.indptr[basket] - offset, size)
    partner = kept.indices[line]
    anchors = np.repeat(anchor, size)
    apart = partner != anchors + first
    key = anchors[apart].astype(np.int64) * kept.shape[1] + partner[apart]
    return key, np.repeat(basket, size)[apart]
