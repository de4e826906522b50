"""Past days built one after the other and measured, on the shop with known answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg2
import pytest

from recsys.backtest import _measuring_context, backtest, describe
from recsys.config import Environment, Settings
from recsys.run import RunContext, RunError
from recsys.settings.measuring import MeasuringSettings
from recsys.warehouse import create_warehouse
from tests import known_answer_shop as shop

FIRST = shop.AS_OF_DATE - timedelta(days=9)
LAST = FIRST + timedelta(days=1)


@pytest.mark.postgres
def test_past_days_are_built_and_measured(shop_database: str, database: str, lake: str) -> None:
    shop.fill_shop(shop_database)
    create_warehouse(database)
    settings = replace(shop.SETTINGS, measuring=MeasuringSettings(horizons=(1, 7)))
    environment = Environment(shop_database, database, lake)
    table = backtest(FIRST, LAST, environment, settings, "test")
    assert set(table.select("as_of_date", "horizon_days").iter_rows()) == {
        (d, h) for d in (FIRST, LAST) for h in (1, 7)
    }
    weekly = table.filter((table["list"] == "for_you") & (table["horizon_days"] == 7))
    # Everybody shops within a week and mostly what they always buy; two weeks before were as easy.
    assert weekly["realised"].min() > 0.7  # type: ignore[operator]
    assert weekly["offline"].null_count() == 0
    assert "for_you: 2 days, realised 0." in describe(table, 7)
    assert set(backtest(FIRST, LAST, environment, settings, "test", every=2)["as_of_date"]) == {FIRST}
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select published_date, horizon_days, as_of_date from bi.realised_metrics"
            " where list = 'for_you' and slice = 'all' and metric = 'ndcg@10'"
        )
        # The second day's own run has measured the first day; the last day's measuring publishes nothing.
        assert cursor.fetchall() == [(FIRST, 1, LAST)]
    connection.close()


@pytest.mark.postgres
def test_only_horizons_that_the_events_reach_are_measured(shop_database: str, database: str, lake: str) -> None:
    shop.fill_shop(shop_database)
    create_warehouse(database)
    settings = replace(shop.SETTINGS, measuring=MeasuringSettings(horizons=(1, 2, 3)))
    # The newest events are of the day before the as-of date.
    last = shop.AS_OF_DATE - timedelta(days=2)
    context = RunContext(last, Environment(shop_database, database, lake), settings, "test")
    assert _measuring_context(context, last).as_of_date == last + timedelta(days=2)
    with pytest.raises(RunError, match="too few events after"):
        _measuring_context(context, shop.AS_OF_DATE)


def test_a_first_day_after_the_last_is_a_clear_error() -> None:
    with pytest.raises(RunError, match=f"--from {LAST} is later than --to {FIRST}"):
        backtest(LAST, FIRST, Environment("", "", ""), Settings(), "test")
