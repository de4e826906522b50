"""A share of the places of for_you for new items, so that the shop learns who wants them; off by default.

Thompson sampling (Thompson, 1933; Chapelle and Li, "An Empirical Evaluation of Thompson Sampling", NIPS 2011): in
each segment a new item's rate of buyers has a beta posterior; each user draws one rate an item, seeded by the day and
the user, and sees the items that drew highest. The chance of being drawn, counted over many draws of the same kind,
over the number of places, is the row's propensity: with it this very place was given to the item. So whoever weighs
what followed by 1 / propensity asks what all users would have done, however many of the places are looked at.
For that every item needs a chance: a share of the users, explore_evenly, draws all items alike. Where many users tried
the items, rates drawn from the posteriors leave all but the best none, and no weight stands in for what nobody saw.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.recommendations.lists import FACTS
from recsys.recommendations.reasons import EXPLORATION
from recsys.run import RunContext
from recsys.settings.new_items import NewItemSettings

ARMS = {"segment": pl.String, "item_id": pl.String, "wins": pl.Float64, "losses": pl.Float64}
"""Columns of `arms`: parameters of the beta posterior of each item in each segment ('' for users of none)."""


def arms(events: pl.LazyFrame, users: pl.DataFrame, new: pl.DataFrame, context: RunContext) -> pl.DataFrame:
    """ARMS of the new items that exploration may draw, at most explore_items a segment, sorted.

    events  user_id, item_id, event_type, occurred_at before the day     users  user_id, segment
    new     item_id, launched_at of the items that may be shown

    A trial is a user of the segment who did anything within settings.days, a win one of them who bought the item. The
    prior is the segment's mean rate, explore_prior users strong.
    """
    settings = context.settings.new_items
    since = context.as_of - timedelta(days=settings.days)
    named = users.lazy().select("user_id", "segment").unique("user_id")
    joined = events.filter(pl.col("occurred_at") >= since).join(named, on="user_id", how="left")
    recent = joined.with_columns(pl.col("segment").fill_null("")).collect()
    trials = recent.group_by("segment").agg(trials=pl.col("user_id").n_unique().cast(pl.Float64))
    bought = recent.filter(pl.col("event_type") == "purchase").join(new.select("item_id"), on="item_id", how="semi")
    buyers = bought.group_by("segment", "item_id").agg(buyers=pl.col("user_id").n_unique().cast(pl.Float64))
    every = trials.join(new.select("item_id").unique(), how="cross")
    every = every.join(buyers, on=["segment", "item_id"], how="left").with_columns(pl.col("buyers").fill_null(0.0))
    mean = ((pl.col("buyers").sum() + 1) / (pl.col("trials").sum() + 2)).over("segment")
    prior = settings.explore_prior
    told = every.with_columns(
        wins=pl.col("buyers") + prior * mean, losses=pl.col("trials") - pl.col("buyers") + prior * (1 - mean)
    ).sort("segment", "wins", "item_id", descending=[False, True, False])
    kept = told.filter(pl.int_range(pl.len()).over("segment") < settings.explore_items)
    return kept.select(ARMS.keys()).cast(ARMS).sort("segment", "item_id")  # type: ignore[arg-type]


def explored_ranks(settings: NewItemSettings, list_length: int) -> list[int]:
    """Places of a list that exploration takes, spread evenly: at a share of 0.1 each tenth."""
    share = min(max(settings.explore_share, 0.0), 1.0)
    return [math.ceil((number + 1) / share) for number in range(int(share * list_length + 1e-9))] if share else []


def with_exploration(
    lists: pl.DataFrame, choice: pl.DataFrame, segments: pl.DataFrame, bought: pl.DataFrame, context: RunContext
) -> pl.DataFrame:
    """`lists` (columns of `build_lists`) with new items in some places of for_you, and `propensity`, null elsewhere.

    choice    ARMS        segments  user_id, segment        bought  user_id, item_id of known purchases

    A personal row gives way and leaves its score behind; an item that the user bought, or has in the list, does not
    take the place that it drew.
    """
    plain = lists.with_columns(propensity=pl.lit(None, pl.Float32))
    ranks = explored_ranks(context.settings.new_items, context.settings.rules.list_length)
    if not ranks or choice.is_empty():
        return plain
    whole = plain.filter(pl.col("list") == "for_you")
    own = whole.filter(pl.col("fallback").is_null())
    theirs = own.select("user_id").unique().join(segments, on="user_id", how="left").sort("user_id")
    empty = pl.DataFrame(schema={"user_id": pl.String, "rank": pl.Int32, "item_id": pl.String, "drawn": pl.Float32})
    drawn = pl.concat([empty, *_drawn(theirs, choice, ranks, context)])
    drawn = drawn.join(own, on=["user_id", "rank"], how="semi")
    # Fallbacks below the personal rows may be new items too, and an item stands once in a list.
    for held in (whole, bought):
        drawn = drawn.join(held, on=["user_id", "item_id"], how="anti")
    placed = drawn.select("user_id", "rank", "drawn", new="item_id", list=pl.lit("for_you"))
    joined = plain.join(placed, on=["list", "user_id", "rank"], how="left", maintain_order="left")
    taken = pl.col("new").is_not_null()
    facts = {name: pl.when(~taken).then(pl.col(name)) for name in FACTS} | {
        "generator": pl.when(taken).then(pl.lit(EXPLORATION)).otherwise("generator"),
        "purchases": pl.when(taken).then(pl.lit(0.0, pl.Float32)).otherwise("purchases"),
    }
    return joined.with_columns(item_id=pl.coalesce("new", "item_id"), propensity="drawn", **facts).drop("new", "drawn")


def _drawn(users: pl.DataFrame, choice: pl.DataFrame, ranks: list[int], context: RunContext) -> Iterator[pl.DataFrame]:
    """user_id, rank, item_id, drawn (propensity) of each user (user_id, segment), a segment at a time."""
    settings, seed = context.settings.new_items, f"{context.settings.seed} {context.as_of_date}"
    for (segment,), pool in choice.group_by("segment", maintain_order=True):
        mine = users.filter(pl.col("segment").fill_null("") == segment)["user_id"].to_list()
        wins, losses = pool["wins"].to_numpy(), pool["losses"].to_numpy()
        count = min(len(ranks), len(wins))
        evenly = min(max(settings.explore_evenly, 0.0), 1.0)
        chances = propensities(wins, losses, count, settings.explore_draws, _rng(f"{seed} segment {segment}"))
        chances = (1 - evenly) * chances + evenly * count / len(wins)
        for user in mine:
            rng = _rng(f"{seed} user {user}")
            # In any order: the chance of an item must not hang on the place that it takes.
            rates = rng.random(len(wins)) if rng.random() < evenly else rng.beta(wins, losses)
            best = rng.permutation(_best(rates, count))
            told = {"user_id": [user] * count, "rank": ranks[:count], "item_id": pool["item_id"].gather(best)}
            yield pl.DataFrame({**told, "drawn": chances[best] / count}).cast({"rank": pl.Int32, "drawn": pl.Float32})


def propensities(
    wins: NDArray[np.float64], losses: NDArray[np.float64], count: int, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Chance of each item to be among the `count` that draw highest, counted over `draws`; never quite 0 or 1."""
    found = np.zeros(len(wins))
    for _ in range(draws):
        found[_best(rng.beta(wins, losses), count)] += 1
    chance: NDArray[np.float64] = (found + 0.5) / (draws + 1.0)
    return chance


def _best(rates: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    return np.argsort(-rates, kind="stable")[:count]


def _rng(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
