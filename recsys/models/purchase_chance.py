"""How likely a user is to buy what a campaign promotes: by affinity, or by likeness to those who do.

Both learn from the newest window as long as the campaign's: features before it, purchases in it. Affinity is
for users who know the promoted items: a ridge logistic model of what they bought. Lookalike is for users who never
bought any: boosted trees that tell a seed list (who bought one for the first time in the window) from everybody else,
by habits and by the shares of other categories. Probabilities are calibrated on parts of the users that
the model had not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.models.logistic import Calibration, Floats, fit_calibration, fit_logistic, logit
from recsys.settings.audiences import AudienceSettings

_FEWEST = 20
"""Buyers, and others, below which everybody is told the common rate."""
Fit = Callable[[Floats, Floats], Callable[[Floats], Floats]]


@dataclass(frozen=True)
class Chances:
    """`logits` of new rows, corrected by `calibration`."""

    logits: Callable[[Floats], Floats]
    calibration: Calibration

    def probabilities(self, values: Floats) -> Floats:
        """Calibrated probabilities of the rows of `values`."""
        return self.calibration.probabilities(self.logits(values))


def fit_affinity(values: Floats, labels: Floats, settings: AudienceSettings, seed: int) -> Chances:
    """Fit purchases (`labels`, 0 or 1) on what users bought before (`values`, users x features)."""

    def fit(rows: Floats, told: Floats) -> Callable[[Floats], Floats]:
        return fit_logistic(rows, told, settings.regularization).logits

    return _calibrated(fit, values, labels, settings, seed)


def fit_lookalike(values: Floats, seeds: Floats, settings: AudienceSettings, seed: int, threads: int) -> Chances:
    """Fit who is in the seed list (`seeds`, 0 or 1) on `values` (users x features)."""

    def fit(rows: Floats, told: Floats) -> Callable[[Floats], Floats]:
        # It loads scikit-learn and pandas, seconds that only the runs with a campaign should pay.
        import lightgbm as lgb

        parameters = {
            "objective": "binary", "learning_rate": 0.08, "num_leaves": 7, "lambda_l2": 10.0, "feature_fraction": 0.5,
            "min_data_in_leaf": min(50, max(5, len(rows) // 50)), "seed": seed % (1 << 31), "num_threads": threads,
            "deterministic": True, "force_row_wise": True, "verbose": -1,
        }  # fmt: skip
        booster = lgb.train(parameters, lgb.Dataset(rows, told), settings.lookalike_trees)
        return lambda new: np.asarray(booster.predict(new, raw_score=True, num_threads=threads), dtype=np.float64)

    return _calibrated(fit, values, seeds, settings, seed)


def _calibrated(fit: Fit, values: Floats, labels: Floats, settings: AudienceSettings, seed: int) -> Chances:
    positives = int(labels.sum())
    if min(positives, len(labels) - positives) < _FEWEST:
        rate = float(logit(np.array([(positives + 0.5) / (len(labels) + 1.0)]))[0])
        return Chances(lambda new: np.full(len(new), rate), Calibration())
    unseen = np.zeros(len(labels))
    part = _parts(labels, settings.folds, seed)
    for number in range(settings.folds):
        inside = part == number
        unseen[inside] = fit(values[~inside], labels[~inside])(values[inside])
    calibration = fit_calibration(unseen, labels, settings.calibration_penalty)
    return Chances(fit(values, labels), calibration)


def _parts(labels: Floats, folds: int, seed: int) -> NDArray[np.int64]:
    """A part for each row, drawn, with as many positive rows in each part as in any other."""
    order = np.random.default_rng(seed).permutation(len(labels))
    ordered = order[np.argsort(labels[order], kind="stable")]
    part = np.zeros(len(labels), dtype=np.int64)
    part[ordered] = np.arange(len(labels)) % folds
    return part
