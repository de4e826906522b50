"""The demand of the next weeks: models tried on the newest past horizons, the best of each class fitted again.

1 trials: each candidate forecasts the horizons that begin one and two horizons before the as-of date, out of what was
  known then (the boosted model: fitted on horizons that ended by then);
2 each class of items elects its candidate (recsys.models.demand_election);
3 what the elected ones missed by is the spread around the forecast (recsys.models.demand_spread);
4 the boosted model is fitted again on every horizon that has ended, and forecasts from the as-of date on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_features import PRIOR_DAYS, category_prior, demand_features
from recsys.features.demand_series import DemandLines, DemandSeries, Floats, Integers, lay_out, sold_lately
from recsys.models.demand_averages import classical
from recsys.models.demand_boosted import Boosted, fit_boosted
from recsys.models.demand_election import demand_classes, elect, scaled_errors, with_blends
from recsys.models.demand_shape import days_from, over_days, weekday_factors
from recsys.models.demand_spread import Spread, assumed_spread, dispersion_of, fit_spread, leaning_dispersion
from recsys.settings.demand import DemandSettings

TRIALS = 2
TRIAL_HISTORY_DAYS = 56
YEAR = 364


@dataclass(frozen=True)
class DemandForecast:
    """What `forecast_demand` finds, one value an item: `level` (units a day over the horizon), `dispersion` (variance
    over mean of a day), `kind` (class) and `model`; `factors` (items x weekdays, Monday first); and the spread."""

    level: Floats
    dispersion: Floats
    kind: NDArray[np.object_]
    model: NDArray[np.object_]
    factors: Floats
    spread: Spread
    elected: dict[str, str]
    trials: int


@dataclass(frozen=True)
class _Trial:
    day: int
    kinds: NDArray[np.str_]
    forecasts: dict[str, Floats]


def forecast_demand(demand: DemandLines, settings: DemandSettings, seed: int) -> DemandForecast:
    """Forecast every item of `demand` from the end of its window on; the same input gives the same numbers."""
    rows = _sample(demand, settings, seed)
    series = lay_out(demand, rows)
    trials = _trials(demand, series, settings, seed)
    elected, spread = _judge(demand, series, trials)
    boosted = fit_boosted(demand, series, demand.days, settings, seed)
    del series
    level, dispersion = _thin(demand)
    kind, model = (np.full(len(level), name, dtype=object) for name in ("sparse", "average"))
    known = np.flatnonzero(demand.demand_days >= settings.min_demand_days)
    for start in range(0, len(known), settings.chunk_items):
        part = known[start : start + settings.chunk_items]
        chunk = lay_out(demand, part)
        kinds = demand_classes(chunk, demand.days)
        levels = with_blends(_levels(demand, chunk, demand.days, boosted, settings))
        names = np.array([_at_hand(elected[name], levels) for name in kinds], dtype=object)
        level[part] = _chosen(levels, names)
        dispersion[part] = dispersion_of(chunk, demand.days)
        kind[part], model[part] = kinds, names
    dead = demand.last_day < demand.days - settings.alive_days
    level[dead], model[dead] = 0.0, "none"
    factors = weekday_factors(demand, demand.days, settings.profile_units)[demand.categories[1]]
    return DemandForecast(level, dispersion, kind, model, factors, spread, elected, len(trials))


def _sample(demand: DemandLines, settings: DemandSettings, seed: int) -> Integers:
    known = np.flatnonzero(demand.demand_days >= settings.min_demand_days)
    if len(known) > settings.chunk_items:
        known = np.sort(np.random.default_rng(seed).choice(known, settings.chunk_items, replace=False))
    return known.astype(np.int64)


def _trials(demand: DemandLines, series: DemandSeries, settings: DemandSettings, seed: int) -> list[_Trial]:
    horizon = settings.horizon_days
    days = [demand.days - horizon * number for number in range(1, TRIALS + 1)]
    days = [day for day in days if day >= TRIAL_HISTORY_DAYS]
    boosted = fit_boosted(demand, series, days[-1], settings, seed) if days else None
    found = []
    for day in days:
        ahead = days_from(demand.first_day, day, day + horizon, demand.opening)
        factors = weekday_factors(demand, day, settings.profile_units)
        levels = with_blends(_levels(demand, series, day, boosted, settings))
        groups = demand.categories[1][series.rows]
        forecasts = {name: over_days(level, factors, groups, ahead) for name, level in levels.items()}
        found.append(_Trial(day, demand_classes(series, day), forecasts))
    return found


def _judge(demand: DemandLines, series: DemandSeries, trials: list[_Trial]) -> tuple[dict[str, str], Spread]:
    """The election's result, and the spread of the elected."""
    whole = bool((demand.lines["units"] == demand.lines["units"].round()).all())
    if not trials:
        return elect(np.zeros(0, dtype=str), {"window_56": np.zeros(0)}), assumed_spread(whole)
    errors = {name: np.concatenate([_errors(series, t, name) for t in trials]) for name in trials[0].forecasts}
    elected = elect(np.concatenate([trial.kinds for trial in trials]), errors)
    forecasts, sold, seen, dispersion = [], [], [], []
    for trial in trials:
        mine = sold_lately(series, trial.day)
        names = np.array([elected[kind] for kind in trial.kinds], dtype=object)
        forecasts.append(_chosen(trial.forecasts, names)[mine])
        window = slice(trial.day, trial.day + forecasts[-1].shape[1])
        sold.append(series.units[mine, window].astype(np.float64))
        seen.append(series.seen[mine, window])
        dispersion.append(dispersion_of(series, trial.day)[mine])
    parts = (np.concatenate(forecasts), np.concatenate(sold), np.concatenate(seen), np.concatenate(dispersion))
    return elected, fit_spread(*parts, whole)


def _errors(series: DemandSeries, trial: _Trial, name: str) -> Floats:
    """Scaled errors of a candidate, NaN for items that nobody would have forecast."""
    errors = scaled_errors(series, trial.day, trial.forecasts[name])
    return np.where(sold_lately(series, trial.day), errors, np.nan)


def _levels(
    demand: DemandLines, series: DemandSeries, day: int, boosted: Boosted | None, settings: DemandSettings
) -> dict[str, Floats]:
    """Each model's level of each item as of `day`."""
    levels = classical(series, day, settings)
    if boosted is not None:
        features, base = demand_features(demand, series, day)
        learnt = boosted.level(features, base)
        few = series.sales_before[:, day] < settings.boosted_demand_days
        levels["boosted"] = np.where(few, base, learnt)
    return levels


def _chosen(values: dict[str, Floats], names: NDArray[np.object_]) -> Floats:
    found = np.zeros_like(next(iter(values.values())))
    for name in sorted(set(names)):
        mine = names == name
        found[mine] = values[name][mine]
    return found


def _at_hand(name: str, levels: dict[str, Floats]) -> str:
    return name if name in levels else "window_56"


def _thin(demand: DemandLines) -> tuple[Floats, Floats]:
    """Level and dispersion of items with few days of demand: a year's average that leans on the category's."""
    rows = np.arange(len(demand.item_ids))
    start = max(0, demand.days - YEAR)
    lines = demand.lines.filter(demand.lines["day"] >= start)
    item, sold = lines["item"].to_numpy(), lines["units"].to_numpy()
    units, squares = (np.bincount(item, values, len(rows)).astype(np.float64) for values in (sold, sold**2))
    seen = demand.days - np.maximum(demand.launch, start)
    prior = np.minimum(category_prior(demand, rows, demand.days), 1 / PRIOR_DAYS)
    # What is bought by the dozen strays further than what is bought singly, however seldom either is.
    return (units + PRIOR_DAYS * prior) / (seen + PRIOR_DAYS), leaning_dispersion(units, squares, seen)
