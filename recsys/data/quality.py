"""Rows of data_quality: what a run's input looks like, one row a check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from recsys.data.events import event_day
from recsys.schemas import CAMPAIGN_TABLES, DATA_QUALITY, EVENTS, ITEMS, STOCK, USERS, Table
from recsys.settings.opening import OpeningSettings

_MAX_GAP_SHARE = 0.01
"""Share of events that may point to an item or a user that its table does not hold."""
_WEEKS = 4
"""Weeks of events from which on a weekday without any is one on which the shop is always closed."""


@dataclass(frozen=True)
class Finding:
    """One check; `severity` is what a failure means: stop, warn or info."""

    table: str
    check: str
    message: str
    value: float | None = None
    threshold: float | None = None
    subject: str = ""
    severity: str = "info"
    passed: bool = True


def at_most(table: Table, check: str, value: float, limit: float, message: str, severity: str) -> Finding:
    """A check that holds while `value` is at most `limit`."""
    return Finding(table.name, check, message, value, limit, "", severity, value <= limit)


def as_rows(findings: list[Finding], as_of_date: date) -> pl.DataFrame:
    """Rows of schemas.DATA_QUALITY, sorted by key."""
    names = {"table": "table_name", "check": "check_name"}
    schema = pl.DataFrame(DATA_QUALITY.empty_table()).schema
    rows = [
        {"as_of_date": as_of_date, **{names.get(key, key): value for key, value in vars(finding).items()}}
        for finding in findings
    ]
    return pl.DataFrame(rows, schema=schema).sort(DATA_QUALITY.key)


def null_shares(frame: pl.LazyFrame, table: Table) -> list[Finding]:
    """The share of nulls of every column of `table` that may be null."""
    names = [column.name for column in table.columns if column.nullable]
    shares = frame.select(pl.col(names).is_null().mean()).collect().row(0, named=True)
    return [
        Finding(table.name, "null_share", f"{share or 0:.1%} of {name} is null", float(share or 0), subject=name)
        for name, share in shares.items()
    ]


def rejections(rejected: pl.DataFrame, kept: dict[str, int], max_share: float) -> list[Finding]:
    """Refused rows by table and reason, and their share of each table; above `max_share` the run must stop."""
    found = []
    for table in (EVENTS, ITEMS, USERS, STOCK, *CAMPAIGN_TABLES):
        reasons = rejected.filter(pl.col("table_name") == table.name).group_by("reason").len()
        reasons = reasons.sort(["len", "reason"], descending=[True, False])
        for reason, rows in reasons.iter_rows():
            found.append(
                Finding(
                    table.name,
                    "rejected_rows",
                    f"{rows} row(s) refused: {reason}",
                    float(rows),
                    0.0,
                    reason,
                    "warn",
                    False,
                )
            )
        refused = int(reasons["len"].sum())
        share = refused / max(kept[table.name] + refused, 1)
        top = ", ".join(f"{reason} {rows}" for reason, rows in reasons.head(3).iter_rows())
        message = f"{refused} of {kept[table.name] + refused} rows refused ({share:.2%})" + (f": {top}" if top else "")
        found.append(at_most(table, "rejected_share", share, max_share, message, "stop"))
    return found


def event_findings(events: pl.LazyFrame, as_of: datetime, time_zone: str, opening: OpeningSettings) -> list[Finding]:
    """Number, freshness and days without any, of the events that the run uses; closed days neither lack nor age.

    Closed is also a weekday that has had no event in four weeks or more, where other weekdays have.
    """
    day = event_day(time_zone)
    told = events.group_by(day=day).agg(rows=pl.len(), newest=pl.col("occurred_at").max()).sort("day").collect()
    rows = int(told["rows"].sum())
    if not rows:
        message = f"no event was known at {as_of.isoformat()}"
        return [Finding(EVENTS.name, "row_count", message, 0.0, 1.0, severity="stop", passed=False)]
    oldest, newest = told["day"][0], told["day"][-1]
    last = pl.select(pl.lit(as_of).dt.convert_time_zone(time_zone).dt.date()).item()
    gaps = set(pl.date_range(oldest, last, closed="left", eager=True)) - set(told["day"])
    open_weekdays = {day.weekday() for day in told["day"]} if (last - oldest).days >= _WEEKS * 7 else set(range(7))
    closed = {day for day in gaps if opening.closed(day) or day.weekday() not in open_weekdays}
    empty = len(gaps) - len(closed)
    age = (as_of - told["newest"].to_list()[-1]).total_seconds() / 86_400 - sum(day > newest for day in closed)
    return [
        Finding(EVENTS.name, "row_count", f"{rows} events in use", float(rows), 1.0, severity="stop"),
        at_most(EVENTS, "days_without_events", empty, 0, f"{empty} day(s) since {oldest} have no event", "warn"),
        at_most(EVENTS, "freshness_days", age, 1.0, f"the newest event is {age:.2f} days old", "warn"),
        *null_shares(events, EVENTS),
    ]


def reference_gap(
    rows: pl.LazyFrame, column: str, frame: pl.DataFrame, table: Table, told_of: Table | None = None
) -> Finding:
    """The share of events whose id in `column` `table`, whose rows `frame` are, does not hold; or of rows of `told_of`,
    beside which the finding then stands."""
    beside, name = told_of or table, told_of.name if told_of else EVENTS.name
    if frame.is_empty():
        return Finding(beside.name, "missing_from_table", f"no row of {table.name} to compare with", subject=column)
    known = frame.lazy().select(column, pl.lit(value=True).alias("known"))
    counts = rows.group_by(column).len().join(known, on=column, how="left").collect()
    gap = int(counts.filter(pl.col("known").is_null())["len"].sum())
    share = gap / max(int(counts["len"].sum()), 1)
    message = f"{share:.2%} of {name} have a {column} that {table.name} lacks"
    return Finding(
        beside.name, "missing_from_table", message, share, _MAX_GAP_SHARE, column, "warn", share <= _MAX_GAP_SHARE
    )


def snapshot_findings(frame: pl.DataFrame, table: Table, as_of_date: date) -> list[Finding]:
    """Rows of a snapshot, and how many tell of a later day than the run may know."""
    count = Finding(table.name, "row_count", f"{frame.height} rows", float(frame.height))
    # Stock is counted at the end of its day: that of the as-of date itself is already too late.
    limit = pl.col("snapshot_date") >= as_of_date if table is STOCK else pl.col("snapshot_date") > as_of_date
    late = frame.filter(limit).height
    message = f"{late} row(s) tell of a later day than {as_of_date}: the shop keeps no history of {table.name}"
    if not late:
        message = f"every row tells of {as_of_date} or before"
    later = at_most(table, "later_snapshot", late, 0, message, "warn")
    return [count, later, *(null_shares(frame.lazy(), table) if frame.height else [])]
