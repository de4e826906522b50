"""Result tables of the warehouse, published together, one partition an as-of date."""

from __future__ import annotations

from recsys.schemas.campaigns import AUDIENCE_RESULTS, CAMPAIGN_AUDIENCES
from recsys.schemas.demand import DEMAND_FORECAST, REORDER_SUGGESTIONS, STORE_DEMAND
from recsys.schemas.experiments import EXPERIMENT_ASSIGNMENTS
from recsys.schemas.explained import ITEM_DETAILS, RUN_FUNNEL, USER_HISTORY
from recsys.schemas.measured import DATA_QUALITY, GATE_VERDICTS, OFFLINE_METRICS, REALISED_METRICS, REJECTED_ROWS
from recsys.schemas.table import BIGINT, DAY, DOUBLE, FLAG, INSTANT, INTEGER, REAL, TEXT, Column, Table, as_of

USER_RECOMMENDATIONS = Table(
    "user_recommendations",
    "One row per user, list and rank.",
    # The day is one and the same within a partition: last, so that the index sorts by what differs.
    ("user_id", "list", "rank", "as_of_date"),
    (
        as_of(),
        Column("list", TEXT, "for_you, discover (never bought before), buy_again or new_arrivals."),
        Column("user_id", TEXT, "Who the list is for."),
        Column("rank", INTEGER, "Place in the list, from 1, without gaps."),
        Column("item_id", TEXT, "What is recommended; once in a list."),
        Column(
            "score",
            REAL,
            "The ranker's score, comparable within one list of one user only; of a row that variety moved up, and of "
            "those it passed, the lowest score so far.",
        ),
        Column(
            "generator", TEXT, "Candidate generator that proposed the item highest; a fallback's name for fallbacks."
        ),
        Column("anchor_item_id", TEXT, "Item of the user's history that the reason names.", nullable=True),
        Column("purchases", INTEGER, "Trips on which the user bought the item; null: never.", nullable=True),
        Column("last_purchase_days", INTEGER, "Days since the last of them, begun ones counted.", nullable=True),
        Column("usual_gap_days", INTEGER, "Days that usually pass until it is bought again.", nullable=True),
        Column(
            "fallback",
            TEXT,
            "segment or trending where the user's own history gave too little; else null.",
            nullable=True,
        ),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column(
            "top_features",
            TEXT,
            "Three groups of features that moved the score most, exactly; null beyond explain.rows_a_list places.",
            nullable=True,
        ),
        Column(
            "probability",
            REAL,
            "In buy_again: calibrated chance of a purchase within the next 14 days (setting repeat.days).",
            nullable=True,
        ),
        Column("due_date", DAY, "In buy_again: when the next purchase is due, by the usual gap.", nullable=True),
        Column("overdue", FLAG, "In buy_again: whether that day has passed.", nullable=True),
        Column(
            "propensity",
            REAL,
            "Chance with which exploration gave this place to the item; null: it stands there for certain.",
            nullable=True,
        ),
        Column("model_version", TEXT, "Hash that names the models and settings behind the row."),
    ),
)

NEW_ITEM_AUDIENCES = Table(
    "new_item_audiences",
    "One row per new item and user who is most likely to want it.",
    ("item_id", "user_id", "as_of_date"),
    (
        as_of(),
        Column("item_id", TEXT, "The new item, in stock and not retired."),
        Column("user_id", TEXT, "Who is worth telling of it; in few audiences of a day."),
        Column("rank", INTEGER, "Place in the audience, from 1, who wants it most first."),
        Column("score", REAL, "What the user did with items alike; comparable within one item and day."),
        Column("holdout", FLAG, "Not to be told: kept apart to measure what telling changes."),
        Column("launched_on", DAY, "First day on sale."),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the row."),
    ),
)

ITEM_PAIRS = Table(
    "item_pairs",
    "One row per anchor item and partner item, in the direction anchor -> partner.",
    ("as_of_date", "item_id", "other_item_id"),
    (
        as_of(),
        Column("item_id", TEXT, "Anchor: the item in hand."),
        Column("other_item_id", TEXT, "Partner: the item to add."),
        Column("relation", TEXT, "complement (goes with), or substitute (instead of: never ranked)."),
        Column("evidence", TEXT, "own (baskets), text (borrowed from similar titles), category (borrowed) or forced."),
        Column("rank", INTEGER, "Place by likelihood, from 1; null outside this order.", nullable=True),
        Column("rank_distinct", INTEGER, "Place by affinity, bestsellers left out; null outside.", nullable=True),
        Column("score", REAL, "Probability of the partner in a basket with the anchor, smoothed."),
        Column("baskets", INTEGER, "Baskets with both items."),
        Column("users", INTEGER, "Distinct users with such a basket."),
        Column("confidence", REAL, "Share of the anchor's baskets that hold the partner."),
        Column("lift", REAL, "Baskets over expected baskets, both with pairs.lift_prior added: shrunken towards 1."),
        Column(
            "expected_baskets",
            REAL,
            "Baskets with both that chance gives, knowing sizes of baskets and times of items.",
        ),
        Column("expected_users", REAL, "Distinct users that chance gives, knowing the activity of users."),
        Column("p_value", DOUBLE, "Chance of so many distinct users by accident."),
        Column("q_value", DOUBLE, "Share of accidents among pairs at least this strong."),
        Column("significant", FLAG, "Whether the q-value lies within the setting."),
        Column("first_seen", DAY, "First day bought together.", nullable=True),
        Column("last_seen", DAY, "Last day bought together.", nullable=True),
        Column("trend", REAL, "Recent baskets over those its average pace would give; 1 = steady.", nullable=True),
        Column("price", DOUBLE, "List price of the anchor.", nullable=True),
        Column("other_price", DOUBLE, "List price of the partner.", nullable=True),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the settings behind the row."),
    ),
)

SIMILAR_ITEMS = Table(
    "similar_items",
    "One row per anchor item and similar item that stands in one of three orders.",
    ("item_id", "other_item_id", "as_of_date"),
    (
        as_of(),
        Column("item_id", TEXT, "Anchor: the item in hand."),
        Column("other_item_id", TEXT, "An item like it, in stock and not retired."),
        Column("rank", INTEGER, "Place in the learned blend of both kinds, from 1; null outside.", nullable=True),
        Column("behaviour_rank", INTEGER, "Place by what users viewed or bought too; null outside.", nullable=True),
        Column("content_rank", INTEGER, "Place by text, category, brand and price; null outside.", nullable=True),
        Column("score", REAL, "The blend's score; higher is better, comparable within one anchor only."),
        Column("behaviour", REAL, "Share seen next to the anchor plus cosine of the buyers; 0: nothing known."),
        Column("likeness", REAL, "Likeness of texts, plus what category, brand and price add."),
        Column("is_variant", FLAG, "Whether both are the same product in another size, colour or pack."),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the settings behind the row."),
    ),
)

TRENDING_ITEMS = Table(
    "trending_items",
    "One row per segment and rank: an item that many users take lately, and more than was to be expected.",
    ("segment", "rank", "as_of_date"),
    (
        as_of(),
        Column("segment", TEXT, "Segment of users; '' for all users."),
        Column(
            "rank",
            INTEGER,
            "Place in the segment, from 1, without gaps: the order in which users without history are shown the items.",
        ),
        Column("item_id", TEXT, "The item, in stock and not retired; once in a segment."),
        Column("score", DOUBLE, "Users times a power of `above`; higher is better."),
        Column("users", DOUBLE, "Users who lately did something with it, faded by age and weighed by what they did."),
        Column("observed", DOUBLE, "Users and days on which it was taken in the recent days, faded by age."),
        Column("expected", DOUBLE, "What its own past, its category's growth and the weekdays led to expect."),
        Column("above", DOUBLE, "Observed over expected, both with a prior; 1 is as expected."),
        Column("category_above", DOUBLE, "The same for its whole category against its past and the weekdays."),
        Column(
            "reason_code", TEXT, "rising (a tenth above what was expected, and further than chance goes) or steady."
        ),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the settings behind the row."),
    ),
)

BUNDLES = Table(
    "bundles",
    "One row per bundle: a set of two to five items that sell together.",
    ("as_of_date", "bundle_id"),
    (
        as_of(),
        Column("bundle_id", TEXT, "Hash of the members: the same set has the same id every day."),
        Column("rank", INTEGER, "Place among all bundles, from 1."),
        Column("name", TEXT, "Name from the members' categories and titles."),
        Column("size", INTEGER, "Members."),
        Column("score", REAL, "Cohesion, significance and variety taken together; higher is better."),
        Column("baskets", INTEGER, "Baskets that hold all members."),
        Column("users", INTEGER, "Distinct users with such a basket."),
        Column("expected_baskets", DOUBLE, "Such baskets that chance gives."),
        Column("lift", REAL, "Baskets over expected baskets, shrunken by a prior."),
        Column(
            "p_value", DOUBLE, "Of its weakest member: chance, corrected for the items tried, that it is an accident."
        ),
        Column("anchor_share", REAL, "Share of the anchor's baskets that hold the whole bundle."),
        Column("cohesion", REAL, "Share of the rarest member's baskets that hold the whole bundle."),
        Column("variety", REAL, "Distinct leaf categories over members."),
        Column("forced", FLAG, "Whether the shop asked for it."),
        Column("list_price", DOUBLE, "Sum of the members' list prices.", nullable=True),
        Column("unit_cost", DOUBLE, "Sum of the members' unit costs.", nullable=True),
        Column("suggested_discount", DOUBLE, "Share off the list price; null where a cost is unknown.", nullable=True),
        Column("suggested_price", DOUBLE, "List price less the discount; never below the margin floor.", nullable=True),
        Column("last_seen", DAY, "Last day the whole bundle was bought.", nullable=True),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the settings behind the row."),
    ),
)

BUNDLE_ITEMS = Table(
    "bundle_items",
    "One row per bundle and member.",
    ("as_of_date", "bundle_id", "item_id"),
    (
        as_of(),
        Column("bundle_id", TEXT, "The bundle."),
        Column("item_id", TEXT, "A member."),
        Column("position", INTEGER, "Order in which the members joined, from 1; 1 is the anchor."),
        Column("list_price", DOUBLE, "List price of the member.", nullable=True),
        Column("days_of_cover", REAL, "Stock in days of recent sales; null where unknown or unsold.", nullable=True),
    ),
)

USER_BUNDLES = Table(
    "user_bundles",
    "One row per user and rank: a bundle worth showing to the user.",
    ("as_of_date", "user_id", "rank"),
    (
        as_of(),
        Column("user_id", TEXT, "Who it is for."),
        Column("rank", INTEGER, "Place in the user's list, from 1."),
        Column("bundle_id", TEXT, "The bundle."),
        Column("score", REAL, "Joint purchases to expect of the user, up to a factor; higher is better."),
        Column("new_items", INTEGER, "Members that the user has never bought; at least 1."),
        Column("anchor_item_id", TEXT, "Member that speaks most for it."),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the row."),
    ),
)

PUBLISHED = (
    USER_RECOMMENDATIONS,
    ITEM_PAIRS,
    SIMILAR_ITEMS,
    TRENDING_ITEMS,
    BUNDLES,
    BUNDLE_ITEMS,
    USER_BUNDLES,
    DEMAND_FORECAST,
    STORE_DEMAND,
    REORDER_SUGGESTIONS,
    OFFLINE_METRICS,
    REALISED_METRICS,
    EXPERIMENT_ASSIGNMENTS,
    GATE_VERDICTS,
    DATA_QUALITY,
    REJECTED_ROWS,
    ITEM_DETAILS,
    USER_HISTORY,
    RUN_FUNNEL,
    CAMPAIGN_AUDIENCES,
    NEW_ITEM_AUDIENCES,
    AUDIENCE_RESULTS,
)

PUBLISHED_RUNS = Table(
    "published_runs",
    "One row per published table and as-of date.",
    ("as_of_date", "table_name"),
    (
        as_of(),
        Column("table_name", TEXT, "Published table."),
        Column("run_id", TEXT, "Run that wrote the partition."),
        Column("rows", BIGINT, "Rows in the partition."),
        Column("checksum", TEXT, "SHA-256 over the partition's rows in key order."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the rows.", nullable=True),
        Column("published_at", INSTANT, "When the partition became visible."),
    ),
)
