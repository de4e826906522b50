"""Users seen from a campaign: habits, what they bought of the promoted items, how they took earlier campaigns.

Everything is as of a cut. `user_facts` holds plain facts (counts, days, money), from which reasons are told;
`model_ready` turns them into numbers that a linear model can read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from recsys.data.events import event_day, read_events
from recsys.features.campaigns import Campaigns, parent_path
from recsys.features.history import trip_name
from recsys.run import RunContext

_DAY = 86_400.0
_HALF_LIFE = 60.0
_DEAL = 0.95
"""A price below this share of what the item cost on average before is a deal."""
_COLUMNS = ["user_id", "item_id", "quantity", "unit_price", "order_id", "store_id", "occurred_at"]


@dataclass(frozen=True)
class Purchases:
    """Purchases of the look-back window, sorted by user and time.

    rows: user_id, item_id, leaf, parent (enumerations), trip (u32), store_id, at, price (null: unknown), spend (f64; an
    unknown price adds nothing), deal (bool)
    """

    rows: pl.DataFrame

    def of_users(self, user_ids: pl.Series, cut: datetime) -> pl.DataFrame:
        """Rows of `user_ids` before `cut`, with `age` in days (f64) and `weight`, halved every 60 days."""
        known = user_ids.cast(self.rows.schema["user_id"], strict=False).drop_nulls()
        own = self.rows.filter((pl.col("at") < cut) & pl.col("user_id").is_in(known.implode()))
        age = (pl.lit(cut) - pl.col("at")).dt.total_seconds() / _DAY
        return own.with_columns(age=age).with_columns(weight=0.5 ** (pl.col("age") / _HALF_LIFE))

    def users(self, cut: datetime) -> pl.Series:
        """Ids of users who bought something before `cut`, sorted."""
        return self.rows.filter(pl.col("at") < cut)["user_id"].unique().cast(pl.String).sort()

    def without(self, days: Sequence[date], time_zone: str) -> Purchases:
        """The same but for the purchases of `days` of `time_zone`."""
        return Purchases(self.rows.filter(~event_day(time_zone, "at").is_in(list(days)))) if days else self

    def buyers(self, items: pl.Series, start: datetime, end: datetime) -> pl.DataFrame:
        """user_id, spend and bought_at (the first time) of those who bought one of `items` in [start, end), sorted."""
        known = items.cast(self.rows.schema["item_id"], strict=False).drop_nulls()
        rows = self.rows.filter(
            (pl.col("at") >= start) & (pl.col("at") < end) & pl.col("item_id").is_in(known.implode())
        )
        sums = rows.group_by("user_id", maintain_order=True).agg(pl.col("spend").sum(), bought_at=pl.col("at").min())
        return sums.with_columns(pl.col("user_id").cast(pl.String)).sort("user_id")


def load_purchases(context: RunContext, items: pl.DataFrame) -> Purchases:
    """The run's purchases. Raises RunError before check_extracts ran."""
    events = read_events(context, columns=[*_COLUMNS, "event_type"])
    rows = events.filter((pl.col("event_type") == "purchase") & (pl.col("quantity") > 0)).select(_COLUMNS).collect()
    return encode_purchases(rows, items, context.settings.time_zone)


def encode_purchases(rows: pl.DataFrame, items: pl.DataFrame, time_zone: str) -> Purchases:
    """Purchases from `rows` (columns of schemas.EVENTS, purchases alone) and the category paths of `items`.

    A purchase without an order belongs to the user's trip of that day in `time_zone`.
    """
    ids = {name: pl.Enum(rows[name].unique().sort()) for name in ("user_id", "item_id")}
    trips = rows.select(trip=trip_name(time_zone))["trip"]
    trip = trips.cast(pl.Enum(trips.unique().sort())).to_physical()
    coded = rows.with_columns(trip).with_columns(pl.col(n).cast(t) for n, t in ids.items())
    price = pl.col("unit_price")
    coded = coded.join(_paths(items, ids["item_id"]), on="item_id", how="left").select(
        "user_id", "item_id", "leaf", "parent", "trip", "store_id", "quantity",
        at="occurred_at", price=price, spend=price.fill_null(0.0) * pl.col("quantity"),
    )  # fmt: skip
    in_time = coded.sort("item_id", "at", "trip", "price", "quantity")
    # The mean of the item's earlier prices: what came later must not say whether this was a deal.
    count = pl.col("price").is_not_null().cast(pl.Int64).cum_sum().over("item_id") - 1
    usual = (pl.col("price").cum_sum().over("item_id") - pl.col("price")) / count
    dealt = in_time.with_columns(deal=((count > 0) & (pl.col("price") < _DEAL * usual)).fill_null(value=False))
    return Purchases(dealt.drop("quantity").sort("user_id", "at", "trip", "item_id", "price", "spend"))


def _paths(items: pl.DataFrame, ids: pl.Enum) -> pl.DataFrame:
    leaf = pl.col("category_path").fill_null("")
    known = items.unique("item_id", keep="first", maintain_order=True).select(
        "item_id", leaf=leaf, parent=parent_path()
    )
    coded = known.with_columns(pl.col("item_id").cast(ids, strict=False)).drop_nulls("item_id")
    return coded.with_columns(pl.col(n).cast(pl.Enum(coded[n].unique().sort())) for n in ("leaf", "parent"))


def user_facts(
    purchases: Purchases, campaigns: Campaigns, campaign_id: str, user_ids: pl.Series, cut: datetime
) -> pl.DataFrame:
    """One row per user of `user_ids`, in that order: facts as of `cut`, null or 0 where there is none.

    u_ of all purchases, t_ of promoted items, c_ of their categories, h_ of earlier campaigns.
    """
    items = campaigns.items_of(campaign_id)
    bought = purchases.of_users(user_ids, cut)
    facts = _purchase_facts(_with_target(bought, items))
    known = campaigns.before(cut)
    base = pl.DataFrame({"user_id": user_ids}, schema={"user_id": pl.String})
    joined = base.join(facts, on="user_id", how="left", maintain_order="left")
    joined = joined.join(_contact_facts(known, cut), on="user_id", how="left", maintain_order="left")
    joined = joined.join(_response_facts(known, campaign_id, cut), on="user_id", how="left", maintain_order="left")
    counts = [name for name in joined.columns if name in _ZERO]
    return joined.with_columns(pl.col(counts).fill_null(0)).with_columns(
        h_rate=(pl.col("h_campaigns") + 0.5) / (pl.col("h_contacts") + 5.0)
    )


_LAST = {"u_last": 14.0, "t_last": 30.0, "c_last": 30.0, "h_last_contact": 30.0, "h_last_response": 60.0}
"""Days since something, and the days after which that fades to a third."""
_PLAIN = ("u_deal", "t_deal", "t_share", "t_share_recent", "c_share", "h_rate")
_ZERO = ("h_contacts", "h_responses", "h_campaigns", "h_days", "h_alike", "h_recent_30", "h_recent_60", "h_recent_180")


def model_ready(facts: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The facts as numbers of similar size without nulls, and their names: days fade, counts, money as logarithms."""
    names = [name for name in facts.columns if name[:2] in ("u_", "t_", "c_", "h_") and name not in _REASON_ONLY]
    return facts.select("user_id", *(_ready(name) for name in names)), names


_REASON_ONLY = ("t_gap",)


def _ready(name: str) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64).fill_nan(None)
    if name in _LAST:
        return (-value / _LAST[name]).exp().fill_null(0.0)
    return value.fill_null(0.0) if name in _PLAIN else value.clip(lower_bound=0.0).log1p().fill_null(0.0)


def _with_target(bought: pl.DataFrame, items: pl.Series) -> pl.DataFrame:
    """`bought` with `t`, whether the item is promoted, and `c`, whether its category holds a promoted item."""
    known = items.cast(bought.schema["item_id"], strict=False).drop_nulls()
    marked = bought.with_columns(t=pl.col("item_id").is_in(known.implode()))
    leaves = marked.filter("t")["leaf"].unique().drop_nulls()
    return marked.with_columns(c=pl.col("leaf").is_in(leaves.implode()).fill_null(value=False))


def _purchase_facts(rows: pl.DataFrame) -> pl.DataFrame:
    c = pl.col
    facts = rows.group_by("user_id", maintain_order=True).agg(
        u_last=c("age").min(),
        u_first=c("age").max(),
        u_lines=pl.len(),
        u_trips=c("trip").n_unique(),
        u_trips_28=c("trip").filter(c("age") < 28).n_unique(),
        u_trips_84=c("trip").filter(c("age") < 84).n_unique(),
        u_spend=c("spend").sum(),
        u_spend_28=c("spend").filter(c("age") < 28).sum(),
        u_spend_84=c("spend").filter(c("age") < 84).sum(),
        u_items=c("item_id").n_unique(),
        u_categories=c("leaf").n_unique(),
        u_stores=c("store_id").n_unique(),
        u_deal=c("deal").mean(),
        u_price=c("price").median(),
        u_recent=c("weight").sum(),
        t_last=c("age").filter("t").min(),
        t_first=c("age").filter("t").max(),
        t_lines=c("t").sum(),
        t_trips=c("trip").filter("t").n_unique(),
        t_items=c("item_id").filter("t").n_unique(),
        t_spend=c("spend").filter("t").sum(),
        t_deal=c("deal").filter("t").mean(),
        t_recent=c("weight").filter("t").sum(),
        c_last=c("age").filter("c").min(),
        c_spend=c("spend").filter("c").sum(),
        c_recent=c("weight").filter("c").sum(),
    )
    several = c("t_trips") > 1
    facts = facts.with_columns(
        u_basket=c("u_lines") / c("u_trips"),
        u_ticket=c("u_spend") / c("u_trips"),
        u_trend=c("u_trips_28") / (c("u_trips_84") / 3 + 0.5),
        t_share=c("t_spend") / c("u_spend"),
        t_share_recent=c("t_recent") / c("u_recent"),
        c_share=c("c_spend") / c("u_spend"),
        t_gap=pl.when(several).then((c("t_first") - c("t_last")) / (c("t_trips") - 1)),
    )
    return facts.drop("t_first").with_columns(c("user_id").cast(pl.String))


def _contact_facts(known: Campaigns, cut: datetime) -> pl.DataFrame:
    newest = (pl.lit(cut) - pl.col("contacted_at").max()).dt.total_seconds() / _DAY
    return known.contacts.group_by("user_id").agg(h_contacts=pl.len(), h_last_contact=newest)


def _response_facts(known: Campaigns, campaign_id: str, cut: datetime) -> pl.DataFrame:
    age = (pl.lit(cut) - pl.col("responded_at")).dt.total_seconds() / _DAY
    others = known.alike.filter(pl.col("other_campaign_id") == campaign_id).select("campaign_id", like="likeness")
    rows = known.responses.with_columns(age=age).join(others, on="campaign_id", how="left")
    rows = rows.with_columns(pl.col("like").fill_null(0.0)).sort("user_id", "responded_at", "campaign_id")
    return rows.group_by("user_id", maintain_order=True).agg(
        *((0.5 ** (pl.col("age") / days)).sum().alias(f"h_recent_{days}") for days in (30, 60, 180)),
        h_responses=pl.len(),
        h_campaigns=pl.col("campaign_id").n_unique(),
        h_days=pl.col("responded_at").n_unique(),
        h_last_response=pl.col("age").min(),
        h_alike=pl.col("like").sum(),
    )


def top_categories(purchases: Purchases, cut: datetime, count: int) -> list[str]:
    """The `count` parent categories of most buyers before `cut`; ties go to the first by name."""
    rows = purchases.rows.filter((pl.col("at") < cut) & pl.col("parent").is_not_null())
    pairs = rows.select("parent", "user_id").unique()
    buyers = pairs.group_by("parent").len("users").with_columns(pl.col("parent").cast(pl.String))
    return buyers.sort(["users", "parent"], descending=[True, False]).head(count)["parent"].to_list()


def category_shares(
    purchases: Purchases, user_ids: pl.Series, cut: datetime, categories: list[str]
) -> tuple[pl.DataFrame, list[str]]:
    """One row per user of `user_ids`, in that order: shares of `categories` in their lines; and their names."""
    own = purchases.of_users(user_ids, cut)
    names = [f"s_{number}" for number in range(len(categories))]
    shares = own.group_by("user_id", maintain_order=True).agg(
        (pl.col("parent") == category).mean().alias(name) for name, category in zip(names, categories, strict=True)
    )
    base = pl.DataFrame({"user_id": user_ids}, schema={"user_id": pl.String})
    known = shares.with_columns(pl.col("user_id").cast(pl.String))
    joined = base.join(known, on="user_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col(names).fill_null(0.0)), names
