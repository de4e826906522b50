"""Metrics against values worked out by hand."""

import numpy as np
import polars as pl

from recsys.models.metrics import estimate, ndcg, recall, top_lists

TRUTH = pl.DataFrame({"user": [0, 0, 1, 2], "item": [1, 2, 5, 5]}, schema={"user": pl.Int32, "item": pl.Int32})


def scored(rows: list[tuple[int, int, float]]) -> pl.DataFrame:
    schema = {"user": pl.Int32, "item": pl.Int32, "score": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_ndcg_of_known_lists() -> None:
    lists = top_lists(scored([(0, 9, 3.0), (0, 1, 2.0), (0, 2, 1.0), (1, 5, 1.0)]), 10)
    ideal = 1 + 1 / np.log2(3)
    np.testing.assert_allclose(ndcg(lists, TRUTH), [(1 / np.log2(3) + 0.5) / ideal, 1.0, 0.0])


def test_ties_go_to_the_smaller_code_and_nan_has_no_rank() -> None:
    lists = top_lists(scored([(0, 7, 1.0), (0, 3, 1.0), (0, 1, float("nan"))]), 10)
    assert lists["item"].to_list() == [3, 7]
    assert lists["rank"].to_list() == [1, 2]


def test_recall_counts_every_user() -> None:
    np.testing.assert_allclose(recall(scored([(0, 1, 1.0), (2, 5, 1.0)]), TRUTH), [0.5, 0.0, 1.0])


def test_interval_holds_the_mean_and_is_repeatable() -> None:
    values = np.array([0.0, 1.0, 1.0, 0.0, 1.0])
    told = estimate(values, 200, 1)
    assert told.value == 0.6
    assert told.low < 0.6 < told.high
    assert told == estimate(values, 200, 1)
    assert estimate(np.zeros(0), 200, 1).value == 0.0
