from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.features.view_files import write_view
from recsys.models import registry
from recsys.recommendations.stability import check_stability, churn, compare_lists, drift
from recsys.run import RunContext
from recsys.settings.stability import StabilitySettings
from recsys.storage import read_partition, write_partition

DAY = date(2024, 3, 10)
YESTERDAY = DAY - timedelta(days=1)


def lists(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["list", "user_id", "item_id"], orient="row")


BEFORE = lists(("for_you", "u", "a"), ("for_you", "u", "b"), ("for_you", "v", "a"), ("discover", "u", "c"))
NOW = lists(("for_you", "u", "b"), ("for_you", "u", "x"), ("for_you", "v", "a"), ("for_you", "new", "y"))


def test_overlap_is_of_users_who_had_the_list_before() -> None:
    assert compare_lists(NOW, BEFORE.lazy()).rows() == [("for_you", 0.5 + 1.0, 2)]


def test_churn_counts_places_of_items_that_nobody_saw() -> None:
    assert churn(NOW.lazy(), BEFORE.lazy()) == 2 / 4
    assert churn(NOW.clear().lazy(), BEFORE.lazy()) == 0


def test_drift_of_values() -> None:
    values = pl.Series([float(n) for n in range(200)])
    assert drift(values, values) == pytest.approx(0)
    assert drift(values, values + 20) > 0.25
    assert drift(values, pl.Series([None] * 100 + [float(n) for n in range(0, 200, 2)])) > 0.25
    assert drift(values.clear(), values) == 0
    constant = pl.Series([1.0] * 10)
    assert drift(constant, constant) == 0


@pytest.mark.parametrize("size", [5, 20, 40, 60, 100, 200])
def test_few_values_that_did_not_move_raise_no_alarm_and_those_that_did_raise_one(size: int) -> None:
    """A small shop has some forty features: hardly one of them may move by chance."""
    generator = np.random.default_rng(size)
    told = [drift(*(pl.Series(generator.normal(size=size)) for _ in range(2))) for _ in range(200)]
    assert sum(value > StabilitySettings().max_feature_drift for value in told) <= 1
    moved = drift(pl.Series(generator.normal(size=size)), pl.Series(generator.normal(4.0, size=size)))
    assert (moved > StabilitySettings().max_feature_drift) == (size >= 40)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    """Yesterday, which was published, and today show milk and tea to anna; one check of the input is there already."""
    context = RunContext(DAY, Environment("", "", str(tmp_path)), Settings(), "test")
    for day in (YESTERDAY, DAY):
        _show(context, day, "milk", "tea")
        numbers = pl.Series(range(40), dtype=pl.Int32)
        base = pl.DataFrame({"store": numbers, "leaf": numbers, "parent": numbers, "feature": numbers.cast(pl.Float32)})
        users = base.select(user="store", u_store="store", u_trips="feature")
        items = base.select("leaf", "parent", item="store", i_count="feature")
        write_view(replace(context, as_of_date=day), "users", users)
        write_view(replace(context, as_of_date=day), "items", items)
    mark = pl.DataFrame({"day": [DAY], "run_id": ["r"], "rows": [3], "checksum": ["c"], "model_version": ["v1"]})
    write_partition(context.lake, schemas.PUBLISHED_LISTS, mark, as_of_date=YESTERDAY)
    told = {"table_name": "events", "check_name": "row_count", "subject": "", "severity": "stop", "message": "fine"}
    row = pl.DataFrame([{"as_of_date": DAY, **told, "value": 1.0, "threshold": 1.0, "passed": True}])
    write_partition(context.lake, schemas.DATA_QUALITY, row, as_of_date=DAY)
    return context


def _show(context: RunContext, day: date, *items: str) -> None:
    text = {name: pl.lit("x") for name in ("generator", "reason_code", "reason_text", "model_version")}
    nothing = {name: pl.lit(None, pl.String) for name in ("anchor_item_id", "fallback")}
    rows = pl.DataFrame({"item_id": items}).with_columns(
        rank=pl.int_range(1, len(items) + 1, dtype=pl.Int32), score=pl.lit(1.0, pl.Float32), list=pl.lit("for_you"),
        user_id=pl.lit("anna"), as_of_date=pl.lit(day), **text, **nothing,
    )  # fmt: skip
    lacks = [column for column in schemas.USER_RECOMMENDATIONS.columns if column.name not in rows.columns]
    rows = rows.with_columns(pl.lit(None).alias(column.name) for column in lacks)
    write_partition(context.lake, schemas.USER_RECOMMENDATIONS, rows, as_of_date=day, shard=0)


def found(context: RunContext) -> dict[tuple[str, str], tuple[float, bool]]:
    rows = read_partition(context.lake, schemas.DATA_QUALITY, as_of_date=DAY)
    return {(row["check_name"], row["subject"]): (row["value"], row["passed"]) for row in rows.to_dicts()}


def test_a_day_like_the_one_before_raises_nothing(context: RunContext) -> None:
    assert check_stability(context) == {"stability_checks": 5, "drifted": 0}
    told = found(context)
    assert told["list_overlap", "for_you"] == (1.0, True)
    assert told["item_churn", "for_you"] == told["score_drift", "for_you"] == (0.0, True)
    assert {check for check, _ in told} == {"row_count", *schemas.STABILITY_CHECKS}
    check_stability(context)
    assert found(context) == told


def test_other_items_are_a_warning_and_a_notice(context: RunContext) -> None:
    _show(context, DAY, "saw", "axe")
    counts = check_stability(context)
    assert counts["drifted"] == 2
    assert "for_you: 0% of the first ten items of 1 users were there on 2024-03-09" in str(counts["notice"])
    assert found(context)["item_churn", "for_you"] == (1.0, False)
    quiet = replace(context, settings=replace(context.settings, stability=StabilitySettings(notify=False)))
    assert "notice" not in check_stability(quiet)


def test_scores_of_another_ranker_may_have_another_level(context: RunContext) -> None:
    for day, level in ((YESTERDAY, 0.0), (DAY, 5.0)):
        _show(context, day, *(f"item {n}" for n in range(10)))
        shown = read_partition(context.lake, schemas.USER_RECOMMENDATIONS, as_of_date=day, shard=0)
        users = pl.DataFrame({"user_id": [f"user {n}" for n in range(20)]})
        rows = shown.drop("user_id").join(users, how="cross").with_columns(score=pl.col("rank") / -10 + level)
        write_partition(context.lake, schemas.USER_RECOMMENDATIONS, rows, as_of_date=day, shard=0)
        registry.write_json(context.lake, day, "training", {"key": "the same"})
    check_stability(context)
    assert not found(context)["score_drift", "for_you"][1]
    registry.write_json(context.lake, DAY, "training", {"key": "another"})
    check_stability(context)
    assert found(context)["score_drift", "for_you"] == (0.0, True)


def test_a_feature_that_moved_is_named(context: RunContext) -> None:
    codes = pl.Series(range(40), dtype=pl.Int32)
    view = pl.DataFrame({"user": codes, "u_store": codes})
    write_view(context, "users", view.with_columns(u_trips=pl.lit(99, pl.Float32)))
    assert "u_trips drifted by" in str(check_stability(context)["notice"])
    assert not found(context)["feature_drift", "u_trips"][1]


def _write_items(context: RunContext, day: date, first: pl.Series, sold: pl.Series) -> None:
    codes = pl.Series(range(120), dtype=pl.Int32)
    numbers = {"i_first": first.cast(pl.Float32), "parent_sold": sold.cast(pl.Float32)}
    view = pl.DataFrame({"item": codes, "leaf": codes, "parent": codes % 3, **numbers})
    write_view(replace(context, as_of_date=day), "items", view)


def test_a_shop_that_is_a_week_older_has_not_drifted(context: RunContext) -> None:
    first, sold = pl.Series([240.0] * 60 + [*range(60)]), pl.Series([30.0, 31.0, 32.0] * 40)
    _write_items(context, YESTERDAY, first, sold)
    _write_items(context, DAY, first + 1, sold + 1)
    assert check_stability(context)["drifted"] == 0
    _write_items(context, DAY, first, sold)
    assert check_stability(context)["drifted"] == 0
    _write_items(context, DAY, first + 100, sold)
    assert "i_first drifted by" in str(check_stability(context)["notice"])


def test_without_a_published_day_nothing_is_compared(context: RunContext) -> None:
    settings = replace(context.settings, stability=StabilitySettings(within_days=0))
    assert check_stability(replace(context, settings=settings)) == {"stability_checks": 0, "drifted": 0}


def test_a_few_shared_values_that_hardly_move_are_no_drift() -> None:
    was = pl.Series([1.0, 2.0, 3.0, 5.0] * 20)
    assert drift(was, was * 1.03) == 0.0
    assert drift(was, was * 10) > 1.0
    assert drift(pl.Series([0.0] * 80), pl.Series([5.0] * 80)) > 1.0
