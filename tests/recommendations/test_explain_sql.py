"""The analysts' function that tells of one item for one user."""

from __future__ import annotations

from typing import Any

import polars as pl
import psycopg2
import pytest

from recsys import schemas
from recsys.storage import Lake, write_partition
from tests.recommendations.published_days import FIRST, SECOND, context_of, recommendations, run_day, write_day

pytestmark = pytest.mark.postgres


def explained(dsn: str, user: str, item: str) -> dict[str | None, tuple[int | None, str]]:
    """Rank and story by list, as a reader is told them."""
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("set role bi_reader")
        cursor.execute("select * from bi.explain_recommendation(%s, %s)", (user, item))
        rows: list[Any] = cursor.fetchall()
    connection.close()
    return {name: (rank, story) for name, rank, story in rows}


def test_an_item_is_explained_list_by_list(warehouse: str, lake: str) -> None:
    write_day(lake, SECOND)
    run_day(context_of(warehouse, lake))
    assert explained(warehouse, "u1", "i2") == {"for_you": (2, "You buy it often. (from buy_again, score 0.500)")}
    connection = psycopg2.connect(warehouse)
    with connection, connection.cursor() as cursor:
        cursor.execute("update recsys.user_recommendations set top_features = 'rhythm +0.20' where item_id = 'i2'")
    connection.close()
    told = "You buy it often. (from buy_again, score 0.500, moved most by rhythm +0.20)"
    assert explained(warehouse, "u1", "i2")["for_you"] == (2, told)
    assert explained(warehouse, "nobody", "i2") == {None: (None, "nobody of this id has a current list")}


@pytest.fixture
def lists(warehouse: str, lake: str) -> str:
    """A day on which u0 has two items in three lists each, u1 what is popular alone, and five items are known."""
    rows = recommendations(SECOND, users=1).filter(pl.col("rank") < 3)
    fresh = rows.with_columns(list=pl.lit("discover"), item_id=pl.col("item_id").str.replace("i", "n"))
    fresh = fresh.with_columns(purchases=None, last_purchase_days=None, usual_gap_days=None)
    fresh = fresh.with_columns(generator=pl.lit("trending"), reason_code=pl.lit("trending"))
    popular = fresh.with_columns(list=pl.lit("for_you"), user_id=pl.lit("u1"), fallback=pl.lit("trending"))
    again = rows.with_columns(list=pl.lit("buy_again"))
    whole = pl.concat([rows, fresh, popular, again], how="vertical_relaxed").sort("list", "user_id", "rank")
    write_day(lake, SECOND, rows=whole.cast({"purchases": pl.Int32}))
    details = [
        ("i1", "DAIRY", 9, None),
        ("i2", "DAIRY", 9, None),
        ("near", "DAIRY", 0, None),
        ("far", "TEA", 4, None),
        ("gone", "TEA", 4, "out_of_stock"),
        ("n1", "TEA", 4, None),
    ]
    known = pl.DataFrame(details, schema=["item_id", "category_path", "users", "held_back"], orient="row")
    blank = [name for name in schemas.ITEM_DETAILS.column_names if name not in ("as_of_date", *known.columns)]
    known = known.with_columns(*(pl.lit(None).alias(name) for name in blank), as_of_date=pl.lit(SECOND))
    history = {"user_id": ["u0"], "rank": [1], "item_id": ["far"], "events": [3], "weight": [1.0], "last_on": [FIRST]}
    past = pl.DataFrame(history).with_columns(as_of_date=pl.lit(SECOND))
    for table, frame in ((schemas.ITEM_DETAILS, known), (schemas.USER_HISTORY, past)):
        write_partition(Lake(lake), table, frame.sort(table.key), as_of_date=SECOND)
    run_day(context_of(warehouse, lake))
    return warehouse


@pytest.mark.parametrize(
    ("user", "item", "name", "said"),
    [
        ("u0", "gone", "discover", "no list may show it: out of stock"),
        ("u0", "unheard of", "for_you", "not among the day's items: "),
        ("u0", "i1", "discover", "the user bought it before"),
        ("u0", "n1", "buy_again", "the user is not known to have bought it"),
        ("u0", "n1", "for_you", "ranked below the 2 places of the list, which end at a score of 0.500, or not"),
        ("u0", "near", "for_you", "; its category has 2 of the places; nobody did anything with it yet; python -m"),
        ("u0", "far", "for_you", "not proposed; the user did something with it 3 time(s), last on 2017-12-03; python"),
        ("u1", "far", "for_you", "the list holds what is popular alone (no history, or no consent), and this is not"),
    ],
)
def test_a_missing_item_is_told_the_rule_or_the_rank_that_it_lacked(
    lists: str, user: str, item: str, name: str, said: str
) -> None:
    rank, story = explained(lists, user, item)[name]
    assert rank is None
    assert said in story
