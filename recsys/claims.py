"""A run claims its day, so that two runs never build the same day at once.

A run is many processes, so the claim is a row and not a lock: it names the run and when it was last seen. A claim not
renewed for a quarter of an hour counts as abandoned.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg2
from psycopg2.extensions import connection as Connection

from recsys.config import Environment
from recsys.database import DatabaseError
from recsys.run import Counts, RunContext, RunError
from recsys.warehouse import connect_warehouse

_LEASE = "15 minutes"
_RENEW_SECONDS = 60.0
_log = logging.getLogger(__name__)

_CLAIM = """
insert into recsys.run_claims as held (as_of_date, run_id)
values (%(day)s, %(run)s)
on conflict (as_of_date) do update
set
    run_id = excluded.run_id,
    claimed_at = case
        when held.run_id = excluded.run_id and held.released_at is null then held.claimed_at
        else excluded.claimed_at
    end,
    last_seen = excluded.last_seen,
    released_at = null
where
    held.run_id = excluded.run_id
    or held.released_at is not null
    or held.last_seen < excluded.last_seen - %(lease)s::interval
returning held.claimed_at < held.last_seen
"""


def claim_run(context: RunContext) -> Counts:
    """Claim the run's day, or renew the claim that it holds; the first step of a run.

    Raises RunError, which names the other run and what to do, while another run holds the day.
    """
    _claim(context)
    return {"claimed": context.as_of_date.isoformat()}


def release_run(context: RunContext) -> Counts:
    """Give the day back if the context's run holds it; the last step of a run, whether it went well or not."""
    with connect_warehouse(context.environment.warehouse_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "update recsys.run_claims set released_at = current_timestamp"
            " where as_of_date = %s and run_id = %s and released_at is null",
            (context.as_of_date, context.run_id),
        )
        return {"released": cursor.rowcount}


def release_day(environment: Environment, day: date) -> Counts:
    """Give `day` back whoever holds it, for a person who knows that the run is dead; names the run that held it.

    Raises RunError when no run holds the day.
    """
    with connect_warehouse(environment.warehouse_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "update recsys.run_claims set released_at = current_timestamp"
            " where as_of_date = %s and released_at is null returning run_id",
            (day,),
        )
        row = cursor.fetchone()
    if row is None:
        raise RunError(f"as-of day {day}: no run holds it")
    return {"released": 1, "run": row[0]}


def claimed_days(connection: Connection) -> dict[date, str]:
    """Days that a run holds now, each with its run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select as_of_date, run_id from recsys.run_claims"
            " where released_at is null and last_seen >= current_timestamp - %s::interval",
            (_LEASE,),
        )
        return dict(cursor.fetchall())


def refuse_other_run(connection: Connection, context: RunContext) -> None:
    """Raise RunError where another run holds the context's day: this one stood still so long that it lost its claim."""
    holder = claimed_days(connection).get(context.as_of_date, context.run_id)
    if holder != context.run_id:
        raise RunError(f"as-of day {context.as_of_date} was taken over by run {holder}: this run changes nothing more")


def claimed_minutes(context: RunContext) -> float | None:
    """Minutes since the run claimed its day, by the warehouse's clock; None where it holds no claim."""
    if not context.environment.warehouse_dsn:
        return None
    with connect_warehouse(context.environment.warehouse_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select extract(epoch from current_timestamp - claimed_at) / 60 from recsys.run_claims"
            " where as_of_date = %s and run_id = %s and released_at is null",
            (context.as_of_date, context.run_id),
        )
        row = cursor.fetchone()
    return None if row is None else float(row[0])


@contextmanager
def claimed(context: RunContext) -> Iterator[None]:
    """Hold the run's day during the block and keep the claim fresh, however long it takes.

    A claim that the run held before stays afterwards; one made here is given back. Raises RunError as claim_run does.
    """
    held_before = _claim(context)
    done = threading.Event()
    keeper = threading.Thread(target=_keep_fresh, args=(context, done), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join()
        if not held_before:
            release_run(context)


def _claim(context: RunContext) -> bool:
    day, run = context.as_of_date, context.run_id
    with connect_warehouse(context.environment.warehouse_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"day": day, "run": run, "lease": _LEASE})
        row = cursor.fetchone()
        if row is not None:
            return bool(row[0])
        cursor.execute(
            "select run_id, to_char(claimed_at, 'YYYY-MM-DD HH24:MI') from recsys.run_claims where as_of_date = %s",
            (day,),
        )
        holder, since = cursor.fetchone() or ("unknown", "just now")
    raise RunError(
        f"as-of day {day} is being built by run {holder} since {since} UTC; "
        f"wait for it, or release the day with `python -m recsys release --as-of {day}` if that run is dead"
    )


def _keep_fresh(context: RunContext, done: threading.Event) -> None:
    while not done.wait(_RENEW_SECONDS):
        try:
            _claim(context)
        except (DatabaseError, RunError, psycopg2.Error) as error:
            # The step's own next statement will say what is wrong with the warehouse; here it is only a missed beat.
            _log.warning("the claim of %s could not be renewed: %s", context.as_of_date, error)
