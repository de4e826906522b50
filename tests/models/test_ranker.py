"""The order while there is nothing, or little, to learn from."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recsys.models.network import Network, Scaling
from recsys.models.ranker import Prior, Ranker, _prior, reciprocal_ranks, score
from recsys.settings.models import ModelSettings

FRAME = pl.DataFrame(
    {
        "user": [0] * 5,
        "item": [1, 2, 3, 4, 5],
        "ui_trips": [3.0, 1.0, None, None, None],
        "parent_repeat": [0.2, 0.0, None, 0.2, 0.2],
        "ui_last": [5.0, 30.0, None, None, None],
        "ui_gap": [10.0, None, None, None, None],
        "i_decayed_30": [0.0, 0.0, 40.0, 0.0, 0.0],
        "buy_again_rank": [2, 1, 3, None, None],
        "buy_again_score": [0.9, 1.0, 0.5, None, None],
        "als_rank": [None, None, None, 1, 2],
        "ease_rank": [None, None, None, 1, None],
    },
    schema_overrides={"buy_again_rank": pl.Int32, "als_rank": pl.Int32, "ease_rank": pl.Int32},
)


SCALING = Scaling(np.array([0]), np.zeros(1, np.float32), np.ones(1, np.float32), np.array([], np.int64))


def test_what_was_touched_before_comes_before_what_is_proposed() -> None:
    """Item 1 has the largest weight, 1.2, and is held down; nobody buys anything of item 2's category twice."""
    told = dict(zip(FRAME["item"], reciprocal_ranks(FRAME), strict=True))
    assert told[1] == pytest.approx(1.5 / 11)
    assert told[2] == pytest.approx(0.3 * 1.5 / 12)
    assert told[3] == pytest.approx(1.5 / 13)
    assert told[4] == pytest.approx(2 / 61)
    assert told[5] == pytest.approx(1 / 62)
    assert sorted(told, key=told.__getitem__, reverse=True) == [1, 3, 2, 4, 5]


def test_a_ranker_without_parts_takes_that_order() -> None:
    general, discovery = score(Ranker([], {}, 1), FRAME)
    assert general.tolist() == reciprocal_ranks(FRAME).tolist()
    assert pl.Series(discovery).is_nan().to_list() == [True, True, False, False, False]


def test_a_prior_counts_beside_what_is_learnt() -> None:
    """750 labels and a prior of 750: half and half. Standardised, its mean over the rows that it comes from is 0."""
    told = _prior([FRAME], 750.0, ModelSettings(prior_labels=750))
    assert told is not None
    assert told.weight == 1.0
    assert Ranker([], {}, 1, told).learnt == 0.5
    assert told.standardised(FRAME).mean() == pytest.approx(0.0)
    assert told.standardised(FRAME).std() == pytest.approx(1.0)
    assert Ranker([], {}, 1).learnt == 1.0


def test_a_prior_fades_as_labels_come() -> None:
    settings = ModelSettings(prior_labels=750)
    assert _prior([FRAME], 60_000.0, settings) is None
    assert _prior([FRAME], 750.0, ModelSettings(prior_labels=0)) is None


def test_the_prior_moves_both_scores() -> None:
    flat = Network(SCALING, (np.zeros((1, 1), np.float32),), (np.array([2.0], np.float32),))
    ranker = Ranker(["ui_trips"], {"network": flat}, 1, Prior(1.0, 0.0, 1.0))
    general, discovery = score(ranker, FRAME)
    logs = np.log(reciprocal_ranks(FRAME))
    assert general == pytest.approx(0.5 * 2.0 + 0.5 * logs)
    assert discovery[2:] == pytest.approx(0.5 * 2.0 + 0.5 * logs[2:])
