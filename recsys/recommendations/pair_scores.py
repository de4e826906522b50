"""How likely is the partner in the basket, given the anchor?

    P(j | i) = (c_ij + k m h_ij) / (c_i + k m)

c_ij and c_i are sums over baskets, weighted by age and size; m is the mean weight of a basket. h_ij says what the
buyers of i buy anyway: over the users of i, their share of i's purchases times the (shrunken) share of their baskets
that hold j. It smooths thin counts towards the habits of the people concerned instead of towards bestsellers; k is
`owner_strength`. Two orders follow: `likely` (the most likely partners, with a boost for items that are no
bestsellers, so that a list is not five staples) and `distinct` (bestsellers left out, popularity tempered).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.recommendations.baskets import Baskets, owner_matrix
from recsys.recommendations.pair_counts import Longs, PairBlock
from recsys.settings.combinations import PairSettings

Floats = NDArray[np.float64]
_WIDE = 256


@dataclass(frozen=True)
class PairScorer:
    """Everything that scores a block of pairs: item weights, buyers of items, habits of users."""

    item_weight: Floats
    mean_weight: float
    popularity: Floats
    bestseller: NDArray[np.bool_]
    owners: sparse.csr_matrix
    habits: sparse.csr_matrix
    settings: PairSettings

    def likelihood(self, block: PairBlock) -> Floats:
        """P(partner | anchor) of every pair of the block."""
        strength = self.settings.owner_strength * self.mean_weight
        habit = self._habit(block)
        return (block.weight + strength * habit) / (self.item_weight[block.anchor] + strength)

    def likely_score(self, partner: Longs, likelihood: Floats) -> Floats:
        """Score of the order `rank`."""
        return likelihood * np.where(self.bestseller[partner], 1.0, self.settings.distinct_boost)

    def distinct_score(self, partner: Longs, likelihood: Floats) -> Floats:
        """Score of the order `rank_distinct`; 0 for bestsellers."""
        tempered = (self.popularity[partner] + self.settings.distinct_floor) ** self.settings.distinct_exponent
        return np.where(self.bestseller[partner], 0.0, likelihood / tempered)

    def _habit(self, block: PairBlock) -> Floats:
        reach = sparse.csr_matrix(self.owners[block.first : block.last] @ self.habits)
        scratch = np.zeros(self.habits.shape[1], np.float32)
        bounds = np.searchsorted(block.anchor, np.arange(block.first, block.last + 1))
        found = np.empty(len(block.anchor))
        for row in range(block.last - block.first):
            start, end = bounds[row], bounds[row + 1]
            if start == end:
                continue
            columns = reach.indices[reach.indptr[row] : reach.indptr[row + 1]]
            scratch[columns] = reach.data[reach.indptr[row] : reach.indptr[row + 1]]
            found[start:end] = scratch[block.partner[start:end]]
            scratch[columns] = 0.0
        return found


def fit_scorer(baskets: Baskets, weights: NDArray[np.float32], settings: PairSettings) -> PairScorer:
    """Sum up what the scores need; `weights` has one value a basket, as for the counts."""
    several = baskets.sizes > 1
    item_weight = np.asarray(baskets.lines.T @ weights, np.float64)
    total = float(weights.sum())
    owners = owner_matrix(baskets, baskets.weights(settings.owner_half_life_days, settings.size_exponent)).T.tocsr()
    owned = np.asarray(owners.sum(axis=1)).ravel()
    share = np.divide(1.0, owned, out=np.zeros_like(owned), where=owned > 0)
    return PairScorer(
        item_weight,
        total / max(int(several.sum()), 1),
        item_weight / total if total else item_weight,
        bestsellers(baskets.item_baskets, settings),
        sparse.csr_matrix(sparse.diags(share.astype(np.float32)) @ owners),
        _habits(baskets, settings),
        settings,
    )


def bestsellers(item_baskets: NDArray[np.int32], settings: PairSettings) -> NDArray[np.bool_]:
    """Marks the items in most baskets: `bestsellers` of them, in a small shop at most `bestseller_share` of all."""
    count = min(settings.bestsellers, int(settings.bestseller_share * len(item_baskets)))
    marked = np.zeros(len(item_baskets), bool)
    marked[np.argsort(-item_baskets.astype(np.int64), kind="stable")[:count]] = True
    return marked


def _habits(baskets: Baskets, settings: PairSettings) -> sparse.csr_matrix:
    """Users x items: share of the user's baskets with the item, shrunken; the strongest `habit_items` a user."""
    weights = baskets.weights(settings.habit_half_life_days, 0.0)
    bought = owner_matrix(baskets, weights)
    several = max(int((baskets.sizes > 1).sum()), 1)
    trips = np.bincount(baskets.user, weights, minlength=len(baskets.user_ids)).astype(np.float64)
    shrink = settings.habit_prior_baskets * float(weights.sum()) / several
    scale = np.divide(1.0, trips + shrink, out=np.zeros_like(trips), where=trips + shrink > 0)
    return _strongest(sparse.csr_matrix(sparse.diags(scale.astype(np.float32)) @ bought), settings.habit_items)


def _strongest(matrix: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    for row in np.flatnonzero(np.diff(matrix.indptr) > count):
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        values[values < np.partition(values, -count)[-count]] = 0.0
    matrix.eliminate_zeros()
    return matrix


def top_rows(anchor: Longs, score: Floats, count: int) -> Longs:
    """Positions of the `count` best positive scores of each anchor, best first; pairs come sorted by anchor.

    Ties fall to the pair that comes first, that is to the smaller partner.
    """
    starts = np.flatnonzero(np.r_[True, anchor[1:] != anchor[:-1]]) if len(anchor) else np.zeros(0, np.int64)
    lengths = np.diff(np.append(starts, len(anchor))) if len(starts) else starts
    kept = np.flatnonzero((score >= np.repeat(_floors(score, starts, lengths, count), lengths)) & (score > 0))
    kept = kept[np.lexsort((-score[kept], anchor[kept]))]
    first = np.searchsorted(anchor[kept], anchor[kept])
    return kept[np.arange(len(kept)) - first < count]


def _floors(score: Floats, starts: Longs, lengths: Longs, count: int) -> Floats:
    """The `count`-th best score of each run of `lengths` scores from `starts`; of a shorter run, minus infinity."""
    floor = np.full(len(starts), -np.inf)
    for row in np.flatnonzero(lengths > max(_WIDE, count)):
        run = score[starts[row] : starts[row] + lengths[row]]
        floor[row] = np.partition(run, -count)[-count]
    # Short runs are many: those of about one length are partitioned together, as rows of a matrix.
    width = np.where(
        (lengths > count) & (lengths <= _WIDE), 1 << np.ceil(np.log2(np.maximum(lengths, 1))).astype(int), 0
    )
    for size in np.unique(width[width > 0]):
        rows, place = np.flatnonzero(width == size), np.arange(size)
        cells = np.minimum(starts[rows][:, None] + place, len(score) - 1)
        values = np.where(place < lengths[rows][:, None], score[cells], -np.inf)
        floor[rows] = np.partition(values, -count, axis=1)[:, -count]
    return floor
