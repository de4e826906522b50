"""Reading the lake's events as a run may see them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import polars as pl
import pyarrow.parquet as pq

from recsys.run import RunContext, RunError, days_before
from recsys.schemas import EVENTS, EXCLUDED_EVENTS, Table
from recsys.storage import Lake, has_partition, list_keys, partition_path, read_partition, scan_partitions


def look_back(context: RunContext) -> list[date]:
    """Days of the look-back window, oldest first; the as-of date is not one of them."""
    return days_before(context.as_of_date, context.settings.data.look_back_days)


def held_days(context: RunContext, table: Table = EVENTS) -> list[date]:
    """Days of the look-back window for which the lake holds a partition of `table`, oldest first."""
    held = set(list_keys(context.lake, table))
    return [day for day in look_back(context) if day.isoformat() in held]


def known_by(context: RunContext) -> datetime:
    """Instant until which a row may have been ingested to count for the run."""
    return context.as_of + timedelta(hours=context.settings.data.allowed_lateness_hours)


def event_day(time_zone: str, column: str = "occurred_at") -> pl.Expr:
    """The day of an instant in `time_zone`."""
    return pl.col(column).dt.convert_time_zone(time_zone).dt.date()


def visible_events(context: RunContext) -> pl.LazyFrame:
    """Events of the window that the run could have known, with the ones that check_extracts excludes.

    Sorted by (occurred_at, event_id), because day partitions are and follow each other.
    """
    days = [{"date": day} for day in held_days(context)]
    return scan_partitions(context.lake, EVENTS, days).filter(
        pl.col("occurred_at") < context.as_of, pl.col("ingested_at") <= known_by(context)
    )


def read_events(
    context: RunContext, *, columns: list[str] | None = None, before: datetime | None = None
) -> pl.LazyFrame:
    """Events of the look-back window that the run may use, sorted by (occurred_at, event_id).

    One row per event, `columns` of schemas.EVENTS (default: all), each event_id once, none at or after `before`
    (default: the as-of instant). Raises RunError when check_extracts has not run for the as-of date.
    """
    if not has_partition(context.lake, EXCLUDED_EVENTS, as_of_date=context.as_of_date):
        raise RunError(f"events of {context.as_of_date} are not checked: run check_extracts first")
    events = visible_events(context)
    if before is not None:
        events = events.filter(pl.col("occurred_at") < before)
    excluded = read_partition(context.lake, EXCLUDED_EVENTS, as_of_date=context.as_of_date)
    if not excluded.is_empty():
        keys = ["event_id", "occurred_at"]
        events = events.join(excluded.lazy().select(keys), on=keys, how="anti", maintain_order="left")
    return events.select(columns or EVENTS.column_names)


def partition_rows(lake: Lake, table: Table, days: list[date]) -> dict[date, int]:
    """Rows of each day's partition, from the files' footers."""
    filesystem, root = lake.filesystem()

    def rows(day: date) -> int:
        with filesystem.open_input_file(f"{root}/{partition_path(table.name, date=day)}") as file:
            return int(pq.read_metadata(file).num_rows)

    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(days, pool.map(rows, days), strict=True))
