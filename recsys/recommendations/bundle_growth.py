"""Sets of two to five items grown from significant pairs.

A pair is the seed. One by one the item joins that is in most of the baskets that hold the set so far, weighed by how
far it beats chance there; it must be no accident in distinct users (Bonferroni over the items tried), and may not
clash with a member. Every set on the way is a candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from recsys.recommendations.baskets import Baskets
from recsys.recommendations.pair_significance import NullModel
from recsys.settings.combinations import BundleSettings

Clash = Callable[[int, int], bool]
_LIFT_PRIOR = 1.0


@dataclass(frozen=True)
class GrownSet:
    """A set of item positions in the order in which they joined, with its support and its weakest p-value."""

    members: tuple[int, ...]
    baskets: int
    users: int
    expected: float
    p_value: float
    newest: int

    @property
    def lift(self) -> float:
        """Baskets over expected ones, shrunken towards 1 by one basket."""
        return (self.baskets + _LIFT_PRIOR) / (self.expected + _LIFT_PRIOR)


class Grower:
    """Holds the baskets of each item (CSC) for repeated intersection."""

    def __init__(self, baskets: Baskets, null: NullModel, settings: BundleSettings) -> None:
        self.baskets, self.null, self.settings = baskets, null, settings
        self.by_item = baskets.lines.tocsc()
        self.by_item.sort_indices()
        self.sizes = baskets.sizes

    def holding(self, item: int) -> NDArray[np.int32]:
        """Baskets that hold the item, sorted."""
        held: NDArray[np.int32] = self.by_item.indices[self.by_item.indptr[item] : self.by_item.indptr[item + 1]]
        return held

    def grow(
        self, anchor: int, partner: int, p_value: float, graph: dict[int, set[int]], clash: Clash
    ) -> list[GrownSet]:
        """The seed pair and the sets grown from it; none where the pair lacks support."""
        members: tuple[int, ...] = (anchor, partner)
        held = np.intersect1d(self.holding(anchor), self.holding(partner), assume_unique=True)
        grown: list[GrownSet] = []
        while self._supported(held):
            grown.append(self._describe(members, held, p_value))
            if len(members) == self.settings.max_size:
                break
            best = self._next(members, held, graph, clash)
            if best is None:
                break
            item, p_added = best
            members, p_value = (*members, item), max(p_value, p_added)
            held = np.intersect1d(held, self.holding(item), assume_unique=True)
        return grown

    def describe(self, members: tuple[int, ...]) -> GrownSet:
        """A set as it is, whatever its support; its p-value is not tested."""
        held = self.holding(members[0])
        for item in members[1:]:
            held = np.intersect1d(held, self.holding(item), assume_unique=True)
        return self._describe(members, held, 1.0)

    def _supported(self, held: NDArray[np.int32]) -> bool:
        users = len(np.unique(self.baskets.user[held]))
        return len(held) >= self.settings.min_baskets and users >= self.settings.min_users

    def _describe(self, members: tuple[int, ...], held: NDArray[np.int32], p_value: float) -> GrownSet:
        users = len(np.unique(self.baskets.user[held]))
        newest = int(self.baskets.age_days[held].min()) if len(held) else 0
        return GrownSet(members, len(held), users, self.null.expected_set(list(members)), p_value, newest)

    def _next(
        self, members: tuple[int, ...], held: NDArray[np.int32], graph: dict[int, set[int]], clash: Clash
    ) -> tuple[int, float] | None:
        near = set().union(*(graph.get(item, set()) for item in members)) - set(members)
        tried = sorted(item for item in near if not any(clash(item, member) for member in members))
        items, counts = np.unique(self.baskets.lines[held].indices, return_counts=True)
        count = dict(zip(items.tolist(), counts.tolist(), strict=True))
        best: tuple[float, int, float] | None = None
        for item in tried:
            together = count.get(item, 0)
            if together < self.settings.min_baskets:
                continue
            expected = float(self.null.presence_in(item, held, self.sizes[held]).sum())
            worth = together * np.log((together + _LIFT_PRIOR) / (expected + _LIFT_PRIOR))
            if worth <= 0 or (best is not None and worth <= best[0]):
                continue
            p_added = self._p_value(item, held, together, expected) * len(tried)
            if p_added <= self.settings.max_p:
                best = (worth, item, p_added)
        return None if best is None else best[1:]

    def _p_value(self, item: int, held: NDArray[np.int32], together: int, expected: float) -> float:
        """Chance of so many distinct users, of those who hold the set, to hold the item too."""
        both = np.intersect1d(held, self.holding(item), assume_unique=True)
        users = len(np.unique(self.baskets.user[both]))
        chance = self.null.presence_in(item, held, self.sizes[held])
        absent = np.bincount(self.baskets.user[held], np.log1p(-np.minimum(chance, 0.999999)))
        expected_users = float(-np.expm1(absent).sum())
        return float(gammainc(max(users, 1), max(expected_users, 1e-12)))
