"""How likely each user is to answer a campaign, three ways; each way is an audience of its own.

    response    how likely a contacted user is to respond, learnt from earlier campaigns; where there were enough
    affinity    how likely a user who bought promoted items, or has them in a list, is to buy one: what such users
                bought before, moved by the places that the ranker gave the items in the user's lists
    lookalike   how likely a user who never bought one is to begin, by likeness to those who lately did

Users who gave no consent, were contacted for the campaign already, answered it, or bought within the usual gap are not
scored. What affinity and lookalike predict is a purchase within the horizon, or until the campaign ends.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from recsys.features.campaigns import Campaigns
from recsys.features.user_facts import (
    Purchases,
    category_shares,
    model_ready,
    top_categories,
    user_facts,
)
from recsys.models.logistic import Floats, logit, tilted
from recsys.models.purchase_chance import fit_affinity, fit_lookalike
from recsys.models.response import ResponseModel, fit_response, past_campaigns
from recsys.recommendations.audiences import not_due
from recsys.recommendations.lists import is_ranked
from recsys.recommendations.published_lists import scan_shards
from recsys.recommendations.rules import users_with_consent
from recsys.recommendations.user_chances import LIST_COLUMNS, list_chances
from recsys.run import RunContext

log = logging.getLogger(__name__)

FACTS = {
    "h_campaigns": pl.Float64,
    "h_contacts": pl.Float64,
    "h_last_response": pl.Float64,
    "t_trips": pl.Float64,
    "t_last": pl.Float64,
    "c_last": pl.Float64,
    "u_trips_28": pl.Float64,
    "l_items": pl.Int64,
    "l_best": pl.Int64,
}
"""Facts that travel with a row into its reason."""
SCORED = {"campaign_id": pl.String, "way": pl.String, "user_id": pl.String, "probability": pl.Float64, **FACTS}
_SHORTEST_WINDOW = timedelta(days=1)
_UNLISTED = 0.02
"""Chance that stands for items in none of a user's lists: below that of any place in one."""


@dataclass(frozen=True)
class AudienceDay:
    """What all campaigns of a day share: `users` may be addressed, `places` are items' best ranks in users' lists."""

    context: RunContext
    campaigns: Campaigns
    purchases: Purchases
    users: pl.Series
    places: pl.DataFrame
    model: ResponseModel | None


@dataclass(frozen=True)
class Learnt:
    """Facts of users as of `start`, with `bought`: whether they bought a promoted item from then to the day."""

    start: datetime
    facts: pl.DataFrame


def audience_day(context: RunContext, campaigns: Campaigns, purchases: Purchases, users: pl.DataFrame) -> AudienceDay:
    """Read the day's lists, and train the response model where earlier campaigns allow it."""
    known = purchases.users(context.as_of).to_list()
    agreed = pl.Series("user_id", users_with_consent(known, users, context.settings.rules), dtype=pl.String)
    settings = context.settings.audiences
    model = fit_response(*past_campaigns(purchases, campaigns, context.as_of, settings), settings)
    if model is None:
        log.info("campaign_audiences: too few contacts and responses of earlier campaigns; the way response is off")
    places = list_places(context, campaigns.promoted["item_id"].unique())
    return AudienceDay(context, campaigns, purchases, agreed, places, model)


def list_places(context: RunContext, items: pl.Series) -> pl.DataFrame:
    """user_id, item_id, rank, chance: the best place of each of `items` in the user's own lists of the day, and the
    chance of a purchase that the ranker's order stands for (user_chances)."""
    parts = [pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "rank": pl.Int32, "chance": pl.Float64})]
    for lists in scan_shards(context.lake, context.as_of_date):
        wanted = lists.filter(is_ranked() & pl.col("item_id").is_in(items.implode()))
        own = wanted.select(LIST_COLUMNS).collect()
        best = own.group_by("user_id", "item_id").agg(pl.col("rank").min())
        parts.append(best.join(list_chances(own), on=["user_id", "item_id"]))
    return pl.concat(parts).sort("user_id", "item_id")


def scored_campaign(day: AudienceDay, campaign: dict[str, Any]) -> pl.DataFrame:
    """Rows of SCORED of every way for one campaign (a row of schemas.CAMPAIGNS)."""
    campaign_id, cut = campaign["campaign_id"], day.context.as_of
    settings = day.context.settings.audiences
    facts = user_facts(day.purchases, day.campaigns, campaign_id, day.users, cut)
    facts = facts.join(_list_facts(day, campaign_id), on="user_id", how="left", maintain_order="left")
    out = pl.concat([
        *(table.filter(pl.col("campaign_id") == campaign_id)["user_id"]
          for table in (day.campaigns.contacts, day.campaigns.responses)),
        not_due(facts, cut, campaign["ends_at"], settings),
    ])  # fmt: skip
    facts = facts.filter(~pl.col("user_id").is_in(out.unique().implode()))
    knows = (pl.col("t_lines") > 0).fill_null(value=False)
    listed = pl.col("l_items").is_not_null()
    window = max(_SHORTEST_WINDOW, min(timedelta(days=settings.horizon_days), campaign["ends_at"] - cut))
    parts = [_response(day.model, facts)] if day.model is not None else []
    learnt = _learnt(day, campaign_id, window)
    parts.append(_affinity(day, facts.filter(knows | listed), learnt))
    parts.append(_lookalike(day, campaign_id, facts.filter(~knows & ~listed), learnt))
    rows = pl.concat([pl.DataFrame(schema={n: t for n, t in SCORED.items() if n != "campaign_id"}), *parts])
    return rows.with_columns(campaign_id=pl.lit(campaign_id)).select(SCORED.keys())


def _list_facts(day: AudienceDay, campaign_id: str) -> pl.DataFrame:
    own = day.places.filter(pl.col("item_id").is_in(day.campaigns.items_of(campaign_id).implode()))
    return (
        own.sort("user_id", "item_id")
        .group_by("user_id", maintain_order=True)
        .agg(
            l_items=pl.len().cast(pl.Int64),
            l_best=pl.col("rank").min().cast(pl.Int64),
            l_chance=1.0 - (1.0 - pl.col("chance")).product(),
        )
    )


def _rows(facts: pl.DataFrame, way: str, probabilities: Floats) -> pl.DataFrame:
    told = facts.with_columns(way=pl.lit(way), probability=pl.Series(probabilities, dtype=pl.Float64))
    columns = {name: kind for name, kind in SCORED.items() if name != "campaign_id"}
    return told.select(pl.col(name).cast(kind) for name, kind in columns.items())


def _response(model: ResponseModel, facts: pl.DataFrame) -> pl.DataFrame:
    return _rows(facts, "response", model.probabilities(model_ready(facts)[0]))


def _learnt(day: AudienceDay, campaign_id: str, window: timedelta) -> Learnt:
    """Users to learn from: who had bought something before the window and may be addressed, drawn where too many.

    Days of a great sale or a closure tell nothing of those to come: the window is longer by them.
    """
    context, settings = day.context, day.context.settings
    apart = settings.opening.apart(context.as_of_date, math.ceil(window / timedelta(days=1)))
    start = context.as_of - window - timedelta(days=len(apart))
    users = day.purchases.users(start)
    users = users.filter(users.is_in(day.users.implode()))
    limit = settings.audiences.max_training_users
    if len(users) > limit:
        drawn = np.random.default_rng(settings.seed).choice(len(users), limit, replace=False)
        users = users.gather(np.sort(drawn))
    facts = user_facts(day.purchases, day.campaigns, campaign_id, users, start)
    ordinary = day.purchases.without(apart, settings.time_zone)
    bought = ordinary.buyers(day.campaigns.items_of(campaign_id), start, context.as_of)["user_id"]
    return Learnt(start, facts.with_columns(bought=pl.col("user_id").is_in(bought.implode())))


def _labels(facts: pl.DataFrame) -> Floats:
    labels: Floats = facts["bought"].cast(pl.Float64).to_numpy()
    return labels


def _affinity(day: AudienceDay, facts: pl.DataFrame, learnt: Learnt) -> pl.DataFrame:
    settings = day.context.settings
    if facts.is_empty() or learnt.facts.is_empty():
        return _rows(facts.clear(), "affinity", np.zeros(0))
    ready, names = model_ready(learnt.facts)
    chances = fit_affinity(ready.select(names).to_numpy(), _labels(learnt.facts), settings.audiences, settings.seed)
    told = chances.probabilities(model_ready(facts)[0].select(names).to_numpy())
    ranked = facts["l_chance"].fill_null(0.0).clip(lower_bound=_UNLISTED).to_numpy()
    return _rows(facts, "affinity", tilted(told, logit(ranked), settings.audiences.ranker_weight))


def _lookalike(day: AudienceDay, campaign_id: str, facts: pl.DataFrame, learnt: Learnt) -> pl.DataFrame:
    """The seed list are users who bought a promoted item in the window for the first time."""
    settings = day.context.settings
    past = learnt.facts.filter((pl.col("t_lines") == 0).fill_null(value=True))
    seeds = _labels(past)
    if facts.is_empty() or seeds.sum() < settings.audiences.min_seeds:
        log.info("campaign_audiences: %s: %d seeds are too few for a lookalike audience", campaign_id, seeds.sum())
        return _rows(facts.clear(), "lookalike", np.zeros(0))
    categories = top_categories(day.purchases, learnt.start, settings.audiences.lookalike_categories)
    values = _profile(day, past, learnt.start, categories)
    chances = fit_lookalike(values, seeds, settings.audiences, settings.seed, settings.models.threads)
    return _rows(facts, "lookalike", chances.probabilities(_profile(day, facts, day.context.as_of, categories)))


def _profile(day: AudienceDay, facts: pl.DataFrame, cut: datetime, categories: list[str]) -> Floats:
    """Users as lookalike sees them: habits and shares of categories, nothing of the campaign itself."""
    ready, names = model_ready(facts)
    shares, shown = category_shares(day.purchases, facts["user_id"], cut, categories)
    habits = [name for name in names if name.startswith("u_")]
    return np.hstack([ready.select(habits).to_numpy(), shares.select(shown).to_numpy()])
