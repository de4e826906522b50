"""Campaigns: what a shop delivers of them, all of it optional."""

from __future__ import annotations

from recsys.schemas.table import DOUBLE, INSTANT, TEXT, Column, Table

TARGET_TYPES = ("item", "category", "brand")

CAMPAIGNS = Table(
    "campaigns",
    "One row per campaign that the shop had announced before the as-of date.",
    ("campaign_id",),
    (
        Column("campaign_id", TEXT, "Identifier of the campaign."),
        Column("name", TEXT, "Name of the campaign.", nullable=True),
        Column("announced_at", INSTANT, "From when on the shop knew of it; null: always.", nullable=True),
        Column("starts_at", INSTANT, "When it begins."),
        Column("ends_at", INSTANT, "When it ends."),
        Column("budget", DOUBLE, "What contacting may cost in all; null: not limited.", nullable=True),
        Column("contact_cost", DOUBLE, "What contacting one user costs; null: unknown.", nullable=True),
    ),
)

CAMPAIGN_TARGETS = Table(
    "campaign_targets",
    "One row per campaign and item, category or brand that it promotes.",
    ("campaign_id", "target_type", "target"),
    (
        Column("campaign_id", TEXT, "The campaign."),
        Column("target_type", TEXT, "item, category or brand."),
        Column("target", TEXT, "Identifier of the item; category path or its beginning; or brand."),
    ),
)

CONTACTS = Table(
    "contacts",
    "One row per campaign and user who was contacted, the first time.",
    ("campaign_id", "user_id"),
    (
        Column("campaign_id", TEXT, "The campaign."),
        Column("user_id", TEXT, "Who was contacted."),
        Column("contacted_at", INSTANT, "When."),
    ),
)

RESPONSES = Table(
    "responses",
    "One row per campaign, user and moment of a response: a coupon redeemed, an offer taken.",
    ("campaign_id", "user_id", "responded_at"),
    (
        Column("campaign_id", TEXT, "The campaign."),
        Column("user_id", TEXT, "Who responded."),
        Column("responded_at", INSTANT, "When."),
    ),
)

CAMPAIGN_TABLES = (CAMPAIGNS, CAMPAIGN_TARGETS, CONTACTS, RESPONSES)
