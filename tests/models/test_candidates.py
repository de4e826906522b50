"""The union of what generators propose: one row a pair, with what each said of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy.sparse as sp

from recsys.models.als import Als
from recsys.models.buy_again import BuyAgain
from recsys.models.candidates import GeneratorSet, union


def test_each_pair_comes_once_with_the_rank_and_score_of_each_generator() -> None:
    own = pl.DataFrame(
        {"user": [0, 0, 2], "item": [3, 1, 0], "score": [2.0, 5.0, 1.0]},
        schema={"user": pl.Int32, "item": pl.Int32, "score": pl.Float32},
    )
    known = sp.csr_matrix(np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=np.float32))
    factors = np.array([[4.0], [3.0], [2.0]], dtype=np.float32)
    columns = np.array([0, 1, 2], dtype=np.int32)
    als = Als(columns, known, np.ones((3, 1), np.float32), factors, np.zeros(0))
    (frame,) = union(GeneratorSet((BuyAgain(own), als), (5, 2)), np.array([2, 0], dtype=np.int32), 10)
    told = frame.select(
        "user", "item", "buy_again_rank", "buy_again_score", "als_rank", "als_score", "als_place", "generator", "anchor"
    )
    assert told.rows() == [
        (0, 0, None, None, 1, 4.0, 1, "als", None),
        (0, 1, 1, 5.0, None, 3.0, 2, "buy_again", 1),
        (0, 2, None, None, 2, 2.0, 3, "als", None),
        (0, 3, 2, 2.0, None, None, None, "buy_again", 3),
        (2, 0, 1, 1.0, None, 4.0, 1, "buy_again", 0),
        (2, 1, None, None, 1, 3.0, 2, "als", None),
        (2, 2, None, None, 2, 2.0, 3, "als", None),
    ]
