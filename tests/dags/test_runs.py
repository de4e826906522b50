"""Whole runs under a real scheduler, on the shop with known answers, started in every way that a run can start."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from demo import airflow_services, postgres, rest
from demo.progress import RunFailed, follow
from recsys import steps
from recsys.claims import claimed
from recsys.config import Environment
from recsys.run import Counts, RunContext
from recsys.warehouse import create_warehouse
from tests import known_answer_shop as shop
from tests.conftest import TEST_SETTINGS
from tests.settings_file import as_toml
from tests.web_listener import Posted, listening

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

WITH_PARAM = shop.AS_OF_DATE
WITH_LOGICAL_DATE = shop.AS_OF_DATE - timedelta(days=1)
BACKFILLED = shop.AS_OF_DATE - timedelta(days=2)
DAYS = [BACKFILLED, WITH_LOGICAL_DATE, WITH_PARAM]
RUN_SECONDS = 480
DEADLINE_HOURS = 0.01
"""No run is done half a minute after it was queued."""


@dataclasses.dataclass(frozen=True)
class World:
    """Everything that the tests share: the servers, and the ids of the runs by how they began."""

    server: postgres.Server
    airflow: rest.Airflow
    runs: dict[str, str]
    failure_without_a_date: str
    settings_file: Path
    posted: list[Posted]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Postgres and Airflow with the small shop; three runs of three days done in parallel, two that could not go on."""
    folder = tmp_path_factory.mktemp("airflow")
    settings_file = folder / "settings.toml"
    settings_file.write_text(as_toml(shop.SETTINGS))
    with pytest.MonkeyPatch.context() as patch, listening() as (address, posted):
        patch.setenv("RECSYS_CONFIG", str(settings_file))
        patch.setenv("RECSYS_DEADLINE_HOURS", str(DEADLINE_HOURS))
        patch.setenv("AIRFLOW_CONN_RECSYS_NOTIFY", json.dumps({"conn_type": "http", "host": address}))
        patch.delenv("AIRFLOW_HOME")
        try:
            server = postgres.start(folder, TEST_SETTINGS)
            shop.create_tables(server.dsn("shop", "shop_owner"))
            shop.fill_shop(server.dsn("shop", "shop_owner"))
            create_warehouse(server.dsn("warehouse"))
            airflow = airflow_services.start(folder)
            rest.wait_for_dag(airflow)
            yield World(server, airflow, *_run_everything(airflow), settings_file, posted)
        finally:
            airflow_services.stop(folder)
            postgres.remove(folder)


def _run_everything(airflow: rest.Airflow) -> tuple[dict[str, str], str]:
    dag = f"/api/v2/dags/{rest.DAG}"
    airflow.call("PATCH", dag, {"is_paused": False})
    backfilled = rest.backfill(airflow, BACKFILLED, BACKFILLED)
    assert list(backfilled.values()) == [BACKFILLED.isoformat()]
    runs = {
        "no date at all": _trigger(airflow, {"logical_date": None}),
        "param": rest.trigger(airflow, WITH_PARAM),
        "logical date": _trigger(airflow, {"logical_date": _logical_date(WITH_LOGICAL_DATE)}),
        "backfill": next(iter(backfilled)),
        "scheduled": _scheduled(airflow),
    }
    with pytest.raises(RunFailed) as failure:
        follow(airflow, {runs["no date at all"]: "no date"}, RUN_SECONDS)
    follow(airflow, {runs[name]: name for name in ("param", "logical date", "backfill")}, RUN_SECONDS)
    return runs, str(failure.value)


def _scheduled(airflow: rest.Airflow) -> str:
    """Id of the run that the scheduler makes for the newest slot, seconds after the DAG was resumed."""
    for _ in range(120):
        runs = airflow.call("GET", f"/api/v2/dags/{rest.DAG}/dagRuns?run_type=scheduled")["dag_runs"]
        if runs:
            return str(runs[0]["dag_run_id"])
        time.sleep(0.5)
    raise RunFailed("the scheduler made no run of its own within a minute")


@pytest.mark.parametrize(
    ("began", "day"), [("param", WITH_PARAM), ("logical date", WITH_LOGICAL_DATE), ("backfill", BACKFILLED)]
)
def test_a_run_builds_the_right_day(world: World, began: str, day: date) -> None:
    assert _claimed_day(world, began) == day.isoformat()
    published = _rows(world, "select distinct run_id from bi.published_runs where as_of_date = %s", day)
    assert published == [(world.runs[began],)]
    assert _rows(
        world, "select count(distinct user_id) >= 30 from bi.user_recommendations where as_of_date = %s", day
    ) == [(True,)]


def test_a_scheduled_run_is_for_the_day_after_its_slot(world: World) -> None:
    """The schedule's newest slot lies years after the small shop's data: right day, and an error, never old rows."""
    run = world.airflow.call("GET", f"/api/v2/dags/{rest.DAG}/dagRuns/{world.runs['scheduled']}")
    slot = datetime.fromisoformat(run["logical_date"]).date()
    assert _claimed_day(world, "scheduled") == (slot + timedelta(days=1)).isoformat()
    with pytest.raises(RunFailed, match=str(slot + timedelta(days=1))):
        follow(world.airflow, {world.runs["scheduled"]: "scheduled"}, RUN_SECONDS)
    assert [day for (day,) in _rows(world, "select distinct as_of_date from bi.published_runs order by 1")] == DAYS


def test_a_run_without_any_date_fails_and_says_what_to_do(world: World) -> None:
    assert "claim_run failed" in world.failure_without_a_date
    assert "this run has no as-of date" in world.failure_without_a_date


def test_a_param_that_is_no_date_is_refused(world: World) -> None:
    with pytest.raises(rest.RestError, match=" 400: "):
        _trigger(world.airflow, {"logical_date": None, "conf": {"as_of_date": "2017-13-45"}})


def test_failed_and_late_runs_are_told_to_the_web_address_of_the_connection(world: World) -> None:
    told = [str(posted.body["text"]) for posted in world.posted]
    assert any("daily_recommendations: claim_run failed" in text for text in told)
    late = f"daily_recommendations: {world.runs['param']} is late\nIt is not done {DEADLINE_HOURS:g} hours after"
    assert any(text.startswith(late) for text in told)


def test_readers_see_the_newest_day(world: World) -> None:
    assert _rows(world, "select distinct as_of_date from bi.current_user_recommendations") == [(WITH_PARAM,)]


def test_every_run_gave_its_day_back(world: World) -> None:
    with closing(psycopg2.connect(world.server.dsn("warehouse"))) as connection, connection.cursor() as cursor:
        cursor.execute("select as_of_date from recsys.run_claims where released_at is null")
        assert cursor.fetchall() == []


def test_shards_have_names_and_tasks_lead_to_their_results(world: World) -> None:
    run = f"/api/v2/dags/{rest.DAG}/dagRuns/{world.runs['param'].replace('+', '%2B')}/taskInstances"
    mapped = world.airflow.call("GET", f"{run}/recommendations.recommend_users/listMapped")["task_instances"]
    assert sorted(instance["rendered_map_index"] for instance in mapped) == ["shard 1", "shard 2"]
    links = world.airflow.call("GET", f"{run}/recommendations.build_bundles/links")["extra_links"]
    assert links["Result"].startswith("/recommendations/bundles?run_id=")
    assert "extra_links" in world.airflow.call("GET", f"{run}/recommendations.recommend_users/links?map_index=1")


def test_each_published_table_has_an_event_with_day_rows_and_checksum(world: World) -> None:
    events = world.airflow.call("GET", f"/api/v2/assets/events?source_dag_id={rest.DAG}&limit=200")["asset_events"]
    told = {(event["extra"]["as_of_date"], event["name"]): event["extra"] for event in events}
    published = _rows(world, "select as_of_date, table_name, rows, checksum from bi.published_runs")
    assert len(published) == len(told)
    for day, table, rows, checksum in published:
        assert told[(day.isoformat(), table)] == {"as_of_date": day.isoformat(), "rows": rows, "checksum": checksum}


def test_only_small_things_go_through_xcom(world: World) -> None:
    with closing(psycopg2.connect(world.server.dsn("airflow"))) as connection, connection.cursor() as cursor:
        cursor.execute("select coalesce(max(length(value::text)), 0) from xcom")
        assert 0 < cursor.fetchone()[0] < 2_000  # type: ignore[index]


def _late_order(world: World) -> list[Callable[..., Counts]]:
    """The steps in an order that the DAG allows and that is least like theirs: of those whose upstream tasks are done
    the last of steps.STEPS comes next, so that whoever reads what no upstream task wrote finds nothing."""
    told = world.airflow.call("GET", f"/api/v2/dags/{rest.DAG}/tasks")["tasks"]
    after = {task["task_id"]: task["downstream_task_ids"] for task in told}
    place = {step.__name__: number for number, step in enumerate(steps.STEPS)}
    open_ = {name for name in after if name.split(".")[-1] in place}
    order = []
    while open_:
        waiting = {name for task in open_ for name in after[task]}
        task = max(open_ - waiting, key=lambda name: place[name.split(".")[-1]])
        order.append(steps.STEPS[place[task.split(".")[-1]]])
        open_.remove(task)
    return order


def test_days_in_parallel_equal_the_same_days_one_by_one(
    world: World, tmp_path: Path, warehouse_database: str, postgres_server: postgres.Server
) -> None:
    name = str(psycopg2.extensions.parse_dsn(warehouse_database)["dbname"])
    create_warehouse(postgres_server.dsn(name))
    environment = Environment(world.server.dsn("shop", "shop_reader"), warehouse_database, str(tmp_path / "lake"))
    order = _late_order(world)
    assert sorted(map(steps.STEPS.index, order)) == list(range(len(steps.STEPS)))
    assert order != list(steps.STEPS)
    for day in DAYS:
        context = RunContext(day, environment, shop.SETTINGS, f"alone {day}")
        with claimed(context):
            for step in order:
                # The small shop's users are two shards.
                for shard in [(0,), (1,)] if step is steps.recommend_users else [()]:
                    step(context, *shard)
    # Tables that look at other published days hold more where those came first.
    checksums = (
        "select as_of_date, table_name, rows, checksum from recsys.published_runs"
        " where table_name not in ('data_quality', 'gate_verdicts', 'realised_metrics') order by 1, 2"
    )
    with closing(psycopg2.connect(warehouse_database)) as connection, connection.cursor() as cursor:
        cursor.execute(checksums)
        alone = cursor.fetchall()
    assert len({day for day, *_ in alone}) == len(DAYS)
    assert _rows(world, checksums.replace("recsys.", "bi.")) == alone


WORSE = {
    "shuffled labels": ({"shuffled_labels": 1.0}, ("ranker above champion", "all")),
    "an ALS of one factor": ({"als_factors": 1}, ("als above champion's", "discover")),
}


@pytest.mark.parametrize("name", WORSE)
def test_worse_models_are_stopped_and_the_champion_serves(world: World, name: str) -> None:
    """The last tests of this module: each publishes one more day, from models that somebody forced in."""
    models, failed = WORSE[name]
    worse = dataclasses.replace(shop.SETTINGS.models, **models)
    # Three users alone find something new in the small shop's holdout.
    gate = dataclasses.replace(shop.SETTINGS.gate, min_users=3)
    world.settings_file.write_text(as_toml(dataclasses.replace(shop.SETTINGS, models=worse, gate=gate)))
    next_day = WITH_PARAM + timedelta(days=1 + list(WORSE).index(name))
    follow(world.airflow, {rest.trigger(world.airflow, next_day): name}, RUN_SECONDS)
    verdict = "select passed, models_of, champion_date from bi.current_gate_verdicts where check_name = 'verdict'"
    assert _rows(world, verdict) == [(False, WITH_PARAM, WITH_PARAM)]
    found = "select check_name, setting from bi.current_gate_verdicts where not passed and severity = 'stop'"
    assert failed in _rows(world, found)
    versions = "select distinct model_version from bi.user_recommendations where as_of_date = %s"
    assert _rows(world, versions, next_day) == _rows(world, versions, WITH_PARAM)
    lists = "select count(distinct user_id) >= 30 from bi.current_user_recommendations where as_of_date = %s"
    assert _rows(world, lists, next_day) == [(True,)]


def _trigger(airflow: rest.Airflow, body: dict[str, Any]) -> str:
    return str(airflow.call("POST", f"/api/v2/dags/{rest.DAG}/dagRuns", body)["dag_run_id"])


def _logical_date(as_of_date: date) -> str:
    day = as_of_date - timedelta(days=1)
    return datetime(day.year, day.month, day.day, 4, tzinfo=timezone.utc).isoformat()


def _claimed_day(world: World, began: str) -> str:
    """What the run's first task returned."""
    run = f"/api/v2/dags/{rest.DAG}/dagRuns/{world.runs[began].replace('+', '%2B')}"
    answer = world.airflow.call("GET", f"{run}/taskInstances/claim_run/xcomEntries/return_value?deserialize=true")
    return str(answer["value"]["claimed"])


def _rows(world: World, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    dsn = world.server.dsn("warehouse", "bi_reader")
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
