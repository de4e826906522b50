"""Ridge logistic regression and calibration against answers known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.models.logistic import fit_calibration, fit_logistic, logit, sigmoid, tilted


def test_a_group_is_told_its_own_rate() -> None:
    """Without a penalty a yes-no feature gives each group the rate it had: 1 in 4, and 3 in 4."""
    values = np.array([[0.0]] * 8 + [[1.0]] * 8)
    labels = np.array([1.0, 0, 0, 0] * 2 + [1.0, 1, 1, 0] * 2)
    told = sigmoid(fit_logistic(values, labels, 0.0).logits(np.array([[0.0], [1.0]])))
    assert told == pytest.approx([0.25, 0.75], abs=1e-4)


def test_a_penalty_draws_groups_together_and_keeps_the_mean() -> None:
    values = np.array([[0.0]] * 8 + [[1.0]] * 8)
    labels = np.array([1.0, 0, 0, 0] * 2 + [1.0, 1, 1, 0] * 2)
    told = sigmoid(fit_logistic(values, labels, 5.0).logits(values))
    assert 0.25 < told[0] < 0.5 < told[-1] < 0.75
    assert told.mean() == pytest.approx(labels.mean(), abs=1e-4)


def test_a_feature_that_never_changes_changes_nothing() -> None:
    labels = np.array([1.0, 0, 0, 0])
    told = sigmoid(fit_logistic(np.ones((4, 1)), labels, 1.0).logits(np.array([[1.0]])))
    assert told == pytest.approx([0.25], abs=1e-4)


def test_labels_that_are_all_alike_are_an_error() -> None:
    with pytest.raises(ValueError, match="all alike"):
        fit_logistic(np.ones((3, 1)), np.zeros(3), 1.0)


def test_calibration_halves_logits_that_are_twice_too_sure() -> None:
    groups = {0.2: 1000, 0.5: 1000, 0.8: 1000}
    labels = np.concatenate([np.repeat([1.0, 0.0], [int(p * n), n - int(p * n)]) for p, n in groups.items()])
    told = np.concatenate([np.full(n, 2 * logit(np.array([p]))[0]) for p, n in groups.items()])
    corrected = fit_calibration(told, labels, 0.0)
    assert (corrected.offset, corrected.slope) == pytest.approx((0.0, 0.5), abs=1e-3)
    assert corrected.probabilities(told)[[0, 1500, -1]] == pytest.approx([0.2, 0.5, 0.8], abs=1e-3)


@pytest.mark.parametrize("labels", [[], [1.0, 1.0], [0.0]])
def test_calibration_of_too_little_changes_nothing(labels: list[float]) -> None:
    told = fit_calibration(np.zeros(len(labels)), np.array(labels), 1.0)
    assert (told.offset, told.slope) == (0.0, 1.0)


@pytest.mark.parametrize(("told", "found"), [(0.01, 0.1), (0.005, 0.3), (0.02, 0.5), (0.5, 0.003)])
def test_calibration_reaches_a_rate_far_from_what_was_told(told: float, found: float) -> None:
    """Of contacts that are answered ten times as often as those before: whole steps led away, to 0 or 1 for all."""
    logits = logit(np.array([told]))[0] + np.tile(np.linspace(-1.0, 1.0, 20), 100)
    labels = np.repeat([1.0, 0.0], [int(found * 2000), 2000 - int(found * 2000)])
    corrected = fit_calibration(logits, labels, 5.0)
    assert corrected.probabilities(logits).mean() == pytest.approx(found, rel=1e-3)


def test_extremes_stay_finite() -> None:
    assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_evidence_moves_probabilities_and_keeps_their_sum() -> None:
    told = np.array([0.2, 0.2, 0.2, 0.6])
    moved = tilted(told, np.array([2.0, 0.0, -2.0, 0.0]), 0.5)
    assert moved.sum() == pytest.approx(told.sum())
    assert moved[0] > moved[1] > moved[2]
    # Odds move by exp(0.5 x 2) beside those without evidence.
    assert (moved[0] / (1 - moved[0])) / (moved[1] / (1 - moved[1])) == pytest.approx(np.e)
    assert tilted(told, np.array([2.0, 0.0, -2.0, 0.0]), 0.0) is told
    assert tilted(np.zeros(0), np.zeros(0), 1.0).tolist() == []
