"""The null model: what it expects, and that chance alone passes it no more often than it says."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.combination_data import generated_baskets, reshuffled
from recsys.recommendations.baskets import Baskets, number_baskets
from recsys.recommendations.bundle_growth import Grower
from recsys.recommendations.item_pairs import mine_pairs
from recsys.recommendations.pair_significance import fit_null, p_values, q_values
from recsys.settings.combinations import BundleSettings, PairSettings
from tests.recommendations.combination_shop import SETTINGS, combination_baskets

AS_OF = date(2024, 1, 1)


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


COLLECTIONS, MODELS = 4, 60


def fashion_baskets(sets: int = 0) -> Baskets:
    """A collection of 60 models a quarter, drawn by chance; with `sets`, as many pairs of each that go together."""
    rng = np.random.default_rng(3)
    weight = 1 / np.arange(1, MODELS + 1) ** 0.5
    rows = []
    for number in range(4000):
        ago = int(rng.integers(1, 365))
        models = set(rng.choice(MODELS, int(rng.integers(1, 6)), replace=False, p=weight / weight.sum()).tolist())
        models |= {one + 1 for one in models if one < 2 * sets and one % 2 == 0 and rng.random() < 0.4}
        day = AS_OF - timedelta(days=ago)
        rows += [(f"u{number % 900}", f"{number}", f"c{ago * COLLECTIONS // 365}m{one:02d}", day) for one in models]
    return number_baskets(pl.DataFrame(rows, schema=["user_id", "basket", "item_id", "day"], orient="row"), AS_OF)


def test_models_of_one_collection_meet_by_chance() -> None:
    """Nearly each two models of a quarter were called a pair, because they were sold in the same quarter."""
    baskets = fashion_baskets()
    assert mine_pairs(baskets, PairSettings()).significant == 0
    null = fit_null(baskets)
    ids = baskets.item_ids
    left, right = (np.array([ids.index(item) for item in items]) for items in (("c0m00", "c0m00"), ("c0m01", "c3m01")))
    met, apart = null.expected_baskets(left, right)
    held = baskets.lines.tocsc()
    assert met == pytest.approx(held[:, [left[0]]].multiply(held[:, [right[0]]]).sum(), rel=0.25)
    # What was never sold at the same time is not expected less often than without its time.
    assert 0 < apart < met / 2
    assert null.expected_set(left[:1].tolist() + right[:1].tolist()) == pytest.approx(met, rel=0.1)


def test_models_that_go_together_are_found_within_their_collection() -> None:
    found = mine_pairs(fashion_baskets(sets=3), PairSettings())
    assert found.significant == COLLECTIONS * 3


def test_no_third_model_joins_a_pair_because_it_is_of_the_collection() -> None:
    baskets = fashion_baskets(sets=1)
    first, second = (baskets.item_ids.index(item) for item in ("c1m00", "c1m01"))
    others = {number for number, item in enumerate(baskets.item_ids) if item.startswith("c1")}
    grower = Grower(baskets, fit_null(baskets), BundleSettings())
    grown = grower.grow(first, second, 1e-6, {first: others, second: others}, lambda one, other: False)
    assert [one.members for one in grown] == [(first, second)]


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
