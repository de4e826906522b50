"""What changed since the last published day: scores, features, and what users are shown. Rows of data_quality.

    list_overlap   mean over users of the share of their first ten items that were there before, by list
    item_churn     share of the first ten places given to items that nobody was shown there before, by list
    score_drift    population stability index of the scores of personal rows, by list
    feature_drift  the same of each feature of users and items: the largest, and every one beyond its bound

Groups of the index are tenths of the earlier day's values, and one for what is unknown; fewer groups where there are
fewer than 200 values, so that a few users who came or left are no drift, and none where there are fewer than 40. A
feature of a category counts once a category, not once an item. That what was first done with somebody or something is
longer ago by the days between is no drift. The scores of two rankers have no level in common: where another one serves,
they are compared from their mean on, in deviations.
"""

from __future__ import annotations

import dataclasses
import logging
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys import schemas
from recsys.data.drift import population_stability
from recsys.data.quality import Finding, as_rows
from recsys.features.view_files import scan_view
from recsys.models import registry
from recsys.recommendations.published_lists import last_published, scan_lists, scan_shards
from recsys.recommendations.realised import TOP
from recsys.run import Counts, RunContext
from recsys.settings.stability import StabilitySettings
from recsys.storage import LakeError, read_partition_if_any, write_partition

log = logging.getLogger(__name__)
OVERLAP, CHURN, SCORE_DRIFT, FEATURE_DRIFT = schemas.STABILITY_CHECKS
VIEWS = ("users", "items")
_LEVELS = ("leaf", "parent")
_SINCE_FIRST = ("u_first", "i_first")
"""Features that tell how many days ago something was done for the first time."""
_GROUPS, _GROUP_ROWS = 10, 20
"""Groups at most, and how many values each must have."""
_MOST_VALUES = 50_000
"""Values of a feature, evenly spaced, that are compared; bounds the time."""


def check_stability(context: RunContext) -> Counts:
    """Add what changed since the last published day to the day's data_quality; returns counts, and a `notice` of the
    warnings for people, where there are any."""
    before = last_published(context.lake, context.as_of_date, context.settings.stability.within_days)
    found = [] if before is None else [*list_findings(context, before), *feature_findings(context, before)]
    day = {"as_of_date": context.as_of_date}
    kept = read_partition_if_any(context.lake, schemas.DATA_QUALITY, **day).filter(
        ~pl.col("check_name").is_in(schemas.STABILITY_CHECKS)
    )
    rows = pl.concat([kept, as_rows(found, context.as_of_date)]).sort(schemas.DATA_QUALITY.key)
    write_partition(context.lake, schemas.DATA_QUALITY, rows, **day)
    warnings = [finding.message for finding in found if not finding.passed]
    for message in warnings:
        log.warning("%s: %s", context.as_of_date, message)
    told = {"notice": "; ".join(warnings)} if warnings and context.settings.stability.notify else {}
    return {"stability_checks": len(found), "drifted": len(warnings), **told}


def list_findings(context: RunContext, before: date) -> list[Finding]:
    """Overlap, churn and drift of scores of each list that both days have."""
    lake, bounds, found = context.lake, context.settings.stability, []
    ranker, ranker_before = (_ranker_key(context, day) for day in (context.as_of_date, before))
    earlier = _first(scan_lists(lake, before))
    parts = [
        compare_lists(_first(now).drop("score", "fallback").collect(), earlier)
        for now in scan_shards(lake, context.as_of_date)
    ]
    sums = pl.concat([pl.DataFrame(schema=_SUMS), *parts]).group_by("list").agg(pl.all().sum()).sort("list")
    for name, overlap, users in sums.iter_rows():
        own, was = (
            _first(scan_lists(lake, day)).filter(pl.col("list") == name) for day in (context.as_of_date, before)
        )
        found.append(_overlap(name, overlap / users, users, before, bounds))
        found.append(_churn(name, churn(own, was), before, bounds))
        scores = [rows.filter(pl.col("fallback").is_null()).select("score").collect()["score"] for rows in (was, own)]
        if ranker != ranker_before:
            scores = [_standardised(series) for series in scores]
        found.append(
            _drift(schemas.USER_RECOMMENDATIONS.name, SCORE_DRIFT, name, scores, bounds.max_score_drift, before)
        )
    return found


def _ranker_key(context: RunContext, day: date) -> str | None:
    """What tells the ranker that served `day` from others; None where the lake does not tell."""
    try:
        told = registry.read_json(context.lake, registry.read_serving(context.lake, day).models_of, "training")
    except LakeError:
        return None
    return str(told["key"])


def _standardised(scores: pl.Series) -> pl.Series:
    return (scores - scores.mean()) / (scores.std() or 1.0)


_SUMS = {"list": pl.String, "overlap": pl.Float64, "users": pl.Int64}


def compare_lists(now: pl.DataFrame, earlier: pl.LazyFrame) -> pl.DataFrame:
    """list, overlap (sum over users), users: of the users of `now` (list, user_id, item_id) that `earlier` has too."""
    keys = ["list", "user_id"]
    ids = now.select("user_id").unique()
    theirs = earlier.select(*keys, "item_id").join(ids.lazy(), on="user_id", how="semi").collect()
    both = now.group_by(keys).len("size").join(theirs.select(keys).unique(), on=keys)
    same = now.join(theirs, on=[*keys, "item_id"]).group_by(keys).len("same")
    share = pl.col("same").fill_null(0) / pl.col("size")
    each = both.join(same, on=keys, how="left").sort(keys).with_columns(share=share)
    return each.group_by("list", maintain_order=True).agg(overlap=pl.col("share").sum(), users=pl.len().cast(pl.Int64))


def churn(now: pl.LazyFrame, earlier: pl.LazyFrame) -> float:
    """Share of the rows of `now` whose item no row of `earlier` has (both item_id)."""
    rows = now.group_by("item_id").len().collect()
    fresh = rows.join(earlier.select("item_id").unique().collect(), on="item_id", how="anti")
    return int(fresh["len"].sum()) / max(int(rows["len"].sum()), 1)


def feature_findings(context: RunContext, before: date) -> list[Finding]:
    """Drift of each feature: one finding a view for the largest, and one for every other beyond the bound."""
    found, limit = [], context.settings.stability.max_feature_drift
    for view in VIEWS:
        try:
            was, now = (
                scan_view(dataclasses.replace(context, as_of_date=day), view).collect()
                for day in (before, context.as_of_date)
            )
        except (LakeError, schemas.SchemaError) as error:
            log.info("the view %s is not compared with that of %s: %s", view, before, error)
            continue
        names = [name for name, kind in now.schema.items() if kind.is_float() and name in was.columns]
        days = (context.as_of_date - before).days
        told = [_drift(view, FEATURE_DRIFT, name, _values(name, was, now, days), limit, before) for name in names]
        told.sort(key=lambda finding: (-(finding.value or 0.0), finding.subject))
        found += told[:1] + [finding for finding in told[1:] if not finding.passed]
    return found


def _values(name: str, was: pl.DataFrame, now: pl.DataFrame, days: int) -> list[pl.Series]:
    """The values of the feature `name` on two days, `days` apart, that are to be compared."""
    level = name.partition("_")[0]
    if level in _LEVELS:
        return [frame.unique(level, maintain_order=True)[name] for frame in (was, now)]
    if name not in _SINCE_FIRST:
        return [was[name], now[name]]
    # Where the history begins later every day its oldest ages stay; in a younger shop all of them grow.
    aged = [was[name] + days, now[name]]
    return min([was[name], now[name]], aged, key=lambda pair: drift(*pair))


def drift(before: pl.Series, after: pl.Series) -> float:
    """Population stability index over tenths of `before`'s values, or larger parts where either series is short, with a
    group of nulls; 0 where there are too few values for two parts."""
    was, now = (series.gather_every(max(1, len(series) // _MOST_VALUES)) for series in (before, after))
    known = was.drop_nulls().to_numpy()
    groups = min(_GROUPS, min(len(known), len(now)) // _GROUP_ROWS)
    if groups < 2:
        return 0.0
    # Between two values each: where a few values are shared by many, one that hardly moved stays in its group.
    values = np.unique(known)
    beyond = values[-1] + (values[-1] - values[-2] if len(values) > 1 else max(abs(values[-1]), 1.0))
    quantiles = np.quantile(known, np.linspace(0, 1, groups + 1)[1:-1])
    place = np.unique(np.searchsorted(values, quantiles, "right"))
    edges = (values[place - 1] + np.append(values, beyond)[place]) / 2
    return population_stability(_counts(was, edges), _counts(now, edges))


def _counts(series: pl.Series, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    groups = np.bincount(np.searchsorted(edges, series.drop_nulls().to_numpy(), "left"), minlength=len(edges) + 1)
    return np.append(groups, series.null_count()).astype(np.float64)


def _first(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The first places of lists."""
    return rows.filter(pl.col("rank") <= TOP).select("list", "user_id", "item_id", "score", "fallback")


def _overlap(name: str, share: float, users: int, before: date, bounds: StabilitySettings) -> Finding:
    text = f"{name}: {share:.0%} of the first ten items of {users} users were there on {before}"
    limit = bounds.min_overlap
    table = schemas.USER_RECOMMENDATIONS.name
    return Finding(table, OVERLAP, text, share, limit, name, "warn", share >= limit)


def _churn(name: str, share: float, before: date, bounds: StabilitySettings) -> Finding:
    text = f"{name}: {share:.0%} of the first ten places hold items that nobody was shown on {before}"
    table, limit = schemas.USER_RECOMMENDATIONS.name, bounds.max_churn
    return Finding(table, CHURN, text, share, limit, name, "warn", share <= limit)


def _drift(table: str, check: str, subject: str, values: list[pl.Series], limit: float, before: date) -> Finding:
    value = drift(*values)
    text = f"{subject} drifted by {value:.3f} (population stability index) since {before}"
    return Finding(table, check, text, value, limit, subject, "warn", value <= limit)
