"""The step that writes campaign_audiences and audience_results: whom to contact, and what came of it."""

from __future__ import annotations

import logging
from typing import Any

import polars as pl

from recsys import schemas
from recsys.features.campaigns import Campaigns, load_campaigns
from recsys.features.user_facts import Purchases, load_purchases
from recsys.recommendations.audience_reasons import with_audience_reasons
from recsys.recommendations.audience_results import audience_results
from recsys.recommendations.audience_scores import SCORED, audience_day, scored_campaign
from recsys.recommendations.audiences import (
    KEYS,
    above_privacy_floor,
    chosen,
    contact_limits,
    with_holdout,
)
from recsys.run import Counts, RunContext
from recsys.storage import read_partition, write_partition

log = logging.getLogger(__name__)

_EMPTY = (
    pl.DataFrame(schemas.CAMPAIGN_AUDIENCES.empty_table()).schema,
    {"campaign_id": pl.String, "way": pl.String, "users": pl.UInt32},
    pl.DataFrame(schemas.AUDIENCE_RESULTS.empty_table()).schema,
)
"""Types of the rows of audiences, of those too small, and of results."""


def build_campaign_audiences(context: RunContext) -> Counts:
    """Write the day's campaign_audiences and audience_results; without a campaign no row, and a line in the log."""
    items, users, stock = (
        read_partition(context.lake, table, as_of_date=context.as_of_date)
        for table in (schemas.ITEMS, schemas.USERS, schemas.STOCK)
    )
    campaigns = load_campaigns(context, items)
    rows, small, results = (pl.DataFrame(schema=kind) for kind in _EMPTY)
    if campaigns.rows.is_empty():
        log.info("campaign_audiences: the shop tells of no campaign: audiences are switched off")
    else:
        purchases = load_purchases(context, items)
        rows, small = _audiences(context, campaigns, purchases, users, stock)
        results = audience_results(context, campaigns, purchases)
    for campaign_id, way, count in small.iter_rows():
        log.info("campaign_audiences: %s, %s: %d users are fewer than may be shown", campaign_id, way, count)
    day = {"as_of_date": context.as_of_date}
    return {
        "campaigns": rows["campaign_id"].n_unique(),
        "audiences": rows.select(KEYS).unique().height,
        "too_small": small.height,
        "rows": write_partition(context.lake, schemas.CAMPAIGN_AUDIENCES, rows, **day),
        "results": write_partition(context.lake, schemas.AUDIENCE_RESULTS, results, **day),
    }


def _audiences(
    context: RunContext, campaigns: Campaigns, purchases: Purchases, users: pl.DataFrame, stock: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    settings = context.settings.audiences
    wanted = list(campaigns.open(context.as_of, settings.planning_days).iter_rows(named=True))
    if not wanted:
        log.info("campaign_audiences: no campaign runs or is near")
        return tuple(pl.DataFrame(schema=kind) for kind in _EMPTY[:2])  # type: ignore[return-value]
    day = audience_day(context, campaigns, purchases, users)
    rows = pl.concat([pl.DataFrame(schema=SCORED), *(scored_campaign(day, campaign) for campaign in wanted)])
    made = dict(campaigns.contacts.group_by("campaign_id").len().iter_rows())
    limits = {
        name: contact_limits(row, campaigns.items_of(name), stock, settings, made.get(name, 0))
        for name, row in ((row["campaign_id"], row) for row in wanted)
    }
    return choose(rows, campaigns, limits, context)


def choose(
    rows: pl.DataFrame, campaigns: Campaigns, limits: dict[str, dict[str, Any]], context: RunContext
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of schemas.CAMPAIGN_AUDIENCES from scored ones (SCORED); and the audiences below the privacy floor."""
    settings = context.settings.audiences
    held = with_holdout(rows, settings.holdout_share)
    cut = chosen(held, limits, campaigns.contacts, context.as_of, settings)
    shown, small = above_privacy_floor(cut, settings.privacy_floor)
    named = shown.join(campaigns.rows.select("campaign_id", campaign_name="name"), on="campaign_id", how="left")
    named = with_audience_reasons(named, context.settings.language).with_columns(
        as_of_date=pl.lit(context.as_of_date), model_version=pl.lit(context.settings.fingerprint())
    )
    return named.select(schemas.CAMPAIGN_AUDIENCES.column_names).sort(*schemas.CAMPAIGN_AUDIENCES.key), small
