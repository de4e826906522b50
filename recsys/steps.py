"""The steps of a run, in order, one function each.

Each imports its layer only when it runs: a scheduler, or `--help`, reads this module in milliseconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys.run import Counts, RunContext

log = logging.getLogger(__name__)


def claim_run(context: RunContext) -> Counts:
    """Claim the as-of date for this run; another run of the same day is refused until release_run."""
    from recsys.claims import claim_run

    return claim_run(context)


def extract_events(context: RunContext) -> Counts:
    """Copy the event days that the lake lacks, and the newest ones again, from the shop into the lake."""
    from recsys.data.extract import extract_events

    return extract_events(context)


def extract_snapshots(context: RunContext) -> Counts:
    """Copy items, users, stock and campaigns as they were on the day into the lake."""
    from recsys.data.extract import extract_snapshots

    return extract_snapshots(context)


def check_extracts(context: RunContext) -> Counts:
    """Reconcile what was read with the shop, list refused rows, stop where too many were refused."""
    from recsys.data.check import check_extracts

    return check_extracts(context)


def build_interactions(context: RunContext) -> Counts:
    """Weigh the events of the look-back window into one row per user and item."""
    from recsys.data.interactions import build_interactions

    return build_interactions(context)


def build_features(context: RunContext) -> Counts:
    """Describe items, users and their pairs as of the day."""
    from recsys.features.build import build_features

    return build_features(context)


def build_item_content(context: RunContext) -> Counts:
    """Describe what each item is, and embed the texts that were never embedded before."""
    from recsys.features.item_content import build_item_content

    return build_item_content(context)


def train_ranker(context: RunContext) -> Counts:
    """Train the ranker on past cuts and measure it, with every generator, on the newest weeks."""
    from recsys.models.training import train_ranker

    return train_ranker(context)


def fit_generators(context: RunContext) -> Counts:
    """Fit the candidate generators on everything before the day."""
    from recsys.models.training import fit_generators

    return fit_generators(context)


def check_no_leak(context: RunContext) -> Counts:
    """Search what the ranker learnt from for anything that knows the time after its cut; a leak stops the run."""
    from recsys.models.leaks import check_no_leak

    return check_no_leak(context)


def judge_models(context: RunContext) -> Counts:
    """Compare the new models with the champion and with baselines; those that fail do not serve."""
    from recsys.models.gate import judge_models

    return judge_models(context)


def build_item_demand(context: RunContext) -> Counts:
    """Forecast the demand of every item, by models elected on past weeks."""
    from recsys.models.item_demand import build_item_demand

    return build_item_demand(context)


def plan_user_shards(context: RunContext) -> Counts:
    """Count the users of the day and how many shards they make."""
    from recsys.recommendations.user_recommendations import plan_user_shards

    return plan_user_shards(context)


def recommend_users(context: RunContext, shard: int) -> Counts:
    """Score the users of one shard, apply the rules, write their lists."""
    from recsys.recommendations.user_recommendations import recommend_users

    return recommend_users(context, shard)


def judge_lists(context: RunContext) -> Counts:
    """Compare the day's lists with those that readers saw last; what means a stop ends the run before it publishes."""
    from recsys.recommendations.judge_lists import judge_lists

    return judge_lists(context)


def build_similar_items(context: RunContext) -> Counts:
    """Find what is like each item, by behaviour, by content and by both."""
    from recsys.recommendations.similar_items import build_similar_items

    return build_similar_items(context)


def build_item_pairs(context: RunContext) -> Counts:
    """Find what sells together: pairs of items with their evidence."""
    from recsys.recommendations.item_pairs import build_item_pairs

    return build_item_pairs(context)


def build_bundles(context: RunContext) -> Counts:
    """Grow the day's bundles from its significant pairs, and price and name them."""
    from recsys.recommendations.bundles import build_bundles

    return build_bundles(context)


def build_user_bundles(context: RunContext) -> Counts:
    """Choose the bundles worth showing to each user."""
    from recsys.recommendations.user_bundles import build_user_bundles

    return build_user_bundles(context)


def build_demand_forecast(context: RunContext) -> Counts:
    """Write the daily forecast of the items that sell most."""
    from recsys.recommendations.demand_forecast import build_demand_forecast

    return build_demand_forecast(context)


def build_reorder_suggestions(context: RunContext) -> Counts:
    """Tell what to order today, how much, and why."""
    from recsys.recommendations.reorder_suggestions import build_reorder_suggestions

    return build_reorder_suggestions(context)


def build_details(context: RunContext) -> Counts:
    """Write down what people need beside the result: names of items, histories of users, counts of the run."""
    from recsys.recommendations.details import build_details

    return build_details(context)


def build_realised_metrics(context: RunContext) -> Counts:
    """Measure lists published 1, 7 and 28 days ago against what users did since."""
    from recsys.recommendations.realised_metrics import build_realised_metrics

    return build_realised_metrics(context)


def build_campaign_audiences(context: RunContext) -> Counts:
    """Choose whom to contact for each campaign and for each new item, and tell what came of campaigns that are over."""
    from recsys.recommendations.campaign_audiences import build_campaign_audiences
    from recsys.recommendations.new_item_audiences import build_new_item_audiences

    return {**build_campaign_audiences(context), **build_new_item_audiences(context)}


def stage_tables(context: RunContext) -> Counts:
    """Load every result table of the day from the lake into the warehouse, out of the readers' sight."""
    from recsys.recommendations.staging import stage_tables

    return stage_tables(context)


def check_staging(context: RunContext) -> Counts:
    """Run each table's check on what was loaded; an offending row stops the run."""
    from recsys.recommendations.staging import check_staging

    return check_staging(context)


def publish(context: RunContext) -> Counts:
    """Show all tables of the day to the readers in one transaction."""
    from recsys.recommendations.publish import publish

    return publish(context)


def apply_retention(context: RunContext) -> Counts:
    """Drop the days that are older than the retention from the warehouse, and write the report of the day."""
    from recsys.recommendations.retention import apply_retention

    return apply_retention(context)


def release_run(context: RunContext) -> Counts:
    """Give the day free for other runs."""
    from recsys.claims import release_run

    return release_run(context)


STEPS: tuple[Callable[..., Counts], ...] = (
    extract_events,
    extract_snapshots,
    check_extracts,
    build_interactions,
    build_features,
    build_item_content,
    train_ranker,
    check_no_leak,
    fit_generators,
    judge_models,
    build_item_demand,
    plan_user_shards,
    recommend_users,
    judge_lists,
    build_similar_items,
    build_item_pairs,
    build_bundles,
    build_user_bundles,
    build_campaign_audiences,
    build_demand_forecast,
    build_reorder_suggestions,
    build_details,
    build_realised_metrics,
    stage_tables,
    check_staging,
    publish,
    apply_retention,
)
"""Every step between the claim and its release, in order; recommend_users runs once a shard."""


def shard_numbers(plan: Counts) -> list[int]:
    """Numbers of the shards that plan_user_shards asks for: 0, 1 …"""
    return list(range(int(plan["shards"])))


def run_all(context: RunContext) -> dict[str, Counts]:
    """Run every step of a day in this process, all shards one after the other; the day is claimed meanwhile.

    Returns the counts of each step; those of the shards as recommend_users[0], recommend_users[1] … Raises RunError
    when another run took the day over, since this one stood still; ConfigError, before anything is read, where settings
    or what is let pass name a check that there is not.
    """
    from recsys.claims import claim_run, claimed

    _refuse_unknown_checks(context)
    results: dict[str, Counts] = {}
    with claimed(context):
        for step in STEPS:
            claim_run(context)
            if step is recommend_users:
                for shard in shard_numbers(results["plan_user_shards"]):
                    results[f"recommend_users[{shard}]"] = _logged(step, context, shard)
            else:
                results[step.__name__] = _logged(step, context)
    return results


def run_one(step: Callable[..., Counts], context: RunContext, *arguments: int) -> Counts:
    """Run one step and return its counts; the day is claimed while it runs, unless the run holds it already."""
    from recsys.claims import claimed

    # Once a run, since it loads the models' layer; and a day must be given back whatever it was called with.
    if step is claim_run or (context.accepted.checks and step is not release_run):
        _refuse_unknown_checks(context)
    with claimed(context) if step in STEPS else nullcontext():
        return _logged(step, context, *arguments)


def _refuse_unknown_checks(context: RunContext) -> None:
    from recsys.models.verdicts import refuse_unknown_checks

    refuse_unknown_checks(context)


def _logged(step: Callable[..., Counts], context: RunContext, *arguments: int) -> Counts:
    counts = step(context, *arguments)
    log.info("%s: %s", step.__name__, ", ".join(f"{name} {value}" for name, value in counts.items()))
    return counts
