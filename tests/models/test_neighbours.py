"""What users and baskets hold, as 0/1 matrices, and the nearest items by them."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsys.models.neighbours import nearest_items, ones


def test_a_pair_that_comes_twice_is_one_cell_of_one() -> None:
    rows = pl.Series(["u2", "u1", "u2", "u2"])
    items = pl.Series([1, 1, 3, 1], dtype=pl.Int32)
    matrix = ones(rows, items, 4)
    assert matrix.nnz == 3
    assert matrix.dtype == np.float32
    assert matrix.toarray().tolist() == [[0, 1, 0, 0], [0, 1, 0, 1]]


def test_nothing_bought_is_a_matrix_without_rows() -> None:
    assert ones(pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.Int32), 4).shape == (0, 4)


def test_items_bought_together_once_only_are_no_neighbours() -> None:
    baskets = pl.Series([0, 0, 1, 1, 2, 2])
    items = pl.Series([0, 1, 0, 1, 0, 2], dtype=pl.Int32)
    near = nearest_items(ones(baskets, items, 3), np.array([0, 1, 2], dtype=np.int32), 5, 0.0)
    assert near.select("source", "item").rows() == [(0, 1), (1, 0)]
    np.testing.assert_allclose(near["similarity"], 2 / np.sqrt(3 * 2), rtol=1e-6)
