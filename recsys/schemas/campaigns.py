"""Campaigns: what a shop delivers of them (all optional), the audiences made for them, and what came of it."""

from __future__ import annotations

from recsys.schemas.table import DAY, DOUBLE, FLAG, INSTANT, INTEGER, REAL, TEXT, Column, Table, as_of

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
        Column("ends_at", INSTANT, "When it ends; the last moment in which it is answered."),
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

CAMPAIGN_AUDIENCES = Table(
    "campaign_audiences",
    "One row per running or coming campaign, way of choosing and user worth contacting.",
    ("campaign_id", "way", "user_id", "as_of_date"),
    (
        as_of(),
        Column("campaign_id", TEXT, "The campaign."),
        Column("way", TEXT, "response, affinity or lookalike: what the probability is of, and who is asked."),
        Column("user_id", TEXT, "Who is worth contacting."),
        Column("rank", INTEGER, "Place in the audience, from 1, most likely first."),
        Column("probability", REAL, "Calibrated: of a response (way response), else of buying a promoted item."),
        Column("decile", INTEGER, "Tenth of the audience, 1 the most likely."),
        Column("holdout", FLAG, "Not to be contacted: kept apart to measure what contacting changes."),
        Column("sized_by", TEXT, "What ended the audience: budget, stock, share or everybody."),
        Column("campaign_name", TEXT, "Name of the campaign.", nullable=True),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_count", INTEGER, "Campaigns answered, trips, or promoted items in lists.", nullable=True),
        Column("reason_total", INTEGER, "Campaigns that the user was contacted for.", nullable=True),
        Column("reason_place", INTEGER, "Best place of a promoted item in the user's lists.", nullable=True),
        Column("reason_days", INTEGER, "Days since the last answer or purchase, begun ones counted.", nullable=True),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the row."),
    ),
)

AUDIENCE_RESULTS = Table(
    "audience_results",
    "One row per matured campaign, way of choosing and group of users: what happened.",
    ("campaign_id", "way", "user_group", "as_of_date"),
    (
        as_of(),
        Column("campaign_id", TEXT, "The campaign."),
        Column("way", TEXT, "Way of the published audience; any: everybody whom the shop contacted."),
        Column("user_group", TEXT, "contacted, holdout (kept apart), or not_contacted (chosen, yet not contacted)."),
        Column("campaign_name", TEXT, "Name of the campaign.", nullable=True),
        Column("starts_on", DAY, "Day it began."),
        Column("ends_on", DAY, "Day it ended."),
        Column("audience_date", DAY, "As-of date of the audience that is judged; null for way any.", nullable=True),
        Column("users", INTEGER, "Users of the group."),
        Column("predicted", DOUBLE, "Mean probability told beforehand; null for way any.", nullable=True),
        Column("responders", INTEGER, "Users who responded."),
        Column("response_rate", DOUBLE, "Responders over users."),
        Column("buyers", INTEGER, "Users who bought a promoted item while it ran."),
        Column("buyer_rate", DOUBLE, "Buyers over users."),
        Column("revenue", DOUBLE, "Paid for promoted items while it ran; null: no prices are known.", nullable=True),
        Column("revenue_per_user", DOUBLE, "Revenue over users.", nullable=True),
        Column(
            "above_holdout",
            DOUBLE,
            "Buyer rate of contacted less that of as likely users of the holdout, where neither had bought before the "
            "contact; else null.",
            nullable=True,
        ),
        Column("above_holdout_low", DOUBLE, "Lower end of its 95 % interval.", nullable=True),
        Column("above_holdout_high", DOUBLE, "Upper end of its 95 % interval.", nullable=True),
        Column("reason_code", TEXT, "What the row rests on, a stable code."),
        Column("reason_text", TEXT, "The result as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the audience."),
    ),
)
