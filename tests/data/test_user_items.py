"""The matrix holds each pair once, in the cell that its id maps name."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recsys.data.user_items import user_items

PAIRS = pl.DataFrame(
    {"user_id": ["u2", "u1", "u2"], "item_id": ["b", "b", "a"], "weight": [2.0, 3.0, 0.0]},
    schema={"user_id": pl.String, "item_id": pl.String, "weight": pl.Float32},
)


def test_cells_and_id_maps_agree() -> None:
    found = user_items(PAIRS)
    assert found.user_ids.to_list() == ["u1", "u2"]
    assert found.item_ids.to_list() == ["a", "b"]
    assert found.matrix.toarray().tolist() == [[0.0, 3.0], [0.0, 2.0]]
    assert found.matrix.dtype == np.float32


def test_every_pair_is_stored_even_at_weight_nought() -> None:
    assert user_items(PAIRS).matrix.nnz == 3
    assert user_items(PAIRS, binary=True).matrix.toarray().tolist() == [[0.0, 1.0], [1.0, 1.0]]


def test_positions_of_unknown_ids_are_minus_one() -> None:
    found = user_items(PAIRS)
    assert found.rows(["u2", "nobody"]).tolist() == [1, -1]
    assert found.columns(["nothing", "a"]).tolist() == [-1, 0]


def test_a_pair_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        user_items(pl.concat([PAIRS, PAIRS[:1]]))


def test_no_interactions_give_an_empty_matrix() -> None:
    assert user_items(PAIRS.clear()).matrix.shape == (0, 0)
