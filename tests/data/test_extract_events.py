"""Event days from a real Postgres: what is written and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from recsys.data import day_frames
from recsys.data.events import visible_events
from recsys.data.extract import extract_events, fingerprint, ranges
from recsys.run import RunContext, RunError
from recsys.schemas import EVENTS, EXTRACTED_DAYS, REJECTED_EVENTS
from recsys.storage import list_keys, read_partition, write_partition
from tests.data.conftest import AS_OF, AddEvents, MakeContext, at, days_of, event, execute, make_context

pytestmark = pytest.mark.postgres


def reasons(run: RunContext, day: int) -> dict[str, str]:
    rows = read_partition(run.lake, REJECTED_EVENTS, date=date(2024, 3, day))
    return dict(rows.select("row_key", "reason").iter_rows())


def lake_bytes(lake: str) -> dict[str, str]:
    """Hash of every file of the lake."""
    files = sorted(path for path in Path(lake).rglob("*") if path.is_file())
    return {str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_days_from_the_first_event_on_are_written_empty_ones_too(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("b", 9, occurred_at=at(9, 11)), event("a", 9, occurred_at=at(9, 11)), event("c", 9), event("d", 6))
    run = context()
    assert extract_events(run) == {"days": 4, "source_rows": 4}
    assert days_of(run) == {6: ["d"], 7: [], 8: [], 9: ["a", "b", "c"]}


def test_nothing_on_or_after_the_as_of_date_is_written(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("in", 9, occurred_at=at(9, 23, 59)), event("out", 10, occurred_at=at(10, 0)), event("later", 12))
    run = context()
    extract_events(run)
    assert list_keys(run.lake, EVENTS) == ["2024-03-09"]
    assert days_of(run) == {9: ["in"]}


def test_only_the_look_back_window_is_read(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("old", 1), event("edge", 5, occurred_at=at(5, 0)), event("new", 9))
    run = context(look_back_days=5)
    extract_events(run)
    assert days_of(run) == {5: ["edge"], 6: [], 7: [], 8: [], 9: ["new"]}


def test_many_blocks_and_batches_give_the_same_days(
    context: MakeContext, add_events: AddEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(*(event(f"e{n:03}", 1 + n // 30, quantity=float(n)) for n in range(270)), event("e000", 9))
    monkeypatch.setattr("recsys.database._BLOCK_BYTES", 700)
    monkeypatch.setattr(day_frames, "_ROWS_AT_ONCE", 10)
    run = context()
    assert extract_events(run) == {"days": 9, "source_rows": 271}
    expected = {day: [f"e{n:03}" for n in range(30 * day - 30, 30 * day)] for day in range(1, 10)}
    expected[9].insert(0, "e000")
    assert days_of(run) == expected


def test_refused_rows_are_kept_apart_with_their_reason(context: MakeContext, add_events: AddEvents) -> None:
    add_events(
        event("good", 9),
        event("nobody", 9, user_id=None),
        event("nothing", 9, item_id=None),
        event("glance", 9, event_type="glance"),
        event("minus", 9, quantity=-1.0),
        event("endless", 9, quantity=float("inf")),
        event("no number", 9, unit_price=float("nan")),
        event("early bird", 9, ingested_at=at(9, 10)),
        event("never", 9, occurred_at=None),
        event("twice", 9, user_id="first"),
        event("twice", 9, user_id="second", ingested_at=at(9, 14)),
    )
    run = context()
    assert extract_events(run) == {"days": 1, "source_rows": 11}
    assert reasons(run, 9) == {
        "nobody": "missing_user",
        "nothing": "missing_item",
        "glance": "unknown_event_type",
        "minus": "absurd_quantity",
        "endless": "absurd_quantity",
        "no number": "absurd_price",
        "early bird": "time_in_future",
        "never": "missing_time",
        "twice": "duplicate_event_id",
    }
    kept = read_partition(run.lake, EVENTS, date=date(2024, 3, 9))
    assert dict(kept.select("event_id", "user_id").iter_rows()) == {"good": "u1", "twice": "first"}
    mark = read_partition(run.lake, EXTRACTED_DAYS, date=date(2024, 3, 9)).row(0, named=True)
    assert (mark["source_rows"], mark["kept_rows"], mark["rejected_rows"]) == (11, 2, 9)


def test_rows_without_a_time_join_the_refused_rows_of_the_day_they_were_loaded(
    context: MakeContext, add_events: AddEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(
        event("a", 7, user_id=None),
        event("lost 7", 7, occurred_at=None),
        event("b", 8),
        event("c", 9),
        event("lost 9", 9, occurred_at=None),
    )
    monkeypatch.setattr("recsys.database._BLOCK_BYTES", 1)
    run = context()
    for _ in range(2):
        extract_events(run)
        assert reasons(run, 7) == {"a": "missing_user", "lost 7": "missing_time"}
        assert reasons(run, 9) == {"lost 9": "missing_time"}
        marks = [read_partition(run.lake, EXTRACTED_DAYS, date=date(2024, 3, day)) for day in (7, 8, 9)]
        assert [mark["source_rows"].item() for mark in marks] == [2, 1, 2]
        assert [mark["rejected_rows"].item() for mark in marks] == [2, 0, 1]


def test_ids_with_commas_quotes_and_line_breaks_survive(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event('a,"b"\nc', 9, user_id="ü\t1"))
    run = context()
    extract_events(run)
    assert read_partition(run.lake, EVENTS, date=date(2024, 3, 9)).select("event_id", "user_id").row(0) == (
        'a,"b"\nc',
        "ü\t1",
    )


def test_a_second_run_of_the_day_leaves_the_same_bytes(context: MakeContext, add_events: AddEvents, lake: str) -> None:
    add_events(*(event(f"e{n}", 5 + n % 5, user_id=f"u{n % 7}") for n in range(60)), event("bad", 8, user_id=None))
    extract_events(context())
    first = lake_bytes(lake)
    assert extract_events(context())["days"] == 3
    assert lake_bytes(lake) == first


def test_late_rows_reach_the_newest_days_but_not_the_past_run(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("old", 4), event("seen", 8))
    run = context()
    extract_events(run)
    add_events(event("late", 8, ingested_at=at(10, 3)), event("too late", 4, ingested_at=at(10, 3)))
    extract_events(context(date(2024, 3, 11)))
    assert days_of(run)[8] == ["late", "seen"]
    assert days_of(run)[4] == ["old"]
    assert visible_events(run).collect()["event_id"].to_list() == ["old", "seen"]
    tolerant = context(allowed_lateness_hours=4)
    assert visible_events(tolerant).collect()["event_id"].to_list() == ["old", "late", "seen"]


def test_late_rows_are_read_after_a_gap_between_runs(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("old", 4), event("settled", 7), event("seen", 8), event("newest", 9))
    extract_events(context())
    add_events(event("late", 8, ingested_at=at(10, 3)), event("too late", 7, ingested_at=at(10, 3)), event("new", 16))
    weekly = context(date(2024, 3, 17))
    assert extract_events(weekly)["days"] == 9
    assert days_of(weekly)[8] == ["late", "seen"]
    assert days_of(weekly)[7] == ["settled"]
    assert extract_events(weekly)["days"] == 3


def test_a_run_of_a_past_day_opens_no_day_that_was_read_late_enough(
    context: MakeContext, add_events: AddEvents
) -> None:
    add_events(*(event(f"e{day}", day) for day in range(1, 17)))
    newest = context(date(2024, 3, 17))
    extract_events(newest)
    for day in (8, 9, 10):
        assert extract_events(context(date(2024, 3, day)))["days"] == 3
    assert extract_events(newest)["days"] == 3


def test_a_corrected_past_is_read_on_demand(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("old", 4), event("seen", 8))
    run = context()
    extract_events(run)
    add_events(event("corrected", 4))
    extract_events(run)
    assert days_of(run)[4] == ["old"]
    assert extract_events(dataclasses.replace(run, full_extract=True)) == {"days": 6, "source_rows": 3}
    assert days_of(run)[4] == ["corrected", "old"]


def test_refused_rows_vanish_when_the_shop_repairs_them(
    context: MakeContext, add_events: AddEvents, shop_database: str
) -> None:
    add_events(event("broken", 9, user_id=None))
    run = context()
    extract_events(run)
    execute(shop_database, "update shop.events set user_id = 'u9'")
    extract_events(run)
    assert days_of(run) == {9: ["broken"]}
    assert reasons(run, 9) == {}


def test_days_begin_at_local_midnight(context: MakeContext, add_events: AddEvents) -> None:
    # 23:30 UTC is half past midnight in Berlin; the clock goes forward there on 31 March.
    spring = {"ingested_at": at(31, 23, 59)}
    add_events(
        event("evening", 29, occurred_at=at(29, 22, 30), **spring),
        event("next day", 29, occurred_at=at(29, 23, 30), **spring),
        event("summer time", 30, occurred_at=at(31, 21, 59), **spring),
        event("april", 31, occurred_at=at(31, 22, 0), **spring),
    )
    run = context(date(2024, 4, 1), time_zone="Europe/Berlin")
    assert run.as_of == datetime(2024, 3, 31, 22, tzinfo=timezone.utc)
    extract_events(run)
    assert days_of(run) == {29: ["evening"], 30: ["next day"], 31: ["summer time"]}


def test_another_time_zone_or_query_reads_the_days_again(
    context: MakeContext, add_events: AddEvents, tmp_path: Path
) -> None:
    add_events(event("a", 3, occurred_at=at(3, 23, 30), ingested_at=at(4, 1)), event("b", 9))
    run = context()
    extract_events(run)
    assert extract_events(run)["days"] == 3
    berlin = context(time_zone="Europe/Berlin")
    assert extract_events(berlin)["days"] == 6
    assert days_of(berlin)[4] == ["a"]
    edited = (run.environment.source_sql / "events.sql").read_text().replace("    store_id,", "    'x' as store_id,")
    (tmp_path / "events.sql").write_text(edited)
    other = context(source_sql=tmp_path)
    assert fingerprint(other) != fingerprint(run)
    assert extract_events(other)["days"] == 7
    assert read_partition(other.lake, EVENTS, date=date(2024, 3, 9))["store_id"].to_list() == ["x"]


def test_a_day_whose_rewriting_broke_off_is_read_again(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("a", 2), event("b", 9))
    run = context()
    extract_events(run)
    empty = read_partition(run.lake, EVENTS, date=date(2024, 3, 2)).clear()
    write_partition(run.lake, EVENTS, empty, date=date(2024, 3, 2))
    extract_events(run)
    assert days_of(run)[2] == ["a"]


def test_parallel_runs_of_different_days_do_not_disturb_each_other(
    context: MakeContext, add_events: AddEvents, shop_database: str, tmp_path: Path, lake: str
) -> None:
    add_events(*(event(f"e{n}", 1 + n % 9, user_id=f"u{n % 7}") for n in range(300)))
    failures: list[BaseException] = []

    def run(day: date, place: str) -> None:
        try:
            extract_events(make_context(shop_database, place, day))
        except BaseException as error:
            failures.append(error)

    days = [AS_OF - timedelta(days=n) for n in range(3)]
    threads = [threading.Thread(target=run, args=(day, lake)) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for day in sorted(days):
        run(day, str(tmp_path / "one by one"))
    assert failures == []
    assert lake_bytes(lake) == lake_bytes(str(tmp_path / "one by one"))


def test_events_that_tell_a_day_and_no_time_are_read(
    context: MakeContext, add_events: AddEvents, tmp_path: Path
) -> None:
    add_events(event("a", 8), event("b", 9))
    text = (context().environment.source_sql / "events.sql").read_text()
    (tmp_path / "events.sql").write_text(text.replace("    occurred_at,\n", "    occurred_at::date as occurred_at,\n"))
    run = context(source_sql=tmp_path)
    extract_events(run)
    assert days_of(run) == {8: ["a"], 9: ["b"]}
    assert read_partition(run.lake, EVENTS, date=date(2024, 3, 9))["occurred_at"].to_list() == [at(9, 0)]


def test_days_without_a_time_are_refused_where_the_zone_would_make_them_the_day_before(
    context: MakeContext, add_events: AddEvents, tmp_path: Path
) -> None:
    add_events(event("a", 9))
    text = (context().environment.source_sql / "events.sql").read_text()
    (tmp_path / "events.sql").write_text(text.replace("    occurred_at,\n", "    occurred_at::date as occurred_at,\n"))
    with pytest.raises(RunError, match="::timestamp at time zone 'America/New_York'"):
        extract_events(context(source_sql=tmp_path, time_zone="America/New_York"))
    extract_events(east := context(source_sql=tmp_path, time_zone="Asia/Tokyo"))
    assert days_of(east) == {9: ["a"]}


def test_days_are_grouped_into_ranges() -> None:
    days = [date(2024, 3, day) for day in (1, 2, 4, 5, 6, 9)]
    assert [[day.day for day in group] for group in ranges(days)] == [[1, 2], [4, 5, 6], [9]]
