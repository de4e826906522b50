"""Interactions as a sparse users x items matrix that carries its id maps with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse


@dataclass(frozen=True)
class UserItemMatrix:
    """`matrix` of float32, users x items; row r is `user_ids[r]`, column c is `item_ids[c]`, both sorted.

    Every pair of interactions is stored, one whose weight came to 0 as well: nnz is the number of pairs.
    """

    matrix: sparse.csr_matrix
    user_ids: pl.Series
    item_ids: pl.Series

    def rows(self, user_ids: list[str]) -> np.ndarray:
        """Row of each user (int64), -1 for users without interactions."""
        return _positions(self.user_ids, user_ids)

    def columns(self, item_ids: list[str]) -> np.ndarray:
        """Column of each item (int64), -1 for items without interactions."""
        return _positions(self.item_ids, item_ids)


def user_items(interactions: pl.DataFrame, *, binary: bool = False) -> UserItemMatrix:
    """The matrix of `interactions` (user_id, item_id, weight; one row a pair): its weights, or 1 a pair if `binary`.

    Raises ValueError when a pair occurs twice.
    """
    user_ids = interactions["user_id"].unique().sort()
    item_ids = interactions["item_id"].unique().sort()
    rows = _positions(user_ids, interactions["user_id"])
    columns = _positions(item_ids, interactions["item_id"])
    pairs = interactions.height
    values = np.ones(pairs, np.float32) if binary else interactions["weight"].cast(pl.Float32).to_numpy()
    if np.unique(rows * max(len(item_ids), 1) + columns).size != pairs:
        raise ValueError("a user-item pair occurs twice in the interactions")
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=(len(user_ids), len(item_ids)), dtype=np.float32)
    matrix.sort_indices()
    return UserItemMatrix(matrix, user_ids, item_ids)


def _positions(known: pl.Series, wanted: pl.Series | list[str]) -> np.ndarray:
    places = pl.DataFrame({"id": known}, schema={"id": pl.String}).with_row_index("place")
    asked = pl.DataFrame({"id": wanted}, schema={"id": pl.String})
    found = asked.join(places, on="id", how="left", maintain_order="left")["place"]
    return found.cast(pl.Int64).fill_null(-1).to_numpy()
