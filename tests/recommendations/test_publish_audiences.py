"""Audiences and results pass their checks on the way to the readers, and bad ones do not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import polars as pl
import psycopg2
import pytest
from psycopg2 import sql

from recsys import schemas
from recsys.config import Environment
from recsys.recommendations.campaign_audiences import build_campaign_audiences
from recsys.recommendations.publish import publish
from recsys.recommendations.staging import check_staging, stage_tables
from recsys.run import RunContext, RunError
from recsys.storage import delete_partitions, read_partition, write_partition
from tests.audience_shop import AS_OF_DATE, lake_context, write_lake
from tests.recommendations.published_days import recommendations, write_day

pytestmark = pytest.mark.postgres
DAY = {"as_of_date": AS_OF_DATE}
MADE = (schemas.CAMPAIGN_AUDIENCES, schemas.AUDIENCE_RESULTS)


@pytest.fixture
def context(warehouse: str, tmp_path: Path) -> RunContext:
    """A day whose audiences are built; its other published tables are as small as they may be."""
    on_lake = lake_context(tmp_path)
    made = dataclasses.replace(on_lake, environment=Environment("", warehouse, str(tmp_path)))
    write_day(str(tmp_path), AS_OF_DATE)
    delete_partitions(made.lake, schemas.USER_RECOMMENDATIONS, **DAY)
    write_partition(made.lake, schemas.USER_RECOMMENDATIONS, recommendations(AS_OF_DATE), **DAY, shard=0)
    write_lake(made)
    build_campaign_audiences(made)
    return made


def test_audiences_and_results_are_published_whole(context: RunContext) -> None:
    stage_tables(context)
    check_staging(context)
    publish(context)
    with psycopg2.connect(context.environment.warehouse_dsn) as connection, connection.cursor() as cursor:
        for table in MADE:
            cursor.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("bi", f"current_{table.name}")))
            assert cursor.fetchone() == (read_partition(context.lake, table, **DAY).height,)
    connection.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"probability": pl.lit(1.5)}, "probability is not between 0 and 1"),
        ({"rank": pl.col("rank") + 1}, "ranks do not run from 1"),
        ({"holdout": pl.col("way") == "response"}, "kept apart one way and not the other"),
        ({"reason_text": pl.lit(" ")}, "empty reason"),
    ],
)
def test_bad_audiences_stop_the_run(context: RunContext, change: dict[str, pl.Expr], said: str) -> None:
    rows = read_partition(context.lake, schemas.CAMPAIGN_AUDIENCES, **DAY).with_columns(**change)
    write_partition(context.lake, schemas.CAMPAIGN_AUDIENCES, rows, **DAY)
    stage_tables(context)
    with pytest.raises(RunError, match=said):
        check_staging(context)
