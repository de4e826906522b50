"""The daily run: the shop's behaviour in, recommendations of one day out. Wiring only."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import CronDataIntervalTimetable, chain, cross_downstream, dag, task_group

from plugins.run_context import step, tasks
from plugins.run_form import DAG_DEFAULTS, SHOP_POOL, WAREHOUSE_POOL
from plugins.run_params import PARAMS
from plugins.run_results import ASSETS, totals
from recsys import steps
from recsys.config import load_settings


@dag(
    schedule=CronDataIntervalTimetable("0 4 * * *", timezone=load_settings().time_zone),
    start_date=datetime(2000, 1, 1, tzinfo=timezone.utc),  # A run of an earlier day has no task, and is green.
    dag_display_name="Daily recommendations",
    description="The shop's behaviour in, the recommendations of one day out.",
    doc_md=Path(__file__).with_suffix(".md").read_text(encoding="utf-8"),
    tags=["recommendations", "daily"],
    params=PARAMS,
    **DAG_DEFAULTS,
)
def daily_recommendations() -> None:
    @task_group
    def data() -> None:
        extracts = tasks(steps.extract_events, steps.extract_snapshots, minutes=60, pool=SHOP_POOL)
        chain(extracts, *tasks(steps.check_extracts))

    @task_group
    def features(extracted: Any) -> list[Any]:
        # The ranker reads no text: it need not wait until new texts are embedded.
        content, interactions = tasks(steps.build_item_content, steps.build_interactions, minutes=60)
        chain(extracted, [content, interactions])
        chain(interactions, views := tasks(steps.build_features)[0])
        return [content, views]

    @task_group
    def models(content: Any, views: Any) -> list[Any]:
        demand, generators, judged = tasks(steps.build_item_demand, steps.fit_generators, steps.judge_models)
        chain(views, *tasks(steps.train_ranker, steps.check_no_leak, minutes=90), judged)
        chain(views, [demand, generators])
        chain(content, generators, judged)
        return [judged, demand]

    @task_group
    def recommendations(described: Any, trained: Any) -> None:
        chain(trained, shards := step(steps.plan_user_shards, result=steps.shard_numbers)())
        named: Any = {"execution_timeout": timedelta(minutes=60), "map_index_template": "{{ shard_name }}"}
        users = step(steps.recommend_users, **named).expand(shard=shards)
        sets = tasks(steps.build_item_pairs, steps.build_bundles, steps.build_user_bundles)
        told = tasks(steps.build_details, steps.judge_lists, steps.build_realised_metrics)
        staged = tasks(steps.stage_tables, steps.check_staging, pool=WAREHOUSE_POOL)
        staged += tasks(steps.publish, pool=WAREHOUSE_POOL, outlets=ASSETS, result=totals)
        chain(described, *sets)
        chain(described, *tasks(steps.build_similar_items), staged[0])
        chain(users, [*(shown := [sets[-1], *tasks(steps.build_campaign_audiences)]), *told])
        chain(told[0], told[-1])
        cross_downstream(shown, sums := tasks(steps.build_demand_forecast, steps.build_reorder_suggestions))
        chain([*sums, *told], *staged, *tasks(steps.apply_retention, pool=WAREHOUSE_POOL))

    release = step(steps.release_run)().as_teardown(setups=(claim := step(steps.claim_run)().as_setup()))
    chain(claim, extracted := data())
    chain(recommendations(described := features(extracted), models(*described)), release)


daily_recommendations()
