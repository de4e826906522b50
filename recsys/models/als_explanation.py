"""Which of a user's items make ALS like another one (Hu, Koren and Volinsky, 2008, section 5).

With Y the item factors, C the user's confidences and W = (Y'CY + λI)^-1, the score of item i is the sum over the
user's items j of c_j y_i' W y_j: each summand is what item j says for i. Computed from the stored item factors, it
differs from the served score by what the last half of the last iteration changed.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.features.history import find_sorted
from recsys.models.als import Als
from recsys.models.generator import Codes
from recsys.settings.models import ModelSettings


def explain_als(als: Als, settings: ModelSettings, user: int, item: int) -> tuple[float, list[tuple[int, float]]]:
    """The score of `item` for `user` (codes), and each of the user's items with its share of it, the largest first.

    (0, []) for an item that ALS does not know or a user without interactions.
    """
    factors = als.item_factors.astype(np.float64)
    places, shares = _shares(als, settings, factors, factors.T @ factors, user, np.array([item], np.int32))
    if not shares.size or not (als.columns == item).any():
        return 0.0, []
    order = np.lexsort((als.columns[places], -shares[:, 0]))
    return float(shares.sum()), [(int(als.columns[places[n]]), float(shares[n, 0])) for n in order]


def als_anchors(als: Als, settings: ModelSettings, pairs: pl.DataFrame) -> pl.Series:
    """For each row (user, item: codes) of `pairs` the other item of the user with the largest share of the score.

    Null where ALS does not know the item, or none of the user's items speaks for it. Codes, i32.
    """
    factors = als.item_factors.astype(np.float64)
    gram = factors.T @ factors
    found = np.full(len(pairs), -1, dtype=np.int32)
    rows = pairs.with_row_index("row").group_by("user", maintain_order=True).agg("row", "item")
    for user, own, items in rows.iter_rows():
        codes = np.array(items, np.int32)
        places, shares = _shares(als, settings, factors, gram, user, codes)
        if not shares.size:
            continue
        mine = als.columns[places]
        shares[mine[:, None] == codes[None, :]] = 0.0
        # Rounded, so that ties in the last digit fall to the smaller code everywhere.
        best = np.argmax(np.round(shares, 12), axis=0)
        known = (shares[best, np.arange(len(codes))] > 0) & find_sorted(als.columns, codes)[1]
        found[np.array(own)[known]] = mine[best[known]]
    return pl.Series(found, dtype=pl.Int32).replace(-1, None)


def _shares(
    als: Als, settings: ModelSettings, factors: NDArray[np.float64], gram: NDArray[np.float64], user: int, items: Codes
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places in `columns` of the user's items, ascending, and their shares of the scores of `items` (a column each)."""
    own = als.known[user].tocoo()
    place, inside = find_sorted(als.columns, own.col)
    places, confidences = place[inside], own.data[inside].astype(np.float64) * settings.als_alpha
    mine = factors[places]
    system = gram + mine.T @ ((confidences - 1)[:, None] * mine)
    system[np.diag_indices_from(system)] += settings.als_regularization
    if not len(places):
        return places, np.zeros((0, len(items)))
    wanted = factors[find_sorted(als.columns, items)[0]].T
    return places, (mine @ np.linalg.solve(system, wanted)) * confidences[:, None]
