"""Drop what is older than the retention: whole partitions of the warehouse and of the lake."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow.fs as pafs
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from recsys import schemas
from recsys.claims import claimed_days
from recsys.models.cuts import cut_days
from recsys.models.registry import drop_old_cuts
from recsys.recommendations.day_report import try_write_report
from recsys.recommendations.publish import drop_partition, exclusive
from recsys.run import Counts, RunContext
from recsys.storage import Lake
from recsys.warehouse import STAGING, connect_warehouse, current_day, partition_days, partition_name

_DAY_KEY = "as_of_date="


def apply_retention(context: RunContext) -> Counts:
    """Drop published days, staged leftovers and as-of partitions of the lake older than their retention.

    The age counts from the run's as-of date. The current day and days that a run holds stay, whatever their age; events
    of the lake stay too. Returns how many days and partitions went. The last step of a run that made anything, it also
    writes the day's report.
    """
    settings, day = context.settings.publish, context.as_of_date
    with connect_warehouse(context.environment.warehouse_dsn) as connection:
        kept = claimed_days(connection)
        current = current_day(connection)
        kept |= {day, current} if current else {day}
        oldest = day - timedelta(days=settings.retention_days)
        old = [past for past in _stored_days(connection, "recsys") if past < oldest and past not in kept]
        leftovers = [past for past in _stored_days(connection, STAGING) if past not in kept and past <= day]
        connection.commit()
        if old:
            with exclusive(connection, settings):
                _drop_days(connection, old)
        _drop_staged(connection, leftovers)
    oldest = day - timedelta(days=settings.lake_retention_days)
    folders = [*_old_folders(context.lake, oldest, kept), *drop_old_cuts(context.lake, _oldest_cut(context, oldest))]
    counts: Counts = {"days": len(old), "staged_days": len(leftovers), "lake_partitions": len(folders)}
    return {**counts, **try_write_report(context)}


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


def _oldest_cut(context: RunContext, oldest: date) -> date:
    return cut_days(oldest, context.settings.models)[-1]


def _old_folders(lake: Lake, oldest: date, kept: set[date]) -> list[str]:
    """Delete the lake's as-of partitions before `oldest` except those of `kept`; returns their paths."""
    filesystem, root = lake.filesystem()
    tables = filesystem.get_file_info(pafs.FileSelector(root, allow_not_found=True))
    gone = []
    for table in tables:
        if table.type != pafs.FileType.Directory:
            continue
        for entry in filesystem.get_file_info(pafs.FileSelector(table.path)):
            if not entry.base_name.startswith(_DAY_KEY) or entry.type != pafs.FileType.Directory:
                continue
            day = date.fromisoformat(entry.base_name.removeprefix(_DAY_KEY))
            if day < oldest and day not in kept:
                filesystem.delete_dir(entry.path)
                gone.append(entry.path)
    return gone
