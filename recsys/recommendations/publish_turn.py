"""Who may change what readers see: one session at a time, while no reader is in the middle of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection

from recsys import schemas
from recsys.run import RunError
from recsys.settings.publishing import PublishSettings

_log = logging.getLogger(__name__)
_LONGEST_PAUSE_SECONDS = 5.0
_LONGEST_SILENCE = "10s"
"""How long the server waits for a word from who holds the published tables: a process that stands still, or a machine
that is gone, must not keep readers out for hours."""
TAKE_TURN = "lock table recsys.current_run in share row exclusive mode"
"""What publishes, rolls back or drops days does so one after the other: a lock that keeps no reader from reading, and
that none may take, as anybody may an advisory lock."""


@contextmanager
def exclusive(connection: Connection, settings: PublishSettings, own: Sequence[sql.Identifier] = ()) -> Iterator[float]:
    """A transaction in which no one else reads or writes the published tables; committed at the end of the block.

    Yields the moment of the lock, as time.perf_counter gives it. A lock that does not come within the timeout is given
    up, so that readers pass, and tried again with growing pauses. `own` are tables that the block moves and nobody
    reads: they are locked first and waited for, since autovacuum may be at work in them. Raises RunError, which names
    who holds the lock where that can be known, after the last attempt.
    """
    tables = sql.SQL(", ").join(sql.Identifier("recsys", table.name) for table in schemas.PUBLISHED)
    timeout = f"{int(settings.lock_timeout_seconds * 1000)}ms"
    for attempt in range(1, settings.publish_attempts + 1):
        held = "another run or session that publishes, rolls back or drops days held the turn"
        try:
            with connection.cursor() as cursor:
                cursor.execute("select set_config('lock_timeout', %s, true)", (timeout,))
                cursor.execute(TAKE_TURN)
                cursor.execute("set local lock_timeout to default")
                for table in own:
                    cursor.execute(sql.SQL("lock table {} in access exclusive mode").format(table))
                held = "readers held the published tables"
                cursor.execute(
                    "select set_config('lock_timeout', %s, true),"
                    " set_config('idle_in_transaction_session_timeout', %s, true)",
                    (timeout, _LONGEST_SILENCE),
                )
                cursor.execute(sql.SQL("lock table {} in access exclusive mode").format(tables))
            break
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            connection.rollback()
            _log.info("%s; attempt %d of %d", held, attempt, settings.publish_attempts)
            if attempt < settings.publish_attempts:
                time.sleep(min(0.1 * 2 ** (attempt - 1), _LONGEST_PAUSE_SECONDS))
    else:
        raise RunError(
            f"{held} through {settings.publish_attempts} attempts{_holders(connection)}: look for long queries"
            " (pg_stat_activity), or raise publish.publish_attempts"
        )
    locked_at = time.perf_counter()
    try:
        yield locked_at
        connection.commit()
    except BaseException:
        with suppress(psycopg2.InterfaceError):
            connection.rollback()
        raise


def _holders(connection: Connection) -> str:
    """Who has a lock on a published table or on the turn, in brackets; nothing where they have let go by now."""
    names = ["current_run", *(table.name for table in schemas.PUBLISHED)]
    with connection.cursor() as cursor:
        # Where a turn is held, nobody else's lock on the pointer stands in the way.
        cursor.execute(
            "select distinct usename, pid from pg_locks join pg_stat_activity using (pid)"
            " join pg_class on pg_class.oid = relation and database = (select oid from pg_database where datname ="
            " current_database()) where granted and pid <> pg_backend_pid()"
            " and relnamespace = 'recsys'::regnamespace and relname = any(%s)"
            " and (relname <> 'current_run' or mode = 'ShareRowExclusiveLock') order by pid",
            (names,),
        )
        found = [f"{role or 'a server process'}, pid {pid}" for role, pid in cursor.fetchall()]
    connection.rollback()
    return f" ({'; '.join(found)})" if found else ""
