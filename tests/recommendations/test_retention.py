"""What goes with age, and what stays."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg2
import pytest

from recsys import schemas
from recsys.claims import claim_run, release_day
from recsys.models.cuts import cut_days
from recsys.models.gate import find_champion
from recsys.models.registry import Serving, read_frame, write_frame, write_serving
from recsys.models.verdicts import Check, Judged, verdict_rows, write_verdicts
from recsys.recommendations import retention
from recsys.recommendations.publish import rollback
from recsys.recommendations.publish_turn import exclusive
from recsys.recommendations.retention import apply_retention
from recsys.recommendations.staging import stage_tables
from recsys.settings.publishing import PublishSettings
from recsys.storage import Lake, list_keys, write_partition
from tests.recommendations.published_days import context_of, run_day, write_day

pytestmark = pytest.mark.postgres

TODAY = date(2017, 12, 4)
SETTINGS = PublishSettings(retention_days=10, lake_retention_days=20)


def days_ago(count: int) -> date:
    return TODAY - timedelta(days=count)


def published(dsn: str) -> list[date]:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("select distinct as_of_date from bi.user_recommendations order by 1")
        days = [day for (day,) in cursor.fetchall()]
        cursor.execute("select distinct as_of_date from bi.published_runs order by 1")
        assert [day for (day,) in cursor.fetchall()] == days
    connection.close()
    return days


def publish_days(dsn: str, lake: str, *ages: int) -> None:
    for age in sorted(ages, reverse=True):
        write_day(lake, days_ago(age))
        run_day(context_of(dsn, lake, days_ago(age), publish=SETTINGS))


def test_days_beyond_the_retention_go_whole(warehouse: str, lake: str) -> None:
    publish_days(warehouse, lake, 21, 11, 10, 0)
    counts = apply_retention(context_of(warehouse, lake, TODAY, publish=SETTINGS))
    assert counts["days"] == 2
    assert published(warehouse) == [days_ago(10), TODAY]
    kept = [day.isoformat() for day in (days_ago(11), days_ago(10), TODAY)]
    assert list_keys(Lake(lake), schemas.USER_RECOMMENDATIONS) == kept


def test_the_current_day_stays_however_old(warehouse: str, lake: str) -> None:
    publish_days(warehouse, lake, 30, 25, 0)
    context = context_of(warehouse, lake, TODAY, publish=SETTINGS)
    rollback(context.environment, days_ago(25))
    apply_retention(context)
    assert published(warehouse) == [days_ago(25), TODAY]


def test_a_day_that_a_run_holds_stays(warehouse: str, lake: str) -> None:
    publish_days(warehouse, lake, 30, 0)
    claim_run(context_of(warehouse, lake, days_ago(30), run="backfill"))
    apply_retention(context_of(warehouse, lake, TODAY, publish=SETTINGS))
    assert published(warehouse) == [days_ago(30), TODAY]


def test_in_the_lake_what_a_held_day_learns_from_stays(warehouse: str, lake: str) -> None:
    publish_days(warehouse, lake, 0)
    context = context_of(warehouse, lake, TODAY, publish=SETTINGS)
    needed = set(cut_days(days_ago(300), context.settings.models))
    for cut in needed | {days_ago(200)}:
        write_frame(Lake(lake), cut, "key", pl.DataFrame({"user": [1]}))
    claim_run(context_of(warehouse, lake, days_ago(300), run="backfill"))
    assert apply_retention(context)["lake_partitions"] == 1
    assert all(read_frame(Lake(lake), cut, "key") is not None for cut in needed)


def test_the_champion_whose_models_serve_stays_in_the_lake(warehouse: str, lake: str) -> None:
    """Where the gate keeps new models out for longer than the retention, the day's lists still need the old ones."""
    publish_days(warehouse, lake, 31, 30, 0)
    context, champion = context_of(warehouse, lake, TODAY, publish=SETTINGS), days_ago(30)
    write_serving(context.lake, champion, Serving(champion, "theirs"))
    theirs = context_of(warehouse, lake, champion)
    passed = verdict_rows(theirs, [Check("verdict", "", "they serve")], Judged(None, champion, "theirs"), False)
    write_verdicts(theirs, passed)
    write_serving(context.lake, TODAY, Serving(champion, "theirs"))
    apply_retention(context)
    assert published(warehouse) == [TODAY]
    kept = [champion.isoformat(), TODAY.isoformat()]
    assert list_keys(context.lake, schemas.USER_RECOMMENDATIONS) == kept
    assert find_champion(context) == champion


def test_a_day_that_somebody_goes_back_to_meanwhile_stays(
    warehouse: str, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_days(warehouse, lake, 30, 25, 0)
    context = context_of(warehouse, lake, TODAY, publish=SETTINGS)

    def after_a_wait(connection: Any, settings: PublishSettings) -> Any:
        rollback(context.environment, days_ago(25))
        return exclusive(connection, settings)

    monkeypatch.setattr(retention, "exclusive", after_a_wait)
    assert apply_retention(context)["days"] == 1
    assert published(warehouse) == [days_ago(25), TODAY]


def test_files_of_killed_writers_go_when_no_other_run_is_at_work(warehouse: str, lake: str) -> None:
    publish_days(warehouse, lake, 0)
    left = Path(lake) / "user_recommendations" / "0123.tmp"
    left.touch()
    context = context_of(warehouse, lake, TODAY, publish=SETTINGS)
    claim_run(context)
    claim_run(context_of(warehouse, lake, days_ago(1), run="beside"))
    assert "files_aside" not in apply_retention(context)
    release_day(context.environment, days_ago(1))
    assert apply_retention(context)["files_aside"] == 1
    assert not left.exists()


def test_staged_leftovers_go_and_events_of_the_lake_stay(warehouse: str, lake: str) -> None:
    publish_days(warehouse, lake, 0)
    write_day(lake, days_ago(1))
    stage_tables(context_of(warehouse, lake, days_ago(1)))
    write_partition(Lake(lake), schemas.EVENTS, schemas.EVENTS.arrow_schema.empty_table(), date=days_ago(300))
    counts = apply_retention(context_of(warehouse, lake, TODAY, publish=SETTINGS))
    assert counts["staged_days"] == 1
    assert list_keys(Lake(lake), schemas.EVENTS) == [days_ago(300).isoformat()]


def test_retention_counts_from_the_runs_own_day(warehouse: str, lake: str) -> None:
    publish_days(warehouse, lake, 30, 15, 0)
    backfill = context_of(warehouse, lake, days_ago(15), publish=SETTINGS)
    apply_retention(dataclasses.replace(backfill, run_id="backfill"))
    assert published(warehouse) == [days_ago(15), TODAY]
