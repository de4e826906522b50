"""Item-KNN: a user's items point at the items that the same users took; for shops too large for EASE's solve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.models.generator import Arrays, Codes, Known, csr_arrays, csr_from, top_unseen
from recsys.models.neighbours import nearest_items
from recsys.settings.models import ModelSettings


@dataclass(frozen=True)
class ItemKnn:
    """similar: all items x columns (f32, at most k entries a row); known: users x all items."""

    columns: Codes
    known: sp.csr_matrix
    similar: sp.csr_matrix
    name: str = "item_knn"

    def dense(self, users: Codes) -> NDArray[np.float32]:
        """Scores, len(users) x len(columns): weights of the user's items times similarity."""
        return np.asarray((self.known[users] @ self.similar).toarray(), dtype=np.float32)

    def propose_from(self, users: Codes, scores: NDArray[np.float32], k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return top_unseen(users, self.columns, scores, self.known, k)

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return self.propose_from(users, self.dense(users), k)

    def arrays(self) -> Arrays:
        """For the registry."""
        return {"columns": self.columns} | csr_arrays(self.known, "known") | csr_arrays(self.similar, "similar")

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> ItemKnn:
        """The generator that `arrays` came from."""
        return cls(arrays["columns"], csr_from(arrays, "known"), csr_from(arrays, "similar"))


def fit_item_knn(known: Known, settings: ModelSettings) -> ItemKnn:
    """Fit on the supported items."""
    columns = known.supported(settings.min_item_users, settings.neighbour_items)
    binary = known.matrix.copy()
    binary.data = np.ones_like(binary.data)
    near = nearest_items(binary, columns, settings.neighbours, settings.neighbour_shrinkage)
    place = (near["source"].to_numpy(), np.searchsorted(columns, near["item"].to_numpy()))
    shape = (known.matrix.shape[1], len(columns))
    return ItemKnn(columns, known.matrix, sp.csr_matrix((near["similarity"].to_numpy(), place), shape=shape))
