"""Which model forecasts which class of items, elected on past weeks that no candidate has learnt from.

Classes are those of Syntetos, Boylan and Croston (2005): demand comes often or seldom (days between demands up to
1.32, or more), in like or unlike sizes (squared variation up to 0.49, or more); young items are a class of their own.
A class elects the candidate whose error over the trial days is least: the root mean squared error of an item's days
over the root mean squared change from day to day, averaged over items.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_series import DemandSeries, Floats, within

CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "young")
YOUNG_DAYS = 56
OFTEN = 1.32
LIKE = 0.49
MIN_ITEMS = 30
"""Trials of a class below which all classes together elect for it."""
Names = NDArray[np.str_]


def demand_classes(series: DemandSeries, day: int) -> Names:
    """The class of each item as of `day`."""
    seen, sales = within(series.seen_before, day, 364), within(series.sales_before, day, 364)
    gap = seen / np.maximum(sales, 1)
    units = series.units[:, max(0, day - 364) : day].astype(np.float64)
    mean = units.sum(axis=1) / np.maximum(sales, 1)
    squares = (units**2).sum(axis=1) / np.maximum(sales, 1)
    variation = np.maximum(squares - mean**2, 0) / np.maximum(mean, 1e-9) ** 2
    often, like = gap <= OFTEN, variation <= LIKE
    old = np.select([often & like, often, like], CLASSES[:3], CLASSES[3])
    return np.where(seen < YOUNG_DAYS, "young", old)


def with_blends(levels: dict[str, Floats]) -> dict[str, Floats]:
    """`levels` and the blends of the boosted model with each window."""
    found = dict(levels)
    if "boosted" in levels:
        for name in sorted(levels):
            if name.startswith("window"):
                found[f"boosted_{name}"] = 0.75 * levels["boosted"] + 0.25 * levels[name]
    return found


def scaled_errors(series: DemandSeries, day: int, forecast: Floats) -> Floats:
    """Error of `forecast` (items x days from `day` on) over the days seen, by item; NaN where nothing can be told."""
    days = forecast.shape[1]
    units, seen = series.units[:, day : day + days], series.seen[:, day : day + days]
    count = seen.sum(axis=1)
    error = np.sqrt((((units - forecast) * seen) ** 2).sum(axis=1) / np.maximum(count, 1))
    past = series.units[:, :day].astype(np.float64)
    both = series.seen[:, 1:day] & series.seen[:, : day - 1]
    steps = np.maximum(both.sum(axis=1), 1)
    scale = np.sqrt((np.diff(past, axis=1) ** 2 * both).sum(axis=1) / steps)
    usable = (count > 0) & (scale > 0)
    return np.divide(error, scale, out=np.full(len(error), np.nan), where=usable)


def elect(classes: Names, errors: dict[str, Floats]) -> dict[str, str]:
    """The candidate's name for each class: the best of all classes together, unless another is clearly better there.

    Clearly: by more than twice the standard error of the difference. Ties go to the first by name. `classes` and each
    candidate's `errors` (see `scaled_errors`) hold one value a trial, NaN where it has none.
    """
    names = sorted(errors)
    table = np.stack([errors[name] for name in names])
    usable = np.isfinite(table).all(axis=0)
    if not usable.any():
        return dict.fromkeys(CLASSES, "window_56" if "window_56" in names else names[0])
    general = _best(table[:, usable])
    found = {}
    for kind in CLASSES:
        mine = table[:, usable & (classes == kind)]
        place = general
        if mine.shape[1] >= MIN_ITEMS:
            own = _best(mine)
            gain = mine[general] - mine[own]
            if gain.mean() > 2 * gain.std() / np.sqrt(len(gain)):
                place = own
        found[kind] = names[place]
    return found


def _best(table: Floats) -> int:
    return int(np.argmin(table.mean(axis=1).round(9)))
