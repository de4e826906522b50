"""The network beside the trees: what it reads, that it learns, repeats itself and is read back to the last bit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recsys.models.network import FURTHEST, Network, fit_network, learn_scaling
from recsys.settings.models import ModelSettings

NONE = float("nan")
SETTINGS = ModelSettings(network_units=(16,), network_epochs=8, threads=1)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    """4,000 rows whose label is whether exactly one of two counts is large; unknown counts are small ones."""
    generator = np.random.default_rng(7)
    values = generator.integers(0, 20, (4_000, 3)).astype(np.float32)
    values[generator.random(4_000) < 0.3, 1] = NONE
    return values, ((values[:, 0] > 9) != (np.nan_to_num(values[:, 1]) > 9)).astype(np.int8)


@pytest.fixture(scope="module")
def network(rows: tuple[np.ndarray, np.ndarray]) -> Network:
    return fit_network(*rows, SETTINGS, 1)


def test_inputs_are_standardised_logarithms_and_what_is_unknown() -> None:
    sample = np.array([[0, 5, NONE], [np.e - 1, 5, NONE], [np.e**2 - 1, 5, 1], [NONE, 5, 3]], dtype=np.float32)
    scaling = learn_scaling(sample)
    assert scaling.columns.tolist() == [0, 2]
    assert scaling.told.tolist() == [0, 2]
    spread = np.sqrt(2 / 3)
    inputs = scaling.inputs(sample)
    np.testing.assert_allclose(inputs[:, 0], [-1 / spread, 0, 1 / spread, 0], atol=1e-6)
    np.testing.assert_array_equal(inputs[:, 2:], [[0, 1], [0, 1], [0, 0], [1, 0]])


def test_what_lies_far_out_is_drawn_in() -> None:
    scaling = learn_scaling(np.array([[0], [1], [2]], dtype=np.float32))
    extremes = np.array([[np.inf], [-np.inf], [1e30]], dtype=np.float32)
    assert scaling.inputs(extremes).ravel().tolist() == [FURTHEST, -FURTHEST, FURTHEST]


def test_it_learns_what_no_single_feature_tells(rows: tuple[np.ndarray, np.ndarray], network: Network) -> None:
    values, labels = rows
    scores = network.predict(values)
    assert np.mean((scores > np.quantile(scores, 1 - labels.mean())) == labels) > 0.95
    assert scores.mean() == pytest.approx(0, abs=1e-9)
    assert scores.std() == pytest.approx(1, abs=1e-9)


def test_the_same_seed_gives_the_same_network(rows: tuple[np.ndarray, np.ndarray], network: Network) -> None:
    assert fit_network(*rows, SETTINGS, 1).as_json() == network.as_json()
    assert fit_network(*rows, SETTINGS, 2).as_json() != network.as_json()


def test_a_row_scores_the_same_among_others(rows: tuple[np.ndarray, np.ndarray], network: Network) -> None:
    values, _ = rows
    together = network.predict(values).astype(np.float32)
    alone = np.concatenate([network.predict(values[start : start + 7]) for start in range(0, len(values), 7)])
    np.testing.assert_array_equal(alone.astype(np.float32), together)


def test_it_is_read_back_to_the_last_bit(rows: tuple[np.ndarray, np.ndarray], network: Network) -> None:
    again = Network.from_json(json.loads(json.dumps(network.as_json())))
    np.testing.assert_array_equal(again.predict(rows[0]), network.predict(rows[0]))
