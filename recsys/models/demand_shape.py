"""How a week's demand spreads over its days: a pattern for each category, filled up with the shop's own."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_series import DemandLines, Floats, Integers

WEEK = 7
PROFILE_DAYS = 182


def weekday_factors(demand: DemandLines, day: int, strength: float) -> Floats:
    """Factor of each weekday (Monday first) by group of the second category level: groups x 7, mean 1 a week.

    A group's own pattern weighs as much as the shop's once it has sold `strength` units in the 182 days before `day`.
    """
    length = min(day, PROFILE_DAYS) // WEEK * WEEK
    cumulated = demand.category_units[1]
    if not length:
        return np.ones((cumulated.shape[0], WEEK))
    units = np.diff(cumulated[:, day - length : day + 1], axis=1)
    weekdays = weekday_numbers(demand.first_day, day - length, day)
    groups = np.stack([units[:, weekdays == k].sum(axis=1) for k in range(WEEK)], axis=1)
    shop = groups.sum(axis=0) + 1.0
    shop = shop / shop.mean()
    total = groups.sum(axis=1, keepdims=True)
    return np.asarray((groups * WEEK + shop * strength) / (total + strength))


def weekday_numbers(first_day: date, start: int, end: int) -> NDArray[np.int64]:
    """0 for Monday to 6 for Sunday, of the day numbers [start, end)."""
    return (np.arange(start, end) + first_day.weekday()) % WEEK


def over_days(level: Floats, factors: Floats, groups: Integers, weekdays: NDArray[np.int64]) -> Floats:
    """Units a day (items x days) of items at `level` in the groups of `factors`, whose days are `weekdays`.

    The horizon's total stays level times days, whatever weekdays it begins and ends with.
    """
    shape = factors[groups][:, weekdays]
    return np.asarray(level[:, None] * shape / shape.mean(axis=1, keepdims=True))
