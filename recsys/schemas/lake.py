"""Tables that the steps pass on to each other in the lake, and that no reader sees."""

from __future__ import annotations

from recsys.schemas.contract import EVENT_TYPES
from recsys.schemas.table import BIGINT, BYTES, DAY, DOUBLE, INSTANT, INTEGER, REAL, TEXT, Column, Table

USER_SHARDS = Table(
    "user_shards",
    "One row per user of a shard: who is served by one task of the day.",
    ("user_id",),
    (Column("user_id", TEXT, "Who gets lists."),),
)

SHARD_COUNTS = Table(
    "shard_counts",
    "One row per shard: what its task did.",
    ("shard",),
    (
        Column("shard", INTEGER, "Number of the shard."),
        Column("users", BIGINT, "Users served."),
        Column("scored_users", BIGINT, "Of these, users with candidates of their own."),
        Column("candidates", BIGINT, "Items proposed to them by all generators together, each once a user."),
        Column("rows", BIGINT, "Rows of all lists."),
    ),
)

FALLBACK_ITEMS = Table(
    "fallback_items",
    "One row per segment and item: what is shown where a user's own history gives too little.",
    ("segment", "item_id"),
    (
        Column("segment", TEXT, "Segment that likes the item; null: all users.", nullable=True),
        Column("item_id", TEXT, "A popular item that may be shown."),
        Column("score", DOUBLE, "Users who lately did something with it, faded by age."),
        Column("rank", INTEGER, "Place in the segment, from 1."),
    ),
)

REJECTED_EVENTS = Table(
    "rejected_events",
    "One row per source row of a day that was refused at extraction.",
    ("row_key", "reason", "row_text"),
    (
        Column("row_key", TEXT, "The event's identifier, or a hash of the row where it has none."),
        Column("reason", TEXT, "Why it was refused, as a code."),
        Column("day", DAY, "Day partition that the row would have gone to."),
        Column("ingested_at", INSTANT, "When the shop's database learnt of it; null: unknown.", nullable=True),
        Column("row_text", TEXT, "The row as JSON, as the source gave it."),
    ),
)

EXTRACTED_DAYS = Table(
    "extracted_days",
    "One row per day of events that the lake holds: what the source delivered and how it was read.",
    ("day",),
    (
        Column("day", DAY, "Day in the configured time zone."),
        Column("source_rows", BIGINT, "Rows that the source delivered for the day."),
        Column("kept_rows", BIGINT, "Rows written to events."),
        Column("rejected_rows", BIGINT, "Rows written to rejected_events."),
        Column(
            "fingerprint",
            TEXT,
            "Hash of query, time zone and rules; another one: the day is read again. With ':open' at its end the day "
            "was read before its late rows could have come.",
        ),
    ),
)

EXCLUDED_EVENTS = Table(
    "excluded_events",
    "One row per event that is fine by itself but not beside the others of the look-back window.",
    ("event_id", "occurred_at"),
    (
        Column("event_id", TEXT, "Identifier of the event."),
        Column("occurred_at", INSTANT, "When it happened; tells apart rows of the same event_id."),
        Column("reason", TEXT, "Why it does not count, as a code."),
        Column("day", DAY, "Day partition that holds it."),
        Column("row_text", TEXT, "The row as JSON."),
    ),
)

REJECTED_SNAPSHOTS = Table(
    "rejected_snapshots",
    "One row per row that was refused at extraction, of a table other than events.",
    ("table_name", "row_key", "reason", "row_text"),
    (
        Column("table_name", TEXT, "Table of the contract that the row came from."),
        Column("row_key", TEXT, "The row's identifier, or a hash of the row where it has none."),
        Column("reason", TEXT, "Why it was refused, as a code."),
        Column("row_text", TEXT, "The row as JSON, as the source gave it."),
    ),
)

PUBLISHED_LISTS = Table(
    "published_lists",
    "One row: the lists of the day that the lake holds are those that readers saw.",
    ("day",),
    (
        Column("day", DAY, "As-of date of the lists."),
        Column("run_id", TEXT, "Run that published them."),
        Column("rows", BIGINT, "Rows published."),
        Column("checksum", TEXT, "SHA-256 over the published rows in key order."),
        Column("model_version", TEXT, "Hash that names the models and settings behind them.", nullable=True),
    ),
)

MEASURED_LISTS = Table(
    "measured_lists",
    "One row per published day and horizon that the day's run measured: which lists they were.",
    ("published_date", "horizon_days"),
    (
        Column("published_date", DAY, "As-of date of the lists."),
        Column("horizon_days", INTEGER, "Days whose events count."),
        Column("checksum", TEXT, "Checksum of the lists, as published_lists told it."),
    ),
)

INTERACTIONS = Table(
    "interactions",
    "One row per user and item that had an event between them inside the look-back window.",
    ("user_id", "item_id"),
    (
        Column("user_id", TEXT, "The user."),
        Column("item_id", TEXT, "The item."),
        Column(
            "weight", REAL, "Sum over events of the weight of their type, halved every half-life; returns are negative."
        ),
        Column("events", INTEGER, "Number of events."),
        Column("last_at", INSTANT, "Newest event between them."),
    ),
)

CODED_EVENTS = Table(
    "coded_events",
    "One row per event inside the look-back window, by the codes of the day's id maps, sorted by user and time.",
    (),
    (
        Column("user", INTEGER, "Code of the user: place in user_codes, from 0."),
        Column("item", INTEGER, "Code of the item: place in item_codes, from 0."),
        Column("store", INTEGER, "Code of the store.", nullable=True),
        Column("trip", INTEGER, "Code of the order, or of the user's day where the event has no order."),
        Column("type", INTEGER, f"Place of the event's type among {', '.join(EVENT_TYPES)}, from 0."),
        Column("quantity", REAL, "Units."),
        Column("price", REAL, "Price of one unit.", nullable=True),
        Column("at", INSTANT, "When it happened."),
        Column("day", DAY, "The day of that in the configured time zone."),
    ),
)

ITEM_CONTENT = Table(
    "item_content",
    "One row per item: what it is, as of the day.",
    ("item_id",),
    (
        Column("item_id", TEXT, "Identifier of the item."),
        Column("leaf", TEXT, "Its whole category path; '' where it has none."),
        Column("parent", TEXT, "The path without its last part; '' at the top."),
        Column("brand", TEXT, "Brand.", nullable=True),
        Column("list_price", DOUBLE, "Price of one unit.", nullable=True),
        Column("price_band", INTEGER, "Fifth of its category's prices, 1 the cheapest.", nullable=True),
        Column("age_days", REAL, "Days since its launch; null: always was on sale.", nullable=True),
        Column("item_text", TEXT, "Title and description, cleaned; null: neither.", nullable=True),
        Column("text_hash", TEXT, "Names the text; items of one text share its embedding.", nullable=True),
        Column("encoder", TEXT, "Encoder whose embeddings belong to the day; none: TF-IDF alone."),
    ),
)

ITEM_IMAGES = Table(
    "item_images",
    "One row per item whose picture the shop has a vector of, as of the day.",
    ("item_id",),
    (
        Column("item_id", TEXT, "Identifier of the item."),
        Column("vector", BYTES, "The vector, 32-bit floats, little-endian, of length 1."),
    ),
)

TEXT_EMBEDDINGS = Table(
    "text_embeddings",
    "One row per distinct text and encoder, in the partition of the run that met the text first.",
    ("text_hash",),
    (
        Column("text_hash", TEXT, "SHA-256 of the text, 32 hexadecimal digits."),
        Column("vector", BYTES, "The embedding, 32-bit floats, little-endian, of length 1."),
    ),
)
