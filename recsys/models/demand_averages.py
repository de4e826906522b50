"""Classical models of intermittent demand, each for all items at once: units a day to expect from a day on.

    window    mean of the newest days that were seen
    sba       Croston's interval and size, with the correction of Syntetos and Boylan (2005)
    tsb       chance and size of a demand, of Teunter, Syntetos and Babai (2011): dies out when demand does
    adida     smoothed demand of a week, spread over its days, after Nikolopoulos and others (2011)

Unseen days (recsys.features.demand_series) change nothing.
"""

from __future__ import annotations

import numpy as np

from recsys.features.demand_series import DemandSeries, Floats, within
from recsys.settings.demand import DemandSettings

WEEK = 7


def window_mean(series: DemandSeries, day: int, length: int) -> Floats:
    """Units a day in the `length` days before `day`."""
    seen = within(series.seen_before, day, length)
    return within(series.units_before, day, length) / np.maximum(seen, 1)


def croston_family(series: DemandSeries, day: int, settings: DemandSettings) -> dict[str, Floats]:
    """`tsb` and `sba` as of `day`, in one walk through the days before it."""
    size_rate, rate = settings.size_smoothing, settings.interval_smoothing
    count = len(series.rows)
    size, chance = np.zeros(count), np.zeros(count)
    gap, since = np.zeros(count), np.ones(count)
    started = np.zeros(count, dtype=bool)
    for today in range(day):
        units, seen = series.units[:, today], series.seen[:, today]
        sold = units > 0
        first = sold & ~started
        size = np.where(first, units, np.where(sold, size + size_rate * (units - size), size))
        gap = np.where(first, since, np.where(sold, gap + size_rate * (since - gap), gap))
        chance = np.where(first, 1 / since, np.where(seen & started, chance + rate * (sold - chance), chance))
        since = np.where(sold, 1.0, since + seen)
        started |= sold
    sba = np.where(started, (1 - size_rate / 2) * size / np.maximum(gap, 1), 0.0)
    return {"tsb": chance * size, "sba": sba}


def adida(series: DemandSeries, day: int, settings: DemandSettings) -> Floats:
    """`adida` as of `day`: exponential smoothing over whole weeks that end the day before `day`."""
    level = np.zeros(len(series.rows))
    weight = np.zeros(len(series.rows))
    for end in range(WEEK + day % WEEK, day + 1, WEEK):
        seen = within(series.seen_before, end, WEEK)
        share = settings.bucket_smoothing * seen / WEEK
        rate = within(series.units_before, end, WEEK) / np.maximum(seen, 1)
        # Bias-corrected start: the first weeks are averaged before they fade.
        weight = weight * (1 - share) + share
        level = level + np.divide(share, weight, out=np.zeros_like(level), where=weight > 0) * (rate - level)
    return level


def classical(series: DemandSeries, day: int, settings: DemandSettings) -> dict[str, Floats]:
    """Every classical model's level as of `day`, by name."""
    levels = {f"window_{days}": window_mean(series, day, days) for days in settings.window_days}
    return levels | croston_family(series, day, settings) | {"adida": adida(series, day, settings)}
