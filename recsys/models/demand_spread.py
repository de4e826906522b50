"""How far demand strays from its forecast: quantiles out of what past forecasts missed by, nothing assumed.

Past forecasts of like items (like level, like dispersion) make a cell. For a single day a cell holds the quantiles of
what was sold beside the mean of what was forecast. For sums over several days it holds quantiles of the error in units
of sqrt(forecast * dispersion), for each number of days, so that items of a cell need not be of one size. Days without
stock, and those of a sale, are left out of both.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_series import DemandSeries, Floats, Integers, within

PROBABILITIES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
SUM_DAYS = (1, 3, 7, 14, 21, 28)
CELL_TRIALS = 300
DAY_LEVELS, SUM_LEVELS, DISPERSIONS = 40, 16, 4
FEWEST_TRIALS = 60
"""Below this many past forecasts the normal distribution stands in."""
LEAST_SEEN = 0.25
"""Share of its days that must have been seen of a past forecast."""
_LEAST_MEAN = 1e-4
"""Units a day: where hardly anything was forecast, it tells nothing of how demand grows with the forecast."""


@dataclass(frozen=True)
class Cells:
    """Edges between the levels and between the dispersions of cells; a cell's number counts both from 0."""

    levels: Floats
    dispersions: Floats

    @property
    def count(self) -> int:
        """Number of cells."""
        return (len(self.levels) + 1) * (len(self.dispersions) + 1)

    def of(self, level: Floats, dispersion: Floats) -> Integers:
        """The cell of each level and dispersion."""
        row = np.searchsorted(self.levels, level, side="right")
        return row * (len(self.dispersions) + 1) + np.searchsorted(self.dispersions, dispersion, side="right")


@dataclass(frozen=True)
class Spread:
    """Quantiles at PROBABILITIES: `day_values` (cells x p) of units sold at `day_means` units forecast; `sum_values`
    (SUM_DAYS x cells x p) of standardised errors. `whole`: the shop sells whole units only."""

    day_cells: Cells
    day_means: Floats
    day_values: Floats
    sum_cells: Cells
    sum_values: Floats
    whole: bool

    def of_day(self, forecast: Floats, dispersion: Floats, probability: float) -> Floats:
        """Quantile of the demand of a day, units, from its forecast and dispersion (arrays of one shape)."""
        cell = self.day_cells.of(forecast, dispersion)
        values = np.array([np.interp(probability, PROBABILITIES, row) for row in self.day_values])
        found = np.maximum(values[cell] * forecast / np.maximum(self.day_means[cell], _LEAST_MEAN), 0.0)
        return np.asarray(np.round(found) if self.whole else found)

    def of_sum(self, forecast: Floats, dispersion: Floats, days: Floats, probability: Floats | float) -> Floats:
        """Quantile of the demand of `days` days together, units, from its forecast (arrays of one shape).

        Not rounded: the next whole number up covers at least as much.
        """
        cell = self.sum_cells.of(forecast / np.maximum(days, 1.0), dispersion)
        length = np.clip(days, SUM_DAYS[0], SUM_DAYS[-1])
        above = np.clip(np.searchsorted(SUM_DAYS, length), 1, len(SUM_DAYS) - 1)
        grid = np.array(SUM_DAYS, dtype=np.float64)
        share = (length - grid[above - 1]) / (grid[above] - grid[above - 1])
        low, high = (self._error(place, cell, probability) for place in (above - 1, above))
        error = low + share * (high - low)
        return np.asarray(np.maximum(forecast + error * deviation(forecast, dispersion), 0.0))

    def _error(self, place: Integers, cell: Integers, probability: Floats | float) -> Floats:
        values = self.sum_values[place, cell]
        wanted = np.broadcast_to(np.clip(probability, PROBABILITIES[0], PROBABILITIES[-1]), cell.shape)
        above = np.clip(np.searchsorted(PROBABILITIES, wanted), 1, len(PROBABILITIES) - 1)
        grid = np.array(PROBABILITIES)
        share = (wanted - grid[above - 1]) / (grid[above] - grid[above - 1])
        rows = np.arange(len(cell))
        return np.asarray(values[rows, above - 1] * (1 - share) + values[rows, above] * share)

    def as_json(self) -> dict[str, Any]:
        """Everything as numbers and lists."""
        return {
            "day_levels": self.day_cells.levels.tolist(),
            "day_dispersions": self.day_cells.dispersions.tolist(),
            "day_means": self.day_means.tolist(),
            "day_values": self.day_values.tolist(),
            "sum_levels": self.sum_cells.levels.tolist(),
            "sum_dispersions": self.sum_cells.dispersions.tolist(),
            "sum_values": self.sum_values.tolist(),
            "whole": self.whole,
        }


def spread_from_json(values: dict[str, Any]) -> Spread:
    """The spread that `Spread.as_json` told."""
    array = {name: np.array(value, dtype=np.float64) for name, value in values.items() if name != "whole"}
    day = Cells(array["day_levels"], array["day_dispersions"])
    total = Cells(array["sum_levels"], array["sum_dispersions"])
    return Spread(day, array["day_means"], array["day_values"], total, array["sum_values"], bool(values["whole"]))


def deviation(forecast: Floats, dispersion: Floats) -> Floats:
    """What an error is measured in: the deviation of a demand whose variance is `dispersion` times its mean."""
    return np.sqrt(np.maximum(forecast, 1e-6) * dispersion)


def dispersion_of(series: DemandSeries, day: int) -> Floats:
    """Variance over mean of the days seen in the 182 days before `day`, leaning on 1 where little was sold."""
    start = max(0, day - 182)
    squares = (series.units[:, start:day].astype(np.float64) ** 2).sum(axis=1)
    return leaning_dispersion(within(series.units_before, day, 182), squares, within(series.seen_before, day, 182))


def leaning_dispersion(units: Floats, squares: Floats, seen: Floats | Integers) -> Floats:
    """Variance over mean of a day, leaning on 1, from sums over `seen` days: of the units, and of their squares."""
    seen = np.maximum(seen, 1)
    mean = units / seen
    ratio = np.maximum(squares / seen - mean**2, 0) / np.maximum(mean, 1e-9)
    return np.asarray((ratio * units + 5.0) / (units + 5.0))


def fit_spread(forecast: Floats, sold: Floats, seen: NDArray[np.bool_], dispersion: Floats, whole: bool) -> Spread:
    """Fit on past forecasts: `forecast`, `sold` and `seen` are trials x days, `dispersion` one value a trial.

    A trial tells of the days on which it was seen. Those seen on all of them alone would be the ones whose demand was
    so low that the stock lasted.
    """
    told = seen.sum(axis=1) >= LEAST_SEEN * seen.shape[1]
    if told.sum() < FEWEST_TRIALS or not seen.any():
        return assumed_spread(whole)
    forecast, sold, seen, dispersion = forecast[told], sold[told], seen[told], dispersion[told]
    shape = np.broadcast_to(dispersion[:, None], forecast.shape)[seen]
    flat, units = forecast[seen], sold[seen]
    day_cells = _cells(flat, shape, DAY_LEVELS)
    day = day_cells.of(flat, shape)
    counts = np.maximum(np.bincount(day, minlength=day_cells.count), 1)
    means = (np.bincount(day, flat, day_cells.count) / counts)[_speakers(day, day_cells.count)]
    sum_cells = _cells((forecast * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), dispersion, SUM_LEVELS)
    sums = [_standardised(forecast, sold, seen, dispersion, sum_cells, days) for days in SUM_DAYS]
    return Spread(day_cells, means, _quantiles(day, units, day_cells.count), sum_cells, np.stack(sums), whole)


def assumed_spread(whole: bool) -> Spread:
    """Normal errors of the deviation that the dispersion gives, while there are no past forecasts."""
    errors = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])
    nothing: Floats = np.zeros(0)
    levels = np.array([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0])
    centres = np.array([0.05, *levels])
    day_values = np.maximum(centres[:, None] + errors * np.sqrt(centres)[:, None], 0.0)
    sums = np.broadcast_to(errors, (len(SUM_DAYS), 1, len(errors))).copy()
    return Spread(Cells(levels, nothing), centres, day_values, Cells(nothing, nothing), sums, whole)


def _cells(level: Floats, dispersion: Floats, most: int) -> Cells:
    """Cells of about equally many trials, as many as the trials can fill."""
    fill = len(level) // CELL_TRIALS
    shapes = DISPERSIONS if fill >= 4 * DISPERSIONS else 1
    levels = min(most, max(fill // shapes, 1))

    def edges(values: Floats, count: int) -> Floats:
        return np.unique(np.quantile(values, np.arange(1, count) / count)) if count > 1 else np.zeros(0)

    return Cells(edges(level, levels), edges(dispersion, shapes))


def _quantiles(cell: Integers, values: Floats, count: int) -> Floats:
    """Quantiles of `values` by cell: count x PROBABILITIES; an empty cell takes those of the one that speaks for it."""
    order = np.argsort(cell, kind="stable")
    bounds = np.searchsorted(cell[order], np.arange(count + 1))
    ordered = values[order]
    found = np.zeros((count, len(PROBABILITIES)))
    for number, (start, end) in enumerate(itertools.pairwise(bounds)):
        if end > start:
            found[number] = np.quantile(ordered[start:end], PROBABILITIES)
    return found[_speakers(cell, count)]


def _speakers(cell: Integers, count: int) -> Integers:
    """For each of `count` cells itself, or where no trial is in it the nearest filled one below, else above."""
    filled = np.flatnonzero(np.bincount(cell, minlength=count))
    return np.asarray(filled[np.maximum(np.searchsorted(filled, np.arange(count), side="right") - 1, 0)])


def _standardised(
    forecast: Floats, sold: Floats, seen: NDArray[np.bool_], dispersion: Floats, cells: Cells, days: int
) -> Floats:
    part = seen[:, : min(days, seen.shape[1])]
    known = part.sum(axis=1)
    used = known >= max(LEAST_SEEN * part.shape[1], 1)
    total, units = ((values[:, : part.shape[1]] * part).sum(axis=1)[used] for values in (forecast, sold))
    error = (units - total) / deviation(total, dispersion[used])
    return _quantiles(cells.of(total / known[used], dispersion[used]), error, cells.count)
