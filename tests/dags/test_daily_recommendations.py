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
HEAVY = ["polars", "pandas", "numpy", "pyarrow", "lightgbm", "implicit", "scipy", "sklearn"]


@pytest.fixture(scope="module")
def dag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(ROOT / "dags"))
    assert bag.import_errors == {}
    return bag.dags["daily_recommendations"]


def test_groups_follow_each_other_in_the_order_of_the_layers(dag: Any) -> None:
    order = [task.task_id.split(".")[0] for task in dag.topological_sort()]
    assert list(dict.fromkeys(order)) == ["claim_run", *GROUPS, "release_run"]
    for lower, upper in itertools.pairwise(GROUPS):
        first = next(task for task in dag.topological_sort() if task.task_id.startswith(f"{upper}."))
        assert all(name.startswith(f"{lower}.") for name in first.upstream_task_ids)


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
        if task.task_id not in {"claim_run", "release_run"}:
            assert task.retries == 2
            assert task.execution_timeout is not None, task.task_id


def test_the_parameter_is_a_date_or_empty(dag: Any) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    dag.params.validate()
    dag.params["as_of_date"] = "2017-12-04"
    dag.params.validate()
    with pytest.raises(ParamValidationError):
        dag.params["as_of_date"] = "next Monday"
    with pytest.raises(ParamValidationError):
        dag.params["as_of_date"] = 20171204


def test_backfills_of_the_first_year_of_data_are_possible(dag: Any) -> None:
    assert dag.catchup is False
    assert f"{dag.start_date:%Y-%m-%d}" == "2017-01-02"


def test_loading_brings_in_nothing_heavy() -> None:
    program = (
        "import json, sys\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        f"before = set(sys.modules); DagBag({str(ROOT / 'dags')!r})\n"
        f"print(json.dumps([name for name in {HEAVY} if name in set(sys.modules) - before]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
