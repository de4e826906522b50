"""What happened in campaigns that are over: response, purchases and revenue of the contacted beside the holdout.

The audience that is judged is the newest one in the lake of a day not after the first contact. Its holdout was
drawn by a hash before anybody was contacted, so the difference between contacted and holdout is what contacting
changed, as far as the shop kept to it: users of the holdout who were contacted all the same are left out. A shop that
contacts the best of an audience alone chose who buys anyway, one that contacts on several days those who did not buy
yet: they are compared with those of the holdout who were as likely as they, and had not bought either
(`above_holdout`).
"""

from __future__ import annotations

import logging
import math
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from recsys.features.campaigns import Campaigns
from recsys.features.user_facts import Purchases
from recsys.models.logistic import Floats
from recsys.recommendations.wording import tell
from recsys.run import RunContext
from recsys.schemas import AUDIENCE_RESULTS, CAMPAIGN_AUDIENCES
from recsys.storage import list_keys, read_partition

log = logging.getLogger(__name__)

Row = dict[str, Any]
_NORMAL_95 = 1.959964
_PARTS, _FEWEST_ALIKE = 10, 10
"""Parts that an audience is cut into by rank, and users of the holdout that each of them has at least."""


def audience_results(context: RunContext, campaigns: Campaigns, purchases: Purchases) -> pl.DataFrame:
    """Rows of schemas.AUDIENCE_RESULTS of campaigns that matured lately, sorted by key."""
    settings, cut = context.settings.audiences, context.as_of
    # Without prices nobody knows what was paid, and 0 would say that nothing was.
    unknown = {} if purchases.rows["price"].count() else {"revenue": None, "revenue_per_user": None}
    recent = pl.col("ends_at") >= cut - timedelta(days=settings.results_days + settings.maturity_days)
    rows: list[Row] = []
    for campaign in campaigns.matured(cut, settings.maturity_days).filter(recent).iter_rows(named=True):
        campaign_id = campaign["campaign_id"]
        contacts = campaigns.contacts.filter(pl.col("campaign_id") == campaign_id)
        first: datetime = min(contacts["contacted_at"].to_list(), default=campaign["starts_at"])
        audience, day = audience_before(context, campaign_id, first)
        happened = _happened(campaigns, purchases, campaign)
        for row in campaign_rows(contacts, audience, day, happened, context.settings.language):
            version = row.get("model_version") or _version(context)
            rows.append({**_told(context, campaign), **row, **unknown, "model_version": version})
    schema = pl.DataFrame(AUDIENCE_RESULTS.empty_table()).schema
    return pl.DataFrame(rows, schema=schema).sort(*AUDIENCE_RESULTS.key)


def audience_before(context: RunContext, campaign_id: str, first: datetime) -> tuple[pl.DataFrame, date | None]:
    """The campaign's newest audience in the lake of a day that began not after `first`, and that day; or none."""
    last = min(first, context.as_of - timedelta(microseconds=1))
    days = [date.fromisoformat(text) for text in list_keys(context.lake, CAMPAIGN_AUDIENCES)]
    local = pl.select(pl.lit(last).dt.convert_time_zone(context.settings.time_zone).dt.date()).item()
    for day in sorted((day for day in days if day <= local), reverse=True):
        rows = read_partition(context.lake, CAMPAIGN_AUDIENCES, as_of_date=day)
        own = rows.filter(pl.col("campaign_id") == campaign_id)
        if own.height:
            return own, day
    return pl.DataFrame(CAMPAIGN_AUDIENCES.empty_table()), None


def campaign_rows(
    contacts: pl.DataFrame, audience: pl.DataFrame, day: date | None, happened: pl.DataFrame, language: str = "en"
) -> list[Row]:
    """One row per way and group that has users.

    contacts   user_id, contacted_at of everybody whom the shop contacted, each user once
    audience   rows of schemas.CAMPAIGN_AUDIENCES of `day`
    happened   user_id, spend and bought_at (of something promoted, the first time), responded of those who did either
    """
    everybody = contacts.select("user_id").unique().sort("user_id")
    rows = [{"way": "any", "user_group": "contacted", **_figures(everybody, happened)}] if everybody.height else []
    known = audience.join(contacts.select("user_id", "contacted_at"), on="user_id", how="left", maintain_order="left")
    known = known.with_columns(was=pl.col("contacted_at").is_not_null())
    for way in audience["way"].unique().sort():
        own = known.filter(pl.col("way") == way)
        groups = {
            "contacted": own.filter(pl.col("was") & ~pl.col("holdout")),
            "holdout": own.filter(~pl.col("was") & pl.col("holdout")),
            "not_contacted": own.filter(~pl.col("was") & ~pl.col("holdout")),
        }
        broken = own.filter(pl.col("was") & pl.col("holdout")).height
        if broken:
            log.info("audience_results: %d users of a holdout were contacted and are left out", broken)
        told = {name: _figures(users, happened) for name, users in groups.items() if users.height}
        for name, figures in told.items():
            row = {"way": way, "user_group": name, "audience_date": day, **figures}
            row["predicted"] = float(groups[name]["probability"].mean() or 0.0)  # type: ignore[arg-type]
            row["model_version"] = own["model_version"][0]
            if name == "contacted" and "holdout" in told:
                row |= above_holdout(groups[name], groups["holdout"], happened)
            rows.append(row)
    return [{**row, **_reason(row, language)} for row in rows]


def above_holdout(contacted: pl.DataFrame, holdout: pl.DataFrame, happened: pl.DataFrame) -> Row:
    """Difference of the buyer rates with its 95 % interval; nothing where nobody is comparable.

    Contacts of one day are a wave. Of it, and of the holdout beside it, those count who had bought nothing promoted
    before it: whom the shop writes to in the third week are those who had not bought in the first two. The difference
    is the mean of the waves', weighed by their contacted users. `contacted` has contacted_at, `happened` bought_at.
    """
    times = happened.select("user_id", "bought_at")
    ours, theirs = (
        group.join(times, on="user_id", how="left", maintain_order="left") for group in (contacted, holdout)
    )
    first = ours["contacted_at"].min()
    waves = ours.with_columns(wave=(pl.col("contacted_at") - first).dt.total_days()).sort("wave", "user_id")
    found = []
    for _, wave in waves.group_by("wave", maintain_order=True):
        since = wave["contacted_at"].min()
        to_come = pl.col("bought_at").is_null() | (pl.col("bought_at") >= since)
        asked, apart = wave.filter(to_come), theirs.filter(to_come)
        if asked.height and apart.height:
            found.append((asked.height, *_wave_above(asked, apart)))
    if not found:
        return {}
    users, value, middle, asked_variance, apart_variance = np.array(found, dtype=np.float64).T
    weight = users / users.sum()
    # The users of the holdout are the same ones beside every wave: what chance gives them does not cancel out.
    variance = float((weight**2 * asked_variance).sum()) + float((weight * np.sqrt(apart_variance)).sum()) ** 2
    spread, told, centre = _NORMAL_95 * math.sqrt(variance), float(weight @ value), float(weight @ middle)
    low, high = min(centre - spread, told), max(centre + spread, told)
    return {"above_holdout": told, "above_holdout_low": low, "above_holdout_high": high}


def _wave_above(contacted: pl.DataFrame, holdout: pl.DataFrame) -> tuple[float, float, float, float]:
    """Difference of the rates of those with a bought_at; middle of its interval (Agresti and Caffo, 2000: one buyer and
    one other added); variance of either rate.

    The audience's ranks are cut into parts of like many users of the holdout; the difference is the mean of the parts',
    weighed by their contacted users. One part where the holdout is small: then it is the plain difference.
    """
    parts = max(min(holdout.height // _FEWEST_ALIKE, _PARTS), 1)
    first = [holdout.height * part // parts for part in range(1, parts)]
    edges = holdout["rank"].sort().gather(first).to_numpy()
    counts = []
    for group in (contacted, holdout):
        part = np.searchsorted(edges, group["rank"].to_numpy(), side="right")
        counts.append((np.bincount(part, group["bought_at"].is_not_null(), parts), np.bincount(part, minlength=parts)))
    used = counts[0][1] > 0
    both = [(bought[used], users[used]) for bought, users in counts]
    weight = both[0][1] / both[0][1].sum()
    value = _mean_difference([bought / users for bought, users in both], weight)
    shares = [(bought + weight) / (users + 2 * weight) for bought, users in both]
    sizes = [users + 2 * weight for _, users in both]
    asked, apart = (float((weight**2 * p * (1 - p) / n).sum()) for p, n in zip(shares, sizes, strict=True))
    return value, _mean_difference(shares, weight), asked, apart


def _mean_difference(rates: list[Floats], weight: Floats) -> float:
    return float(((rates[0] - rates[1]) * weight).sum())


def _figures(users: pl.DataFrame, happened: pl.DataFrame) -> Row:
    joined = users.select("user_id").join(happened, on="user_id", how="left", maintain_order="left")
    count = joined.height
    responders = int(joined["responded"].fill_null(value=False).sum())
    buyers = int(joined["spend"].is_not_null().sum())
    # Rounded sums: whole hundredths add up alike in any order.
    revenue = float((joined["spend"].fill_null(0.0) * 100).round().cast(pl.Int64).sum()) / 100
    return {
        "users": count,
        "responders": responders,
        "response_rate": responders / count,
        "buyers": buyers,
        "buyer_rate": buyers / count,
        "revenue": revenue,
        "revenue_per_user": revenue / count,
    }


def _happened(campaigns: Campaigns, purchases: Purchases, campaign: Row) -> pl.DataFrame:
    """user_id, spend and bought_at (null: bought nothing promoted), responded; one row per user of either."""
    campaign_id = campaign["campaign_id"]
    bought = purchases.buyers(campaigns.items_of(campaign_id), campaign["starts_at"], campaign["ends_at"])
    answers = campaigns.responses.filter(pl.col("campaign_id") == campaign_id).select("user_id").unique()
    told = answers.with_columns(responded=pl.lit(value=True))
    return bought.join(told, on="user_id", how="full", coalesce=True).sort("user_id")


def _told(context: RunContext, campaign: Row) -> Row:
    zone = context.settings.time_zone
    days = pl.select(
        *(pl.lit(campaign[n]).dt.convert_time_zone(zone).dt.date().alias(n) for n in ("starts_at", "ends_at"))
    )
    empty = dict.fromkeys(("audience_date", "predicted", "above_holdout", "above_holdout_low", "above_holdout_high"))
    return {
        "as_of_date": context.as_of_date,
        "campaign_id": campaign["campaign_id"],
        "campaign_name": campaign["name"],
        "starts_on": days["starts_at"][0],
        "ends_on": days["ends_at"][0],
        **empty,
    }


def _version(context: RunContext) -> str:
    return context.settings.fingerprint()


def _reason(row: Row, language: str) -> Row:
    shares = {name: f"{row[name]:.1%}" for name in ("response_rate", "buyer_rate")}
    text = tell(language, "result", users=row["users"], group=tell(language, row["user_group"]), **shares)
    if row.get("above_holdout") is not None:
        names = {"above": "above_holdout", "low": "above_holdout_low", "high": "above_holdout_high"}
        points = {name: f"{row[column] * 100:+.1f}" for name, column in names.items()}
        text += tell(language, "beside_holdout", **points)
        return {"reason_code": "beside_holdout", "reason_text": text}
    return {"reason_code": "no_audience" if row["way"] == "any" else "by_group", "reason_text": text}
