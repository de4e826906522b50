"""The daily run: the shop's behaviour in, recommendations of one day out. Wiring only."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, chain, dag, task_group

from plugins.run_context import step
from plugins.run_params import PARAMS
from recsys import steps
from recsys.config import load_settings


@dag(
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone=load_settings().time_zone),
    start_date=datetime(2017, 1, 2, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=3,
    doc_md=Path(__file__).with_suffix(".md").read_text(encoding="utf-8"),
    tags=["recommendations", "daily"],
    default_args={
        "owner": "recommendations",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "execution_timeout": timedelta(minutes=30),
    },
    params=PARAMS,
)
def daily_recommendations() -> None:
    def tasks(*functions: Callable[..., Any], minutes: int = 30) -> list[Any]:
        return [step(function, execution_timeout=timedelta(minutes=minutes))() for function in functions]

    @task_group
    def data() -> None:
        chain(tasks(steps.extract_events, steps.extract_snapshots, minutes=60), *tasks(steps.check_extracts))

    @task_group
    def features() -> None:
        chain(tasks(steps.build_interactions, steps.build_item_content, minutes=60), *tasks(steps.build_features))

    @task_group
    def models() -> None:
        chain(*tasks(steps.train_ranker, steps.check_no_leak, steps.fit_generators, steps.judge_models, minutes=90))

    @task_group
    def recommendations() -> None:
        shards = step(steps.plan_user_shards, result=steps.shard_numbers)()
        users = step(steps.recommend_users, execution_timeout=timedelta(minutes=60)).expand(shard=shards)
        sets = tasks(steps.build_item_pairs, steps.build_bundles, steps.build_user_bundles)
        told = tasks(steps.build_details, steps.build_realised_metrics)
        shown = tasks(steps.stage_tables, steps.check_staging, steps.publish, steps.apply_retention)
        chain(*sets)
        chain(*tasks(steps.build_similar_items), told[0])
        chain(users, *tasks(steps.build_campaign_audiences), told[0])
        chain(users, sets[-1], *told, *shown)

    claim = step(steps.claim_run, retries=0)().as_setup()
    release = step(steps.release_run)().as_teardown(setups=claim)
    chain(claim, data(), features(), models(), recommendations(), release)


daily_recommendations()
