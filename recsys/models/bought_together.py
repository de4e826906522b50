"""Bought together: what else went into baskets that held the items the user took lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
import scipy.sparse as sp

from recsys.features.history import History, of_type
from recsys.models.generator import (
    Arrays,
    Codes,
    Known,
    anchors_of,
    empty_proposals,
    frame_arrays,
    frame_from,
    rows_of,
    top_per_user,
)
from recsys.models.neighbours import nearest_items, ones
from recsys.settings.models import ModelSettings


@dataclass(frozen=True)
class BoughtTogether:
    """near: source, item, similarity; recent: user, item, weight (the user's newest items, decayed);
    owned: user, item of everything the user interacted with."""

    near: pl.DataFrame
    recent: pl.DataFrame
    owned: pl.DataFrame
    name: str = "bought_together"

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """Items near the user's newest ones; the anchor is the one that weighs most. None that the user has."""
        recent, near = self._matrices
        if not near.nnz or not len(users):
            return empty_proposals()
        inside = np.unique(users[users < recent.shape[0]])
        reached = _best_unowned((recent[inside] @ near).tocsr(), inside, rows_of(self.owned, inside), k)
        user, item = reached["user"].to_numpy(), reached["item"].to_numpy()
        return reached.with_columns(anchors_of(recent[user], near[:, item].T))

    @cached_property
    def _matrices(self) -> tuple[sp.csr_matrix, sp.csc_matrix]:
        """Users x items weights of `recent`, and items x items similarities of `near`."""
        height = int(self.recent["user"].max() or 0) + 1  # type: ignore[arg-type]
        codes = (self.recent["item"], self.near["source"], self.near["item"])
        width = max(int(series.max() or 0) for series in codes) + 1  # type: ignore[arg-type]
        recent = _sparse(self.recent, ("weight", "user", "item"), (height, width))
        return recent, _sparse(self.near, ("similarity", "source", "item"), (width, width)).tocsc()

    def arrays(self) -> Arrays:
        """For the registry."""
        return frame_arrays(near=self.near, recent=self.recent, owned=self.owned)

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> BoughtTogether:
        """The generator that `arrays` came from."""
        parts = (
            frame_from(arrays, "near", "source", "item", "similarity"),
            frame_from(arrays, "recent", "user", "item", "weight"),
        )
        return cls(*parts, frame_from(arrays, "owned", "user", "item"))


def fit_bought_together(
    history: History, recent: pl.DataFrame, known: Known, settings: ModelSettings
) -> BoughtTogether:
    """Count baskets of the last `basket_days`, what was bought in a trip; where at most one event in ten is a purchase,
    whatever was done in a trip is the basket.

    `recent` is user, item, weight with a short half-life (`weights`).
    """
    start = history.as_of - timedelta(days=settings.basket_days)
    baskets = history.events.filter(pl.col("at") >= start)
    bought = baskets.filter(of_type("purchase"))
    baskets = bought if len(bought) * 10 > len(baskets) else baskets
    columns = known.supported(settings.min_item_users, settings.neighbour_items)
    matrix = ones(baskets["trip"], baskets["item"], known.matrix.shape[1])
    near = nearest_items(matrix, columns, settings.neighbours, settings.neighbour_shrinkage)
    ordered = recent.sort("user", "weight", "item", descending=[False, True, False])
    newest = ordered.filter(pl.int_range(pl.len()).over("user") < settings.recent_items).sort("user", "item")
    owned = history.events.select("user", "item").unique().sort("user", "item")
    return BoughtTogether(near, newest, owned)


def _sparse(frame: pl.DataFrame, names: tuple[str, str, str], shape: tuple[int, int]) -> sp.csr_matrix:
    values, rows, columns = (frame[name].to_numpy() for name in names)
    return sp.csr_matrix((values.astype(np.float64), (rows, columns)), shape=shape)


def _best_unowned(reached: sp.csr_matrix, users: Codes, owned: pl.DataFrame, k: int) -> pl.DataFrame:
    """The `k` largest entries of each row as PROPOSALS; `users` are the rows, `owned` holds pairs to leave out."""
    rows = np.repeat(np.arange(len(users)), np.diff(reached.indptr))
    is_owned = np.zeros(reached.shape, dtype=bool)
    within = owned.filter(pl.col("item") < reached.shape[1])
    is_owned[np.searchsorted(users, within["user"].to_numpy()), within["item"].to_numpy()] = True
    values = np.where(is_owned[rows, reached.indices], 0.0, reached.data)
    least = np.zeros(len(users))
    for row, (start, stop) in enumerate(pairwise(reached.indptr)):
        if stop - start > k:
            least[row] = np.partition(values[start:stop], -k)[-k]
    kept = (values > 0) & (values >= least[rows])
    best = {"user": users[rows[kept]], "item": reached.indices[kept], "score": values[kept]}
    return top_per_user(pl.DataFrame(best), k)
