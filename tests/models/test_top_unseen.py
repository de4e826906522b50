"""The best unseen items of users, beside a plain sort of all scores."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from recsys.models.generator import rows_of, top_unseen

USERS = np.array([1, 2, 4], dtype=np.int32)


def _expected(columns: np.ndarray, scores: np.ndarray, known: sp.csr_matrix, k: int) -> list[tuple[int, int]]:
    rows = []
    for row, user in enumerate(USERS):
        seen = set(known[user].indices.tolist())
        reached = [
            (-float(s), int(c)) for c, s in zip(columns, scores[row], strict=True) if s > 0 and int(c) not in seen
        ]
        rows += [(int(user), item) for _, item in sorted(reached)[:k]]
    return rows


@pytest.mark.parametrize("k", [1, 5, 40])
@pytest.mark.parametrize("positive", [0.0, 0.02, 1.0])
def test_best_unseen_items_are_those_of_a_plain_sort_with_ties_by_code(k: int, positive: float) -> None:
    draw = np.random.default_rng(k)
    columns = np.sort(draw.choice(900, 700, replace=False)).astype(np.int32)
    scores = draw.integers(1, 60, (3, 700)).astype(np.float32)
    scores[draw.random(scores.shape) >= positive] = -1.0
    known = sp.random(5, 900, 0.1, "csr", dtype=np.float32, random_state=draw)
    before = scores.copy()
    told = top_unseen(USERS, columns, scores, known, k)
    np.testing.assert_array_equal(scores, before)
    assert told.select("user", "item").rows() == _expected(columns, scores, known, k)


def test_rows_of_takes_the_wanted_users_of_an_ordered_frame() -> None:
    frame = pl.DataFrame({"user": [0, 1, 1, 3, 4, 4, 9], "item": range(7)}, schema={"user": pl.Int32, "item": pl.Int64})
    assert rows_of(frame, USERS)["item"].to_list() == [1, 2, 4, 5]
    assert rows_of(frame, np.array([5, 7], dtype=np.int32)).is_empty()
    assert rows_of(frame, np.zeros(0, dtype=np.int32)).is_empty()
