"""Blocks of events to finished day frames: typed, refused rows apart, duplicates out, sorted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from recsys.data.reject import as_json, event_reason, fill_events, read_values, rejected_events, split_duplicates
from recsys.data.source import SourceRows
from recsys.run import RunError
from recsys.schemas import EVENTS, REJECTED_EVENTS

_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True)
class Block:
    """Part of the stream: `events` (schemas.EVENTS and `day`) that passed row by row, `rejected` ones, and `untimed`
    ones, rejected too, whose day may be long past; `last_day` is that of the last row with a time."""

    events: pl.DataFrame
    rejected: pl.DataFrame
    untimed: pl.DataFrame
    last_day: date | None

    @property
    def rows(self) -> int:
        """Source rows of the block, but for untimed ones."""
        return self.events.height + self.rejected.height


@dataclass(frozen=True)
class Day:
    """A finished day: `events` of schemas.EVENTS, sorted, `rejected` ones, and the number of source rows."""

    day: date
    events: pl.DataFrame
    rejected: pl.DataFrame
    source_rows: int


def with_days(rows: SourceRows, first_day: date, time_zone: str, clock_tolerance_minutes: int) -> Block:
    """Read a block of rows, give each its day in `time_zone` and set the refused ones apart.

    A row without a readable time belongs to the day it was loaded, else to `first_day`; it may come at any place.
    Raises RunError when the days of the others go backwards.
    """
    instant = pl.coalesce("occurred_at", "ingested_at").dt.convert_time_zone(time_zone)
    frame = read_values(rows.values, EVENTS).with_columns(
        instant.dt.date().fill_null(first_day).alias("day"), event_reason(clock_tolerance_minutes).alias("reason")
    )
    days = frame["day"].filter(frame["occurred_at"].is_not_null())
    if not days.is_sorted():
        raise RunError("events.sql: rows are not in order of time; keep the query's order by")
    rejected = untimed = pl.DataFrame(REJECTED_EVENTS.empty_table())
    if frame["reason"].null_count() < frame.height:
        refused = frame.filter(pl.col("reason").is_not_null())
        texts = as_json(pl.DataFrame(rows.text()).filter(frame["reason"].is_not_null()))
        timed = refused["occurred_at"].is_not_null()
        rejected, untimed = (rejected_events(refused, texts).filter(part) for part in (timed, ~timed))
        frame = frame.filter(pl.col("reason").is_null())
    kept = fill_events(frame).select(*EVENTS.column_names, "day")
    return Block(kept, rejected, untimed, days[-1] if len(days) else None)


def complete_days(blocks: Iterable[Block], days: list[date]) -> Iterator[list[Day]]:
    """Turn blocks into finished days: all of `days`, in order, some at a time; the last when the stream has ended.

    Untimed rows are left out. Memory holds one batch of days, or one day where a day is larger. Raises RunError for a
    row outside `days`.
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
        none = pl.DataFrame(REJECTED_EVENTS.empty_table())
        return Block(events, none, none, None)
    events = pl.concat([block.events for block in blocks])
    rejected = pl.concat([block.rejected for block in blocks])
    return Block(events, rejected, rejected.clear(), _last_day(blocks))


def _part(block: Block, condition: pl.Expr) -> Block:
    return Block(block.events.filter(condition), block.rejected.filter(condition), block.untimed, block.last_day)


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
    events_by_day = _slices(kept)
    rejected_by_day = rejected.partition_by("day", as_dict=True)
    found = []
    for day in days:
        events = events_by_day.get(day, kept.clear()).drop("day")
        refused = rejected_by_day.get((day,), rejected.clear())
        found.append(Day(day, events, refused, events.height + refused.height))
    return found


def _slices(events: pl.DataFrame) -> dict[date, pl.DataFrame]:
    """The events of each day, from events sorted by time."""
    runs = events["day"].rle().struct.unnest()
    starts = runs["len"].cum_sum() - runs["len"]
    return {day: events.slice(start, size) for day, start, size in zip(runs["value"], starts, runs["len"], strict=True)}
