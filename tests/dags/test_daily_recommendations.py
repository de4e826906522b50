"""The DAG as a scheduler sees it: loads without error, quickly, in the order of the layers."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).resolve().parent.parent.parent
GROUPS = ["data", "features", "models", "recommendations"]
BEFORE_STAGING = [
    f"recommendations.build_{name}"
    for name in ("similar_items", "demand_forecast", "reorder_suggestions", "details", "realised_metrics")
]
HEAVY = ["polars", "pandas", "numpy", "pyarrow", "lightgbm", "implicit", "scipy", "sklearn"]


@pytest.fixture(scope="module")
def dag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    return bag.dags["daily_recommendations"]


def test_groups_follow_each_other_in_the_order_of_the_layers(dag: Any) -> None:
    order = {"claim_run": 0, **{name: number for number, name in enumerate(GROUPS, 1)}, "release_run": len(GROUPS) + 1}
    layer = {task.task_id: order[task.task_id.split(".")[0]] for task in dag.tasks}
    for task in dag.tasks:
        assert all(layer[name] <= layer[task.task_id] for name in task.upstream_task_ids)
    for lower, upper in itertools.pairwise(GROUPS):
        ahead = {name for task in dag.tasks if task.task_id.startswith(f"{upper}.") for name in task.upstream_task_ids}
        assert any(name.startswith(f"{lower}.") for name in ahead)


def test_only_what_needs_no_models_runs_beside_the_training(dag: Any) -> None:
    trained = dag.get_task("models.judge_models").task_id
    free = {"build_item_pairs", "build_bundles", "build_similar_items"}
    for task in dag.tasks:
        group, _, name = task.task_id.partition(".")
        if group == "recommendations" and name not in free:
            assert trained in task.get_flat_relative_ids(upstream=True), name


@pytest.mark.parametrize(
    ("task", "needs"),
    [
        ("models.fit_generators", "features.build_item_content"),
        ("models.train_ranker", "features.build_features"),
        ("models.judge_models", "models.fit_generators"),
        ("models.judge_models", "models.check_no_leak"),
        ("recommendations.build_similar_items", "features.build_item_content"),
        ("recommendations.build_item_pairs", "features.build_item_content"),
        ("recommendations.build_demand_forecast", "models.build_item_demand"),
        ("recommendations.build_realised_metrics", "features.build_item_content"),
        ("recommendations.build_realised_metrics", "recommendations.build_details"),
        ("recommendations.build_user_bundles", "recommendations.build_bundles"),
        ("recommendations.build_reorder_suggestions", "recommendations.build_user_bundles"),
        ("recommendations.build_reorder_suggestions", "recommendations.build_campaign_audiences"),
        *[("recommendations.stage_tables", name) for name in ("recommendations.judge_lists", *BEFORE_STAGING)],
    ],
)
def test_what_a_task_reads_is_built_before_it(dag: Any, task: str, needs: str) -> None:
    assert needs in dag.get_task(task).get_flat_relative_ids(upstream=True)


def test_the_training_waits_neither_for_texts_nor_for_generators(dag: Any) -> None:
    ahead = dag.get_task("models.train_ranker").get_flat_relative_ids(upstream=True)
    assert not {"features.build_item_content", "models.fit_generators"} & ahead
    assert "models.train_ranker" not in dag.get_task("models.fit_generators").get_flat_relative_ids(upstream=True)


def test_every_step_is_a_task_and_every_task_a_step(dag: Any) -> None:
    from recsys import steps

    tasks = {task.task_id.split(".")[-1] for task in dag.tasks}
    assert tasks == {step.__name__ for step in steps.STEPS} | {"claim_run", "release_run"}


def test_the_claim_is_given_back_whatever_happens(dag: Any) -> None:
    release = dag.get_task("release_run")
    assert release.is_teardown
    assert dag.get_task("claim_run").is_setup
    assert release.trigger_rule == "all_done_setup_success"


def test_shards_are_mapped_over_the_plan(dag: Any) -> None:
    users = dag.get_task("recommendations.recommend_users")
    assert users.is_mapped
    assert users.upstream_task_ids == {"recommendations.plan_user_shards"}


def test_tasks_have_owner_retries_timeouts_and_a_text(dag: Any) -> None:
    for task in dag.tasks:
        assert task.owner == "recommendations"
        assert task.doc_md
        assert task.retries == 2, task.task_id
        assert task.execution_timeout is not None, task.task_id


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("as_of_date", ["2017-12-04", None], ["next Monday", 20171204]),
        ("list_length", [1, 500, None], [0, 501, "many", 2.5]),
        ("full_extract", [True, False], ["yes", None]),
    ],
)
def test_the_form_takes_what_a_run_can_use(dag: Any, name: str, good: list[Any], bad: list[Any]) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    dag.params.validate()
    for value in good:
        dag.params[name] = value
        dag.params.validate()
    for value in bad:
        with pytest.raises(ParamValidationError):
            dag.params[name] = value
    dag.params[name] = good[-1]
    described = dag.params.get_param(name)
    assert described.schema["title"]
    assert described.description


def test_tasks_that_use_a_database_wait_for_its_pool(dag: Any) -> None:
    pools = {task.task_id.split(".")[-1]: task.pool for task in dag.tasks if task.pool != "default_pool"}
    assert {name for name, pool in pools.items() if pool == "recsys_shop"} == {"extract_events", "extract_snapshots"}
    writers = {"stage_tables", "check_staging", "publish", "apply_retention"}
    assert {name for name, pool in pools.items() if pool == "recsys_warehouse"} == writers
    assert set(pools.values()) == set(json.loads((ROOT / "plugins" / "pools.json").read_text()))


def test_publishing_tells_of_every_published_table(dag: Any) -> None:
    from recsys.schemas import PUBLISHED

    outlets = dag.get_task("recommendations.publish").outlets
    assert sorted(asset.name for asset in outlets) == sorted(table.name for table in PUBLISHED)
    assert all(asset.uri == f"recsys://warehouse/{asset.name}" for asset in outlets)


def test_each_task_links_to_what_it_made(dag: Any) -> None:
    from types import SimpleNamespace

    run = SimpleNamespace(run_id="manual__2017-12-04T00:00:00+00:00_x")
    links = {}
    for task in dag.tasks:
        [link] = task.operator_extra_links
        links[task.task_id.split(".")[-1]] = link.get_link(task, ti_key=run)
    run_id = "run_id=manual__2017-12-04T00%3A00%3A00%2B00%3A00_x"
    assert links["build_item_pairs"] == f"/recommendations/tables?name=item_pairs&{run_id}"
    assert links["recommend_users"] == f"/recommendations/users?{run_id}"
    assert links["publish"] == f"/recommendations/?{run_id}"


def test_the_runbook_knows_every_task(dag: Any) -> None:
    for task in dag.tasks:
        assert f"`{task.task_id.split('.')[-1]}`" in dag.doc_md


def test_a_late_run_is_reported(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    [deadline] = DagSerialization.to_dict(dag)["dag"]["deadline"]
    assert deadline["reference"]["reference_type"] == "DagRunQueuedAtDeadline"
    assert deadline["callback"]["__data__"]["path"] == "plugins.notify.deadline_missed"
    for task in dag.tasks:
        assert [type(notifier).__name__ for notifier in task.on_failure_callback] == ["FailureNotifier"]


def test_no_day_of_data_lies_before_the_start(dag: Any) -> None:
    """A run of a logical date before it has no tasks and is green."""
    assert dag.catchup is False
    assert dag.start_date.year == 2000


def test_loading_brings_in_nothing_heavy() -> None:
    program = (
        "import json, sys\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        f"before = set(sys.modules); DagBag({str(ROOT / 'dags')!r})\n"
        f"print(json.dumps([name for name in {HEAVY} if name in set(sys.modules) - before]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_what_is_ordered_knows_the_audiences_and_bundles_of_the_day(dag: Any) -> None:
    for name in ("build_demand_forecast", "build_reorder_suggestions"):
        before = dag.get_task(f"recommendations.{name}").get_flat_relative_ids(upstream=True)
        assert {f"recommendations.{n}" for n in ("build_campaign_audiences", "build_user_bundles")} <= before
