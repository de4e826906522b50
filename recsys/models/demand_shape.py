"""How a week's demand spreads over its days: a pattern for each category, filled up with the shop's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_series import DemandLines, Floats, Integers
from recsys.settings.opening import OpeningSettings

WEEK = 7
PROFILE_DAYS = 182


@dataclass(frozen=True)
class Days:
    """Days one after the other: `weekday` (0 for Monday to 6 for Sunday) and whether the shop is `open`."""

    weekday: Integers
    open: NDArray[np.bool_]


def days_from(first_day: date, start: int, end: int, opening: OpeningSettings) -> Days:
    """The days numbered [start, end), where `first_day` has the number 0."""
    days = [first_day + timedelta(days=number) for number in range(start, end)]
    weekdays = np.array([day.weekday() for day in days], dtype=np.int64)
    return Days(weekdays, np.array([not opening.closed(day) for day in days], dtype=np.bool_))


def weekday_factors(demand: DemandLines, day: int, strength: float) -> Floats:
    """Factor of each weekday (Monday first) by group of the second category level: groups x 7, mean 1 a week.

    Learnt from the 182 days before `day`, those on which the shop was open and held no sale. A group's own pattern
    weighs as much as the shop's once it has sold `strength` units in them.
    """
    length = min(day, PROFILE_DAYS) // WEEK * WEEK
    cumulated = demand.category_units[1]
    if not length:
        return np.ones((cumulated.shape[0], WEEK))
    units = np.diff(cumulated[:, day - length : day + 1], axis=1)
    past = days_from(demand.first_day, day - length, day, demand.opening)
    past = Days(past.weekday, past.open & ~demand.sale_days[day - length : day])
    groups = np.stack([_units_on(units, past, weekday) for weekday in range(WEEK)], axis=1)
    shop = groups.sum(axis=0) + 1.0
    shop = shop / shop.mean()
    total = groups.sum(axis=1, keepdims=True)
    return np.asarray((groups * WEEK + shop * strength) / (total + strength))


def _units_on(units: Floats, days: Days, weekday: int) -> Floats:
    """Units of each group on a weekday, had all of them been open."""
    all_of = days.weekday == weekday
    return np.asarray(units[:, all_of].sum(axis=1) * (all_of.sum() / max((all_of & days.open).sum(), 1)))


def over_days(level: Floats, factors: Floats, groups: Integers, days: Days) -> Floats:
    """Units a day (items x days) of items at `level` in the groups of `factors`.

    The total stays level times days, whatever weekdays they begin and end with: what a closed day cannot sell, the
    others do. Nothing is expected where all days are closed.
    """
    shape = factors[groups][:, days.weekday] * days.open
    return np.asarray(level[:, None] * shape / np.maximum(shape.mean(axis=1, keepdims=True), 1e-9))
