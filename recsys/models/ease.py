"""EASE: a linear item-to-item model with a zero diagonal, solved on whichever side is smaller.

H. Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019. With X the users x items matrix and
P = (X'X + l I)^-1 the scores are X - X P / diag(P). Where users are fewer than items the same scores come from the
users x users matrix K = (X X' + l I)^-1, since X P = K X and P = (I - X' K X) / l.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from recsys.models.generator import Arrays, Codes, Known, csr_arrays, csr_from, top_unseen
from recsys.settings.models import ModelSettings

_BLOCK = 4096
"""Items at once, so that what one step writes stays in the processor's cache."""


@dataclass(frozen=True)
class Ease:
    """Scores of a user are rows @ `solved`, corrected in the dual form by X and `diagonal`.

    rows    users x columns weights X (primal), with `solved` = items x items weights
    dual    `solved` = K (users x users), `diagonal` = diag(P) of every column
    """

    columns: Codes
    known: sp.csr_matrix
    rows: sp.csr_matrix
    solved: NDArray[np.float32]
    diagonal: NDArray[np.float32]
    name: str = "ease"

    def dense(self, users: Codes) -> NDArray[np.float32]:
        """Scores, len(users) x len(columns)."""
        own = self.rows[users]
        if self.diagonal.size == 0:
            return np.asarray(own @ self.solved, dtype=np.float32)
        scores, right = own.toarray(), np.ascontiguousarray(self.solved[:, users])
        for start in range(0, scores.shape[1], _BLOCK):
            scores[:, start : start + _BLOCK] -= (self._by_item[start : start + _BLOCK] @ right).T
        return np.asarray(scores, dtype=np.float32)

    @cached_property
    def _by_item(self) -> sp.csr_matrix:
        """X' with each item's row divided by its entry of `diagonal`."""
        return (sp.diags(1 / self.diagonal) @ self.rows.T).tocsr()

    def propose_from(self, users: Codes, scores: NDArray[np.float32], k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return top_unseen(users, self.columns, scores, self.known, k)

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """The best items that the user has not interacted with."""
        return self.propose_from(users, self.dense(users), k)

    def arrays(self) -> Arrays:
        """For the registry."""
        plain = {"columns": self.columns, "solved": self.solved, "diagonal": self.diagonal}
        return plain | csr_arrays(self.known, "known") | csr_arrays(self.rows, "rows")

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Ease:
        """The generator that `arrays` came from."""
        parts = (arrays["columns"], csr_from(arrays, "known"), csr_from(arrays, "rows"))
        return cls(*parts, arrays["solved"], arrays["diagonal"])


def is_solvable(users: int, items: int, settings: ModelSettings) -> bool:
    """Whether the smaller side fits the bound of the solve."""
    return min(users, items) <= settings.ease_max_side


def fit_ease(known: Known, settings: ModelSettings) -> Ease:
    """Fit on the supported items: all of them in the dual form, at most `ease_max_side` in the primal one."""
    active = int((np.diff(known.matrix.indptr) > 0).sum())
    is_dual = active <= min(settings.ease_max_side, known.supported(settings.min_item_users, 1 << 31).size)
    limit = (1 << 31) if is_dual else settings.ease_max_side
    columns = known.supported(settings.min_item_users, limit)
    rows = _scaled(known.matrix[:, columns].tocsr(), settings.ease_norm_power)
    if not columns.size:
        empty = np.zeros((0, 0), dtype=np.float32)
        return Ease(columns, known.matrix, rows, empty, np.zeros(0, dtype=np.float32))
    if is_dual:
        kernel, diagonal = _solve_users(rows, settings.ease_regularization)
        return Ease(columns, known.matrix, rows, kernel, diagonal)
    solved = _solve_items(rows, settings.ease_regularization)
    return Ease(columns, known.matrix, rows, solved, np.zeros(0, dtype=np.float32))


def _scaled(rows: sp.csr_matrix, power: float) -> sp.csr_matrix:
    norm = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = np.where(norm > 0, np.maximum(norm, 1e-9) ** -power, 0.0)
    return sp.csr_matrix(sp.diags(scale.astype(np.float32)) @ rows, dtype=np.float32)


def _solve_users(rows: sp.csr_matrix, regularization: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    active = np.flatnonzero(np.diff(rows.indptr))
    gram = (rows[active] @ rows[active].T).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += regularization
    inverse = cho_solve(cho_factor(gram, overwrite_a=True), np.eye(len(gram)))
    kernel = np.zeros((rows.shape[0], rows.shape[0]), dtype=np.float32)
    kernel[np.ix_(active, active)] = inverse
    by_item = rows.tocsc()
    explained = np.zeros(rows.shape[1])
    for start in range(0, rows.shape[1], _BLOCK):
        block = by_item[:, start : start + _BLOCK]
        explained[start : start + _BLOCK] = np.asarray(block.multiply((block.T @ kernel).T).sum(axis=0)).ravel()
    return kernel, np.maximum((1 - explained) / regularization, 1e-6).astype(np.float32)


def _solve_items(rows: sp.csr_matrix, regularization: float) -> NDArray[np.float32]:
    gram = (rows.T @ rows).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += regularization
    inverse = cho_solve(cho_factor(gram, overwrite_a=True), np.eye(len(gram)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights.astype(np.float32)
