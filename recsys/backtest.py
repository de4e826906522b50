"""Walk forward through past days: build each as that morning would have, then measure what was published.

Days whose lists are published are not built again. What is measured needs the events after the last day, so the shop
must hold them; the longest horizon that it reaches is taken. Nothing of the measuring is published: the runs of later
days do that by themselves.
"""

from __future__ import annotations

import dataclasses
import logging
from datetime import date, timedelta

import numpy as np
import polars as pl

from recsys import schemas, steps
from recsys.claims import claimed
from recsys.config import Environment, Settings
from recsys.data.check import check_extracts
from recsys.data.extract import extract_events, extract_snapshots, reaches_last_day
from recsys.recommendations.published_lists import published_before
from recsys.recommendations.realised_metrics import realised_rows
from recsys.run import RunContext, RunError
from recsys.storage import read_partition

log = logging.getLogger(__name__)
SETTING_OF = {"for_you": "all", "discover": "discover", "buy_again": "repeat"}
"""The part of the offline holdout that each list answers for."""
METRIC = "ndcg@10"


def backtest(
    first: date, last: date, environment: Environment, settings: Settings, run_id: str, every: int = 1
) -> pl.DataFrame:
    """Build the days from `first` to `last`, `every` so many days, that are not published yet, and measure all of them.

    Days a week apart or more have holdouts and rankers of their own, so that offline and realised can be correlated.

    Returns one row per day, list and horizon: as_of_date, list, horizon_days, realised, low, high, users, offline (the
    ranker on that day's own holdout; its horizon is models.horizon_days). Raises RunError for a day that cannot be
    built, and for a first day after the last.
    """
    if first > last:
        raise RunError(f"nothing to build: --from {first} is later than --to {last}")
    days = [first + timedelta(days=n) for n in range(0, (last - first).days + 1, max(every, 1))]
    context = RunContext(last, environment, settings, run_id)
    done = published_before(context.lake, last + timedelta(days=1))
    for day in days:
        if day not in done:
            steps.run_all(dataclasses.replace(context, as_of_date=day))
    later = _measuring_context(context, last)
    rows = [
        realised_rows(later, day, horizon)
        for day in days
        for horizon in settings.measuring.horizons
        if day + timedelta(days=horizon) <= later.as_of_date
    ]
    return _beside_offline(context, days, pl.concat(rows))


def describe(table: pl.DataFrame, horizon_days: int) -> str:
    """The table as text, and below it how realised and offline values of `horizon_days` go together, list by list."""
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, float_precision=4):
        lines = [str(table)]
    for name in sorted(SETTING_OF):
        both = table.filter((pl.col("list") == name) & (pl.col("horizon_days") == horizon_days)).drop_nulls("offline")
        if both.is_empty():
            continue
        realised, offline = both["realised"].to_numpy(), both["offline"].to_numpy()
        text = f"{name}: {len(both)} days, realised {realised.mean():.4f}, offline {offline.mean():.4f}"
        text += f", offline promised {offline.mean() / max(realised.mean(), 1e-9) - 1:+.1%}"
        if len(both) > 2 and min(realised.std(), offline.std()) > 1e-9:
            text += f", correlation {np.corrcoef(realised, offline)[0, 1]:.2f}"
        lines.append(text)
    return "\n".join(lines)


def _measuring_context(context: RunContext, last: date) -> RunContext:
    """A context of the day on which the longest horizon after `last` has ended, its events extracted and checked."""
    for horizon in sorted(context.settings.measuring.horizons, reverse=True):
        later = dataclasses.replace(context, as_of_date=last + timedelta(days=horizon))
        if not reaches_last_day(later):
            log.info("the horizon of %d days is out of reach: the shop's events end before it does", horizon)
            continue
        with claimed(later):
            extract_events(later)
            extract_snapshots(later)
            try:
                check_extracts(later)
            except RunError as error:
                # Such a day would not be published; what users did in it is measured all the same.
                log.warning("%s", error)
        return later
    raise RunError(f"the shop holds too few events after {last} to measure anything")


def _beside_offline(context: RunContext, days: list[date], rows: pl.DataFrame) -> pl.DataFrame:
    whole = rows.filter((pl.col("slice") == "all") & (pl.col("metric") == METRIC))
    told = whole.select(
        "list", "horizon_days", "low", "high", "users", as_of_date="published_date", realised="value"
    ).with_columns(setting=pl.col("list").replace_strict(SETTING_OF, default=None, return_dtype=pl.String))
    offline = pl.concat(read_partition(context.lake, schemas.OFFLINE_METRICS, as_of_date=day) for day in days)
    offline = offline.filter((pl.col("model") == "ranker") & (pl.col("metric") == METRIC))
    joined = told.join(
        offline.select("as_of_date", "setting", offline="value"), on=["as_of_date", "setting"], how="left"
    )
    order = ["as_of_date", "list", "horizon_days", "realised", "low", "high", "users", "offline"]
    return joined.select(order).sort(order[:3])
