"""Shop to lake: the event days that the lake lacks, in one stream; the snapshots are in recsys.data.snapshots.

A day partition holds every row of its day with the moment it was ingested, whatever the as-of date of the run
that wrote it; runs of different days share it, and the cut by ingestion is applied when reading.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta, timezone

import polars as pl
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from recsys.data.day_frames import Block, Day, complete_days, with_days
from recsys.data.events import held_days, look_back, partition_rows
from recsys.data.snapshots import extract_snapshots
from recsys.data.source import SourceRows, bound_query, newest, oldest, source_text, stream_values
from recsys.database import connect
from recsys.run import Counts, RunContext, RunError, start_of_day
from recsys.schemas import EVENTS, EXTRACTED_DAYS, REJECTED_EVENTS
from recsys.storage import Lake, has_partition, read_partition_if_any, scan_partitions, write_partition

log = logging.getLogger(__name__)

__all__ = ["extract_events", "extract_snapshots"]

_END_OF_TIME = datetime(9999, 12, 31, tzinfo=timezone.utc)
_RULES_VERSION = "3"
_OPEN = ":open"
_WRITERS = 2


def extract_events(context: RunContext) -> Counts:
    """Fill the lake's event days inside the look-back window, and read the newest `late_days` again.

    A day that no run has read as late as that is read again too, so that a gap between runs loses no late row.
    Each contiguous range of days is one streaming pass with memory for a day and a few blocks. Days before the
    shop's first event are not written. Runs with the same lake wait for each other, so that a parallel backfill reads
    the shop once. Raises RunError for a source that fails or breaks off, a shop without events before the as-of date,
    or an as-of date in the future of the shop's data; LakeError when the lake refuses.
    """
    with connect(context.environment.shop_dsn, "shop") as connection, _only_reader(connection, context):
        wanted = wanted_days(context, connection)
        rows = 0
        for days in ranges(wanted):
            rows += _extract_range(context, connection, days)
    return {"days": len(wanted), "source_rows": rows}


@contextmanager
def _only_reader(connection: Connection, context: RunContext) -> Iterator[None]:
    # A session lock: the server frees it with the connection, however the run ends.
    key = int.from_bytes(hashlib.sha256(context.environment.lake_uri.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", (key,))
        if not (cursor.fetchone() or [False])[0]:
            log.info("events: waiting for another run that fills this lake")
            cursor.execute("select pg_advisory_lock(%s)", (key,))
        # The default of 4 MB makes the server sort a year of events on disk.
        cursor.execute("set work_mem = '64MB'")
    # A new transaction, so that nothing is read from before the wait.
    connection.commit()
    yield


def fingerprint(context: RunContext) -> str:
    """Hash of everything besides the shop's rows that a day partition depends on."""
    settings = context.settings
    parts = (
        source_text(context, EVENTS),
        settings.time_zone,
        str(settings.data.clock_tolerance_minutes),
        _RULES_VERSION,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def finished_days(context: RunContext) -> dict[date, int]:
    """Days of the window that the lake holds whole, read by today's query and rules, with the rows kept of each."""
    written = set(held_days(context))
    days = [day for day in held_days(context, EXTRACTED_DAYS) if day in written]
    marks = scan_partitions(context.lake, EXTRACTED_DAYS, [{"date": day} for day in days]).collect()
    kept = dict(marks.filter(pl.col("fingerprint") == fingerprint(context)).select("day", "kept_rows").iter_rows())
    # A day whose rewriting broke off between its files is not whole.
    return {day: rows for day, rows in partition_rows(context.lake, EVENTS, sorted(kept)).items() if rows == kept[day]}


def wanted_days(context: RunContext, connection: Connection) -> list[date]:
    """Days to read: those that the lake lacks and the newest `late_days`, from the shop's first event on; or all."""
    window, data = look_back(context), context.settings.data
    try:
        finished = {} if context.full_extract else finished_days(context)
    except FileNotFoundError as error:
        raise RunError(f"the shop needs a query of its events: {error.filename} is missing") from error
    late = set(window[-data.late_days :]) if data.late_days else set()
    wanted = [day for day in window if day not in finished or day in late]
    recent = window[-data.max_stale_days :]
    if set(wanted) <= late and any(finished.get(day) for day in recent):
        return wanted
    first = _first_day(context, connection, window[0])
    return [day for day in wanted if day >= first]


def _first_day(context: RunContext, connection: Connection, window_start: date) -> date:
    # The shop's first day inside the window; refuses an as-of date outside the shop's data.
    zone, stale = context.settings.time_zone, context.settings.data.max_stale_days
    query, _ = _bound(context, connection, start_of_day(window_start, zone), _END_OF_TIME)
    first = oldest(connection, query, EVENTS, zone)
    if first is None or first >= context.as_of:
        raise RunError(f"the shop has no event before {context.as_of_date} (looked back to {window_start})")
    recent, _ = _bound(
        context, connection, start_of_day(context.as_of_date - timedelta(days=stale), zone), _END_OF_TIME
    )
    if oldest(connection, recent, EVENTS, zone) is None:
        last = newest(connection, query, EVENTS)
        raise RunError(
            f"as-of date {context.as_of_date} is in the future of the shop's data: its newest event is of "
            f"{last.isoformat() if last else None}, more than max_stale_days = {stale} days before"
        )
    return local_day(first, zone)


def reaches_last_day(context: RunContext) -> bool:
    """Whether the shop has an event on the day before the as-of date, or a later one."""
    last = start_of_day(context.as_of_date - timedelta(days=1), context.settings.time_zone)
    with connect(context.environment.shop_dsn, "shop") as connection:
        query, _ = _bound(context, connection, last, _END_OF_TIME)
        return oldest(connection, query, EVENTS, context.settings.time_zone) is not None


def _bound(context: RunContext, connection: Connection, start: datetime, end: datetime) -> tuple[sql.SQL, list[str]]:
    source = bound_query(context, connection, EVENTS, {"window_start": start, "window_end": end})
    if source is None:
        raise RunError(f"the shop has no events: the table that {EVENTS.name}.sql reads does not exist")
    return source


def local_day(instant: datetime, time_zone: str) -> date:
    """The day of `instant` in `time_zone`."""
    return pl.select(pl.lit(instant).dt.convert_time_zone(time_zone).dt.date()).item()


def ranges(days: list[date]) -> list[list[date]]:
    """Sorted days as runs of days that follow each other."""
    found: list[list[date]] = []
    for day in days:
        if found and day - found[-1][-1] == timedelta(days=1):
            found[-1].append(day)
        else:
            found.append([day])
    return found


def _extract_range(context: RunContext, connection: Connection, days: list[date]) -> int:
    zone = context.settings.time_zone
    end = start_of_day(days[-1] + timedelta(days=1), zone)
    source = _bound(context, connection, start_of_day(days[0], zone), end)
    log.info("events: reading %s to %s", days[0], days[-1])
    # Closed at once on an error, so that a query under way is cancelled before the connection is given back.
    with closing(stream_values(EVENTS, connection, *source)) as blocks:
        marks = write_days(context, days, blocks)
    # Marked only now, when the server's count of the whole range has been compared with what arrived.
    for mark in marks:
        write_partition(context.lake, EXTRACTED_DAYS, mark, date=mark["day"].item())
    return sum(mark["source_rows"].item() for mark in marks)


def write_days(context: RunContext, days: list[date], blocks: Iterable[SourceRows]) -> list[pl.DataFrame]:
    """Write the events of `days`, which follow each other, from blocks ordered by time.

    Every day gets its partition, an empty one too, each replaced atomically. Returns one row of
    schemas.EXTRACTED_DAYS a day. Raises RunError for rows out of order or outside `days`, and for days of which the
    lake holds rows and the source no longer any.
    """
    data, zone = context.settings.data, context.settings.time_zone
    clock = time.monotonic()
    name = fingerprint(context)
    untimed: list[pl.DataFrame] = []

    def frames() -> Iterator[Block]:
        for rows in blocks:
            block = with_days(rows, days[0], zone, data.clock_tolerance_minutes)
            if block.untimed.height:
                untimed.append(block.untimed)
            yield block

    rows = 0
    marks: list[pl.DataFrame] = []
    with ThreadPoolExecutor(max_workers=_WRITERS) as pool:
        under_way: Iterable[pl.DataFrame] = ()
        for finished in complete_days(frames(), days):
            rows += sum(day.source_rows for day in finished)
            if not rows:
                _refuse_emptied(context, [day.day for day in finished])
            # The days before are written while these are read; waiting for them bounds the memory.
            marks += under_way
            under_way = pool.map(lambda day: _write_day(context, day, name), finished)
            speed = rows / max(time.monotonic() - clock, 1e-9)
            log.info("events: %s to %s read, %d rows, %.0f rows/s", days[0], finished[-1].day, rows, speed)
        marks += under_way
    return _add_untimed(context.lake, marks, untimed) if untimed else marks


def _refuse_emptied(context: RunContext, days: list[date]) -> None:
    """Raise RunError where the lake holds rows of `days`, of which the source gave none: a shop emptied by accident."""
    held = [day for day in held_days(context) if day in days]
    rows = sum(partition_rows(context.lake, EVENTS, held).values())
    if rows:
        raise RunError(
            f"the shop has no event of {days[0]} to {days[-1]} any more, of which the lake holds {rows}: nothing was "
            f"replaced; if the shop is right, delete these days of {EVENTS.name}/ in the lake"
        )


def _add_untimed(lake: Lake, marks: list[pl.DataFrame], untimed: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Put refused rows without a time, which come after all others, to those of their days; returns the new marks."""
    parts = pl.concat(untimed).partition_by("day", as_dict=True)
    strange = sorted(day for (day,) in parts if not any(mark["day"].item() == day for mark in marks))
    if strange:
        raise RunError(
            f"events.sql gave a row of {strange[0]}, outside the days asked for; keep the query's where clause"
        )
    return [_mark_with(lake, mark, parts.get((mark["day"].item(),))) for mark in marks]


def _mark_with(lake: Lake, mark: pl.DataFrame, added: pl.DataFrame | None) -> pl.DataFrame:
    if added is None:
        return mark
    day = mark["day"].item()
    rejected = pl.concat([read_partition_if_any(lake, REJECTED_EVENTS, date=day), added])
    write_partition(lake, REJECTED_EVENTS, rejected.sort("row_key", "reason", "row_text"), date=day)
    return mark.with_columns(pl.col("source_rows", "rejected_rows") + added.height)


def _write_day(context: RunContext, day: Day, name: str) -> pl.DataFrame:
    lake = context.lake
    write_partition(lake, EVENTS, day.events, date=day.day)
    if day.rejected.height or has_partition(lake, REJECTED_EVENTS, date=day.day):
        write_partition(lake, REJECTED_EVENTS, day.rejected, date=day.day)
    return pl.DataFrame(
        {
            "day": [day.day],
            "source_rows": [day.source_rows],
            "kept_rows": [day.events.height],
            "rejected_rows": [day.rejected.height],
            "fingerprint": [name if _is_settled(context, day.day, name) else name + _OPEN],
        }
    )


def _is_settled(context: RunContext, day: date, name: str) -> bool:
    # A day once read late enough stays so, when a backfill of an earlier day reads it again.
    if day <= context.as_of_date - timedelta(days=context.settings.data.late_days):
        return True
    return name in read_partition_if_any(context.lake, EXTRACTED_DAYS, date=day)["fingerprint"]
