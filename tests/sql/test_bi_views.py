"""What the views of schema bi add to the tables: names for ids, and reports over all days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl
import psycopg2
import pytest

from recsys import schemas
from recsys.recommendations.publish import rollback
from recsys.storage import Lake, write_partition
from recsys.warehouse import create_warehouse
from tests.conftest import insert_rows
from tests.recommendations.published_days import FIRST, SECOND, context_of, run_day, write_day

pytestmark = pytest.mark.postgres


def details(day: date, suffix: str) -> pl.DataFrame:
    """Two of the three recommended items have names."""
    rows = pl.DataFrame({"item_id": ["i1", "i2"], "title": [f"First{suffix}", f"Second{suffix}"]})
    return rows.with_columns(
        pl.lit(day).alias("as_of_date"),
        pl.lit("FOOD > FRUIT").alias("category_path"),
        pl.lit(5, pl.Int32).alias("users"),
        *(pl.lit(None, pl.String).alias(name) for name in ("brand", "image_url", "held_back")),
        *(pl.lit(None, pl.Float64).alias(name) for name in ("list_price", "on_hand")),
    )


def metrics(day: date) -> pl.DataFrame:
    rows = pl.DataFrame(
        [
            ("ranker", "ndcg@10", 0.4, 0.35),
            ("popularity", "ndcg@10", 0.3, 0.25),
            ("ranker", "ndcg@10 above popularity", 0.1, 0.05),
            ("ranker", "recall", 0.9, 0.8),
        ],
        schema=["model", "metric", "value", "low"],
        orient="row",
    )
    return rows.with_columns(
        pl.lit(day).alias("as_of_date"),
        pl.lit("all").alias("setting"),
        high=pl.col("value") + 0.05,
        users=pl.lit(7, pl.Int32),
        holdout_from=pl.lit(day - timedelta(days=7)),
        holdout_to=pl.lit(day),
        model_version=pl.lit("v"),
    )


@pytest.fixture
def cursor(database: str, lake: str) -> Iterator[Any]:
    """As bi_reader, on a warehouse with two published days."""
    create_warehouse(database)
    for day, suffix in ((FIRST, ""), (SECOND, "!")):
        write_day(lake, day)
        write_partition(Lake(lake), schemas.ITEM_DETAILS, details(day, suffix), as_of_date=day)
        write_partition(Lake(lake), schemas.OFFLINE_METRICS, metrics(day), as_of_date=day)
        run_day(context_of(database, lake, day))
    connection = psycopg2.connect(database)
    with connection.cursor() as opened:
        opened.execute("set role bi_reader")
        yield opened
    connection.close()


def rows(cursor: Any, query: str, *values: object) -> list[tuple[Any, ...]]:
    cursor.execute(query, values)
    return list(cursor.fetchall())


def test_names_are_those_of_the_rows_own_day(cursor: Any) -> None:
    query = (
        "select rank, item_title, item_category from bi.user_recommendations where as_of_date = %s and user_id = 'u0'"
    )
    fruit = "FOOD > FRUIT"
    assert rows(cursor, query + " order by rank", FIRST) == [(1, "First", fruit), (2, "Second", fruit), (3, None, None)]
    assert rows(cursor, "select item_title from bi.current_user_recommendations where user_id = 'u0' and rank = 1") == [
        ("First!",)
    ]


def test_published_days_and_freshness_follow_the_pointer(cursor: Any, database: str, lake: str) -> None:
    days = "select as_of_date, is_current, tables, run_id from bi.published_days"
    tables = len(schemas.PUBLISHED)
    assert rows(cursor, days) == [(SECOND, True, tables, "run-a"), (FIRST, False, tables, "run-a")]
    cursor.connection.commit()
    cursor.execute("set role bi_reader")
    rollback(context_of(database, lake).environment)
    assert [current for _, current, _, _ in rows(cursor, days)] == [False, True]
    fresh = "select newest_day, is_current, rows, rows_before, change, hours_old >= 0 from bi.table_freshness"
    assert rows(cursor, fresh + " where table_name = 'user_recommendations'") == [(SECOND, False, 6, 6, 0.0, True)]


def test_the_ranker_stands_beside_each_baseline(cursor: Any) -> None:
    query = "select setting, baseline, ranker_ndcg, baseline_ndcg, gain, gain_low from bi.model_comparison"
    assert rows(cursor, query + " where is_current") == [("all", "popularity", 0.4, 0.3, 0.1, 0.05)]


def test_an_experiment_measured_by_several_runs_is_told_once_by_the_newest(database: str) -> None:
    create_warehouse(database)
    connection = psycopg2.connect(database)
    with connection.cursor() as opened:
        for as_of, above in ((FIRST, 0.1), (SECOND, 0.2)):
            opened.execute(
                f"create table recsys.measured_{as_of:%d} partition of recsys.realised_metrics for values in (%s)",
                [as_of],
            )
            told = [("e/control", "ndcg@10", 0.3), ("e/new", "ndcg@10", 0.3 + above), ("e/", "sample_ratio_p", above)]
            for value in told:
                opened.execute(
                    "insert into recsys.realised_metrics"
                    " values (%s, %s, 7, 'for_you', 'arm', %s, %s, %s, 0, 1, 9, 'v')",
                    [as_of, FIRST - timedelta(days=9), *value],
                )
        query = "select arm, value, difference, sample_ratio_p from bi.experiment_results order by arm"
        assert rows(opened, query) == [("control", 0.3, 0.0, 0.2), ("new", 0.5, pytest.approx(0.2), 0.2)]
    connection.close()


def test_lists_measured_by_several_runs_are_told_once_by_the_newest(database: str) -> None:
    create_warehouse(database)
    connection = psycopg2.connect(database)
    with connection.cursor() as opened:
        for as_of in (FIRST, SECOND):
            table = f"recsys.measured_{as_of:%d}"
            opened.execute(f"create table {table} partition of recsys.realised_metrics for values in (%s)", [as_of])
        # Both runs measured the first published day, the later one without `als`; only the first run the second day.
        measured = [(FIRST, 9, "buy_again", 0.1), (FIRST, 9, "als", 0.1), (FIRST, 8, "als", 0.3)]
        for as_of, back, generator, value in [*measured, (SECOND, 9, "buy_again", 0.2)]:
            opened.execute(
                "insert into recsys.realised_metrics"
                " values (%s, %s, 7, 'for_you', 'generator', %s, 'precision@10', %s, null, null, 9, 'v')",
                [as_of, FIRST - timedelta(days=back), generator, value],
            )
        opened.execute("insert into recsys.current_run (as_of_date) values (%s)", [FIRST])
        query = "select as_of_date, slice_value, value from bi.realised_metrics order by value"
        assert rows(opened, query) == [(SECOND, "buy_again", 0.2), (FIRST, "als", 0.3)]
        assert rows(opened, "select count(*) from bi.current_realised_metrics") == [(3,)]
    connection.close()


def test_a_users_rows_are_found_by_index(cursor: Any) -> None:
    cursor.execute("set enable_seqscan = off")
    plan = rows(
        cursor, "explain select * from bi.current_user_recommendations where user_id = 'u0' order by list, rank"
    )
    text = "\n".join(line for (line,) in plan)
    assert "Index Cond: (user_id = 'u0'" in text or "Index Cond: ((user_id = 'u0'" in text, text


def test_campaigns_of_one_name_are_told_apart(database: str) -> None:
    """A chart by name would add up two newsletters; on the second day the first of them alone is left."""
    create_warehouse(database)
    named = {"n1": "Newsletter", "n2": "Newsletter", "tea": "Tea", "x": None, "y": ""}
    told = dict.fromkeys(("reason_code", "reason_text", "model_version", "way"), "a")
    audience = {"user_id": "u", "rank": 1, "probability": 0.5, "decile": 1, "holdout": False, "sized_by": "share"}
    counts = dict.fromkeys(("users", "responders", "response_rate", "buyers", "buyer_rate"), 1)
    result = {"user_group": "contacted", "starts_on": FIRST, "ends_on": FIRST, **counts}
    connection = psycopg2.connect(database)
    with connection, connection.cursor() as opened:
        for day in (FIRST, SECOND):
            for table in ("campaign_audiences", "audience_results"):
                part = f"create table recsys.{table}_{day:%d} partition of recsys.{table} for values in (%s)"
                opened.execute(part, [day])
    days = [*((FIRST, campaign) for campaign in named), (SECOND, "n1")]
    keys = [{"as_of_date": day, "campaign_id": one, "campaign_name": named[one]} for day, one in days]
    for table, facts in (("campaign_audiences", audience), ("audience_results", result)):
        insert_rows(database, f"recsys.{table}", [{**key, **told, **facts} for key in keys])
    names = ["Newsletter (n1)", "Newsletter (n2)", "Tea", "x", "y"]
    with connection.cursor() as opened:
        for query in (
            "select as_of_date, campaign from bi.campaign_audiences order by as_of_date, campaign_id",
            "select as_of_date, campaign from bi.audience_results order by as_of_date, campaign_id",
        ):
            assert rows(opened, query) == [*((FIRST, name) for name in names), (SECOND, "Newsletter")]
    connection.close()
