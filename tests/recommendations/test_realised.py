"""Published lists against what users did since: values worked out by hand, and when a day is measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.models.registry import write_json
from recsys.recommendations.realised import measure_lists, summarise
from recsys.recommendations.realised_metrics import build_realised_metrics, scores_due, truth_between
from recsys.run import RunContext
from recsys.settings.data import DataSettings
from recsys.settings.measuring import MeasuringSettings
from recsys.settings.models import ModelSettings
from recsys.storage import delete_partitions, read_partition, write_partition

DAY = date(2024, 3, 10)
IDEAL_2 = 1 + 1 / np.log2(3)


def lists(*rows: tuple[str, str, int, str, str, str | None]) -> pl.DataFrame:
    names = ["list", "user_id", "rank", "item_id", "generator", "fallback"]
    return pl.DataFrame(rows, schema=names, orient="row")


def truth(*rows: tuple[str, str, float, bool]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["user_id", "item_id", "revenue", "bought_before"], orient="row")


def told(rows: pl.DataFrame) -> dict[tuple[str, ...], tuple[float, int]]:
    keys = ["list", "slice", "slice_value", "metric"]
    return {tuple(row[:4]): (round(row[4], 9), row[5]) for row in rows.select(*keys, "value", "users").iter_rows()}


SHOWN = lists(
    ("for_you", "anna", 1, "milk", "buy_again", None),
    ("for_you", "anna", 2, "tea", "als", None),
    ("for_you", "bert", 1, "milk", "trending", "trending"),
    ("for_you", "bert", 12, "soap", "trending", "trending"),
    ("for_you", "idle", 1, "milk", "trending", "trending"),
    ("discover", "anna", 1, "tea", "als", None),
)
DONE = truth(
    ("anna", "milk", 2.0, True),
    ("anna", "tea", 6.0, False),
    ("bert", "soap", 5.0, False),
    ("bert", "bread", 5.0, False),
)


def test_metrics_of_known_lists() -> None:
    segments = pl.DataFrame({"user_id": ["anna", "bert"], "segment": ["young", None]})
    found = told(summarise([measure_lists(SHOWN, DONE)], segments, 10, 1))
    assert found["for_you", "all", "", "ndcg@10"] == (0.5, 2)
    assert found["for_you", "all", "", "hit@10"] == (0.5, 2)
    assert found["for_you", "all", "", "recall@20"] == (0.75, 2)
    assert found["for_you", "all", "", "revenue@10"] == (8.0, 2)
    assert found["for_you", "all", "", "revenue_share@10"] == (0.5, 2)
    assert found["for_you", "segment", "young", "ndcg@10"] == (1.0, 1)
    assert found["for_you", "warmth", "cold", "recall@20"] == (0.5, 1)
    assert found["for_you", "warmth", "warm", "revenue@10"] == (8.0, 1)
    assert found["for_you", "generator", "als", "precision@10"] == (1.0, 1)
    assert found["for_you", "generator", "trending", "precision@10"] == (0.0, 2)
    assert found["for_you", "generator", "buy_again", "revenue@10"] == (2.0, 1)


def test_a_list_answers_for_its_own_part_of_what_was_done() -> None:
    found = told(
        summarise(
            [measure_lists(SHOWN, DONE)], pl.DataFrame(schema={"user_id": pl.String, "segment": pl.String}), 10, 1
        )
    )
    assert found["discover", "all", "", "ndcg@10"] == (1.0, 1)
    swapped = DONE.with_columns(bought_before=~pl.col("bought_before"))
    assert measure_lists(SHOWN, swapped).users.filter(pl.col("list") == "discover")["ndcg"].to_list() == [0.0]


def test_order_counts() -> None:
    rows = lists(("for_you", "anna", 2, "milk", "als", None), ("for_you", "anna", 3, "tea", "als", None))
    (value,) = measure_lists(rows, DONE).users["ndcg"]
    assert value == pytest.approx((1 / np.log2(3) + 0.5) / IDEAL_2)


def test_shards_add_up_to_the_whole() -> None:
    nobody = pl.DataFrame(schema={"user_id": pl.String, "segment": pl.String})
    parts = [measure_lists(SHOWN.filter(pl.col("user_id") == user), DONE) for user in ("bert", "idle", "anna")]
    assert summarise(parts, nobody, 10, 1).equals(summarise([measure_lists(SHOWN, DONE)], nobody, 10, 1))


def test_slots_and_arms_are_told_apart_where_they_are_known() -> None:
    nobody = pl.DataFrame(schema={"user_id": pl.String, "segment": pl.String})
    explored = SHOWN.with_columns(propensity=pl.when(pl.col("rank") == 2).then(0.5))
    arms = pl.DataFrame({"experiment": "e", "user_id": ["anna", "bert"], "arm": ["x", "y"], "share": [0.5, 0.5]})
    found = told(summarise([measure_lists(explored, DONE)], nobody, 10, 1, arms, 1.0))
    assert found["for_you", "slot", "explored", "uniform_precision@20"] == (1.0, 1)
    assert found["for_you", "slot", "ranked", "hits@20"] == (2.0, 3)
    assert found["for_you", "arm", "e/x", "ndcg@10"] == (1.0, 1)
    assert found["for_you", "arm", "e", "sample_ratio_p"] == (1.0, 2)
    plain = summarise([measure_lists(SHOWN, DONE)], nobody, 10, 1)
    assert not set(plain["slice"]) & {"slot", "arm"}


def test_without_prices_nothing_is_told_of_revenue() -> None:
    nobody = pl.DataFrame(schema={"user_id": pl.String, "segment": pl.String})
    explored = SHOWN.with_columns(propensity=pl.when(pl.col("rank") == 2).then(0.5))
    arms = pl.DataFrame({"experiment": "e", "user_id": ["anna", "bert"], "arm": ["x", "y"], "share": [0.5, 0.5]})
    unpriced = DONE.with_columns(revenue=pl.lit(None, pl.Float64))
    rows = summarise([measure_lists(explored, unpriced)], nobody, 10, 1, arms, 1.0)
    priced = summarise([measure_lists(explored, DONE)], nobody, 10, 1, arms, 1.0)
    assert rows.equals(priced.filter(~pl.col("metric").str.contains("revenue")))
    assert priced.filter(pl.col("metric").str.contains("revenue"))["slice"].n_unique() == 5


def test_nobody_did_anything() -> None:
    nobody = pl.DataFrame(schema={"user_id": pl.String, "segment": pl.String})
    rows = summarise([measure_lists(SHOWN, DONE.clear())], nobody, 10, 1)
    assert rows.filter(pl.col("slice") == "all").is_empty()
    assert told(rows)["for_you", "generator", "trending", "hits@10"] == (0.0, 2)


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=timezone.utc)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    """A lake whose lists of three days were published; anna buys milk at noon of every day, twice for 2.0."""
    settings = Settings(
        data=DataSettings(look_back_days=30),
        models=ModelSettings(bootstrap_draws=10),
        measuring=MeasuringSettings(horizons=(1, 2)),
    )
    context = RunContext(DAY, Environment("", "", str(tmp_path)), settings, "test")
    empty = pl.DataFrame(schemas.EVENTS.arrow_schema.empty_table())
    for back in range(1, 6):
        day = DAY - timedelta(days=back)
        bought = {"event_id": [str(day)], "user_id": ["anna"], "item_id": ["milk"], "event_type": ["purchase"]}
        bought |= {"quantity": [2.0], "unit_price": [2.0], "occurred_at": [at(day)], "ingested_at": [at(day, 13)]}  # type: ignore[dict-item]
        row = pl.concat([empty, pl.DataFrame(bought).cast({k: empty.schema[k] for k in bought})], how="diagonal")  # type: ignore[arg-type]
        write_partition(context.lake, schemas.EVENTS, row, date=day)
    nothing = schemas.EXCLUDED_EVENTS.arrow_schema.empty_table()
    for day in (DAY, DAY + timedelta(days=1)):
        write_partition(context.lake, schemas.EXCLUDED_EVENTS, nothing, as_of_date=day)
        users = schemas.USERS.arrow_schema.empty_table()
        write_partition(context.lake, schemas.USERS, users, as_of_date=day)
    for back in (1, 2, 3):
        _publish(context, DAY - timedelta(days=back))
    return context


def _publish(context: RunContext, day: date, checksum: str = "c") -> None:
    text = {name: pl.lit("x") for name in ("reason_code", "reason_text", "model_version")}
    rows = SHOWN.filter(pl.col("user_id") == "anna").with_columns(as_of_date=pl.lit(day), score=pl.lit(1.0), **text)
    lacks = [column for column in schemas.USER_RECOMMENDATIONS.columns if column.name not in rows.columns]
    rows = rows.with_columns(pl.lit(None).alias(column.name) for column in lacks)
    types = {"rank": pl.Int32, "score": pl.Float32, "fallback": pl.String}
    write_partition(context.lake, schemas.USER_RECOMMENDATIONS, rows.cast(types), as_of_date=day, shard=0)  # type: ignore[arg-type]
    mark = pl.DataFrame({"day": [day], "run_id": ["r"], "rows": [3], "checksum": [checksum], "model_version": ["v1"]})
    write_partition(context.lake, schemas.PUBLISHED_LISTS, mark, as_of_date=day)


def test_truth_is_of_the_horizon_alone(context: RunContext) -> None:
    told = truth_between(context, DAY - timedelta(days=2), 1)
    assert told.rows() == [("anna", "milk", 4.0, True)]
    assert truth_between(context, DAY - timedelta(days=5), 2).rows() == [("anna", "milk", 8.0, False)]


def test_what_was_paid_without_a_price_is_not_known(context: RunContext) -> None:
    day = DAY - timedelta(days=2)
    bought = read_partition(context.lake, schemas.EVENTS, date=day)
    write_partition(context.lake, schemas.EVENTS, bought.with_columns(unit_price=pl.lit(None, pl.Float64)), date=day)
    assert truth_between(context, day, 1).rows() == [("anna", "milk", None, True)]
    assert truth_between(context, day, 2).rows() == [("anna", "milk", 4.0, True)]


def test_a_day_without_a_purchase_is_not_measured_by_its_views(context: RunContext) -> None:
    day = DAY - timedelta(days=2)
    bought = read_partition(context.lake, schemas.EVENTS, date=day)
    viewed = bought.with_columns(event_type=pl.lit("view"))
    write_partition(context.lake, schemas.EVENTS, viewed, date=day)
    assert truth_between(context, day, 1).rows() == [("anna", "milk", None, True)]
    write_json(context.lake, day, "model_card", {"label_types": ["purchase"]})
    assert truth_between(context, day, 1).is_empty()
    write_json(context.lake, day - timedelta(days=1), "model_card", {"label_types": ["purchase", "view"]})
    assert truth_between(context, day - timedelta(days=1), 2).rows() == [("anna", "milk", 4.0, True)]


def test_each_day_and_horizon_is_measured_once(context: RunContext) -> None:
    back = {n: DAY - timedelta(days=n) for n in (1, 2, 3)}
    assert scores_due(context) == [(back[1], 1), (back[2], 2), (back[2], 1), (back[3], 2), (back[3], 1)]
    assert build_realised_metrics(context)["scores"] == 5
    assert scores_due(context) == scores_due(context)
    tomorrow = replace(context, as_of_date=DAY + timedelta(days=1))
    assert scores_due(tomorrow) == [(back[1], 2)]
    rows = read_partition(context.lake, schemas.REALISED_METRICS, as_of_date=DAY)
    whole = rows.filter((pl.col("slice") == "all") & (pl.col("metric") == "ndcg@10") & (pl.col("list") == "for_you"))
    assert whole["value"].to_list() == [1.0] * 5
    assert set(rows["model_version"]) == {"v1"}


def test_lists_that_were_published_again_are_measured_again(context: RunContext) -> None:
    build_realised_metrics(context)
    again, tomorrow = DAY - timedelta(days=2), replace(context, as_of_date=DAY + timedelta(days=1))
    _publish(context, again, "other lists")
    due = [(DAY - timedelta(days=1), 2), (again, 2), (again, 1)]
    assert scores_due(tomorrow) == due
    build_realised_metrics(tomorrow)
    later = replace(context, as_of_date=DAY + timedelta(days=2))
    assert scores_due(later) == []


def test_lists_that_nobody_saw_are_not_measured(context: RunContext) -> None:
    delete_partitions(context.lake, schemas.PUBLISHED_LISTS, as_of_date=DAY - timedelta(days=1))
    assert all(published != DAY - timedelta(days=1) for published, _ in scores_due(context))


def test_one_run_measures_a_bounded_number(context: RunContext) -> None:
    settings = replace(context.settings, measuring=MeasuringSettings(horizons=(1, 2), scores_per_run=2))
    assert len(scores_due(replace(context, settings=settings))) == 2
