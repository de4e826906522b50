"""Ridge logistic regression and calibration: small, exact and the same on every machine.

Where past contacts are few, a penalised linear model tells responders apart better than boosted trees do, and its
probabilities need less correction. Both are fitted by Newton's method, without a random start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_STEPS = 50
_CLOSE = 1e-9
_SMALLEST = 1e-6


@dataclass(frozen=True)
class Logistic:
    """logit = offset + standardised features times coefficients."""

    mean: Floats
    deviation: Floats
    offset: float
    coefficients: Floats

    def logits(self, values: Floats) -> Floats:
        """Log odds of the rows of `values` (rows x features)."""
        return self.offset + ((values - self.mean) / self.deviation) @ self.coefficients


@dataclass(frozen=True)
class Calibration:
    """probability = sigmoid(offset + slope x logit) (Platt, 1999)."""

    offset: float = 0.0
    slope: float = 1.0

    def probabilities(self, logits: Floats) -> Floats:
        """Calibrated probabilities, within 0 to 1."""
        return sigmoid(self.offset + self.slope * logits)


def fit_logistic(values: Floats, labels: Floats, penalty: float) -> Logistic:
    """Fit `labels` (0 or 1) on `values` (rows x features); `penalty` is the ridge on standardised coefficients.

    Raises ValueError when the labels are all alike.
    """
    if labels.min() == labels.max():
        raise ValueError("labels are all alike: there is nothing to tell apart")
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    deviation = np.where(deviation > _SMALLEST, deviation, 1.0)
    design = np.column_stack([np.ones(len(values)), (values - mean) / deviation])
    penalties = np.full(design.shape[1], penalty)
    penalties[0] = 0.0
    weights = _newton(design, labels, penalties, np.zeros(design.shape[1]))
    return Logistic(mean, deviation, float(weights[0]), weights[1:])


def fit_calibration(logits: Floats, labels: Floats, penalty: float) -> Calibration:
    """Fit offset and slope on logits of rows that the model had not seen; `penalty` holds the slope near 1.

    Too little to learn from (labels all alike, or no row): no correction.
    """
    if not len(labels) or labels.min() == labels.max():
        return Calibration()
    design = np.column_stack([np.ones(len(logits)), logits])
    weights = _newton(design, labels, np.array([0.0, penalty]), np.array([0.0, 1.0]))
    return Calibration(float(weights[0]), float(weights[1]))


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-logit)), without overflow."""
    result: Floats = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return result


def logit(probabilities: Floats) -> Floats:
    """Log odds of probabilities, which are kept a little away from 0 and 1."""
    kept = np.clip(probabilities, _SMALLEST, 1.0 - _SMALLEST)
    result: Floats = np.log(kept / (1.0 - kept))
    return result


def tilted(probabilities: Floats, evidence: Floats, weight: float) -> Floats:
    """`probabilities` moved by `weight` times `evidence` (log odds, one value each), their sum kept.

    The shift that keeps the sum is found by halving, so that what was calibrated as a whole stays so.
    """
    if not len(probabilities) or not weight:
        return probabilities
    moved = logit(probabilities) + weight * evidence
    low, high = -50.0 - float(moved.max()), 50.0 - float(moved.min())
    for _ in range(60):
        shift = (low + high) / 2
        low, high = (shift, high) if sigmoid(moved + shift).sum() < probabilities.sum() else (low, shift)
    return sigmoid(moved + (low + high) / 2)


def _newton(design: Floats, labels: Floats, penalties: Floats, prior: Floats) -> Floats:
    """Weights that minimise the log loss plus penalties x (weights - prior) squared / 2.

    A step that makes it worse is halved: far from the labels the loss is nearly straight, and whole steps lead away.
    """

    def loss(at: Floats) -> float:
        logits = design @ at
        return float((np.logaddexp(0.0, logits) - labels * logits).sum() + (penalties * (at - prior) ** 2).sum() / 2)

    weights, reached = prior.copy(), loss(prior)
    for _ in range(_STEPS):
        told = sigmoid(design @ weights)
        gradient = design.T @ (told - labels) + penalties * (weights - prior)
        curvature = (design * (told * (1.0 - told))[:, None]).T @ design + np.diag(penalties + _SMALLEST)
        step = np.linalg.solve(curvature, gradient)
        # Near the end the loss no longer tells one step from the next: its last digits are no reason to halve.
        while (found := loss(weights - step)) > reached + _CLOSE * max(reached, 1.0) and np.abs(step).max() >= _CLOSE:
            step = step / 2
        weights, reached = weights - step, found
        if np.abs(step).max() < _CLOSE:
            break
    return weights
