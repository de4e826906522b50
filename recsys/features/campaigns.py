"""A day's campaigns with the items they promote, whom they reached and who responded."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from recsys.data.campaigns import campaign_table
from recsys.run import RunContext
from recsys.schemas import CAMPAIGN_TARGETS, CAMPAIGNS, CONTACTS, RESPONSES


@dataclass(frozen=True)
class Campaigns:
    """What was known of campaigns at a cut.

    rows       one row per campaign, as schemas.CAMPAIGNS
    promoted   campaign_id, item_id: what each campaign promotes, targets resolved against the items
    contacts, responses   as schemas.CONTACTS and schemas.RESPONSES
    alike      campaign_id, other_campaign_id, likeness of what they promote, 0 to 1
    """

    rows: pl.DataFrame
    promoted: pl.DataFrame
    contacts: pl.DataFrame
    responses: pl.DataFrame
    alike: pl.DataFrame

    def before(self, cut: datetime) -> Campaigns:
        """The same campaigns with the contacts and responses that were known at `cut`."""
        return dataclasses.replace(
            self,
            contacts=self.contacts.filter(pl.col("contacted_at") < cut),
            responses=self.responses.filter(pl.col("responded_at") < cut),
        )

    def items_of(self, campaign_id: str) -> pl.Series:
        """Items that the campaign promotes, sorted."""
        return self.promoted.filter(pl.col("campaign_id") == campaign_id)["item_id"].sort()

    def matured(self, cut: datetime, maturity_days: int) -> pl.DataFrame:
        """Rows of campaigns whose responses were complete at `cut`, the oldest first."""
        over = pl.col("ends_at") + timedelta(days=maturity_days) <= cut
        return self.rows.filter(over).sort("starts_at", "campaign_id")

    def open(self, cut: datetime, planning_days: int) -> pl.DataFrame:
        """Rows of campaigns that run at `cut` or begin soon after it, in the order of their ids."""
        soon = pl.col("starts_at") < cut + timedelta(days=planning_days)
        return self.rows.filter(soon & (pl.col("ends_at") >= cut)).sort("campaign_id")


def load_campaigns(context: RunContext, items: pl.DataFrame) -> Campaigns:
    """The campaigns of the day; empty where the shop has none. `items` has the columns of schemas.ITEMS."""
    rows, targets, contacts, responses = (
        campaign_table(context, table) for table in (CAMPAIGNS, CAMPAIGN_TARGETS, CONTACTS, RESPONSES)
    )
    promoted = promoted_items(targets, items)
    return Campaigns(rows, promoted, contacts, responses, alike(promoted, items))


def promoted_items(targets: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """campaign_id, item_id, sorted: the items behind `targets` (schemas.CAMPAIGN_TARGETS).

    A category stands for its items and those of the categories below it; an item need not be among `items`.
    """
    named = targets.filter(pl.col("target_type") == "item").select("campaign_id", item_id="target")
    brands = targets.filter(pl.col("target_type") == "brand").select("campaign_id", brand="target")
    branded = brands.join(items.select("item_id", "brand"), on="brand").select("campaign_id", "item_id")
    wide = targets.filter(pl.col("target_type") == "category").select("campaign_id", category="target")
    within = wide.join(_categories(items), on="category").select("campaign_id", "item_id")
    return pl.concat([named, branded, within]).unique().sort("campaign_id", "item_id")


def _categories(items: pl.DataFrame) -> pl.DataFrame:
    """item_id, category: every category path that holds an item, from the widest to its own."""
    parts = items.filter(pl.col("category_path").is_not_null()).select(
        "item_id", parts=pl.col("category_path").str.split(" > ")
    )
    depths = parts.with_columns(depth=pl.int_ranges(1, pl.col("parts").list.len() + 1)).explode("depth")
    return depths.select("item_id", category=pl.col("parts").list.head(pl.col("depth")).list.join(" > "))


def alike(promoted: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """campaign_id, other_campaign_id, likeness: how alike what two campaigns promote is (cosine, 0 to 1).

    `promoted` has campaign_id, item_id; `items` item_id and category_path. Categories are those above the narrowest.
    """
    counts = (
        promoted.join(items.select("item_id", parent=parent_path()), on="item_id")
        .group_by("campaign_id", "parent")
        .len()
    )
    ids, parents = counts["campaign_id"].unique().sort(), counts["parent"].unique().sort()
    matrix = np.zeros((len(ids), len(parents)))
    rows, columns = (
        counts[n].cast(pl.Enum(v)).to_physical().to_numpy() for n, v in (("campaign_id", ids), ("parent", parents))
    )
    matrix[rows, columns] = counts["len"].to_numpy()
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    pairs = pl.DataFrame({"campaign_id": ids}).join(pl.DataFrame({"other_campaign_id": ids}), how="cross")
    return pairs.with_columns(likeness=pl.Series((unit @ unit.T).ravel(), dtype=pl.Float64))


def parent_path() -> pl.Expr:
    """The category above the narrowest of category_path, or the only one; an empty text where there is none."""
    parts = pl.col("category_path").fill_null("").str.split(" > ")
    return parts.list.head(pl.max_horizontal(parts.list.len().cast(pl.Int64) - 1, 1)).list.join(" > ")
