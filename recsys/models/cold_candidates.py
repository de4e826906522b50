"""New items as candidates beside known ones: what the model of new items finds for each user, worked out once a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recsys.features.history import History
from recsys.models.als import Als
from recsys.models.cold_items import ColdItems
from recsys.models.generator import PROPOSALS, Arrays, Codes, anchors_of, rows_of, top_per_user, top_unseen

_USERS = 2_000
"""Users scored at once; bounds memory."""


@dataclass(frozen=True)
class ColdCandidates:
    """best: PROPOSALS of every user, sorted by user; the anchor is the known item that speaks most for the new one."""

    best: pl.DataFrame
    name: str = "cold_items"

    def propose(self, users: Codes, k: int) -> pl.DataFrame:
        """New items that the user has done nothing with."""
        return top_per_user(rows_of(self.best, users), k)

    def arrays(self) -> Arrays:
        """For the registry."""
        anchored = self.best.with_columns(pl.col("anchor").fill_null(-1))
        return {column.name: column.to_numpy() for column in anchored}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> ColdCandidates:
        """The generator that `arrays` came from."""
        best = pl.DataFrame({name: arrays[name] for name in PROPOSALS.names()}, schema=PROPOSALS)
        return cls(best.with_columns(pl.when(pl.col("anchor") >= 0).then("anchor")))


def fit_cold_candidates(history: History, cold: ColdItems, als: Als, k: int) -> ColdCandidates:
    """The `k` new items that each user is likeliest to want, by `cold` and `als`, both fitted on `history`."""
    place = pl.DataFrame({"item_id": history.items}).with_row_index("item")
    named = pl.DataFrame({"item_id": cold.item_ids}, schema={"item_id": pl.String}).with_row_index("column")
    named = named.join(place, on="item_id").sort("item")
    column, codes = named["column"].to_numpy(), named["item"].cast(pl.Int32).to_numpy()
    users = np.flatnonzero(np.diff(als.known.indptr)).astype(np.int32)
    likeness = cold.prior[:, column].T.tocsr()
    parts = [pl.DataFrame(schema=PROPOSALS)]
    for start in range(0, len(users) if len(codes) and k else 0, _USERS):
        batch = users[start : start + _USERS]
        scores = cold.scores(als.known[batch], als.user_factors[batch])[:, column]
        found = top_unseen(batch, codes, scores, als.known, k)
        user, item = found["user"].to_numpy(), np.searchsorted(codes, found["item"].to_numpy())
        parts.append(found.with_columns(anchors_of(als.known[user], likeness[item])))
    return ColdCandidates(pl.concat(parts))
