"""Blocks of event text to finished day frames: typed, refused rows apart, duplicates out, sorted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl
import pyarrow as pa

from recsys.data.reject import as_json, event_reason, fill_events, read_values, rejected_events, split_duplicates
from recsys.run import RunError
from recsys.schemas import EVENTS, REJECTED_EVENTS

_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True)
class Block:
    """Part of the stream: `events` (schemas.EVENTS and `day`) that passed row by row, and `rejected` ones."""

    events: pl.DataFrame
    rejected: pl.DataFrame
    last_day: date | None

    @property
    def rows(self) -> int:
        """Source rows of the block."""
        return self.events.height + self.rejected.height


@dataclass(frozen=True)
class Day:
    """A finished day: `events` of schemas.EVENTS, sorted, `rejected` ones, and the number of source rows."""

    day: date
    events: pl.DataFrame
    rejected: pl.DataFrame
    source_rows: int


def with_days(rows: pa.Table, first_day: date, time_zone: str, clock_tolerance_minutes: int) -> Block:
    """Read a block of text rows, give each its day in `time_zone` and set the refused ones apart.

    A row without a readable time belongs to the day it was loaded, else to the day of the row before it.
    Raises RunError when days go backwards.
    """
    instant = pl.coalesce("occurred_at", "ingested_at").dt.convert_time_zone(time_zone)
    frame = read_values(rows, EVENTS).with_columns(
        instant.dt.date().forward_fill().fill_null(first_day).alias("day"),
        event_reason(clock_tolerance_minutes).alias("reason"),
    )
    if not frame["day"].is_sorted():
        raise RunError("events.sql: rows are not in order of time; keep the query's order by")
    last_day = frame["day"][-1] if frame.height else None
    if frame["reason"].null_count() == frame.height:
        rejected = pl.DataFrame(REJECTED_EVENTS.empty_table())
    else:
        refused = frame["reason"].is_not_null()
        texts = as_json(pl.DataFrame(rows).filter(refused))
        rejected = rejected_events(frame.filter(refused), texts)
        frame = frame.filter(~refused)
    return Block(fill_events(frame).select(*EVENTS.column_names, "day"), rejected, last_day)


def complete_days(blocks: Iterable[Block], days: list[date]) -> Iterator[list[Day]]:
    """Turn blocks into finished days: all of `days`, in order, some at a time; the last when the stream has ended.

    Memory holds one batch of days, or one day where a day is larger. Raises RunError for a row outside `days`.
    """
    waiting: list[Block] = []
    written = 0
    for block in blocks:
        if block.last_day is None:
            continue
        if waiting and block_first_day(block) < _last_day(waiting):
            raise RunError("events.sql: rows are not in order of time; keep the query's order by")
        waiting.append(block)
        if sum(b.rows for b in waiting) < _ROWS_AT_ONCE:
            continue
        until = _position(block.last_day, days)
        if until > written:
            merged = _merge(waiting)
            yield finish_days(_part(merged, pl.col("day") < block.last_day), days[written:until])
            waiting, written = [_part(merged, pl.col("day") >= block.last_day)], until
    merged = _merge(waiting)
    outside = pl.concat([merged.events["day"], merged.rejected["day"]]).is_in(days[written:])
    if not outside.all():
        raise RunError("events.sql gave a row outside the days asked for; keep the query's where clause")
    yield finish_days(merged, days[written:])


def _position(day: date, days: list[date]) -> int:
    place = (day - days[0]).days
    if not 0 <= place < len(days):
        raise RunError(f"events.sql gave a row of {day}, outside the days asked for; keep the query's where clause")
    return place


def block_first_day(block: Block) -> date:
    """The first day that the block has a row of."""
    firsts = [part["day"][0] for part in (block.events, block.rejected) if part.height]
    return min(firsts)


def _last_day(blocks: list[Block]) -> date:
    return max(block.last_day for block in blocks if block.last_day is not None)


def _merge(blocks: list[Block]) -> Block:
    if not blocks:
        events = pl.DataFrame(EVENTS.empty_table()).with_columns(pl.lit(None, pl.Date).alias("day"))
        return Block(events, pl.DataFrame(REJECTED_EVENTS.empty_table()), None)
    events = pl.concat([block.events for block in blocks])
    return Block(events, pl.concat([block.rejected for block in blocks]), _last_day(blocks))


def _part(block: Block, condition: pl.Expr) -> Block:
    return Block(block.events.filter(condition), block.rejected.filter(condition), block.last_day)


def finish_days(block: Block, days: list[date]) -> list[Day]:
    """The finished frames of `days` from a block that holds all their rows: each event_id once a day, sorted."""
    kept, doubles = split_duplicates(block.events, ["day", "event_id"])
    rejected = block.rejected
    if doubles.height:
        texts = as_json(doubles.select(EVENTS.column_names))
        refused = rejected_events(doubles.with_columns(pl.lit("duplicate_event_id").alias("reason")), texts)
        rejected = pl.concat([rejected, refused])
    kept = kept.sort("occurred_at", "event_id")
    rejected = rejected.sort("row_key", "reason", "row_text")
    events_by_day = kept.partition_by("day", as_dict=True, include_key=False)
    rejected_by_day = rejected.partition_by("day", as_dict=True)
    found = []
    for day in days:
        events = events_by_day.get((day,), kept.clear().drop("day"))
        refused = rejected_by_day.get((day,), rejected.clear())
        found.append(Day(day, events, refused, events.height + refused.height))
    return found
