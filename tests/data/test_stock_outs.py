"""Spells without stock from the shop's counts, from a real Postgres."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from recsys.data.extract import extract_snapshots
from recsys.data.stock_outs import read_stock_outs
from tests.conftest import insert_rows
from tests.data.conftest import MakeContext

pytestmark = pytest.mark.postgres


def counts(item: str, **on_hand: float) -> list[dict[str, object]]:
    """Counts of an item in March 2024, by day: d1=0.0 …"""
    return [
        {"item_id": item, "snapshot_date": date(2024, 3, int(day[1:])), "on_hand": value}
        for day, value in on_hand.items()
    ]


def test_days_between_an_empty_count_and_the_next_one_are_out(context: MakeContext, shop_database: str) -> None:
    rows = counts("back", d1=5, d2=0, d5=3) + counts("still", d7=0) + counts("twice", d1=0, d3=0, d4=1)
    # Refilled by the next evening, and counted empty only on or after the as-of date: no whole day out.
    rows += counts("short", d3=0, d4=2) + counts("later", d10=0, d12=0)
    insert_rows(shop_database, "shop.stock", rows)
    run = context()
    assert extract_snapshots(run)["stock_outs"] == 3
    assert read_stock_outs(run).rows() == [
        ("back", date(2024, 3, 3), date(2024, 3, 4)),
        ("still", date(2024, 3, 8), date(2024, 3, 9)),
        ("twice", date(2024, 3, 2), date(2024, 3, 3)),
    ]


def test_a_shop_without_the_query_has_no_spells(context: MakeContext, shop_database: str, tmp_path: Path) -> None:
    run = context()
    folder = tmp_path / "source"
    shutil.copytree(run.environment.source_sql, folder)
    (folder / "stock_outs.sql").unlink()
    run = replace(run, environment=replace(run.environment, source_sql=folder))
    assert extract_snapshots(run)["stock_outs"] == 0
    assert read_stock_outs(run).is_empty()


def test_bad_spells_are_left_out_and_counted(
    context: MakeContext, shop_database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = context()
    folder = tmp_path / "source"
    shutil.copytree(run.environment.source_sql, folder)
    (folder / "stock_outs.sql").write_text(
        "select * from (values ('a', date '2024-03-01', date '2024-04-01'), ('b', '2024-03-05', '2024-03-02'),"
        " ('c', null, '2024-03-05')) as t (item_id, first_day, last_day)"
    )
    run = replace(run, environment=replace(run.environment, source_sql=folder))
    assert extract_snapshots(run)["stock_outs"] == 1
    assert read_stock_outs(run).rows() == [("a", date(2024, 3, 1), date(2024, 3, 9))]
    assert "stock_outs: 2 row(s)" in caplog.text
