"""Tables of patterns give what LightGBM's own contributions give, to the last digits."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from recsys.models.tree_shares import Tree, expected_value, group_shares, read_trees, tree_tables


@pytest.mark.parametrize(("leaves", "holes", "bits"), [(2, 0.0, 9), (8, 0.3, 9), (60, 0.3, 9), (60, 0.3, 2)])
def test_shares_are_those_of_lightgbm_and_add_up(
    leaves: int, holes: float, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty leaves over four features: deep paths that meet a feature again and again; few bits: no table for some."""
    monkeypatch.setattr("recsys.models.tree_shares._BITS", bits)
    monkeypatch.setattr("recsys.models.tree_shares._LEAF_BITS", bits)
    random = np.random.default_rng(1)
    values = random.normal(size=(600, 4)).astype(np.float32)
    values[random.random(values.shape) < holes] = np.nan
    values[:, 3] = np.round(values[:, 3], 3)
    labels = np.nan_to_num(values[:, 0] * values[:, 1] + values[:, 2]) + random.normal(size=600)
    settings = {"num_leaves": leaves, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1, "seed": 1}
    booster = lgb.train(settings, lgb.Dataset(values, labels), 12)
    trees = read_trees(booster.model_to_string())
    told = group_shares(tree_tables(trees, np.arange(4)), values, np.arange(4))
    own = np.asarray(booster.predict(values, pred_contrib=True, num_threads=1))
    np.testing.assert_allclose(told, own[:, :-1], atol=1e-10)
    assert expected_value(trees) == pytest.approx(own[0, -1], abs=1e-10)
    raw = np.asarray(booster.predict(values, raw_score=True, num_threads=1))
    np.testing.assert_allclose(told.sum(axis=1) + expected_value(trees), raw, atol=1e-6)
    pairs = np.array([0, 1, 0, 1])
    grouped = group_shares(tree_tables(trees, pairs), values, pairs)
    np.testing.assert_allclose(grouped, np.stack([told[:, [0, 2]].sum(1), told[:, [1, 3]].sum(1)], 1), atol=1e-10)


def test_values_that_training_never_missed_count_as_nought_where_they_are_missing() -> None:
    values = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
    booster = lgb.train({"num_leaves": 4, "min_data_in_leaf": 5, "verbose": -1}, lgb.Dataset(values, values[:, 0]), 3)
    trees = read_trees(booster.model_to_string())
    asked = np.array([[np.nan], [0.0], [0.7]], dtype=np.float32)
    own = np.asarray(booster.predict(asked, pred_contrib=True))
    one = np.zeros(1, dtype=np.int64)
    np.testing.assert_allclose(group_shares(tree_tables(trees, one), asked, one), own[:, :-1], atol=1e-10)


def test_a_tree_without_a_split_says_nothing() -> None:
    trees = [Tree([], [], [], [], [], [], [0.25], [1])]
    one = np.zeros(1, dtype=np.int64)
    assert group_shares(tree_tables(trees, one), np.zeros((2, 1), np.float32), one).tolist() == [[0.0], [0.0]]
    assert expected_value(trees) == 0.25


def test_a_model_that_never_splits_is_read() -> None:
    values = np.ones((50, 2), dtype=np.float32)
    booster = lgb.train({"verbose": -1, "num_leaves": 4}, lgb.Dataset(values, np.arange(50.0)), 2)
    trees = read_trees(booster.model_to_string())
    assert expected_value(trees) == pytest.approx(float(booster.predict(values[:1])[0]))
    two = np.array([0, 1])
    assert not group_shares(tree_tables(trees, two), values, two).any()
