"""What the boosted demand model knows of an item on a day: its own pace, its category's, its price.

All of it lies before the day. Rates are told relative to the item's base level, so that one model serves items of
every size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_series import DemandLines, DemandSeries, Floats, Integers, within

WINDOWS = (7, 14, 28, 56, 112, 182, 364)
PRIOR_DAYS = 14.0
"""Days of the usual demand of alike items that a young item's level begins with."""
SHRINK = 0.3
"""Share of the base level that tempers every relative rate."""


def base_level(series: DemandSeries, day: int, prior: Floats) -> Floats:
    """A steady positive level, units a day: both the newest 56 and 112 days seen; young items lean on `prior`."""
    units = within(series.units_before, day, 56) + within(series.units_before, day, 112)
    seen = within(series.seen_before, day, 56) + within(series.seen_before, day, 112)
    lean = PRIOR_DAYS * np.clip(1 - seen / 112, 0.02, 1)
    return np.asarray((units + lean * np.maximum(prior, 1e-3)) / (seen + lean))


def category_prior(demand: DemandLines, rows: Integers, day: int) -> Floats:
    """Units a day that an item of the same narrowest category sells on average in the 112 days before `day`."""
    groups = demand.categories[-1]
    alive = np.bincount(groups, demand.launch <= day, int(groups.max(initial=0)) + 1)
    units = within(demand.category_units[-1], day, 112) / max(min(day, 112), 1)
    return np.asarray((units / np.maximum(alive, 1))[groups[rows]])


def demand_features(demand: DemandLines, series: DemandSeries, day: int) -> tuple[NDArray[np.float32], Floats]:
    """Features of the items of `series` (items x features) as of `day`, and their base level (units a day)."""
    base = base_level(series, day, category_prior(demand, series.rows, day))
    columns = [np.log(base), *_own_pace(series, day, base), *_rhythm(demand, series, day)]
    columns += [*_prices(series, day), *_categories(demand, series.rows, day)]
    return np.stack(columns, axis=1).astype(np.float32), base


def _own_pace(series: DemandSeries, day: int, base: Floats) -> list[Floats]:
    found = []
    for length in WINDOWS:
        seen = np.maximum(within(series.seen_before, day, length), 1)
        rate = within(series.units_before, day, length) / seen
        found.append(np.log((rate + SHRINK * base) / base))
        found.append(within(series.sales_before, day, length) / seen)
    for months in range(1, 4):
        end = max(day - 28 * months, 0)
        rate = within(series.units_before, end, 28) / np.maximum(within(series.seen_before, end, 28), 1)
        found.append(np.log((rate + SHRINK * base) / base))
    return found


def _rhythm(demand: DemandLines, series: DemandSeries, day: int) -> list[Floats]:
    recent = series.units[:, max(0, day - 112) : day].astype(np.float64)
    month = recent[:, -28:]
    past = series.units[:, :day] > 0
    since = np.argmax(past[:, ::-1], axis=1) if day else np.zeros(len(series.rows))
    sales = within(series.sales_before, day, 182)
    return [
        np.where(past.any(axis=1), since, day).astype(np.float64),
        np.clip(day - demand.launch[series.rows], 0, None) * (demand.launch[series.rows] > 0.0),
        within(series.units_before, day, 182) / np.maximum(sales, 1),
        recent.var(axis=1) / np.maximum(recent.mean(axis=1), 1e-3),
        month.var(axis=1) / np.maximum(month.mean(axis=1), 1e-3),
    ]


def _prices(series: DemandSeries, day: int) -> list[Floats]:
    """The price of the past year, and those of newer weeks beside it; NaN where nothing was sold."""

    def price(length: int) -> Floats:
        units = within(series.units_before, day, length)
        paid = within(series.revenue_before, day, length)
        return np.divide(paid, units, out=np.full(len(units), np.nan), where=(units > 0) & (paid > 0))

    usual = price(364)
    return [np.log(usual), price(14) / usual, price(28) / usual, price(112) / usual]


def _categories(demand: DemandLines, rows: Integers, day: int) -> list[Floats]:
    found = []
    for groups, cumulated in zip(demand.categories, demand.category_units, strict=True):
        pace = {length: within(cumulated, day, length) / max(min(length, day), 1) for length in (14, 28, 56, 112)}
        own = groups[rows]
        found.append(pace[112][own])
        found += [np.log((pace[a] + 0.1) / (pace[b] + 0.1))[own] for a, b in ((14, 56), (28, 56), (28, 112))]
    return found
