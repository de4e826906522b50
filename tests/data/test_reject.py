"""Rows of text: read as the contract's types, refused with the right reason."""

from __future__ import annotations

from datetime import date, datetime, timezone

import polars as pl
import pyarrow as pa
import pytest

from recsys.data.reject import as_json, event_reason, fill_events, read_values, row_keys, split_duplicates
from recsys.schemas import EVENTS, ITEMS, STOCK, USERS

GOOD = {
    "event_id": "e1",
    "user_id": "u1",
    "item_id": "i1",
    "event_type": "purchase",
    "quantity": "2",
    "unit_price": "1.5",
    "order_id": None,
    "session_id": None,
    "store_id": None,
    "occurred_at": "2024-03-05 10:00:00+00",
    "ingested_at": "2024-03-05 10:30:00.5+00",
}


def text_rows(*changes: dict[str, str | None]) -> pa.Table:
    rows = [GOOD | change for change in changes]
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in GOOD})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"event_id": None}, "missing_event_id"),
        ({"user_id": None}, "missing_user"),
        ({"user_id": ""}, "missing_user"),
        ({"item_id": None}, "missing_item"),
        ({"item_id": "i" * 1_000}, None),
        ({"item_id": "i" * 1_001}, "long_identifier"),
        ({"user_id": "用" * 334}, "long_identifier"),
        ({"store_id": "s" * 1_001}, "long_identifier"),
        ({"occurred_at": None}, "missing_time"),
        ({"occurred_at": "infinity"}, "unreadable_value"),
        ({"quantity": "many"}, "unreadable_value"),
        ({"event_type": "glance"}, "unknown_event_type"),
        ({"event_type": None}, "unknown_event_type"),
        ({"quantity": "-1"}, "absurd_quantity"),
        ({"quantity": "NaN"}, "absurd_quantity"),
        ({"quantity": "Infinity"}, "absurd_quantity"),
        ({"quantity": "1e300"}, "absurd_quantity"),
        ({"quantity": "-1e18", "event_type": "return"}, "absurd_quantity"),
        ({"quantity": "1e9"}, None),
        ({"quantity": "-1", "event_type": "return"}, None),
        ({"quantity": None}, None),
        ({"unit_price": "-0.01"}, "absurd_price"),
        ({"unit_price": "Infinity"}, "absurd_price"),
        ({"unit_price": "NaN"}, "absurd_price"),
        ({"unit_price": "1e300"}, "absurd_price"),
        ({"unit_price": "0"}, None),
        ({"unit_price": None}, None),
        ({"occurred_at": "2024-03-05 11:30:00+00"}, None),
        ({"occurred_at": "2024-03-05 11:31:00+00"}, "time_in_future"),
        ({"ingested_at": None}, None),
    ],
)
def test_each_rule_refuses_its_row_and_no_other(change: dict[str, str | None], reason: str | None) -> None:
    rows = read_values(text_rows({"event_id": "good"}, change), EVENTS)
    assert rows.select(event_reason(60)).to_series().to_list() == [None, reason]


def test_instants_with_and_without_offset_are_read() -> None:
    texts = ["2024-03-05 10:00:00+00", "2024-03-05 10:00:00.25+01", "2024-03-05 10:00:00", "rubbish"]
    rows = read_values(text_rows(*({"occurred_at": text} for text in texts)), EVENTS)
    utc = timezone.utc
    assert rows["occurred_at"].to_list() == [
        datetime(2024, 3, 5, 10, tzinfo=utc),
        datetime(2024, 3, 5, 9, 0, 0, 250_000, tzinfo=utc),
        datetime(2024, 3, 5, 10, tzinfo=utc),
        None,
    ]
    assert rows["unreadable"].to_list() == [None, None, None, "occurred_at"]


def test_blank_texts_are_null_and_not_one_order_of_everybody() -> None:
    blanks = {"order_id": "", "session_id": "   ", "store_id": "\t"}
    rows = read_values(text_rows({"user_id": "  "}, blanks, {"order_id": " 7 ", "store_id": "S1"}), EVENTS)
    assert rows["order_id"].to_list() == [None, None, " 7 "]
    assert rows["session_id"].null_count() == 3
    assert rows["store_id"].to_list() == [None, None, "S1"]
    assert rows["unreadable"].null_count() == 3
    assert rows.select(event_reason(60)).to_series().to_list() == ["missing_user", None, None]


def test_times_without_beginning_or_end_are_read() -> None:
    texts = ["-infinity", "infinity", None, "soon"]
    items = pa.table(
        {name: pa.array(texts) for name in ("launched_at", "valid_to")} | {"item_id": ["a", "b", "c", "d"]}
    )
    read = read_values(items, ITEMS)
    assert read["launched_at"].to_list() == [None, datetime(9999, 12, 31, tzinfo=timezone.utc), None, None]
    assert read["launched_at"].equals(read["valid_to"])
    assert read["unreadable"].to_list() == [None, None, None, "launched_at"]


def test_flags_and_days_are_read() -> None:
    users = pa.table({"user_id": ["a", "b", "c", "d"], "consent": ["t", "f", None, "perhaps"]})
    read = read_values(users, USERS)
    assert read["consent"].to_list() == [True, False, None, None]
    assert read["unreadable"].to_list() == [None, None, None, "consent"]
    stock = pa.table({"item_id": ["a", "b"], "snapshot_date": ["2024-03-05", "5th"], "on_hand": ["1", "2"]})
    assert read_values(stock, STOCK)["snapshot_date"].to_list() == [date(2024, 3, 5), None]


def test_what_a_shop_may_leave_out_is_filled() -> None:
    changes = {"quantity": None}, {"quantity": "-3", "event_type": "return"}, {"ingested_at": None}
    rows = fill_events(read_values(text_rows(*changes), EVENTS))
    assert rows["quantity"].to_list() == [1.0, 3.0, 2.0]
    assert rows["ingested_at"][2] == rows["occurred_at"][2]


def test_of_duplicates_the_first_loaded_stays() -> None:
    changes = (
        {"user_id": "late", "ingested_at": "2024-03-05 12:00:00+00"},
        {"user_id": "early"},
        {"event_id": "e2"},
    )
    kept, doubles = split_duplicates(read_values(text_rows(*changes), EVENTS), ["event_id"])
    assert sorted(kept["user_id"]) == ["early", "u1"]
    assert doubles["user_id"].to_list() == ["late"]


def test_a_row_without_identifier_gets_a_key_of_its_own() -> None:
    rows = pl.DataFrame({"event_id": ["e1", None, None], "user_id": ["a", "b", "c"]})
    texts = as_json(rows)
    keys = row_keys(rows["event_id"], texts).to_list()
    assert texts[1] == '{"event_id":null,"user_id":"b"}'
    assert keys[0] == "e1"
    assert len(set(keys)) == 3
