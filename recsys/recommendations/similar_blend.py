"""The learned blend of both kinds: a logistic regression of what users looked at next, over pairs of similar items.

It learns from the newest days what the days before them said, so that its weights are those of a forecast. With too few
pairs to learn from, the two kinds count the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.settings.similar import SimilarSettings

Floats = NDArray[np.float64]
CONTROL = "popular"
"""Known to the regression, so that likeness is not credited with it; `settings.popularity` of its weight stays in the
scores: a bestseller is not like everything."""
FEATURES = ("followed", "shared", "likeness", "behaviour_place", "content_place", "popular", "is_variant")
_RIDGE = 1.0
_STEPS = 25


@dataclass(frozen=True)
class Blend:
    """score = ((features - mean) / deviation) @ weights; only the order within an anchor matters."""

    mean: Floats
    deviation: Floats
    weights: Floats
    labels: int

    def scores(self, pairs: pl.DataFrame) -> Floats:
        """Scores of pairs with FEATURES; higher is better."""
        return (_matrix(pairs) - self.mean) / self.deviation @ self.weights


def even_blend() -> Blend:
    """Reciprocal places of both kinds, added."""
    weights = np.array([float(name.endswith("_place")) for name in FEATURES])
    return Blend(np.zeros(len(FEATURES)), np.ones(len(FEATURES)), weights, 0)


def fit_blend(pairs: pl.DataFrame, labels: NDArray[np.bool_], settings: SimilarSettings) -> Blend:
    """Fit on pairs with FEATURES: ridge logistic regression by iteratively reweighted least squares."""
    found = int(labels.sum())
    if found < settings.min_labels or labels.all():
        return even_blend()
    raw = _matrix(pairs)
    mean, deviation = raw.mean(axis=0), raw.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    values = np.column_stack([(raw - mean) / deviation, np.ones(len(raw))])
    penalty = np.append(np.full(len(FEATURES), _RIDGE), 0.0)
    weights = np.append(np.zeros(len(FEATURES)), np.log(found / (len(labels) - found)))
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(values @ weights, -30, 30)))
        gradient = values.T @ (labels - chance) - penalty * weights
        curvature = (values * (chance * (1 - chance))[:, None]).T @ values + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    weights[FEATURES.index(CONTROL)] *= settings.popularity
    return Blend(mean, deviation, weights[:-1], found)


def _matrix(pairs: pl.DataFrame) -> Floats:
    return pairs.select(pl.col(list(FEATURES)).cast(pl.Float64)).to_numpy()
