"""Lists that were published some days ago, measured against what users did since: the step and its readers.

A day is measured once for each horizon, by the first run that knows all of it: usually the run of the day on which
the horizon ends, later where a run was missed; and once more where other lists of the day were published since. Only
lists that readers really saw count (schemas.PUBLISHED_LISTS).
The horizon 0 tells of the run's own lists what can be told before anybody reacts: how varied they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from recsys import schemas
from recsys.data.events import read_events
from recsys.features.item_space import load_item_space
from recsys.models.cuts import LABEL_TYPES
from recsys.models.registry import read_json
from recsys.models.versions import model_version
from recsys.recommendations.experiments import assigned_on
from recsys.recommendations.list_variety import summarise_variety, variety_of
from recsys.recommendations.published_lists import published_before, scan_shards
from recsys.recommendations.realised import DEEP, measure_lists, summarise
from recsys.recommendations.stability import check_stability
from recsys.run import Counts, RunContext, start_of_day
from recsys.storage import (
    Lake,
    LakeError,
    days_of,
    has_partition,
    read_partition,
    scan_partitions,
    shards_of,
    write_partition,
)

_CHANCE = "propensity"
_COLUMNS = ["list", "user_id", "rank", "item_id", "generator", "fallback", _CHANCE]


def build_realised_metrics(context: RunContext) -> Counts:
    """Write realised_metrics of the as-of date: every published day and horizon that is due, and the variety of the
    day's own lists; compare these with the last published day (recsys.recommendations.stability)."""
    due = scores_due(context)
    parts = [pl.DataFrame(schemas.REALISED_METRICS.empty_table())]
    for published, horizon in due:
        parts.append(realised_rows(context, published, horizon))
    parts.append(variety_rows(context))
    rows = pl.concat(parts).sort(schemas.REALISED_METRICS.key)
    write_partition(context.lake, schemas.REALISED_METRICS, rows, as_of_date=context.as_of_date)
    told = [(published, horizon, _checksum(context.lake, published)) for published, horizon in due]
    kinds = pl.DataFrame(schemas.MEASURED_LISTS.arrow_schema.empty_table()).schema
    measured = pl.DataFrame(told, schema=kinds, orient="row").sort(schemas.MEASURED_LISTS.key)
    write_partition(context.lake, schemas.MEASURED_LISTS, measured, as_of_date=context.as_of_date)
    return {"scores": len(due), "rows": len(rows), **check_stability(context)}


def scores_due(context: RunContext) -> list[tuple[date, int]]:
    """Published day and horizon, newest first, of what can be measured now and no earlier day's run has measured, or
    only lists that are not the published ones any more."""
    settings, today = context.settings.measuring, context.as_of_date
    done = _measured_before(context)
    due = [
        (published + timedelta(days=horizon), published, horizon)
        for published in published_before(context.lake, today)
        for horizon in settings.horizons
        if timedelta() <= today - published - timedelta(days=horizon) <= timedelta(days=settings.late_days)
        and done.get((published, horizon)) != _checksum(context.lake, published)
    ]
    return [(published, horizon) for _, published, horizon in sorted(due, reverse=True)[: settings.scores_per_run]]


def realised_rows(context: RunContext, published: date, horizon: int) -> pl.DataFrame:
    """Rows of realised_metrics for the lists of `published`, measured on the `horizon` days from it on.

    The context's as-of date must not lie before the end of the horizon.
    """
    settings = context.settings
    truth = truth_between(context, published, horizon)
    shown = (measure_lists(lists, truth) for lists in _lists(context.lake, published))
    rows = summarise(
        shown,
        _segments(context, published),
        settings.models.bootstrap_draws,
        settings.seed,
        assigned_on(context, published),
        settings.measuring.min_effective_size,
    )
    mark = read_partition(context.lake, schemas.PUBLISHED_LISTS, as_of_date=published)
    return _stamped(context, rows, published, horizon, mark["model_version"].first())


def variety_rows(context: RunContext) -> pl.DataFrame:
    """Rows of realised_metrics, of horizon 0, for the variety of the run's own lists."""
    lake, day = context.lake, context.as_of_date
    if not shards_of(lake, schemas.USER_RECOMMENDATIONS, as_of_date=day):
        return pl.DataFrame(schemas.REALISED_METRICS.empty_table())
    space = load_item_space(context)
    details = read_partition(lake, schemas.ITEM_DETAILS, as_of_date=day)
    known = details.select("item_id", "users", offered=pl.col("held_back").is_null())
    planned = shards_of(lake, schemas.USER_SHARDS, as_of_date=day)
    users = scan_partitions(lake, schemas.USER_SHARDS, planned).select(pl.len()).collect().item()
    rows = summarise_variety((variety_of(lists, space) for lists in _lists(lake, day)), known, users)
    return _stamped(context, rows, day, 0, model_version(context))


def _stamped(context: RunContext, rows: pl.DataFrame, published: date, horizon: int, version: object) -> pl.DataFrame:
    return rows.with_columns(
        as_of_date=pl.lit(context.as_of_date),
        published_date=pl.lit(published),
        horizon_days=pl.lit(horizon, pl.Int32),
        model_version=pl.lit(version, pl.String),
    ).select(schemas.REALISED_METRICS.column_names)


def truth_between(context: RunContext, published: date, horizon: int) -> pl.DataFrame:
    """user_id, item_id, revenue, bought_before: what users did in the `horizon` days from `published` on.

    `revenue` is quantity times price of their purchases, null where no price of any is known; `bought_before` whether
    the look-back window holds an earlier purchase. Sorted by user_id, item_id.
    """
    zone = context.settings.time_zone
    start, end = (start_of_day(published + timedelta(days=days), zone) for days in (0, horizon))
    columns = ["user_id", "item_id", "event_type", "quantity", "unit_price", "occurred_at"]
    events = read_events(context, columns=columns, before=end)
    later = events.filter(pl.col("occurred_at") >= start).collect()
    before = events.filter((pl.col("occurred_at") < start) & (pl.col("event_type") == "purchase"))
    bought = before.join(later.lazy().select("user_id", "item_id").unique(), on=["user_id", "item_id"], how="semi")
    types = _label_types(context.lake, published, later["event_type"])
    paid = pl.when(pl.col("event_type") == "purchase").then(pl.col("quantity") * pl.col("unit_price"))
    pairs = (
        later.filter(pl.col("event_type").is_in(types))
        .group_by("user_id", "item_id", maintain_order=True)
        .agg(revenue=pl.when(paid.count() > 0).then(paid.sum()))
        .join(
            bought.select("user_id", "item_id", bought_before=pl.lit(value=True)).unique().collect(),
            on=["user_id", "item_id"],
            how="left",
        )
    )
    return pairs.with_columns(pl.col("bought_before").fill_null(value=False)).sort("user_id", "item_id")


def _label_types(lake: Lake, published: date, kinds: pl.Series) -> list[str]:
    """What the models of the day learnt to foretell, so that a day without a purchase is not measured by its views;
    of a day without models the narrowest of LABEL_TYPES that is among `kinds`."""
    try:
        return list(read_json(lake, published, "model_card")["label_types"])
    except LakeError:
        return list(next((types for types in LABEL_TYPES if kinds.is_in(types).any()), LABEL_TYPES[0]))


def _lists(lake: Lake, published: date) -> Iterator[pl.DataFrame]:
    """The published lists, shard by shard, as deep as they are measured."""
    for shard in scan_shards(lake, published):
        rows = shard.filter(pl.col("rank") <= DEEP)
        # Rows of days before there was a propensity lack the column.
        known = [name for name in _COLUMNS if name != _CHANCE or name in rows.collect_schema().names()]
        yield rows.select(known).collect()


def _segments(context: RunContext, published: date) -> pl.DataFrame:
    day = published if has_partition(context.lake, schemas.USERS, as_of_date=published) else context.as_of_date
    return read_partition(context.lake, schemas.USERS, as_of_date=day).select("user_id", "segment")


def _measured_before(context: RunContext) -> dict[tuple[date, int], str]:
    """Checksum of the lists that the newest earlier run measured, by published day and horizon."""
    reach = timedelta(days=max(context.settings.measuring.horizons) + context.settings.measuring.late_days)
    held = days_of(context.lake, schemas.MEASURED_LISTS)
    days = [{"as_of_date": day} for day in held if context.as_of_date - reach <= day < context.as_of_date]
    rows = scan_partitions(context.lake, schemas.MEASURED_LISTS, days).collect()
    return {(published, horizon): checksum for published, horizon, checksum in rows.iter_rows()}


def _checksum(lake: Lake, published: date) -> str:
    return str(read_partition(lake, schemas.PUBLISHED_LISTS, as_of_date=published)["checksum"].first())
