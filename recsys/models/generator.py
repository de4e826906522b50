"""What every candidate generator is: fitted on a history, it proposes items to users.

Generators that score every item for a user (ALS, EASE, item-KNN) also give those scores out, since the ranker reads
them for candidates that others proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.features.history import find_sorted

Codes = NDArray[np.int32]
Arrays = dict[str, NDArray]

PROPOSALS = pl.Schema({"user": pl.Int32, "item": pl.Int32, "score": pl.Float32, "anchor": pl.Int32})
"""Columns of a proposal; `anchor` is the item of the user's history that it comes from, or null."""


@runtime_checkable
class CandidateGenerator(Protocol):
    """A fitted generator. `propose` is a pure function of what `fit` saw; an unknown user gets nothing."""

    @property
    def name(self) -> str:
        """Name of the generator, as in candidates.NAMES."""
        ...

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """At most `k` items a user of `users` (codes): PROPOSALS, sorted by user, score (best first), item."""
        ...

    def arrays(self) -> Arrays:
        """Everything that a copy needs to propose the same, for the registry."""
        ...


@runtime_checkable
class DenseGenerator(CandidateGenerator, Protocol):
    """A generator that has a score for every item of `columns` (codes, ascending)."""

    @property
    def columns(self) -> Codes:
        """Codes of the items that have a score, ascending."""
        ...

    def dense(self, users: Codes) -> NDArray[np.float32]:
        """Scores, len(users) x len(columns)."""
        ...

    def propose_from(self, users: Codes, scores: NDArray[np.float32], k: int) -> pl.DataFrame:
        """What `propose` gives, from scores of `dense` for the same users."""
        ...


def empty_proposals() -> pl.DataFrame:
    """No proposal."""
    return pl.DataFrame(schema=PROPOSALS)


def top_per_user(frame: pl.DataFrame, k: int) -> pl.DataFrame:
    """The `k` best rows of each user, as PROPOSALS; ties go to the smaller item code."""
    if "anchor" not in frame.columns:
        frame = frame.with_columns(anchor=pl.lit(None, pl.Int32))
    ordered = (
        frame.select(PROPOSALS.names()).cast(PROPOSALS).sort("user", "score", "item", descending=[False, True, False])
    )  # type: ignore[arg-type]
    return ordered.filter(pl.int_range(pl.len()).over("user") < k)


def top_unseen(users: Codes, columns: Codes, scores: NDArray[np.float32], known: sp.csr_matrix, k: int) -> pl.DataFrame:
    """The `k` best-scored items of each user that `known` (users x all items) does not hold; only scores above 0.

    `scores` (users x columns, writable) is the same afterwards: what users know is struck out only meanwhile, since a
    copy takes a third of the time of the scores.
    """
    if not len(users) or not len(columns):
        return empty_proposals()
    place = np.full(known.shape[1], -1, dtype=np.int64)
    place[columns] = np.arange(len(columns))
    own = known[users]
    where = place[own.indices]
    struck = np.repeat(np.arange(len(users)), np.diff(own.indptr))[where >= 0], where[where >= 0]
    kept = scores[struck]
    scores[struck] = -np.inf
    # Flat places: numpy finds them several times as quickly as rows and columns.
    row, column = np.divmod(np.flatnonzero(scores >= _least_of_best(scores, k)[:, None]), scores.shape[1])
    best = scores[row, column]
    scores[struck] = kept
    found = {"user": users[row].astype(np.int32), "item": columns[column].astype(np.int32), "score": best}
    return top_per_user(pl.DataFrame(found).filter(pl.col("score").is_finite()), k)


def _least_of_best(scores: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """For each row a value above 0 that at least its `k` best scores reach, as far as they are above 0, and few others.

    Columns are dealt into blocks: the k-th largest of the blocks' maxima cannot be above the k-th largest score. That
    takes one pass over the scores, where a partition takes many.
    """
    least = np.full(len(scores), np.finfo(np.float32).tiny, dtype=np.float32)
    blocks = 4 * k
    size = scores.shape[1] // blocks
    if size < 2:
        return least
    maxima = scores[:, : size * blocks].reshape(len(scores), size, blocks).max(axis=1)
    return np.maximum(least, np.partition(maxima, -k, axis=1)[:, -k])


def pair_scores(pairs: pl.DataFrame, users: Codes, columns: Codes, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The entry of `scores` for each row (user, item) of `pairs`; NaN for items that have no column.

    `users`, ascending, are the rows of `scores` and hold every user of `pairs`.
    """
    if not len(columns):
        return np.full(len(pairs), np.nan, dtype=np.float32)
    row = np.searchsorted(users, pairs["user"].to_numpy())
    column, found = find_sorted(columns, pairs["item"].to_numpy())
    return np.where(found, scores[row, column], np.nan).astype(np.float32)


def rows_of(frame: pl.DataFrame, users: Codes) -> pl.DataFrame:
    """The rows of `frame`, which is in the order of `user`, that belong to `users`; only their range is looked at."""
    if not len(users):
        return frame.clear()
    start = frame["user"].search_sorted(int(users.min()), side="left")
    stop = frame["user"].search_sorted(int(users.max()), side="right")
    wanted = pl.Series(users, dtype=pl.Int32).implode()
    return frame.slice(start, stop - start).filter(pl.col("user").is_in(wanted))


def top_unowned(reached: pl.DataFrame, owned: pl.DataFrame, users: Codes, k: int) -> pl.DataFrame:
    """The `k` best rows (user, item, score) of each of `users`, as PROPOSALS, without the pairs of `owned`, which are
    in the order of `user`."""
    return top_per_user(reached.join(rows_of(owned, users), on=["user", "item"], how="anti"), k)


def anchors_of(weights: sp.csr_matrix, likeness: sp.csr_matrix) -> pl.Series:
    """For each row of two matrices (rows x items) the item with the largest product, or null where none is above 0."""
    if not weights.shape[0]:
        return pl.Series("anchor", [], dtype=pl.Int32)
    told = weights.multiply(likeness).tocsr()
    spoken = np.asarray(told.max(axis=1).todense()).ravel() > 0
    best = np.asarray(told.argmax(axis=1)).ravel()
    return pl.Series("anchor", np.where(spoken, best, -1).astype(np.int32)).replace(-1, None)


def frame_arrays(**frames: pl.DataFrame) -> Arrays:
    """Frames as plain arrays, named <frame>_<column>."""
    return {f"{name}_{column.name}": column.to_numpy() for name, frame in frames.items() for column in frame}


def frame_from(arrays: Arrays, name: str, *columns: str) -> pl.DataFrame:
    """The frame `name` that `frame_arrays` took apart."""
    return pl.DataFrame({column: arrays[f"{name}_{column}"] for column in columns})


def csr_arrays(matrix: sp.csr_matrix, prefix: str) -> Arrays:
    """A sparse matrix as plain arrays whose names begin with `prefix`."""
    shape = np.array(matrix.shape, dtype=np.int64)
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": shape}
    return {f"{prefix}_{name}": values for name, values in parts.items()}


def csr_from(arrays: Arrays, prefix: str) -> sp.csr_matrix:
    """The sparse matrix that `csr_arrays` took apart."""
    data, indices, indptr, shape = (arrays[f"{prefix}_{name}"] for name in ("data", "indices", "indptr", "shape"))
    return sp.csr_matrix((data, indices, indptr), shape=(int(shape[0]), int(shape[1])))


@dataclass(frozen=True)
class Known:
    """What all generators of one fit share: the users x items matrix of interactions, and its supported items."""

    matrix: sp.csr_matrix

    def supported(self, min_users: int, limit: int) -> Codes:
        """Codes of the at most `limit` items that most users, and at least `min_users`, interacted with; ascending."""
        users = np.bincount(self.matrix.indices, minlength=self.matrix.shape[1])
        order = np.lexsort((np.arange(len(users)), -users))[:limit]
        return np.sort(order[users[order] >= max(min_users, 1)]).astype(np.int32)
