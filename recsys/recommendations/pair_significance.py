"""Is a pair an accident? Expected counts under a null that knows the sizes of baskets and users.

Null: the bipartite configuration model (Saracco et al. 2015). Item i is in a basket of n items with probability
p = x_i y_n / (1 + x_i y_n); x and y are such that each item's expected number of baskets and each basket's expected
size are the observed ones. As a basket of n items has exactly n, two items meet a little less often than p_i p_j:
p_i p_j (1 - (1 - p_i) (1 - p_j) / d_n), d_n = sum of p (1 - p) over all items (Hajek 1964).

Items have their time: two of one summer's collection meet in the baskets of that summer, and nobody bought them
together. So an expected count is multiplied by how far the times of the items overlap, sum over four weeks t of
s_t (a_it / s_t) (a_jt / s_t), a_it the share of i's baskets and s_t that of all lines that fell into t. Less than 1
counts as 1, which errs on the safe side.

Baskets of one user are not independent trials: one heavy buyer can make any pair look strong. So the test counts
distinct users. User u, with Q_u = sum of n (n - 1) over their baskets, shows a pair of expected count E with
probability 1 - exp(-E Q_u / sum Q); the number of such users is Poisson binomial, and its upper tail lies below
that of a Poisson variable of the same mean, which gives a p-value that errs on the safe side. q-values follow
Benjamini & Hochberg (1995) over every pair that could be made of the tested items, met or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import gammainc

from recsys.recommendations.baskets import Baskets

Floats = NDArray[np.float64]
_GRID = 2048
_ROUNDS = 60
_CHUNK = 200_000
_KEPT_P = 0.05
_PART_DAYS = 28


@dataclass(frozen=True)
class NullModel:
    """What chance gives.

    `presence` is items x size bins; a bin has a mean `size`, a `count` of baskets and the `spread` d_n. `pace` is
    items x parts of four weeks (1: as everything sold then), `share` what fell into each part, `part` that of each
    basket.
    """

    presence: NDArray[np.float32]
    size: Floats
    count: Floats
    spread: Floats
    pace: NDArray[np.float32]
    share: NDArray[np.float32]
    part: NDArray[np.int64]
    user_grid: Floats
    user_counts: Floats

    def expected_baskets(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Floats:
        """Expected number of baskets with both items, one value a pair of item positions."""
        expected = np.empty(len(left))
        several = (self.size > 1) * self.count
        for start in range(0, len(left), _CHUNK):
            part = slice(start, start + _CHUNK)
            one, other = self.presence[left[part]], self.presence[right[part]]
            both = one * other
            less = both * (1.0 - one) * (1.0 - other)
            overlap = (self.pace[left[part]] * self.pace[right[part]]) @ self.share
            expected[part] = (both @ several - less @ (several / self.spread)) * np.maximum(overlap, 1.0)
        return np.maximum(expected, 0.0)

    def expected_set(self, members: list[int]) -> float:
        """Expected number of baskets that hold all of `members` (item positions)."""
        places = np.arange(len(members))
        room = np.prod(np.maximum(1.0 - places[:, None] / self.size[None, :], 0.0), axis=0)
        overlap = max(float(self.pace[members].astype(np.float64).prod(axis=0) @ self.share), 1.0)
        return float((self.presence[members].astype(np.float64).prod(axis=0) * room * self.count).sum()) * overlap

    def presence_in(self, item: int, held: NDArray[np.int32], sizes: NDArray[np.int32]) -> Floats:
        """Chance that each of the baskets `held` (rows, with their `sizes`) holds the item."""
        pace = np.maximum(self.pace[item, self.part[held]], 1.0)
        return np.minimum(np.interp(sizes, self.size, self.presence[item]) * pace, 1.0)

    def expected_users(self, expected_baskets: Floats) -> Floats:
        """Expected number of distinct users with a basket that holds both items."""
        logs = np.log(np.maximum(expected_baskets, 1e-12))
        return np.exp(np.interp(logs, self.user_grid, self.user_counts))


def fit_null(baskets: Baskets) -> NullModel:
    """Fit the null model to the sizes of the baskets, the activity of the users and the frequency of the items."""
    sizes = baskets.sizes.astype(np.float64)
    bins = _size_bins(sizes)
    count = np.bincount(bins).astype(np.float64)
    kept = np.flatnonzero(count)
    size, count = np.bincount(bins, sizes)[kept] / count[kept], count[kept]
    frequency, repeats = np.unique(baskets.item_baskets, return_counts=True)
    by_frequency = _solve(frequency.astype(np.float64), repeats, size, count)
    spread = (repeats[:, None] * by_frequency * (1.0 - by_frequency)).sum(axis=0)
    presence = by_frequency.astype(np.float32)[np.searchsorted(frequency, baskets.item_baskets)]
    activity = np.bincount(baskets.user, sizes * (sizes - 1), minlength=len(baskets.user_ids)).astype(np.float64)
    return NullModel(presence, size, count, np.maximum(spread, 1e-9), *_paces(baskets), *_user_curve(activity))


def _paces(baskets: Baskets) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """`pace`, `share` and `part` of a null model."""
    part = np.unique(baskets.age_days // _PART_DAYS, return_inverse=True)[1].astype(np.int64)
    parts = int(part.max(initial=0)) + 1
    of_part = sparse.csr_matrix((np.ones(len(part), np.float32), (part, np.arange(len(part)))), (parts, len(part)))
    counts = (of_part @ baskets.lines).toarray().T.astype(np.float64)
    share = counts.sum(axis=0) / max(counts.sum(), 1.0)
    usual = baskets.item_baskets[:, None] * share
    pace = np.divide(counts, usual, out=np.ones_like(counts), where=usual > 0)
    return pace.astype(np.float32), share.astype(np.float32), part


def _solve(frequency: Floats, repeats: NDArray[np.int64], size: Floats, count: Floats) -> Floats:
    """Probabilities, item frequencies x size bins, by fixed-point iteration of the likelihood equations."""
    total = max(float((size * count).sum()), 1.0)
    x, y = frequency / np.sqrt(total), size / np.sqrt(total)
    for _ in range(_ROUNDS):
        odds = 1.0 + x[:, None] * y[None, :]
        x = frequency / np.maximum((count * y / odds).sum(axis=1), 1e-300)
        odds = 1.0 + x[:, None] * y[None, :]
        y = size / np.maximum((repeats[:, None] * x[:, None] / odds).sum(axis=0), 1e-300)
    product = x[:, None] * y[None, :]
    return np.asarray(product / (1.0 + product))


def _size_bins(sizes: Floats) -> NDArray[np.int64]:
    """Own bin up to 8 items, then four bins a doubling."""
    coarse = 8 + np.floor(4 * np.log2(np.maximum(sizes, 8) / 8)).astype(np.int64)
    return np.where(sizes <= 8, sizes.astype(np.int64), coarse + 1)


def _user_curve(activity: Floats) -> tuple[Floats, Floats]:
    """Logarithms of expected baskets and of the expected distinct users that they make."""
    active = activity[activity > 0]
    if not len(active):
        return np.array([-30.0, 0.0]), np.array([-30.0, 0.0])
    values, repeats = np.unique(active, return_counts=True)
    if len(values) > _GRID:
        edges = np.linspace(0, len(values), _GRID + 1).astype(int)[:-1]
        repeats_sum = np.add.reduceat(repeats, edges)
        values = np.add.reduceat(values * repeats, edges) / repeats_sum
        repeats = repeats_sum
    grid = np.linspace(np.log(1e-12), np.log(1e9), _GRID)
    share = values / (values * repeats).sum()
    users = np.array([(-np.expm1(-np.exp(g) * share) * repeats).sum() for g in grid])
    return grid, np.log(users)


def p_values(users: NDArray[np.int32], expected_users: Floats) -> Floats:
    """Chance of at least `users` distinct users where `expected_users` are expected; 1 where there are none."""
    tail = gammainc(np.maximum(users, 1), np.maximum(expected_users, 1e-12))
    return np.where(users > 0, tail, 1.0)


def q_values(p: Floats, found: Floats, tests: int) -> Floats:
    """Benjamini-Hochberg q-value of each of `p`.

    `found` holds the p-values of all tested pairs that are at most 0.05 (larger ones may be missing); `tests` counts
    the pairs that could be made. A p-value above 0.05 gets q = 1, which errs on the safe side.
    """
    ordered = np.sort(found)
    if not len(ordered):
        return np.ones(len(p))
    rate = np.minimum(ordered * tests / np.arange(1, len(ordered) + 1), 1.0)
    rate = np.minimum.accumulate(rate[::-1])[::-1]
    place = np.minimum(np.searchsorted(ordered, p, side="left"), len(ordered) - 1)
    return np.where(p <= _KEPT_P, rate[place], 1.0)


def worth_keeping(p: Floats) -> NDArray[np.bool_]:
    """Which p-values `q_values` needs to know."""
    return p <= _KEPT_P
