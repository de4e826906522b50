"""Checks of what was extracted: what is refused, whether the counts agree with the source, and when to stop."""

from __future__ import annotations

import dataclasses
import logging
from datetime import date, timedelta

import polars as pl

from recsys.data.campaigns import campaign_table
from recsys.data.events import event_day, held_days, known_by, partition_rows, read_events, visible_events
from recsys.data.exclude import excluded_events
from recsys.data.expectations import EXPECTATIONS, Inputs, expected
from recsys.data.quality import (
    Finding,
    as_rows,
    at_most,
    event_findings,
    reference_gap,
    rejections,
    snapshot_findings,
)
from recsys.data.snapshots import SNAPSHOTS
from recsys.run import Accepted, Counts, RunContext, RunError
from recsys.schemas import (
    CAMPAIGN_TABLES,
    CAMPAIGNS,
    CONTACTS,
    DATA_QUALITY,
    EVENTS,
    EXCLUDED_EVENTS,
    EXTRACTED_DAYS,
    ITEMS,
    REJECTED_EVENTS,
    REJECTED_ROWS,
    REJECTED_SNAPSHOTS,
    RESPONSES,
    USERS,
    Table,
)
from recsys.storage import (
    Lake,
    list_keys,
    read_partition,
    read_partition_if_any,
    scan_partitions,
    write_partition,
)

log = logging.getLogger(__name__)
_LONGEST_KEY = 200
"""Characters of a refused row's identifier that are told."""


def check_extracts(context: RunContext) -> Counts:
    """Write excluded_events, rejected_rows and data_quality of the as-of date from what the lake holds.

    Raises RunError, after they are written, when a check that stops the run fails: counts that do not agree with the
    source, more refused rows than max_rejected_share, or no event at all.
    """
    lake, settings, day = context.lake, context.settings, context.as_of_date
    factor = settings.data.absurd_price_factor
    excluded = excluded_events(visible_events(context), factor, settings.time_zone)
    write_partition(lake, EXCLUDED_EVENTS, excluded, as_of_date=day)
    rejected = rejected_rows(context, excluded)
    write_partition(lake, REJECTED_ROWS, rejected, as_of_date=day)
    findings = [let_pass(finding, context.accepted) for finding in find(context, rejected)]
    write_partition(lake, DATA_QUALITY, as_rows(findings, day), as_of_date=day)
    for finding in findings:
        if not finding.passed:
            log.warning("%s: %s (%s)", finding.table, finding.message, finding.check)
    stops = [finding for finding in findings if finding.severity == "stop" and not finding.passed]
    if stops:
        text = "; ".join(f"{finding.table}: {finding.message}" for finding in stops)
        names = ", ".join(dict.fromkeys(f"{finding.table}.{finding.check}" for finding in stops))
        raise RunError(f"the data of {day} may not be published: {text} (accept {names} to let it pass)")
    failed = sum(not finding.passed for finding in findings)
    return {"rejected_rows": rejected.height, "checks": len(findings), "warnings": failed}


def check_names() -> list[str]:
    """Names, `table.check`, of the checks of the data that may stop a run, sorted: what a person may let pass."""
    shares = [f"{table.name}.rejected_share" for table in (EVENTS, *SNAPSHOTS, *CAMPAIGN_TABLES)]
    always = [f"{EVENTS.name}.reconciled", f"{EVENTS.name}.row_count"]
    return sorted([*always, *shares, *(one.name for one in EXPECTATIONS)])


def let_pass(finding: Finding, accepted: Accepted) -> Finding:
    """A failed check that a person accepted is a warning that says who and why; any other finding as it is."""
    if finding.passed or finding.severity != "stop" or f"{finding.table}.{finding.check}" not in accepted.checks:
        return finding
    message = f"{finding.message}; accepted by {accepted.who}: {accepted.why}"
    return dataclasses.replace(finding, severity="warn", message=message)


def find(context: RunContext, rejected: pl.DataFrame) -> list[Finding]:
    """All findings about the run's input; `rejected` are its refused rows."""
    day = context.as_of_date
    events = read_events(context)
    frames = {table.name: read_partition(context.lake, table, as_of_date=day) for table in SNAPSHOTS}
    found = [
        reconciled(context),
        *event_findings(events, context.as_of, context.settings.time_zone, context.settings.opening),
    ]
    rows = next(int(finding.value or 0) for finding in found if finding.check == "row_count")
    kept = {EVENTS.name: rows, **{name: frame.height for name, frame in frames.items()}}
    kept |= {table.name: campaign_table(context, table).height for table in CAMPAIGN_TABLES}
    found += rejections(rejected, kept, context.settings.data.max_rejected_share)
    for table in SNAPSHOTS:
        found += snapshot_findings(frames[table.name], table, day)
    found.append(reference_gap(events, "item_id", frames[ITEMS.name], ITEMS))
    found.append(reference_gap(events, "user_id", frames[USERS.name], USERS))
    found += _campaign_gaps(context, frames[USERS.name])
    return found + expected(_inputs(context, events, rejected, frames))


def _campaign_gaps(context: RunContext, users: pl.DataFrame) -> list[Finding]:
    """Contacts and responses of campaigns, or of users, that the shop does not know: they would count for nobody."""
    campaigns, found = campaign_table(context, CAMPAIGNS), []
    for table in (CONTACTS, RESPONSES):
        rows = campaign_table(context, table).lazy()
        if rows.head(1).collect().height:
            found.append(reference_gap(rows, "campaign_id", campaigns, CAMPAIGNS, table))
            found.append(reference_gap(rows, "user_id", users, USERS, table))
    return found


def _inputs(
    context: RunContext, events: pl.LazyFrame, rejected: pl.DataFrame, frames: dict[str, pl.DataFrame]
) -> Inputs:
    newest = context.as_of_date - timedelta(days=1)
    dated = events.with_columns(day=event_day(context.settings.time_zone))
    refused = rejected.filter((pl.col("table_name") == EVENTS.name) & (pl.col("day") == newest))
    return Inputs(
        day=newest,
        events=dated,
        newest=dated.filter(pl.col("day") == newest).collect(),
        by_day=dated.group_by("day", "event_type").agg(pl.len().alias("rows")).collect(),
        refused=len(refused),
        tables=frames,
        earlier=_earlier_snapshots(context),
        lacked=_lacked_columns(context, frames[ITEMS.name]),
        settings=context.settings.quality,
        opening=context.settings.opening,
    )


def _earlier_snapshots(context: RunContext) -> dict[str, pl.DataFrame]:
    """Items and users of the newest day before the as-of date that the lake holds and that no check stopped, if it is
    not too old."""
    found = {}
    for table in (ITEMS, USERS):
        days = _days_before(context, table)
        # Beside a day that was stopped itself, the same fault would look like no change on the next one.
        sound = next((day for day in days if not _was_stopped(context.lake, day)), None)
        if sound is not None:
            found[table.name] = read_partition(context.lake, table, as_of_date=sound)
    return found


def _lacked_columns(context: RunContext, items: pl.DataFrame) -> frozenset[str]:
    empty = [name for name in items.columns if items[name].null_count() == len(items)]
    days = _days_before(context, ITEMS)
    if not (empty and days):
        return frozenset()
    rows = scan_partitions(context.lake, ITEMS, [{"as_of_date": day} for day in days])
    known = rows.select(pl.col(empty).is_not_null().any()).collect().row(0, named=True)
    return frozenset(name for name, has_value in known.items() if not has_value)


def _days_before(context: RunContext, table: Table) -> list[date]:
    """Days before the as-of date, newest first and not too old, of which the lake holds a snapshot of `table`."""
    oldest = context.as_of_date - timedelta(days=context.settings.quality.snapshot_days)
    held = [date.fromisoformat(day) for day in list_keys(context.lake, table)]
    return sorted((day for day in held if oldest <= day < context.as_of_date), reverse=True)


def _was_stopped(lake: Lake, day: date) -> bool:
    checks = read_partition_if_any(lake, DATA_QUALITY, as_of_date=day)
    return not checks.filter((pl.col("severity") == "stop") & ~pl.col("passed")).is_empty()


def reconciled(context: RunContext) -> Finding:
    """Whether each day's rows in the lake, kept and refused, are as many as the source delivered, and no day lacks."""
    held, marked = held_days(context), held_days(context, EXTRACTED_DAYS)
    marks = scan_partitions(context.lake, EXTRACTED_DAYS, [{"date": day} for day in marked]).collect()
    source = dict(marks.select("day", "source_rows").iter_rows())
    kept = partition_rows(context.lake, EVENTS, held)
    refused = partition_rows(context.lake, REJECTED_EVENTS, held_days(context, REJECTED_EVENTS))
    first = held[0] if held else context.as_of_date - timedelta(days=1)
    days = [first + timedelta(days=n) for n in range((context.as_of_date - first).days)]
    wrong = [day for day in days if day not in kept or kept[day] + refused.get(day, 0) != source.get(day)]
    message = "every day holds, kept or refused, as many rows as the source delivered"
    if wrong:
        some = ", ".join(str(day) for day in wrong[:5])
        message = f"{len(wrong)} day(s) hold other rows than the source delivered ({some}); run extract_events again"
    return at_most(EVENTS, "reconciled", len(wrong), 0, message, "stop")


def rejected_rows(context: RunContext, excluded: pl.DataFrame) -> pl.DataFrame:
    """Rows of schemas.REJECTED_ROWS: everything refused that the run could have known of, sorted by key."""
    days = [{"date": day} for day in held_days(context, REJECTED_EVENTS)]
    known = pl.col("ingested_at").is_null() | (pl.col("ingested_at") <= known_by(context))
    refused = scan_partitions(context.lake, REJECTED_EVENTS, days).filter(known).collect()
    columns = ["table_name", "row_key", "reason", "day", "row_text"]
    events = pl.lit(EVENTS.name).alias("table_name")
    snapshots = read_partition(context.lake, REJECTED_SNAPSHOTS, as_of_date=context.as_of_date)
    everything = pl.concat(
        [
            refused.with_columns(events).select(columns),
            excluded.rename({"event_id": "row_key"}).with_columns(events).select(columns),
            snapshots.with_columns(pl.lit(None, pl.Date).alias("day")).select(columns),
        ]
    )
    # What was refused may call itself anything, also what no index holds; the row's text is there whole.
    everything = everything.with_columns(pl.col("row_key").str.slice(0, _LONGEST_KEY)).sort(
        "table_name", "row_key", "reason", "day", "row_text", nulls_last=True
    )
    # The same row refused twice for the same reason stays two rows: 7, 7#2, 7#3.
    place = pl.int_range(pl.len()).over("table_name", "row_key", "reason") + 1
    numbered = pl.when(place > 1).then(pl.format("{}#{}", "row_key", place)).otherwise("row_key")
    return (
        everything.with_columns(numbered.alias("row_key"), pl.lit(context.as_of_date).alias("as_of_date"))
        .select(REJECTED_ROWS.column_names)
        .sort(REJECTED_ROWS.key)
    )
