"""Drop what is older than the retention: whole partitions of the warehouse and of the lake."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from recsys import schemas
from recsys.claims import claimed_days
from recsys.models.cuts import cut_days
from recsys.models.gate import find_champion
from recsys.models.registry import drop_old_cuts
from recsys.recommendations.day_report import try_write_report
from recsys.recommendations.publish import drop_partition
from recsys.recommendations.publish_turn import exclusive
from recsys.run import Counts, RunContext
from recsys.storage import drop_aside, drop_folders, table_names
from recsys.warehouse import STAGING, connect_warehouse, current_day, partition_days, partition_name

_DAY_KEY = "as_of_date="


def apply_retention(context: RunContext) -> Counts:
    """Drop published days, staged leftovers and as-of partitions of the lake older than their retention.

    The age counts from the run's as-of date. The current day and days that a run holds stay, whatever their age, in the
    lake with the models that they need; events of the lake stay too. What killed processes left half written goes when
    no other run is at work. Returns how many days and partitions went. The last step of a run that made anything, it
    also writes the day's report.
    """
    settings, day = context.settings.publish, context.as_of_date
    with connect_warehouse(context.environment.warehouse_dsn) as connection:
        held = set(claimed_days(connection))
        current = current_day(connection)
        kept = held | ({day, current} if current else {day})
        oldest = day - timedelta(days=settings.retention_days)
        old = [past for past in _stored_days(connection, "recsys") if past < oldest and past not in kept]
        leftovers = [past for past in _stored_days(connection, STAGING) if past not in kept and past <= day]
        connection.commit()
        if old:
            with exclusive(connection, settings):
                # Readers may have been waited for meanwhile, and somebody may have gone back to an old day.
                if current := current_day(connection):
                    kept.add(current)
                old = [past for past in old if past not in kept]
                _drop_days(connection, old)
        _drop_staged(connection, leftovers)
    counts: Counts = {
        "days": len(old),
        "staged_days": len(leftovers),
        "lake_partitions": _drop_from_lake(context, kept),
    }
    if held <= {day}:
        counts["files_aside"] = drop_aside(context.lake)
    return {**counts, **try_write_report(context)}


def _drop_from_lake(context: RunContext, kept: set[date]) -> int:
    """Delete as-of partitions, and cuts that only they need, beyond the retention; returns how many.

    Those of `kept` days stay, and those of the champions that these are compared with or scored by.
    """
    lake, models = context.lake, context.settings.models
    oldest = context.as_of_date - timedelta(days=context.settings.publish.lake_retention_days)
    kept = kept | {champion for day in kept if (champion := find_champion(replace(context, as_of_date=day)))}
    gone = [
        path
        for table in table_names(lake)
        for path in drop_folders(lake, table, _DAY_KEY, lambda day: day < oldest and day not in kept)
    ]
    cuts = {cut for day in kept for cut in cut_days(day, models)}
    return len(gone) + len(drop_old_cuts(lake, cut_days(oldest, models)[-1], cuts))


def _stored_days(connection: Connection, schema: str) -> list[date]:
    return sorted({day for table in schemas.PUBLISHED for day in partition_days(connection, schema, table)})


def _drop_days(connection: Connection, days: list[date]) -> None:
    for day in days:
        for table in schemas.PUBLISHED:
            drop_partition(connection, table, day)
    with connection.cursor() as cursor:
        cursor.execute("delete from recsys.published_runs where as_of_date = any(%s)", (days,))


def _drop_staged(connection: Connection, days: list[date]) -> None:
    with connection.cursor() as cursor:
        for day in days:
            for table in schemas.PUBLISHED:
                name = sql.Identifier(STAGING, partition_name(table, day))
                cursor.execute(sql.SQL("drop table if exists {}").format(name))
