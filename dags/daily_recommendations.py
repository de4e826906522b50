"""The daily run: the shop's behaviour in, recommendations of one day out. Wiring only."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, Param, chain, dag, task_group

from plugins.run_context import step
from recsys import steps
from recsys.config import load_settings

RUNBOOK = """
### What a run does
Builds the recommendations of one **as-of date**: it knows everything before 00:00 of that day and nothing later.
The scheduled run of logical date D builds D + 1. Same day again: the same rows, replaced in one transaction.

| I want to | do |
|---|---|
| build one day | Trigger, give `as_of_date` (leave the logical date empty) |
| build past days | Backfill; the range is of logical dates, so 12-04 builds as-of 12-05 |
| repeat from a step on | clear that task with its downstream tasks |
| show yesterday's rows again | `python -m recsys rollback` |
| free a day that a killed run holds | `python -m recsys release --as-of DATE` |

A failed check leaves the published rows as they were. Each task's log ends with its counts.
"""


@dag(
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone=load_settings().time_zone),
    start_date=datetime(2017, 1, 2, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=3,
    doc_md=RUNBOOK,
    tags=["recommendations", "daily"],
    default_args={"owner": "recommendations", "retries": 2, "retry_delay": timedelta(seconds=30)},
    params={
        "as_of_date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As-of date",
            description="Day to build: everything before its 00:00 is known. Empty: the day after the logical date.",
        )
    },
)
def daily_recommendations() -> None:
    def tasks(minutes: int, *functions: Callable[..., Any]) -> list[Any]:
        return [step(function, execution_timeout=timedelta(minutes=minutes))() for function in functions]

    @task_group
    def data() -> None:
        chain(tasks(60, steps.extract_events, steps.extract_snapshots), *tasks(30, steps.check_extracts))

    @task_group
    def features() -> None:
        chain(*tasks(30, steps.build_interactions, steps.build_features))

    @task_group
    def models() -> None:
        chain(*tasks(90, steps.train_ranker, steps.fit_generators))

    @task_group
    def recommendations() -> None:
        shards = step(steps.plan_user_shards, result=steps.shard_numbers)()
        users = step(steps.recommend_users, execution_timeout=timedelta(minutes=60)).expand(shard=shards)
        chain(users, *tasks(30, steps.stage_tables, steps.check_staging, steps.publish, steps.apply_retention))

    claim = step(steps.claim_run, retries=0)().as_setup()
    release = step(steps.release_run)().as_teardown(setups=claim)
    chain(claim, data(), features(), models(), recommendations(), release)


daily_recommendations()
