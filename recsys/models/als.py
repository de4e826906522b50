"""Implicit ALS: factors of users and items from weighted interactions (Hu, Koren and Volinsky, 2008)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recsys.models.generator import Arrays, Codes, Known, csr_arrays, csr_from, top_unseen
from recsys.settings.models import ModelSettings

log = logging.getLogger(__name__)
_LOSS_DIGITS = 9


@dataclass(frozen=True)
class Als:
    """user_factors: users x factors; item_factors: columns x factors; losses: training loss after each iteration."""

    columns: Codes
    known: sp.csr_matrix
    user_factors: NDArray[np.float32]
    item_factors: NDArray[np.float32]
    losses: NDArray[np.float64]
    name: str = "als"

    def dense(self, users: Codes) -> NDArray[np.float32]:
        """Scores, len(users) x len(columns)."""
        return np.asarray(self.user_factors[users] @ self.item_factors.T, dtype=np.float32)

    def propose_from(self, users: Codes, scores: NDArray[np.float32], k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return top_unseen(users, self.columns, scores, self.known, k)

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return self.propose_from(users, self.dense(users), k)

    def arrays(self) -> Arrays:
        """For the registry."""
        plain: Arrays = {"columns": self.columns, "losses": self.losses}
        plain |= {"user_factors": self.user_factors, "item_factors": self.item_factors}
        return plain | csr_arrays(self.known, "known")

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Als:
        """The generator that `arrays` came from."""
        factors = (arrays["user_factors"], arrays["item_factors"])
        return cls(arrays["columns"], csr_from(arrays, "known"), *factors, arrays["losses"])


def fit_als(known: Known, settings: ModelSettings, seed: int) -> Als:
    """Fit on the supported items; the loss of each iteration is logged and kept."""
    columns = known.supported(settings.min_item_users, 1 << 31)
    matrix = known.matrix[:, columns].tocsr()
    if not matrix.nnz:
        none = np.zeros((matrix.shape[0], 1), np.float32)
        return Als(columns, known.matrix, none, np.zeros((len(columns), 1), np.float32), np.zeros(0))
    from implicit.cpu.als import AlternatingLeastSquares

    losses: list[float] = []
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=settings.als_factors,
            regularization=settings.als_regularization,
            alpha=settings.als_alpha,
            iterations=settings.als_iterations,
            calculate_training_loss=True,
            num_threads=settings.threads,
            random_state=seed % (1 << 31),
        )
        model.fit(matrix, show_progress=False, callback=lambda *told: losses.append(float(told[2])))
    log.info("als: training loss %s", " ".join(f"{loss:.5f}" for loss in losses))
    # A user or item without interactions has no direction of its own; its factors are made exactly nothing.
    users = np.where(np.diff(matrix.indptr)[:, None] > 0, np.asarray(model.user_factors), 0.0)
    # Threads add the loss up in whatever order they come: without its last digits it is the same in every fit, and with
    # it the digest that the model's version hangs on.
    told = np.array(losses).round(_LOSS_DIGITS)
    return Als(columns, known.matrix, users.astype(np.float32), np.asarray(model.item_factors), told)
