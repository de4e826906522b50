"""What ends an extraction of events, and that nothing half-read stays behind."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import recsys.database
from recsys.data import day_frames
from recsys.data.extract import extract_events
from recsys.database import DatabaseError
from recsys.run import RunError
from recsys.schemas import EVENTS, EXTRACTED_DAYS
from recsys.storage import LakeError, list_keys
from tests.data.conftest import AddEvents, MakeContext, days_of, event, execute, make_context

pytestmark = pytest.mark.postgres

# Sorted first, so that the division fails while rows are already on their way.
DYING_QUERY = """
select event_id, user_id, item_id, event_type, order_id, session_id, store_id, occurred_at, ingested_at, unit_price,
    case when event_id = 'e200' then 1 / (quantity - 200) else quantity end as quantity
from (
    select * from shop.events
    where occurred_at >= %(window_start)s and occurred_at < %(window_end)s
    order by occurred_at, event_id
    offset 0
) as ordered
"""


def test_an_empty_source_is_a_clear_error(context: MakeContext) -> None:
    with pytest.raises(RunError, match="the shop has no event before 2024-03-10"):
        extract_events(context())


def test_a_source_emptied_later_leaves_the_lake_as_it_was(
    context: MakeContext, add_events: AddEvents, shop_database: str
) -> None:
    add_events(event("a", 5), event("b", 8), event("c", 9))
    run = context(look_back_days=5)
    extract_events(run)
    execute(shop_database, "truncate shop.events")
    with pytest.raises(RunError, match="no event of 2024-03-07 to 2024-03-09 any more, of which the lake holds 2"):
        extract_events(run)
    assert days_of(run) == {5: ["a"], 6: [], 7: [], 8: ["b"], 9: ["c"]}


def test_a_day_before_all_data_is_a_clear_error_and_writes_nothing(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("a", 9))
    run = context(date(2024, 3, 9))
    with pytest.raises(RunError, match="no event before 2024-03-09"):
        extract_events(run)
    assert list_keys(run.lake, EVENTS) == []


def test_a_date_in_the_future_is_a_clear_error_also_with_a_full_lake(
    context: MakeContext, add_events: AddEvents
) -> None:
    add_events(event("a", 2), event("b", 9))
    with pytest.raises(RunError, match="in the future of the shop's data: its newest event is of 2024-03-09"):
        extract_events(context(date(2024, 3, 17)))
    extract_events(context())
    with pytest.raises(RunError, match="in the future"):
        extract_events(context(date(2024, 3, 18)))
    assert list_keys(context().lake, EVENTS)[-1] == "2024-03-09"
    # The six that lack, and two that were read too early for their late rows.
    assert extract_events(context(date(2024, 3, 16)))["days"] == 8


def test_a_gap_in_the_past_is_not_the_future(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("a", 1), event("b", 25))
    run = context(date(2024, 3, 20))
    extract_events(run)
    assert sum(len(ids) for ids in days_of(run).values()) == 1


@pytest.mark.parametrize("column", ["user_id", "occurred_at"])
def test_a_missing_column_names_file_and_column(
    context: MakeContext, add_events: AddEvents, tmp_path: Path, column: str
) -> None:
    add_events(event("a", 9))
    text = (context().environment.source_sql / "events.sql").read_text()
    (tmp_path / "events.sql").write_text(text.replace(f"    {column},\n", f"    {column} as renamed,\n"))
    with pytest.raises(RunError, match=rf"events\.sql: the query gives no column {column}"):
        extract_events(context(source_sql=tmp_path))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select nonsense from shop.events", 'column "nonsense" does not exist'),
        ("select * from shop.events where event_id like 'a%'", "percent sign"),
        ("select * from shop.events where occurred_at > %(since)s", r"%\(window_start\)s"),
        ("selct 1", "syntax error"),
        ("select * from elsewhere.events", "does not exist"),
        ("select e.* from shop.events as source", r'events\.sql: missing FROM-clause entry for table "e"'),
    ],
)
def test_a_wrong_query_names_its_file(context: MakeContext, tmp_path: Path, query: str, words: str) -> None:
    (tmp_path / "events.sql").write_text(query)
    with pytest.raises(RunError, match=words) as caught:
        extract_events(context(source_sql=tmp_path))
    assert "events" in str(caught.value)


def test_instants_that_are_text_are_a_clear_error(context: MakeContext, add_events: AddEvents, tmp_path: Path) -> None:
    add_events(event("a", 9))
    text = (context().environment.source_sql / "events.sql").read_text()
    (tmp_path / "events.sql").write_text(text.replace("    occurred_at,\n", "    occurred_at::text as occurred_at,\n"))
    with pytest.raises(RunError, match=r"events\.sql: occurred_at is '2024-03-09 12.*, of type str and no instant"):
        extract_events(context(source_sql=tmp_path))


def test_no_query_of_events_is_a_clear_error(context: MakeContext, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"events\.sql is missing"):
        extract_events(context(source_sql=tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("order by occurred_at", "order by event_id desc", "keep the query's order by"),
        ("(occurred_at >= %(window_start)s and occurred_at < %(window_end)s)", "true", "keep the query's where clause"),
    ],
)
def test_a_query_without_its_order_or_window_is_refused(
    context: MakeContext, add_events: AddEvents, tmp_path: Path, old: str, new: str, words: str
) -> None:
    add_events(event("a", 8), event("b", 9), event("c", 10))
    text = (context().environment.source_sql / "events.sql").read_text()
    assert old in text
    (tmp_path / "events.sql").write_text(text.replace(old, new))
    run = context(source_sql=tmp_path)
    with pytest.raises(RunError, match=words):
        extract_events(run)
    assert list_keys(run.lake, EXTRACTED_DAYS) == []


def test_a_source_that_dies_half_way_leaves_no_half_day(
    context: MakeContext, add_events: AddEvents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shop_database: str
) -> None:
    add_events(*(event(f"e{n:03}", 1 + n // 30, quantity=float(n)) for n in range(270)))
    (tmp_path / "events.sql").write_text(DYING_QUERY)
    monkeypatch.setattr("recsys.database._BLOCK_BYTES", 700)
    monkeypatch.setattr(day_frames, "_ROWS_AT_ONCE", 10)
    monkeypatch.setattr("recsys.data.extract._first_day", lambda *_: date(2024, 3, 1))
    run = context(source_sql=tmp_path)
    with pytest.raises(RunError, match="reading events from the shop: the source broke off: division by zero"):
        extract_events(run)
    assert all(len(ids) == 30 for ids in days_of(run).values())
    assert 7 not in days_of(run)
    assert list_keys(run.lake, EXTRACTED_DAYS) == []
    execute(shop_database, "update shop.events set quantity = 1")
    extract_events(context())
    assert [len(ids) for ids in days_of(context()).values()] == [30] * 9


def test_a_source_that_still_runs_when_the_run_ends_is_cancelled(
    context: MakeContext, add_events: AddEvents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(*(event(f"e{n:03}", 1 + n // 30, quantity=float(n)) for n in range(270)))
    query = DYING_QUERY.replace("1 / (quantity - 200)", "length(pg_sleep(30)::text)")
    (tmp_path / "events.sql").write_text(query.replace("store_id", "repeat('x', 10000) as store_id"))
    monkeypatch.setattr("recsys.database._BLOCK_BYTES", 700)
    monkeypatch.setattr("recsys.data.extract._first_day", lambda *_: date(2024, 3, 1))

    def stop(*_: Any) -> None:
        raise RunError("the run ends here")

    monkeypatch.setattr("recsys.data.extract.with_days", stop)
    started = time.monotonic()
    with pytest.raises(RunError, match="the run ends here"):
        extract_events(context(source_sql=tmp_path))
    assert time.monotonic() - started < 15


def test_a_full_disk_of_the_lake_names_the_partition(
    context: MakeContext, add_events: AddEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(event("a", 8), event("b", 9))
    run = context()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recsys.storage.os.replace", full)
    with pytest.raises(LakeError, match=r"events/date=2024-03-08/events\.parquet .*No space left"):
        extract_events(run)
    assert [path for path in Path(run.environment.lake_uri).rglob("*") if path.is_file()] == []


def test_a_lake_below_a_file_is_a_clear_error(shop_database: str, add_events: AddEvents, tmp_path: Path) -> None:
    add_events(event("a", 9))
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError, match="cannot write"):
        extract_events(make_context(shop_database, str(tmp_path / "file" / "lake")))


def test_a_shop_that_cannot_be_reached_is_a_clear_error_without_the_password(lake: str) -> None:
    run = make_context("postgresql://me:secret@127.0.0.1:1/shop", lake)
    with pytest.raises(DatabaseError, match="cannot connect to the shop database") as caught:
        extract_events(run)
    assert "secret" not in str(caught.value)


def test_rows_that_the_server_counted_and_we_did_not_get_are_an_error(
    context: MakeContext, add_events: AddEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_a_row(*args: Any) -> Any:
        return read_csv(*args).slice(1)

    add_events(event("a", 8), event("b", 9))
    read_csv = recsys.database._read_csv
    monkeypatch.setattr(recsys.database, "_read_csv", lose_a_row)
    run = context()
    with pytest.raises(RunError, match="the server sent 2 rows and 1 arrived"):
        extract_events(run)
    assert list_keys(run.lake, EXTRACTED_DAYS) == []
