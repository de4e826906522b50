"""Numbers of drift against values worked out by hand."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from recsys.data.drift import (
    drift_beyond_chance,
    population_stability,
    price_level,
    share_drift,
    top_category,
    weekday_volume,
)
from recsys.data.quality import event_findings
from recsys.schemas import EVENTS
from recsys.settings.opening import OpeningSettings

ALWAYS_OPEN = OpeningSettings()
MONDAY = date(2024, 3, 4)


def test_the_index_of_known_shares() -> None:
    assert population_stability(np.array([5.0, 5.0]), np.array([50.0, 50.0])) == 0.0
    told = population_stability(np.array([50.0, 50.0]), np.array([25.0, 75.0]))
    assert told == pytest.approx(-0.25 * math.log(0.5) + 0.25 * math.log(1.5))
    assert population_stability(np.zeros(2), np.array([1.0, 1.0])) == 0.0


def test_a_group_that_vanished_counts_without_being_infinite() -> None:
    was, now = pl.Series(["a"] * 90 + ["b"] * 10), pl.Series(["a"] * 90 + ["c"] * 10)
    assert share_drift(was, now) == pytest.approx(2 * (0.1 - 1e-4) * math.log(0.1 / 1e-4))
    assert share_drift(was, was) == 0.0


def test_samples_of_unmoved_shares_do_not_drift_and_moved_ones_do() -> None:
    """A week of a shop that sells in a hundred categories, beside the four weeks before."""
    generator = np.random.default_rng(7)
    names, shares = np.array([f"c{n}" for n in range(100)]), generator.dirichlet(np.full(100, 0.7))

    def draw(rows: int, shares: np.ndarray = shares) -> pl.Series:
        return pl.Series(generator.choice(names, rows, p=shares))

    for rows in (200, 500, 2_000):
        told = [drift_beyond_chance(draw(4 * rows), draw(rows)) for _ in range(50)]
        assert max(told) < 0.1
        moved = shares * 0.6
        moved[0] += 0.4
        assert drift_beyond_chance(draw(4 * rows), draw(rows, moved)) > 0.25
    assert drift_beyond_chance(pl.Series(["a"] * 50), pl.Series([], dtype=pl.String)) == 0.0


def test_volume_is_compared_with_the_same_weekday() -> None:
    rows = {MONDAY - timedelta(days=n): 100 if n % 7 == 0 else 7 for n in range(1, 29)}
    assert weekday_volume({**rows, MONDAY: 10}, MONDAY, 4, ALWAYS_OPEN) == (0.1, 100.0)
    assert weekday_volume(rows, MONDAY, 4, ALWAYS_OPEN) == (0.0, 100.0)
    assert weekday_volume({MONDAY: 5, MONDAY - timedelta(days=7): 5}, MONDAY, 4, ALWAYS_OPEN) is None


def test_closed_days_are_no_days_without_events() -> None:
    rows = {MONDAY - timedelta(days=7 * n): rows for n, rows in ((4, 90), (3, 90), (0, 100))}
    assert weekday_volume(rows, MONDAY, 4, ALWAYS_OPEN) == (100 / 45, 45.0)
    closed = OpeningSettings(tuple(str(MONDAY - timedelta(days=7 * n)) for n in (1, 2)))
    assert weekday_volume(rows, MONDAY, 4, closed) == (100 / 90, 90.0)
    assert weekday_volume(rows, MONDAY, 4, OpeningSettings((str(MONDAY),))) is None


def test_a_weekday_that_is_always_closed_lacks_no_events() -> None:
    def findings(weeks: int) -> dict[str, float | None]:
        days = [MONDAY - timedelta(days=n) for n in range(2, 7 * weeks + 1)]
        sold = [datetime.combine(day, time(12), timezone.utc) for day in days if day.isoweekday() != 6]
        sold.remove(datetime.combine(MONDAY - timedelta(days=7), time(12), timezone.utc))
        null = {column.name: None for column in EVENTS.columns if column.nullable}
        events = pl.LazyFrame({"occurred_at": sold}).with_columns(
            pl.lit(value).alias(name) for name, value in null.items()
        )
        # The as-of date is a Sunday, its yesterday the closed Saturday.
        as_of = datetime.combine(MONDAY - timedelta(days=1), time(), timezone.utc)
        return {one.check: one.value for one in event_findings(events, as_of, "UTC", ALWAYS_OPEN)}

    assert (findings(8)["days_without_events"], findings(8)["freshness_days"]) == (1, 0.5)
    assert (findings(3)["days_without_events"], findings(3)["freshness_days"]) == (4, 1.5)


def test_a_sale_is_no_measure_of_other_days() -> None:
    rows = {MONDAY - timedelta(days=7 * n): rows for n, rows in ((3, 2000), (2, 2000), (1, 2000), (0, 100))}
    rows |= {MONDAY - timedelta(days=28): 100, MONDAY - timedelta(days=35): 100}
    sales = OpeningSettings((), tuple(str(MONDAY - timedelta(days=7 * n)) for n in (1, 2, 3)))
    assert weekday_volume(rows, MONDAY, 5, sales) == (1.0, 100.0)
    assert weekday_volume(rows, MONDAY, 5, ALWAYS_OPEN) == (0.05, 2000.0)


def test_price_level_compares_an_item_with_itself() -> None:
    before = pl.LazyFrame({"item_id": ["a", "a", "b", "c"], "unit_price": [1.0, 3.0, 50.0, 1.0]})
    newest = pl.DataFrame({"item_id": ["a", "b", "b", "new"], "unit_price": [200.0, 5000.0, None, 9.0]})
    assert price_level(newest, before) == (100.0, 2)
    assert price_level(newest.filter(pl.col("item_id") == "new"), before) == (1.0, 0)


def test_a_shop_of_one_department_is_told_apart_one_level_deeper() -> None:
    assert top_category(pl.Series(["A > x", "B > y", "C"])).to_list() == ["A", "B", "C"]
    assert top_category(pl.Series(["A > x > 1", "A > y", None])).to_list() == ["A > x", "A > y", None]
