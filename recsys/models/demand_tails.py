"""How likely a day sells more than 0, 1, 2 … units, and with that the high quantile of single days.

Most items sell nothing on most days: the high quantile of such a day is 0, 1 or 2, and what matters is on which side
of the next whole number it lies. So each threshold has a ridge logistic model over all items: the level forecast for
the day, how often the item itself passed the threshold in windows of different length, the size of its demands, its
newest pace, the weekday. Linear, since boosted trees on the same features were worse on every past cut. A quantile is
the least whole number that is passed rarely enough; beyond the last threshold the cells of recsys.models.demand_spread
know more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_series import DemandSeries, Floats, Integers, within
from recsys.models.demand_shape import WEEK
from recsys.models.demand_spread import dispersion_of
from recsys.models.logistic import Logistic, fit_logistic, logit, sigmoid

THRESHOLDS = (0, 1, 2, 3, 4)
WINDOWS = (28, 56, 112, 224)
PACES = (7, 14, 364)
PENALTY = 1.0
EVERY = 4
"""Every fourth day of a past horizon is learnt from: the seven of four weeks are seven different weekdays."""
FEWEST_ROWS = 5_000


@dataclass(frozen=True)
class TailFacts:
    """What is known of items on a day: logarithms of `shape` (items x 3) and `pace` (items x PACES), and `passed`
    (thresholds x items x WINDOWS), the log odds that a day passes the threshold."""

    shape: Floats
    pace: Floats
    passed: Floats

    def of(self, rows: Integers) -> TailFacts:
        """The facts of some items."""
        return TailFacts(self.shape[rows], self.pace[rows], self.passed[:, rows])


@dataclass(frozen=True)
class Horizon:
    """A past forecast to learn from: its items' facts, then items x days of what was forecast, sold and seen, and the
    days' weekdays (Monday 0)."""

    facts: TailFacts
    forecast: Floats
    sold: Floats
    seen: NDArray[np.bool_]
    weekdays: Integers


@dataclass(frozen=True)
class Tails:
    """A fitted model for each of THRESHOLDS, up to the first that no past day passed; none where little was known."""

    models: tuple[Logistic, ...]

    def exceedance(self, facts: TailFacts, means: Floats, weekdays: Integers) -> Floats:
        """Chance that a day passes each threshold (thresholds x items x days), from forecast `means` (items x days)."""
        logits = [
            model.logits(_design(facts, place, means, weekdays)).reshape(means.shape)
            for place, model in enumerate(self.models)
        ]
        # A higher threshold is never passed more often than a lower one.
        return np.minimum.accumulate(sigmoid(np.stack(logits)), axis=0)

    def quantile(self, facts: TailFacts, means: Floats, weekdays: Integers, probability: float, high: Floats) -> Floats:
        """Whole units that a day passes with less than 1 - `probability` (items x days).

        `high`, of the same shape, is taken where even the last of THRESHOLDS is passed more often.
        """
        passed = self.exceedance(facts, means, weekdays) > 1.0 - probability
        found = passed.sum(axis=0).astype(np.float64)
        beyond = passed[-1] & (len(self.models) == len(THRESHOLDS))
        return np.where(beyond, np.maximum(high, found), found)


def tail_facts(series: DemandSeries, day: int) -> TailFacts:
    """The facts of the items of `series` as of `day`."""
    units = within(series.units_before, day, 224)
    sales = within(series.sales_before, day, 224)
    sold = series.units[:, :day] > 0
    since = np.where(sold.any(axis=1), np.argmax(sold[:, ::-1], axis=1), day)
    paces = [within(series.units_before, day, n) / np.maximum(within(series.seen_before, day, n), 1) for n in PACES]
    shape = [np.log(dispersion_of(series, day)), np.log(units / np.maximum(sales, 1) + 0.1), np.log1p(since)]
    passed = np.stack([_passed(series, day, threshold) for threshold in THRESHOLDS])
    return TailFacts(np.stack(shape, axis=1), np.log(np.stack(paces, axis=1) + 0.05), passed)


def _passed(series: DemandSeries, day: int, threshold: int) -> Floats:
    found = []
    for length in WINDOWS:
        seen = within(series.seen_before, day, length)
        count = (series.units[:, max(0, day - length) : day] > threshold).sum(axis=1)
        found.append(logit((count + 0.5) / (seen + 6.0)))
    return np.stack(found, axis=1)


def _design(facts: TailFacts, place: int, means: Floats, weekdays: Integers) -> Floats:
    """Rows of all items and days, days fastest."""
    days = means.shape[1]
    level = np.log(means + 1e-3).reshape(-1)
    usual = np.log(means.mean(axis=1) + 1e-3)
    own = np.column_stack([facts.shape, facts.pace - usual[:, None], facts.passed[place]])
    varied = [level, level**2, level * np.repeat(facts.shape[:, 0], days), level - np.repeat(usual, days)]
    week = np.tile(weekdays[:, None] == np.arange(WEEK - 1), (len(means), 1))
    return np.column_stack([*varied, np.repeat(own, days, axis=0), week])


def fit_tails(horizons: list[Horizon]) -> Tails:
    """Fit on past horizons, on the days that were seen."""
    kept = np.concatenate([past.seen[:, ::EVERY].reshape(-1) for past in horizons])
    sold = np.concatenate([past.sold[:, ::EVERY].reshape(-1) for past in horizons])[kept]
    models: list[Logistic] = []
    for place, threshold in enumerate(THRESHOLDS):
        passed = (sold > threshold).astype(np.float64)
        if len(passed) < FEWEST_ROWS or passed.min() == passed.max():
            break
        rows = np.concatenate(
            [_design(past.facts, place, past.forecast[:, ::EVERY], past.weekdays[::EVERY]) for past in horizons]
        )
        models.append(fit_logistic(rows[kept], passed, PENALTY))
    return Tails(tuple(models))
