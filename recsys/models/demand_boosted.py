"""One boosted model for all items: how far the next weeks' demand lies above or below each item's base level.

LightGBM with a Poisson loss (variance grows with the mean, as demand's does), told the base level and the days seen as
an offset: only the ratio is learnt, from many past days at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.features.demand_features import demand_features
from recsys.features.demand_series import DemandLines, DemandSeries, Floats, sold_lately
from recsys.settings.demand import DemandSettings


@dataclass(frozen=True)
class Boosted:
    """A fitted model."""

    booster: Any
    threads: int

    def level(self, features: NDArray[np.float32], base: Floats) -> Floats:
        """Units a day to expect of items with these features and base levels."""
        ratio = self.booster.predict(features, raw_score=True, num_threads=self.threads)
        return np.asarray(base * np.exp(ratio), dtype=np.float64)


def training_days(newest: int, settings: DemandSettings) -> list[int]:
    """Days as of which the model learns, newest first: the horizon after each of them ends by `newest`."""
    first = newest - settings.horizon_days
    return list(range(first, settings.min_history_days - 1, -settings.cut_step_days))


def learnable(series: DemandSeries, day: int, settings: DemandSettings) -> NDArray[np.bool_]:
    """Which items have sold on enough days, and lately enough, for the boosted model as of `day`."""
    enough = series.sales_before[:, day] >= settings.boosted_demand_days
    return np.asarray(enough & sold_lately(series, day))


def fit_boosted(
    demand: DemandLines, series: DemandSeries, newest: int, settings: DemandSettings, seed: int
) -> Boosted | None:
    """Fit on horizons that end by day `newest`; None where there is too little to learn from."""
    features, offsets, targets = [], [], []
    for day in training_days(newest, settings):
        end = day + settings.horizon_days
        seen = (series.seen_before[:, end] - series.seen_before[:, day]).astype(np.float64)
        usable = learnable(series, day, settings) & (seen >= settings.horizon_days / 2)
        values, base = demand_features(demand, series, day)
        features.append(values[usable])
        offsets.append(np.log(base[usable] * seen[usable]))
        targets.append((series.units_before[:, end] - series.units_before[:, day])[usable])
    rows = sum(map(len, targets))
    if rows < settings.min_training_rows or not sum(float(part.sum()) for part in targets):
        return None
    # It loads scikit-learn and pandas: only the step that fits should wait for that.
    import lightgbm as lgb

    data = lgb.Dataset(np.concatenate(features), np.concatenate(targets), init_score=np.concatenate(offsets))
    parameters = {
        "objective": "poisson",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": min(200, rows // 50),
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "max_bin": 127,
        "seed": seed % (1 << 31),
        "num_threads": settings.threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    return Boosted(lgb.train(parameters, data, settings.trees), settings.threads)
