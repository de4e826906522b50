"""The report of a day: one HTML file beside the lake's tables, reports/as_of_date=D/report.html, that stands alone.

It is told from what the run left in the lake, and from the days before it that the lake still holds; it loads nothing
and runs no script, so that it can be sent on and kept.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from recsys import schemas
from recsys.recommendations.charts import Interval, Point, bars, intervals, lines
from recsys.run import RunContext
from recsys.schemas import Table
from recsys.storage import days_of, open_output, read_partition_if_any, scan_partitions

log = logging.getLogger(__name__)
DAYS = 60
"""Days before the as-of date that the plots reach back."""
_VARIETY = ("intra_list_distance@10", "category_entropy@10", "coverage@10", "gini@10", "novelty@10")

_DRIFT = (
    "List overlap: share of the first ten items that were there before",
    "Item churn: share of the first ten places with items that nobody was shown before",
    "Drift of scores, population stability index",
    "Drift of features, population stability index: the largest of users and of items",
)
"""Titles of the plots of schemas.STABILITY_CHECKS."""


def report_path(day: date) -> str:
    """Path of the day's report below the lake's root."""
    return f"reports/as_of_date={day}/report.html"


def try_write_report(context: RunContext) -> dict[str, str]:
    """Write the day's report; returns its path. A report that fails is told in the log and breaks nothing."""
    path = report_path(context.as_of_date)
    try:
        with open_output(context.lake, path) as stream:
            stream.write(day_report(context).encode())
    except Exception:
        log.exception("there is no report of %s", context.as_of_date)
        return {}
    return {"report": path}


def day_report(context: RunContext) -> str:
    """The report as HTML. What is missing in the lake is missing in it, and it says so."""
    day = {"as_of_date": context.as_of_date}
    lake = context.lake
    funnel = read_partition_if_any(lake, schemas.RUN_FUNNEL, **day).sort("place")
    gate = read_partition_if_any(lake, schemas.GATE_VERDICTS, **day)
    checks = read_partition_if_any(lake, schemas.DATA_QUALITY, **day)
    tables = (schemas.OFFLINE_METRICS, schemas.REALISED_METRICS, schemas.DATA_QUALITY)
    offline, realised, checked = (_history(context, table) for table in tables)
    # Of what was measured twice the newest counts.
    newest = pl.col("as_of_date").max().over("published_date", "horizon_days")
    realised = realised.filter(pl.col("as_of_date") == newest)
    own = pl.col("check_name").is_in(schemas.STABILITY_CHECKS)
    judged = gate.filter(pl.col("check_name") != "verdict").with_columns(subject="setting")
    return _TEMPLATES.get_template("day_report.html").render(
        day=context.as_of_date,
        run_id=context.run_id,
        time_zone=context.settings.time_zone,
        verdict=next(iter(gate.filter(pl.col("check_name") == "verdict").to_dicts()), None),
        funnel=bars([(s, v, f"{v:,}") for s, v in funnel.select("stage", "value").iter_rows()], logarithmic=True)
        if len(funnel)
        else "",
        quality=[*_offline_plots(offline), *_realised_plots(realised)],
        generators=_generator_plots(offline, realised, context.as_of_date),
        variety=_variety_plots(realised),
        drift=_drift_plots(checked.filter(own)),
        stability=checks.filter(own).to_dicts(),
        warnings=checks.filter(~own & ~pl.col("passed")).to_dicts(),
        differences=_differences(judged),
        gate=judged.to_dicts(),
    )


def _history(context: RunContext, table: Table) -> pl.DataFrame:
    """Rows of the as-of dates up to the run's own, DAYS of them."""
    first = context.as_of_date - timedelta(days=DAYS)
    days = [{"as_of_date": day} for day in days_of(context.lake, table) if first <= day <= context.as_of_date]
    return scan_partitions(context.lake, table, days).collect()


def _offline_plots(offline: pl.DataFrame) -> list[tuple[str, str]]:
    told = offline.filter((pl.col("model") == "ranker") & (pl.col("metric") == "ndcg@10"))
    return _plots({"Offline ndcg@10 of the ranker": _series(told, "setting", "as_of_date")})


def _realised_plots(realised: pl.DataFrame) -> list[tuple[str, str]]:
    told = realised.filter((pl.col("slice") == "all") & (pl.col("metric") == "ndcg@10"))
    horizons = told["horizon_days"].unique().sort().to_list()
    return _plots(
        {
            f"Realised ndcg@10 within {horizon} day(s), by published day": _series(
                told.filter(pl.col("horizon_days") == horizon), "list", "published_date"
            )
            for horizon in horizons
        }
    )


def _variety_plots(realised: pl.DataFrame) -> list[tuple[str, str]]:
    told = realised.filter(pl.col("horizon_days") == 0)
    return _plots({name: _series(told.filter(pl.col("metric") == name), "list", "as_of_date") for name in _VARIETY})


def _drift_plots(stability: pl.DataFrame) -> list[tuple[str, str]]:
    """How far each day was from the published one before it, by list; of features the largest of each view."""
    features = pl.col("check_name") == schemas.STABILITY_CHECKS[-1]
    subject = pl.when(features).then("table_name").otherwise("subject")
    told = stability.group_by("as_of_date", "check_name", subject.alias("subject")).agg(pl.col("value").max())
    told = told.with_columns(low=pl.lit(None, pl.Float64), high=pl.lit(None, pl.Float64))
    series = {
        title: _series(told.filter(pl.col("check_name") == name), "subject", "as_of_date")
        for name, title in zip(schemas.STABILITY_CHECKS, _DRIFT, strict=True)
    }
    return _plots(series)


def _differences(judged: pl.DataFrame) -> str:
    """The gate's comparisons that have an interval."""
    paired = judged.drop_nulls(["value", "low", "high", "threshold"])
    names = paired.with_columns(name=pl.format("{} ({})", "check_name", "setting"))
    columns = ("name", "value", "low", "high", "threshold", "passed")
    return intervals([Interval(*row) for row in names.sort("name").select(columns).iter_rows()])


def _generator_plots(offline: pl.DataFrame, realised: pl.DataFrame, day: date) -> list[tuple[str, str]]:
    """Offline recall of each generator's candidates and what it alone adds; what its rows reached, by list."""
    today = offline.filter((pl.col("as_of_date") == day) & (pl.col("setting") == "all"))
    plots = []
    for metric in ("recall", "marginal recall"):
        rows = today.filter((pl.col("metric") == metric) & (pl.col("model") != "candidates"))
        plots.append((f"Offline {metric}", _bars(rows, "model")))
    shown = realised.filter((pl.col("slice") == "generator") & (pl.col("metric") == "precision@10"))
    newest = shown.filter(pl.col("published_date") == pl.col("published_date").max()).sort("horizon_days", "list")
    for (horizon, name), rows in newest.group_by("horizon_days", "list", maintain_order=True):
        plots.append((f"Realised precision@10 of {name} within {horizon} day(s)", _bars(rows, "slice_value")))
    return [(title, plot) for title, plot in plots if plot]


def _bars(rows: pl.DataFrame, name: str) -> str:
    ordered = rows.sort("value", name, descending=[True, False])
    told = [(str(label), value, f"{value:.4f}") for label, value in ordered.select(name, "value").iter_rows()]
    return bars(told) if told else ""


def _series(rows: pl.DataFrame, by: str, day: str) -> list[tuple[str, list[Point]]]:
    """Name and points of each value of `by`, by day."""
    return [
        (str(name), [Point(*row) for row in own.select(day, "value", "low", "high").iter_rows()])
        for (name,), own in rows.sort(by, day).group_by(by, maintain_order=True)
    ]


def _plots(series: dict[str, list[tuple[str, list[Point]]]]) -> list[tuple[str, str]]:
    drawn: Iterable[tuple[str, str]] = ((title, lines(own)) for title, own in series.items())
    return [(title, plot) for title, plot in drawn if plot]


def _short(value: Any) -> str:
    return "" if value is None else f"{value:.4g}"


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).resolve().parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["short"] = _short
