"""Two runs of the same as-of date exclude each other; runs of different dates do not.

A run is many processes, so the claim is a row, written and renewed under an advisory lock that lasts one transaction.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from recsys.database import connect
from recsys.run import Counts, RunContext, RunError

ABANDONED_MINUTES = 15
"""A claim that no task renewed for so long belongs to a run that was killed."""

_LOCK_KEY = 20_171
"""First half of the advisory lock's key; the second half is the day's number."""

_CLAIM = """
insert into recsys.run_claims (as_of_date, run_id, renewed_at)
values (%(day)s, %(run)s, clock_timestamp())
on conflict (as_of_date) do update set run_id = excluded.run_id, renewed_at = excluded.renewed_at
where run_claims.run_id = excluded.run_id
   or run_claims.renewed_at < clock_timestamp() - make_interval(mins => %(minutes)s)
returning run_id
"""


def claim_day(context: RunContext) -> Counts:
    """Claim the context's day for its run, or renew the claim that the run holds.

    Raises RunError, naming the other run and how to release its claim, when another run holds the day.
    """
    day = context.as_of_date
    with connect(context.environment.warehouse_dsn, "warehouse") as connection, connection.cursor() as cursor:
        _lock(cursor, day)
        cursor.execute(_CLAIM, {"day": day, "run": context.run_id, "minutes": ABANDONED_MINUTES})
        if cursor.fetchone() is None:
            cursor.execute("select run_id, renewed_at from recsys.run_claims where as_of_date = %s", (day,))
            holder, seen = cursor.fetchone() or ("unknown", "unknown")
            raise RunError(
                f"{day} is being built by the run {holder} (last seen {seen:%Y-%m-%d %H:%M} UTC); wait for it, "
                f"or, if it was killed: python -m recsys release --as-of {day}"
            )
    return {"claimed": day.isoformat()}


def release_day(context: RunContext) -> Counts:
    """Release the claim on the context's day if its run holds it."""
    with connect(context.environment.warehouse_dsn, "warehouse") as connection, connection.cursor() as cursor:
        cursor.execute(
            "delete from recsys.run_claims where as_of_date = %s and run_id = %s", (context.as_of_date, context.run_id)
        )
        return {"released": cursor.rowcount}


def force_release(warehouse_dsn: str, day: date) -> list[str]:
    """Release `day` whoever holds it; returns the run that held it, or nothing."""
    with connect(warehouse_dsn, "warehouse") as connection, connection.cursor() as cursor:
        cursor.execute("delete from recsys.run_claims where as_of_date = %s returning run_id", (day,))
        return [run for (run,) in cursor.fetchall()]


def _lock(cursor: Any, day: date) -> None:
    cursor.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK_KEY, day.toordinal()))
