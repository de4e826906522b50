"""What check_extracts refuses, writes and stops."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import psycopg2
import pytest

from recsys.data.check import check_extracts
from recsys.data.events import read_events
from recsys.data.exclude import absurd_prices, repeated_ids
from recsys.data.extract import extract_events, extract_snapshots
from recsys.data.interactions import build_interactions
from recsys.run import RunContext, RunError
from recsys.schemas import DATA_QUALITY, EVENTS, INTERACTIONS, REJECTED_EVENTS, REJECTED_ROWS
from recsys.storage import file_checksum, partition_path, read_partition, write_partition
from tests.conftest import insert_rows
from tests.data.conftest import AS_OF, AddEvents, MakeContext, at, event


def frame(*rows: tuple[str, str, float | None, datetime, datetime]) -> pl.LazyFrame:
    """Events of (event_id, item_id, unit_price, occurred_at, ingested_at)."""
    names = ("event_id", "item_id", "unit_price", "occurred_at", "ingested_at")
    empty = pl.DataFrame(EVENTS.arrow_schema.empty_table())
    found = pl.DataFrame(
        [dict(zip(names, row, strict=True)) for row in rows], schema={n: empty.schema[n] for n in names}
    )
    return pl.concat([empty, found], how="diagonal").lazy()


def test_of_an_id_on_several_days_the_first_loaded_counts() -> None:
    rows = frame(
        ("a", "i", 1.0, at(3), at(3)),
        ("a", "i", 1.0, at(2), at(4)),
        ("b", "i", 1.0, at(2), at(2)),
        ("a", "i", 1.0, at(5), at(5)),
    )
    assert repeated_ids(rows).select("event_id", "occurred_at").rows() == [("a", at(2)), ("a", at(5))]
    assert repeated_ids(rows.filter(pl.col("event_id") == "b")).is_empty()


@pytest.mark.parametrize(("price", "refused"), [(199.0, 0), (201.0, 1), (0.021, 0), (0.019, 1), (0.0, 0), (None, 0)])
def test_a_price_far_from_its_items_median_is_absurd(price: float | None, refused: int) -> None:
    usual = [(f"e{n}", "i", 2.0, at(n), at(n)) for n in range(1, 6)]
    assert absurd_prices(frame(*usual, ("x", "i", price, at(9), at(9))), 100.0).height == refused


def test_few_prices_say_nothing_about_the_next() -> None:
    usual = [(f"e{n}", "i", 2.0, at(n), at(n)) for n in range(1, 4)]
    assert absurd_prices(frame(*usual, ("x", "i", 1e6, at(9), at(9))), 100.0).is_empty()


def run_data_layer(run: RunContext) -> None:
    extract_events(run)
    extract_snapshots(run)
    check_extracts(run)


def quality(run: RunContext) -> dict[tuple[str, str, str], tuple[float | None, bool]]:
    rows = read_partition(run.lake, DATA_QUALITY, as_of_date=run.as_of_date)
    found = rows.select("table_name", "check_name", "subject", "value", "passed").rows()
    return {(table, check, subject): (value, passed) for table, check, subject, value, passed in found}


@pytest.mark.postgres
def test_refused_rows_of_every_kind_are_written_and_do_not_reach_readers(
    context: MakeContext, add_events: AddEvents, shop_database: str
) -> None:
    add_events(
        *(event(f"e{n}", n) for n in range(1, 8)),
        event("e3", 8),
        event("dear", 8, unit_price=1e6),
        event("nobody", 9, user_id=None),
        event("twice", 9),
        event("twice", 9, user_id="u2"),
        event("twice", 9, user_id="u3"),
        event("x" * 3000, 9, user_id=None),
        event("x" * 2999, 9, user_id=None),
    )
    insert_rows(shop_database, "shop.items", [{"item_id": "i1"}, {"item_id": "i1", "valid_from": at(1)}])
    run = context()
    run_data_layer(run)
    refused = read_partition(run.lake, REJECTED_ROWS, as_of_date=AS_OF)
    assert refused.select("table_name", "row_key", "reason", "day").rows() == [
        ("events", "dear", "absurd_price_for_item", date(2024, 3, 8)),
        ("events", "e3", "duplicate_event_id", date(2024, 3, 8)),
        ("events", "nobody", "missing_user", date(2024, 3, 9)),
        ("events", "twice", "duplicate_event_id", date(2024, 3, 9)),
        ("events", "twice#2", "duplicate_event_id", date(2024, 3, 9)),
        # Longer keys would not fit into the warehouse's index.
        ("events", "x" * 200, "missing_user", date(2024, 3, 9)),
        ("events", "x" * 200 + "#2", "missing_user", date(2024, 3, 9)),
        ("items", "i1", "duplicate_item_id", None),
    ]
    events = read_events(run).collect()
    assert events["event_id"].to_list() == ["e1", "e2", "e3", "e4", "e5", "e6", "e7", "twice"]
    assert events.columns == EVENTS.column_names
    assert read_events(run, columns=["event_id"], before=at(3, 12)).collect()["event_id"].to_list() == ["e1", "e2"]
    found = quality(run)
    assert found["events", "row_count", ""] == (8.0, True)
    assert found["events", "reconciled", ""] == (0.0, True)
    assert found["events", "rejected_rows", "duplicate_event_id"] == (3.0, False)
    assert found["events", "rejected_share", ""] == (7 / 15, True)
    assert found["events", "null_share", "order_id"] == (1.0, True)
    assert found["events", "days_without_events", ""] == (1.0, False)
    assert found["items", "row_count", ""] == (1.0, True)
    assert found["items", "missing_from_table", "item_id"] == (0.0, True)
    assert found["users", "row_count", ""] == (0.0, True)


@pytest.mark.postgres
def test_too_many_refused_rows_stop_the_run_and_say_which(context: MakeContext, add_events: AddEvents) -> None:
    add_events(
        event("good", 9), event("b1", 9, user_id=None), event("b2", 9, user_id=None), event("b3", 9, quantity=-1.0)
    )
    run = context(max_rejected_share=0.7)
    with pytest.raises(RunError, match=r"3 of 4 rows refused \(75.00%\): missing_user 2, absurd_quantity 1"):
        run_data_layer(run)
    assert quality(run)["events", "rejected_share", ""] == (0.75, False)
    check_extracts(context(max_rejected_share=0.75))


@pytest.mark.postgres
def test_counts_that_do_not_agree_with_the_source_stop_the_run(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("a", 7), event("b", 8), event("c", 9, user_id=None), event("d", 9))
    run = context()
    run_data_layer(run)
    lost = read_partition(run.lake, REJECTED_EVENTS, date=date(2024, 3, 9)).clear()
    write_partition(run.lake, REJECTED_EVENTS, lost, date=date(2024, 3, 9))
    with pytest.raises(RunError, match=r"1 day\(s\) hold other rows than the source delivered \(2024-03-09\)"):
        check_extracts(run)


@pytest.mark.postgres
def test_gaps_between_tables_and_late_snapshots_are_warnings(
    context: MakeContext, add_events: AddEvents, shop_database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    add_events(event("a", 7), event("b", 7, item_id="unheard of"))
    insert_rows(shop_database, "shop.items", [{"item_id": "i1"}])
    folder = tmp_path_factory.mktemp("source")
    for file in context().environment.source_sql.glob("*.sql"):
        (folder / file.name).write_text(file.read_text())
    items = (folder / "items.sql").read_text()
    (folder / "items.sql").write_text(
        items.replace("    valid_to\n", "    valid_to,\n    date '2024-06-01' as snapshot_date\n")
    )
    run = context(source_sql=folder)
    run_data_layer(run)
    found = quality(run)
    assert found["items", "missing_from_table", "item_id"] == (0.5, False)
    assert found["items", "later_snapshot", ""] == (1.0, False)
    assert found["events", "freshness_days", ""] == (2.5, False)


@pytest.mark.postgres
def test_a_window_in_which_nothing_was_known_yet_stops_the_run(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("a", 9, ingested_at=at(20)))
    with pytest.raises(RunError, match="no event was known"):
        run_data_layer(context())


@pytest.mark.postgres
def test_events_are_not_read_before_they_are_checked(context: MakeContext, add_events: AddEvents) -> None:
    add_events(event("a", 9))
    run = context()
    extract_events(run)
    with pytest.raises(RunError, match="run check_extracts first"):
        read_events(run)


@pytest.mark.postgres
@pytest.mark.parametrize("rows", [1, 40])
def test_one_user_and_one_item_are_enough(context: MakeContext, add_events: AddEvents, rows: int) -> None:
    add_events(*(event(f"e{n}", 9 - n % 9) for n in range(rows)))
    run = context()
    run_data_layer(run)
    assert build_interactions(run) == {"interactions": 1, "users": 1, "items": 1}
    found = read_partition(run.lake, INTERACTIONS, as_of_date=AS_OF)
    assert found.select("user_id", "item_id", "events").rows() == [("u1", "i1", rows)]


@pytest.mark.postgres
def test_what_comes_later_does_not_change_a_byte_of_a_checked_day(
    context: MakeContext, add_events: AddEvents, shop_database: str
) -> None:
    add_events(*(event(f"e{n}", n, unit_price=2.0) for n in range(1, 10)), event("bad", 9, user_id=None))
    tables = [table.name for table in (REJECTED_ROWS, DATA_QUALITY, INTERACTIONS)]
    paths = [partition_path(name, as_of_date=AS_OF) for name in tables]
    run = context()
    run_data_layer(run)
    build_interactions(run)
    before = [file_checksum(run.lake, path) for path in paths]
    late = {"ingested_at": at(11), "unit_price": 1e9}
    add_events(
        event("e9", 9, **late), event("e8", 2, **late), event("new", 9, **late), event("worse", 9, item_id=None, **late)
    )
    add_events(event("e1", 10, unit_price=1e9), event("future", 12, unit_price=1e9))
    extract_events(context(date(2024, 3, 13)))
    run_data_layer(run)
    build_interactions(run)
    assert [file_checksum(run.lake, path) for path in paths] == before
    connection = psycopg2.connect(shop_database)
    with connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from shop.events")
        assert cursor.fetchone() == (16,)
    connection.close()
