"""The one rule that turns a run into its as-of date, on the objects that Airflow gives to a task."""

from __future__ import annotations

from datetime import date, datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

NOW = datetime(2026, 3, 1, 5, tzinfo=timezone.utc)


def _context(
    run_type: str = "manual",
    logical_date: datetime | None = None,
    interval: tuple[datetime, datetime] | None = None,
    as_of_date: str | None = None,
    partition_key: str | None = None,
) -> dict[str, Any]:
    from airflow.sdk.api.datamodels._generated import DagRun

    run = DagRun(
        dag_id="daily_recommendations",
        run_id="a_run",
        logical_date=logical_date,
        data_interval_start=interval[0] if interval else None,
        data_interval_end=interval[1] if interval else None,
        run_after=NOW,
        start_date=NOW,
        end_date=None,
        run_type=run_type,
        state="running",
        consumed_asset_events=[],
        partition_key=partition_key,
    )
    return {"dag_run": run, "params": {"as_of_date": as_of_date}, "ti": SimpleNamespace(start_date=NOW)}


def _day(time_zone: str = "UTC", **arguments: Any) -> date:
    from plugins.run_context import resolve_as_of_date

    return resolve_as_of_date(_context(**arguments), time_zone)


def _at(day: int, hour: int = 0) -> datetime:
    return datetime(2017, 12, day, hour, tzinfo=timezone.utc)


@pytest.mark.parametrize("run_type", ["scheduled", "backfill", "manual"])
def test_the_day_after_the_logical_date_however_the_run_began(run_type: str) -> None:
    assert _day(run_type=run_type, logical_date=_at(3, 4)) == date(2017, 12, 4)


def test_the_interval_does_not_matter() -> None:
    """A manual run of D has the interval that ends at D, a scheduled one the interval that begins there."""
    before, after = (_at(2, 4), _at(3, 4)), (_at(3, 4), _at(4, 4))
    assert _day(logical_date=_at(3, 4), interval=before) == _day(logical_date=_at(3, 4), interval=after)


def test_the_param_is_the_day_itself_and_beats_the_logical_date() -> None:
    assert _day(as_of_date="2017-12-04") == date(2017, 12, 4)
    assert _day(as_of_date="2017-12-04", logical_date=_at(20)) == date(2017, 12, 4)


def test_the_partition_key_beats_both() -> None:
    assert _day(partition_key="2017-11-06", as_of_date="2017-12-04", logical_date=_at(20)) == date(2017, 11, 6)


def test_the_logical_date_is_read_in_the_configured_time_zone() -> None:
    late = _at(3, 23)
    assert _day("UTC", logical_date=late) == date(2017, 12, 4)
    assert _day("Europe/Berlin", logical_date=late) == date(2017, 12, 5)
    assert _day("America/New_York", logical_date=_at(3, 4)) == date(2017, 12, 3)


def test_a_scheduled_run_has_its_day_in_every_time_zone() -> None:
    """04:00 local time on a day when clocks change: the day after, not the day after that."""
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Auckland"):
        from zoneinfo import ZoneInfo

        slot = datetime(2017, 3, 26, 4, tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)
        assert _day(zone, run_type="scheduled", logical_date=slot) == date(2017, 3, 27)


@pytest.mark.parametrize("run_type", ["manual", "asset_triggered"])
def test_a_run_without_any_date_fails_and_says_what_to_do(run_type: str) -> None:
    with pytest.raises(ValueError, match=r"no as-of date.*param as_of_date"):
        _day(run_type=run_type)


@pytest.mark.parametrize("arguments", [{"as_of_date": "4 December"}, {"partition_key": "shop-7"}])
def test_a_text_that_is_no_date_is_named(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments.values()))):
        _day(**arguments)


def test_a_day_that_has_not_begun_is_refused() -> None:
    assert _day(as_of_date="2026-03-01") == date(2026, 3, 1)
    with pytest.raises(ValueError, match="2026-03-02 lies in the future"):
        _day(as_of_date="2026-03-02")
    with pytest.raises(ValueError, match="lies in the future"):
        _day(logical_date=NOW)
