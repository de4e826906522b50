"""Loading: whole or not at all, and once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl
import psycopg2
import pytest

from demo import load_shop, postgres

pytestmark = pytest.mark.postgres


@pytest.fixture
def empty_shop(postgres_server: postgres.Server, database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a database without a shop, which the command line is told of."""
    postgres.prepare_shop(database)
    monkeypatch.setenv("SHOP_OWNER_DSN", database)
    return database


def small_tables() -> Iterator[tuple[str, pl.DataFrame]]:
    """A shop of one count, with a text that a careless writer of CSV would break."""
    yield "stock", pl.DataFrame({"item_id": [5], "snapshot_date": [date(2017, 1, 1)], "on_hand": [0.0]})
    yield "campaigns", pl.DataFrame({"campaign_id": [1], "name": ['two "for", one\nprice']})


def half_tables() -> Iterator[tuple[str, pl.DataFrame]]:
    """A shop whose data end half way."""
    yield from small_tables()
    raise FileNotFoundError("the data are gone")


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchall()
    connection.close()
    return found


def test_loads_once_and_again_when_told(
    empty_shop: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(load_shop, "shop_tables", small_tables)
    assert load_shop.main([]) == 0
    assert rows(empty_shop, "select item_id, on_hand, on_order, source from shop.stock") == [
        ("5", 0.0, None, "generated")
    ]
    assert rows(empty_shop, "select name from shop.campaigns") == [('two "for", one\nprice',)]
    capsys.readouterr()
    assert load_shop.main([]) == 0
    assert "rows" not in capsys.readouterr().out
    assert load_shop.main(["--reload"]) == 0
    assert "rows" in capsys.readouterr().out
    assert rows(empty_shop, "select count(*) from shop.stock") == [(1,)]


def test_a_load_that_fails_leaves_the_shop_as_it_was(empty_shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_shop, "shop_tables", small_tables)
    assert load_shop.main([]) == 0
    monkeypatch.setattr(load_shop, "shop_tables", half_tables)
    assert load_shop.main(["--reload"]) == 1
    assert rows(empty_shop, "select count(*) from shop.stock") == [(1,)]
