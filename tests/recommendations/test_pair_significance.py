"""The null model: what it expects, and that chance alone passes it no more often than it says."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.combination_data import generated_baskets, reshuffled
from recsys.recommendations.item_pairs import mine_pairs
from recsys.recommendations.pair_significance import fit_null, p_values, q_values
from recsys.settings.combinations import PairSettings
from tests.recommendations.combination_shop import SETTINGS, combination_baskets


def test_expected_baskets_are_those_of_reshuffled_shops() -> None:
    baskets = combination_baskets()
    milk, noise = baskets.item_ids.index("milk"), baskets.item_ids.index("noise00")
    counts = []
    for seed in range(30):
        lines = reshuffled(baskets, seed).lines.tocsc()
        counts.append(lines[:, [milk]].multiply(lines[:, [noise]]).sum())
    expected = fit_null(baskets).expected_baskets(np.array([milk]), np.array([noise]))[0]
    assert expected == pytest.approx(np.mean(counts), rel=0.1)


def test_reshuffling_keeps_sizes_and_frequencies() -> None:
    baskets = combination_baskets()
    other = reshuffled(baskets, 1)
    assert np.array_equal(other.sizes, baskets.sizes)
    assert np.array_equal(other.item_baskets, baskets.item_baskets)
    assert (other.lines != baskets.lines).nnz > 1000


def test_reshuffled_shop_has_no_significant_pair() -> None:
    baskets = combination_baskets()
    assert mine_pairs(baskets, SETTINGS).significant >= 5
    assert sum(mine_pairs(reshuffled(baskets, seed), SETTINGS).significant for seed in range(5)) == 0


def test_random_shop_has_no_significant_pair() -> None:
    assert mine_pairs(generated_baskets(40_000, 500, 400), PairSettings()).significant == 0


def test_expected_users_never_exceed_baskets_nor_users() -> None:
    baskets = combination_baskets()
    null = fit_null(baskets)
    expected = np.array([0.01, 1.0, 10.0, 1e4])
    users = null.expected_users(expected)
    assert (users <= expected + 1e-6).all() and users[-1] <= len(baskets.user_ids)
    assert users[0] == pytest.approx(0.01, rel=0.01)


def test_p_value_is_the_poisson_tail() -> None:
    assert p_values(np.array([1], np.int32), np.array([2.0]))[0] == pytest.approx(1 - np.exp(-2.0))
    assert p_values(np.array([0], np.int32), np.array([2.0]))[0] == 1.0


def test_q_values_follow_benjamini_and_hochberg() -> None:
    p = np.array([0.001, 0.008, 0.02, 0.9])
    assert q_values(p, p[:3], tests=4) == pytest.approx([0.004, 0.016, 0.08 / 3, 1.0])
