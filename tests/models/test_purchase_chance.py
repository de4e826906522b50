"""Chances of a purchase: calibrated on users that the model had not seen."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.models.purchase_chance import fit_affinity, fit_lookalike
from recsys.settings.audiences import AudienceSettings

SETTINGS = AudienceSettings(regularization=1.0)
GROUPS = np.repeat([0.0, 1.0, 2.0], 400)[:, None]
LABELS = np.concatenate([np.repeat([1.0, 0.0], [n, 400 - n]) for n in (40, 120, 240)])
"""Three groups of 400, of whom 10, 30 and 60 percent buy."""


def test_affinity_tells_each_group_about_its_rate() -> None:
    told = fit_affinity(GROUPS, LABELS, SETTINGS, 7).probabilities(np.array([[0.0], [1.0], [2.0]]))
    assert told == pytest.approx([0.1, 0.3, 0.6], abs=0.04)


def test_lookalike_tells_each_group_about_its_rate() -> None:
    told = fit_lookalike(GROUPS, LABELS, SETTINGS, 7, 1).probabilities(np.array([[0.0], [1.0], [2.0]]))
    assert told == pytest.approx([0.1, 0.3, 0.6], abs=0.06)


def test_noise_is_told_the_common_rate() -> None:
    """Features that say nothing must not look certain after calibration."""
    noise = np.random.default_rng(3).normal(size=(600, 20))
    labels = (np.arange(600) % 5 == 0).astype(float)
    told = fit_lookalike(noise, labels, SETTINGS, 7, 1).probabilities(noise)
    assert told.mean() == pytest.approx(0.2, abs=0.05)
    assert fit_affinity(noise, labels, SETTINGS, 7).probabilities(noise).std() < 0.1


@pytest.mark.parametrize(("buyers", "rate"), [(0, 0.5 / 101), (5, 5.5 / 101), (100, 100.5 / 101)])
def test_too_few_of_either_kind_are_told_the_common_rate(buyers: int, rate: float) -> None:
    labels = (np.arange(100) < buyers).astype(float)
    told = fit_affinity(np.arange(100.0)[:, None], labels, SETTINGS, 7).probabilities(np.array([[0.0], [99.0]]))
    assert told == pytest.approx([rate, rate], rel=1e-6)


def test_the_same_seed_gives_the_same_numbers() -> None:
    runs = [fit_lookalike(GROUPS, LABELS, SETTINGS, 7, 1).probabilities(GROUPS) for _ in range(2)]
    assert runs[0].tolist() == runs[1].tolist()
