"""Items, users and stock as of a day, from a real Postgres."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import psycopg2
import pytest

from recsys.data.extract import extract_snapshots
from recsys.run import RunContext, RunError
from recsys.schemas import COMBINATIONS, ITEM_IMAGES, ITEMS, REJECTED_SNAPSHOTS, STOCK, USERS, Table
from recsys.settings.lists import RulesSettings
from recsys.storage import file_checksum, partition_path, read_partition
from tests.conftest import insert_rows
from tests.data.conftest import AS_OF, MakeContext, at, execute

pytestmark = pytest.mark.postgres


def edited_source(context: MakeContext, tmp_path: Path, name: str, old: str, new: str) -> Path:
    """A copy of the shop's queries in which `old` is `new` in the file `name`."""
    folder = tmp_path / "source"
    shutil.copytree(context().environment.source_sql, folder)
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    return folder


def snapshot(run: RunContext, table: Table) -> pl.DataFrame:
    return read_partition(run.lake, table, as_of_date=run.as_of_date)


def test_the_version_that_held_on_the_day_is_read(context: MakeContext, shop_database: str) -> None:
    insert_rows(
        shop_database,
        "shop.items",
        [
            {"item_id": "i1", "title": "first", "valid_from": None, "valid_to": at(5)},
            {"item_id": "i1", "title": "second", "valid_from": at(5), "valid_to": at(12)},
            {"item_id": "i1", "title": "third", "valid_from": at(12)},
            {"item_id": "i2", "title": "to come", "valid_from": at(10, 0)},
            {"item_id": "i0", "title": "always", "retired_at": at(8)},
            {"item_id": "i3", "title": "retired later", "retired_at": at(10, 0)},
        ],
    )
    run = context()
    extract_snapshots(run)
    found = snapshot(run, ITEMS)
    assert found.select("item_id", "title", "valid_to", "retired_at").rows() == [
        ("i0", "always", None, at(8)),
        ("i1", "second", None, None),
        ("i3", "retired later", None, None),
    ]
    assert found["snapshot_date"].unique().to_list() == [AS_OF]


def test_what_happens_after_the_day_does_not_change_a_byte(context: MakeContext, shop_database: str) -> None:
    insert_rows(shop_database, "shop.items", [{"item_id": "i1", "list_price": 2.0}])
    insert_rows(shop_database, "shop.stock", [{"item_id": "i1", "snapshot_date": date(2024, 3, 9), "on_hand": 3}])
    run = context()
    extract_snapshots(run)
    paths = [partition_path(table.name, as_of_date=AS_OF) for table in (ITEMS, STOCK)]
    before = [file_checksum(run.lake, path) for path in paths]
    connection = psycopg2.connect(shop_database)
    with connection, connection.cursor() as cursor:
        cursor.execute("update shop.items set valid_to = %s, retired_at = %s", (at(11), at(11)))
    connection.close()
    insert_rows(shop_database, "shop.items", [{"item_id": "i1", "list_price": 1e9, "valid_from": at(11)}])
    insert_rows(shop_database, "shop.stock", [{"item_id": "i1", "snapshot_date": AS_OF, "on_hand": 0}])
    extract_snapshots(run)
    assert [file_checksum(run.lake, path) for path in paths] == before


def test_the_newest_count_before_the_day_is_read(context: MakeContext, shop_database: str) -> None:
    counts = [("i1", 7, 1), ("i1", 9, 2), ("i1", 10, 3), ("i2", 1, 4)]
    rows = [{"item_id": item, "snapshot_date": date(2024, 3, day), "on_hand": on_hand} for item, day, on_hand in counts]
    insert_rows(shop_database, "shop.stock", [dict(row) for row in rows])
    run = context(stock_look_back_days=5)
    extract_snapshots(run)
    assert snapshot(run, STOCK).select("item_id", "on_hand").rows() == [("i1", 2.0)]


def test_bad_rows_are_refused_with_their_reason(context: MakeContext, shop_database: str) -> None:
    insert_rows(
        shop_database,
        "shop.items",
        [
            {"item_id": "good"},
            {"item_id": ""},
            {"item_id": "long" * 300},
            {"item_id": "cheap", "list_price": -1.0},
            {"item_id": "twice", "title": "old", "valid_from": at(1)},
            {"item_id": "twice", "title": "new", "valid_from": at(2)},
        ],
    )
    insert_rows(shop_database, "shop.stock", [{"item_id": "i1", "snapshot_date": date(2024, 3, 9), "on_hand": None}])
    run = context()
    counts = extract_snapshots(run)
    assert (counts["items"], counts["items_rejected"], counts["stock_rejected"]) == (2, 4, 1)
    assert snapshot(run, ITEMS).select("item_id", "title").rows() == [("good", None), ("twice", "new")]
    refused = snapshot(run, REJECTED_SNAPSHOTS).select("table_name", "reason").rows()
    assert sorted(refused) == [
        ("items", "absurd_list_price"),
        ("items", "duplicate_item_id"),
        ("items", "long_identifier"),
        ("items", "missing_item_id"),
        ("stock", "missing_count"),
    ]


def test_numbers_that_nobody_can_mean_are_refused_or_count_as_not_told(
    context: MakeContext, shop_database: str
) -> None:
    """Forecasts and orders that are made of them would be no finite number, which stops a run at its end."""
    prices = {"dear": 1e300, "endless": float("inf"), "plain": 1e12}
    insert_rows(shop_database, "shop.items", [{"item_id": name, "list_price": price} for name, price in prices.items()])
    counted = {"snapshot_date": date(2024, 3, 9), "on_hand": 0}
    orders = {"on_order": float("inf"), "lead_time_days": 1e300, "min_order_quantity": float("nan")}
    rows = [counted | {"item_id": "out"} | orders, counted | {"item_id": "piled", "on_hand": 1e300}]
    insert_rows(shop_database, "shop.stock", [*rows, counted | {"item_id": "slow", "lead_time_days": 3650}])
    run = context()
    extract_snapshots(run)
    assert snapshot(run, ITEMS)["item_id"].to_list() == ["plain"]
    told = snapshot(run, STOCK).select("item_id", "on_order", "lead_time_days", "min_order_quantity").rows()
    assert told == [("out", None, None, None), ("slow", None, 3650.0, None)]
    refused = snapshot(run, REJECTED_SNAPSHOTS).select("row_key", "reason").rows()
    assert sorted(refused) == [
        ("dear", "absurd_list_price"),
        ("endless", "absurd_list_price"),
        ("piled", "absurd_count"),
    ]


def test_users_keep_their_row_over_broken_attributes(context: MakeContext, shop_database: str) -> None:
    insert_rows(
        shop_database,
        "shop.users",
        [
            {"user_id": "u1", "attributes": '{"age": "30"}', "consent": True},
            {"user_id": "u2", "attributes": "[1", "consent": False},
            {"user_id": "u3"},
        ],
    )
    run = context()
    extract_snapshots(run)
    assert snapshot(run, USERS).select("user_id", "attributes", "consent").rows() == [
        ("u1", '{"age": "30"}', True),
        ("u2", None, False),
        ("u3", None, True),
    ]


def test_versions_that_hold_from_and_for_ever_are_kept(context: MakeContext, shop_database: str) -> None:
    ever = {"valid_from": "-infinity", "valid_to": "infinity"}
    items = [
        {"item_id": "i1", "launched_at": "-infinity", "retired_at": "infinity", "title": "", "category_path": " "},
        {"item_id": "i2", "launched_at": "infinity", "title": "not yet"},
    ]
    insert_rows(shop_database, "shop.items", [item | ever for item in items])
    insert_rows(shop_database, "shop.users", [{"user_id": "u1", "consent": True, **ever}])
    run = context()
    extract_snapshots(run)
    told = snapshot(run, ITEMS).select("item_id", "title", "category_path", "retired_at", "valid_from", "valid_to")
    assert told.rows() == [("i1", None, None, None, None, None), ("i2", "not yet", None, None, None, None)]
    launched = snapshot(run, ITEMS)["launched_at"]
    assert launched[0] is None
    assert launched[1] > run.as_of
    assert snapshot(run, USERS)["consent"].to_list() == [True]


def test_users_of_other_days_alone_are_a_clear_error_while_consent_is_required(
    context: MakeContext, shop_database: str
) -> None:
    insert_rows(shop_database, "shop.users", [{"user_id": "u1", "consent": False, "valid_from": at(12)}])
    run = context()
    with pytest.raises(RunError, match=r"users\.sql gives no valid user of 2024-03-10 .*require_consent"):
        extract_snapshots(run)
    unasked = dataclasses.replace(run.settings, rules=RulesSettings(require_consent=False))
    extract_snapshots(dataclasses.replace(run, settings=unasked))
    assert snapshot(run, USERS).is_empty()


def test_users_that_are_gone_or_all_refused_are_a_clear_error(context: MakeContext, shop_database: str) -> None:
    insert_rows(shop_database, "shop.users", [{"user_id": "u1", "consent": False}])
    extract_snapshots(context(date(2024, 3, 9)))
    execute(shop_database, "truncate shop.users")
    with pytest.raises(RunError, match="who withdrew consent cannot be told"):
        extract_snapshots(context())
    insert_rows(shop_database, "shop.users", [{"user_id": "", "consent": False}])
    with pytest.raises(RunError, match=r"1 row\(s\) refused, most as missing_user_id"):
        extract_snapshots(context())


def test_a_wrong_alias_is_no_missing_table(context: MakeContext, tmp_path: Path) -> None:
    edited = edited_source(context, tmp_path, "users.sql", "    consent,\n", "    u.consent,\n")
    with pytest.raises(RunError, match=r'users\.sql: missing FROM-clause entry for table "u"'):
        extract_snapshots(context(source_sql=edited))


def test_combinations_are_those_that_hold_on_the_day_and_bad_rows_are_counted(
    context: MakeContext, shop_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [
        {"item_id": "a", "other_item_id": "b", "rule": "forbidden"},
        {"item_id": "a", "other_item_id": "b", "rule": "forbidden"},
        {"item_id": "b", "other_item_id": "c", "rule": "forced", "valid_from": at(1)},
        {"item_id": "c", "other_item_id": "d", "rule": "forced", "valid_from": at(10)},
        {"item_id": "c", "other_item_id": "e", "rule": "forced", "valid_to": at(5)},
        {"item_id": "a", "other_item_id": "a", "rule": "forced"},
        {"item_id": "a", "other_item_id": "b", "rule": "perhaps"},
    ]
    insert_rows(shop_database, "shop.combinations", [dict(row) for row in rows])
    run = context()
    counts = extract_snapshots(run)
    assert snapshot(run, COMBINATIONS).rows() == [("a", "b", "forbidden"), ("b", "c", "forced")]
    assert (counts["combinations"], counts["combinations_rejected"]) == (2, 2)
    assert "combinations: 2 row(s)" in caplog.text


def test_a_table_that_the_shop_lacks_is_empty_and_logged(
    context: MakeContext, shop_database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(context().environment.source_sql, tmp_path / "source")
    (tmp_path / "source" / "users.sql").unlink()
    connection = psycopg2.connect(shop_database)
    with connection, connection.cursor() as cursor:
        cursor.execute("drop table shop.stock")
    connection.close()
    insert_rows(shop_database, "shop.items", [{"item_id": "i1"}])
    run = context(source_sql=tmp_path / "source")
    with caplog.at_level("INFO"):
        extract_snapshots(run)
    assert [snapshot(run, table).height for table in (ITEMS, USERS, STOCK)] == [1, 0, 0]
    assert "stock: the shop has no such table" in caplog.text
    assert "users: the shop has no such table" in caplog.text


def test_vectors_of_pictures_are_read_where_the_query_gives_them(
    context: MakeContext, shop_database: str, tmp_path: Path
) -> None:
    shutil.copytree(context().environment.source_sql, tmp_path / "source")
    insert_rows(shop_database, "shop.items", [{"item_id": "i1"}, {"item_id": "i2", "list_price": 5.0}])
    counts = extract_snapshots(context(source_sql=tmp_path / "source"))
    assert counts["item_images"] == 0
    items = tmp_path / "source" / "items.sql"
    vector = "case when list_price = 5 then array[3, 4]::real [] end as image_vector"
    items.write_text(items.read_text().replace("    image_url,\n", f"    image_url,\n    {vector},\n"))
    run = context(source_sql=tmp_path / "source")
    assert extract_snapshots(run)["items"] == 2
    images = snapshot(run, ITEM_IMAGES)
    assert images["item_id"].to_list() == ["i2"]
    assert np.frombuffer(images["vector"][0], "<f4").tolist() == pytest.approx([0.6, 0.8])
    assert snapshot(run, ITEMS).columns == ITEMS.column_names


def test_a_missing_column_names_file_and_column(context: MakeContext, tmp_path: Path) -> None:
    edited = edited_source(context, tmp_path, "items.sql", "    brand,\n", "")
    with pytest.raises(RunError, match=r"items\.sql: the query gives no column brand"):
        extract_snapshots(context(source_sql=edited))
