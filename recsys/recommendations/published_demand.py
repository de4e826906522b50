"""Demand that our own publishing may cause, beyond what the history holds already: bundles shown, users contacted.

Two cautious rules until a shop has measured its own rates. Each bundle on a user's list is ordered with a small chance
a day, and an order takes one of each member that is new to the user. Of the purchases that the probabilities of a
campaign's audience tell, a share is caused by the contact (`campaign_effect`): so many units, spread over the days of
the campaign that they are told of and over its items as they sell. Who is kept apart is not contacted and counts
nothing. It stands in a column of its own and is never part of a forecast's mean; without bundles and campaigns it is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from recsys.features.campaigns import promoted_items
from recsys.features.demand_series import Floats
from recsys.models.demand_shape import days_from
from recsys.run import RunContext
from recsys.schemas import BUNDLE_ITEMS, CAMPAIGN_AUDIENCES, CAMPAIGN_TARGETS, CAMPAIGNS, ITEMS, USER_BUNDLES
from recsys.storage import has_partition, read_partition, read_partition_if_any


@dataclass(frozen=True)
class Promotion:
    """A campaign's part: from which day to which (numbers from the as-of date, end exclusive), item_id and units a
    day."""

    start: int
    end: int
    units: pl.DataFrame


@dataclass(frozen=True)
class PublishedDemand:
    """Units a day of bundles by item (item_id, units), what each campaign adds, and numbers of the days on which the
    shop is closed, counted from the as-of date."""

    bundles: pl.DataFrame
    promotions: tuple[Promotion, ...]
    closed: tuple[int, ...] = ()

    def of(self, item_ids: pl.Series, days: int) -> Floats:
        """Units of the items on each of the next `days` days (items x days)."""
        total = np.repeat(_column(item_ids, self.bundles)[:, None], days, axis=1)
        for one in self.promotions:
            total[:, one.start : one.end] += _column(item_ids, one.units)[:, None]
        total[:, [day for day in self.closed if day < days]] = 0.0
        return total


def published_demand(context: RunContext, demand: pl.DataFrame) -> PublishedDemand:
    """What today's user_bundles and campaign_audiences may bring; `demand` has item_id and level."""
    ahead = days_from(context.as_of_date, 0, context.settings.demand.horizon_days, context.settings.opening)
    closed = tuple(np.flatnonzero(~ahead.open).tolist())
    return PublishedDemand(bundle_demand(context), tuple(campaign_demand(context, demand)), closed)


def _column(item_ids: pl.Series, units: pl.DataFrame) -> Floats:
    frame = pl.DataFrame({"item_id": item_ids}).join(units, on="item_id", how="left", maintain_order="left")
    return frame["units"].fill_null(0.0).to_numpy().copy()


def bundle_demand(context: RunContext) -> pl.DataFrame:
    """Units a day by item that today's user_bundles may bring: item_id, units; empty where the day has none."""
    day, rate = context.as_of_date, context.settings.demand.bundle_response
    if not all(has_partition(context.lake, table, as_of_date=day) for table in (USER_BUNDLES, BUNDLE_ITEMS)):
        return pl.DataFrame(schema={"item_id": pl.String, "units": pl.Float64})
    shown = read_partition(context.lake, USER_BUNDLES, as_of_date=day)
    members = read_partition(context.lake, BUNDLE_ITEMS, as_of_date=day)
    return expected_units(shown, members, rate)


def expected_units(shown: pl.DataFrame, members: pl.DataFrame, rate: float) -> pl.DataFrame:
    """item_id, units a day: `rate` orders a day of each row of `shown`, for the share of its members that is new."""
    sizes = members.group_by("bundle_id").agg(size=pl.len())
    share = (pl.col("new_items") / pl.col("size")).sum() * rate
    orders = shown.join(sizes, on="bundle_id").group_by("bundle_id").agg(units=share)
    spread = members.select("bundle_id", "item_id").join(orders, on="bundle_id")
    return spread.sort("item_id", "bundle_id").group_by("item_id", maintain_order=True).agg(pl.col("units").sum())


def campaign_demand(context: RunContext, demand: pl.DataFrame) -> list[Promotion]:
    """What contacting today's audiences may bring, one part a campaign, in the order of their ids."""
    day, settings = {"as_of_date": context.as_of_date}, context.settings
    audiences = read_partition_if_any(context.lake, CAMPAIGN_AUDIENCES, **day)
    if audiences.is_empty():
        return []
    rows, targets = (read_partition_if_any(context.lake, table, **day) for table in (CAMPAIGNS, CAMPAIGN_TARGETS))
    promoted = promoted_items(targets, read_partition(context.lake, ITEMS, **day))
    found = []
    for row in rows.sort("campaign_id").iter_rows(named=True):
        audience = audiences.filter(pl.col("campaign_id") == row["campaign_id"])
        start, end = _days(context.as_of_date, row, settings.time_zone)
        if audience.is_empty() or end <= start:
            continue
        own = promoted.filter(pl.col("campaign_id") == row["campaign_id"]).select("item_id")
        buyers = buyers_a_day(audience, end - start, settings.audiences.horizon_days)
        units = buyers * settings.demand.campaign_effect * settings.audiences.units_a_buyer
        found.append(Promotion(start, end, shared_units(own, demand, units)))
    return found


def buyers_a_day(audience: pl.DataFrame, days: int, horizon_days: int) -> float:
    """The sum of each contacted user's probability a day, the largest where several ways chose them, of a campaign
    that runs for `days` more.

    A response may come on any of them; the other ways tell of `horizon_days` at most, however long the campaign runs.
    """
    told_of = pl.when(pl.col("way") == "response").then(days).otherwise(min(days, horizon_days))
    contacted = audience.filter(~pl.col("holdout"))
    rates = contacted.group_by("user_id").agg(rate=(pl.col("probability").cast(pl.Float64) / told_of).max())
    return float(rates.sort("user_id")["rate"].sum())


def shared_units(items: pl.DataFrame, demand: pl.DataFrame, units: float) -> pl.DataFrame:
    """item_id, units: `units` a day dealt out to `items` as they sell (level of `demand`); none to what does not."""
    known = items.join(demand.select("item_id", "level"), on="item_id").filter(pl.col("level") > 0).sort("item_id")
    return known.select("item_id", units=units * pl.col("level") / pl.col("level").sum())


def _days(as_of: date, campaign: dict[str, Any], time_zone: str) -> tuple[int, int]:
    """First day of the campaign, at the earliest today, and the day after its last, counted from the as-of date."""
    ends = pl.Series([campaign["starts_at"], campaign["ends_at"]]).dt.convert_time_zone(time_zone).dt.date()
    return max((ends[0] - as_of).days, 0), (ends[1] - as_of).days + 1
