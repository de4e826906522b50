"""Is a pair an accident? Expected counts under a null that knows the sizes of baskets and users.

Null: a bipartite configuration model. Item i is in a basket of n items with probability 1 - exp(-theta_i * n),
theta_i such that its expected number of baskets is the observed one (Chung & Lu 2002, saturated so that no
probability exceeds 1). Two items then meet in a basket of n items with probability p_i p_j (n - 1) / n.

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
from scipy.special import gammainc

from recsys.recommendations.baskets import Baskets

Floats = NDArray[np.float64]
_GRID = 2048
_CHUNK = 200_000
_KEPT_P = 0.05


@dataclass(frozen=True)
class NullModel:
    """What chance gives: `presence` is items x size bins, `meetings` the weight of each size bin."""

    presence: NDArray[np.float32]
    meetings: NDArray[np.float32]
    user_grid: Floats
    user_counts: Floats

    def expected_baskets(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> Floats:
        """Expected number of baskets with both items, one value a pair of item positions."""
        expected = np.empty(len(left))
        for start in range(0, len(left), _CHUNK):
            part = slice(start, start + _CHUNK)
            weighted = self.presence[left[part]] * self.meetings
            expected[part] = np.einsum("ij,ij->i", weighted, self.presence[right[part]])
        return expected

    def expected_users(self, expected_baskets: Floats) -> Floats:
        """Expected number of distinct users with a basket that holds both items."""
        logs = np.log(np.maximum(expected_baskets, 1e-12))
        return np.exp(np.interp(logs, self.user_grid, self.user_counts))


def fit_null(baskets: Baskets) -> NullModel:
    """Fit the null model to the sizes of the baskets, the activity of the users and the frequency of the items."""
    sizes = baskets.sizes.astype(np.float64)
    bins = _size_bins(sizes)
    count = np.bincount(bins)
    present = np.flatnonzero(count)
    size = (np.bincount(bins, sizes)[present] / count[present]).astype(np.float64)
    pairs = np.bincount(bins, sizes * (sizes - 1))[present]
    theta = _rates(baskets.item_baskets, size, count[present])
    presence = -np.expm1(-theta[:, None] * size[None, :])
    activity = np.bincount(baskets.user, sizes * (sizes - 1), minlength=len(baskets.user_ids))
    grid, users = _user_curve(activity)
    return NullModel(presence.astype(np.float32), (pairs / size**2).astype(np.float32), grid, users)


def _size_bins(sizes: Floats) -> NDArray[np.int64]:
    """Own bin up to 8 items, then four bins a doubling."""
    coarse = 8 + np.floor(4 * np.log2(np.maximum(sizes, 8) / 8)).astype(np.int64)
    return np.where(sizes <= 8, sizes.astype(np.int64), coarse + 1)


def _rates(item_baskets: NDArray[np.int32], size: Floats, count: NDArray[np.int64]) -> Floats:
    """theta of each item: the inverse of theta -> expected baskets, read off a fine logarithmic grid."""
    grid = np.exp(np.linspace(np.log(1e-12), np.log(50.0), _GRID * 8))
    expected = (-np.expm1(-grid[:, None] * size[None, :]) * count[None, :]).sum(axis=1)
    wanted = np.minimum(np.maximum(item_baskets, 1e-9), expected[-1])
    return np.exp(np.interp(np.log(wanted), np.log(expected), np.log(grid)))


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
