"""Similar users: what the users nearest to a user take, repeats included.

Nearest are those with the largest cosine between their weighted interactions; their weights, averaged by similarity,
are the scores. On recent weights this is the user-based half of G. Faggioli, M. Polato and F. Aiolli, "Recency aware
collaborative filtering for next basket recommendation", 2020; the other half is buy_again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.models.generator import Arrays, Codes, Known, csr_arrays, csr_from, top_unseen
from recsys.settings.models import ModelSettings


@dataclass(frozen=True)
class SimilarUsers:
    """known: users x all items (weights, f32); pool: codes of the users that may be neighbours, ascending."""

    columns: Codes
    known: sp.csr_matrix
    pool: Codes
    neighbours: int
    name: str = "similar_users"

    def dense(self, users: Codes) -> NDArray[np.float32]:
        """Scores, len(users) x len(columns): weights of the neighbours, averaged by similarity."""
        alike = np.asarray((_unit(self.known[users]) @ self._directions).toarray(), dtype=np.float32)
        alike[users[:, None] == self.pool[None, :]] = 0.0
        own = sp.csr_matrix(_keep_largest(alike, self.neighbours))
        return np.asarray((own @ self._taken).toarray(), dtype=np.float32)

    @cached_property
    def _directions(self) -> sp.csr_matrix:
        """All items x pool: the neighbours' weights, each neighbour's of length 1."""
        return _unit(self.known[self.pool]).T.tocsr()

    @cached_property
    def _taken(self) -> sp.csr_matrix:
        """Pool x columns weights."""
        return self.known[self.pool][:, self.columns].tocsr()

    def propose_from(self, users: Codes, scores: NDArray[np.float32], k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return top_unseen(users, self.columns, scores, self.known, k)

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return self.propose_from(users, self.dense(users), k)

    def arrays(self) -> Arrays:
        """For the registry."""
        plain: Arrays = {"columns": self.columns, "pool": self.pool, "neighbours": np.array(self.neighbours)}
        return plain | csr_arrays(self.known, "known")

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> SimilarUsers:
        """The generator that `arrays` came from."""
        return cls(arrays["columns"], csr_from(arrays, "known"), arrays["pool"], int(arrays["neighbours"]))


def fit_similar_users(known: Known, settings: ModelSettings) -> SimilarUsers:
    """Neighbours are the at most similar_user_pool users with most items; nothing is solved."""
    counts = np.diff(known.matrix.indptr)
    order = np.lexsort((np.arange(len(counts)), -counts))[: settings.similar_user_pool]
    pool = np.sort(order[counts[order] > 0]).astype(np.int32)
    columns = known.supported(settings.min_item_users, 1 << 31)
    return SimilarUsers(columns, known.matrix, pool, settings.similar_user_neighbours)


def _unit(rows: sp.csr_matrix) -> sp.csr_matrix:
    norm = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = np.where(norm > 0, 1 / np.maximum(norm, 1e-9), 0.0)
    return sp.csr_matrix(sp.diags(scale.astype(np.float32)) @ rows)


def _keep_largest(values: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """The `k` largest of each row (and those that equal the last of them), scaled to a sum of 1; the others 0."""
    if 0 < k < values.shape[1]:
        least = np.partition(values, -k, axis=1)[:, -k]
        values = np.where(values >= least[:, None], values, 0.0)
    total = values.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(values, total, out=np.zeros_like(values), where=total > 0), dtype=np.float32)
