"""Which of a user's items make ALS like another one (Hu, Koren and Volinsky, 2008, section 5).

With Y the item factors, C the user's confidences and W = (Y'CY + λI)^-1, the score of item i is the sum over the
user's items j of c_j y_i' W y_j: each summand is what item j says for i. Computed from the stored item factors, it
differs from the served score by what the last half of the last iteration changed.
"""

from __future__ import annotations

import numpy as np

from recsys.models.als import Als
from recsys.settings.models import ModelSettings


def explain_als(als: Als, settings: ModelSettings, user: int, item: int) -> tuple[float, list[tuple[int, float]]]:
    """The score of `item` for `user` (codes), and each of the user's items with its share of it, the largest first.

    (0, []) for an item that ALS does not know or a user without interactions.
    """
    place = np.flatnonzero(als.columns == item)
    own = als.known[user].tocoo()
    own_place = np.searchsorted(als.columns, own.col)
    inside = (own_place < len(als.columns)) & (als.columns[np.minimum(own_place, len(als.columns) - 1)] == own.col)
    if not len(place) or not inside.any():
        return 0.0, []
    columns, confidences = own_place[inside], own.data[inside].astype(np.float64) * settings.als_alpha
    factors = als.item_factors.astype(np.float64)
    mine = factors[columns]
    system = factors.T @ factors + mine.T @ ((confidences - 1)[:, None] * mine)
    system[np.diag_indices_from(system)] += settings.als_regularization
    weights = np.linalg.solve(system, factors[place[0]])
    shares = (mine @ weights) * confidences
    order = np.lexsort((als.columns[columns], -shares))
    return float(shares.sum()), [(int(als.columns[columns[n]]), float(shares[n])) for n in order]
