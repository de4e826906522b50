"""Every table once: columns, types, key, grain and a one-line meaning.

A table's Arrow schema is enforced at each read and write of the lake (`conform`), its columns are what
`sql/source/` must deliver and what `sql/warehouse/<table>/create.sql` must create (tests compare them), and
`docs/tables.md` is written from here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TEXT = pa.string()
INTEGER = pa.int32()
BIGINT = pa.int64()
REAL = pa.float32()
DOUBLE = pa.float64()
FLAG = pa.bool_()
DAY = pa.date32()
INSTANT = pa.timestamp("us", tz="UTC")

EVENT_TYPES = ("view", "favourite", "cart", "purchase", "return")


class SchemaError(ValueError):
    """A frame does not have the columns or the types that its table declares."""


@dataclass(frozen=True)
class Column:
    """One column: its name, Arrow type, meaning (with unit) and whether it may be null."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One table: `grain` says what a row is, `key` the columns that identify it."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow schema, with nullability."""
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])

    def conform(self, data: pa.Table) -> pa.Table:
        """Return `data` with exactly this table's columns, order and types.

        Raises SchemaError for a missing column, a value that does not fit its type, or a null where none may be.
        Columns that the table does not declare are dropped.
        """
        missing = [name for name in self.column_names if name not in data.column_names]
        if missing:
            raise SchemaError(f"{self.name}: missing column(s) {', '.join(missing)}")
        columns = []
        for column in self.columns:
            values = data.column(column.name)
            try:
                values = values.cast(column.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise SchemaError(f"{self.name}.{column.name}: {error}") from error
            if not column.nullable and values.null_count:
                raise SchemaError(f"{self.name}.{column.name}: {values.null_count} null value(s)")
            columns.append(values)
        return pa.table(columns, schema=self.arrow_schema)


def _as_of() -> Column:
    return Column("as_of_date", DAY, "The day the row is for: everything before its 00:00 was known, nothing later.")


# --- contract of the shop ------------------------------------------------------------------------------------

EVENTS = Table(
    "events",
    "One row per thing a user did with an item.",
    ("event_id",),
    (
        Column("event_id", TEXT, "Identifier of the event, unique."),
        Column("user_id", TEXT, "Who did it."),
        Column("item_id", TEXT, "To which item."),
        Column("event_type", TEXT, "view, favourite, cart, purchase or return."),
        Column("quantity", DOUBLE, "Units; 1 where the event has none."),
        Column("unit_price", DOUBLE, "Price paid or seen for one unit, in the shop's currency.", nullable=True),
        Column("order_id", TEXT, "Order that the event belongs to; null outside orders.", nullable=True),
        Column("session_id", TEXT, "Visit that the event belongs to.", nullable=True),
        Column("store_id", TEXT, "Store or channel, where the shop has several.", nullable=True),
        Column("occurred_at", INSTANT, "When the user did it."),
        Column("ingested_at", INSTANT, "When the shop's database learnt of it."),
    ),
)

ITEMS = Table(
    "items",
    "One row per item, as it stood on the as-of date.",
    ("item_id",),
    (
        Column("item_id", TEXT, "Identifier of the item."),
        Column("title", TEXT, "Name shown to users.", nullable=True),
        Column("description", TEXT, "Long text.", nullable=True),
        Column("category_path", TEXT, "Categories from wide to narrow, separated by ' > '.", nullable=True),
        Column("brand", TEXT, "Brand.", nullable=True),
        Column("list_price", DOUBLE, "Price of one unit, in the shop's currency.", nullable=True),
        Column("unit_cost", DOUBLE, "What one unit costs the shop.", nullable=True),
        Column("launched_at", INSTANT, "First moment on sale; null: always was.", nullable=True),
        Column("retired_at", INSTANT, "Moment it left the range; null: has not.", nullable=True),
        Column("image_url", TEXT, "Address of a picture.", nullable=True),
        Column("valid_from", INSTANT, "From when this version of the row held; null: always.", nullable=True),
        Column("valid_to", INSTANT, "Until when this version held; null: still does.", nullable=True),
        Column(
            "snapshot_date", DAY, "Day of which the row tells; later than the as-of date: the shop keeps no history."
        ),
    ),
)

USERS = Table(
    "users",
    "One row per user, as it stood on the as-of date.",
    ("user_id",),
    (
        Column("user_id", TEXT, "Identifier of the user."),
        Column("signed_up_at", INSTANT, "When the user became known.", nullable=True),
        Column("segment", TEXT, "Group that the shop puts the user in.", nullable=True),
        Column("attributes", TEXT, "Further attributes as a JSON object of texts and numbers.", nullable=True),
        Column("consent", FLAG, "Whether the user agreed to personal recommendations."),
        Column("valid_from", INSTANT, "From when this version of the row held; null: always.", nullable=True),
        Column("valid_to", INSTANT, "Until when this version held; null: still does.", nullable=True),
        Column(
            "snapshot_date", DAY, "Day of which the row tells; later than the as-of date: the shop keeps no history."
        ),
    ),
)

STOCK = Table(
    "stock",
    "One row per item: its newest stock count before the as-of date.",
    ("item_id",),
    (
        Column("item_id", TEXT, "Identifier of the item."),
        Column("snapshot_date", DAY, "Day at whose end it was counted; later than the as-of date: no history kept."),
        Column("on_hand", DOUBLE, "Units that can be sold."),
        Column("on_order", DOUBLE, "Units on their way.", nullable=True),
        Column("lead_time_days", DOUBLE, "Days from order to arrival.", nullable=True),
        Column("min_order_quantity", DOUBLE, "Smallest quantity the supplier sells.", nullable=True),
    ),
)

CONTRACT = (EVENTS, ITEMS, USERS, STOCK)

# --- lake ------------------------------------------------------------------------------------------------------

REJECTED_ROWS = Table(
    "rejected_rows",
    "One row per source row that was refused, with the reason.",
    ("as_of_date", "table_name", "row_key", "reason"),
    (
        _as_of(),
        Column("table_name", TEXT, "Table of the contract that the row came from."),
        Column("row_key", TEXT, "The row's identifier, or a hash of its values where it has none."),
        Column("reason", TEXT, "Why it was refused, as a code."),
        Column("day", DAY, "Day partition that the row would have gone to.", nullable=True),
        Column("row_text", TEXT, "The row as JSON, as the source gave it."),
    ),
)

USER_SHARDS = Table(
    "user_shards",
    "One row per user of a shard: who is served by one task of the day.",
    ("user_id",),
    (Column("user_id", TEXT, "Who gets lists."),),
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
        Column("fingerprint", TEXT, "Hash of query, time zone and rules; another one: the day is read again."),
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
    "One row per row of items, users or stock that was refused at extraction.",
    ("table_name", "row_key", "reason", "row_text"),
    (
        Column("table_name", TEXT, "Table of the contract that the row came from."),
        Column("row_key", TEXT, "The row's identifier, or a hash of the row where it has none."),
        Column("reason", TEXT, "Why it was refused, as a code."),
        Column("row_text", TEXT, "The row as JSON, as the source gave it."),
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

# --- warehouse -------------------------------------------------------------------------------------------------

USER_RECOMMENDATIONS = Table(
    "user_recommendations",
    "One row per user, list and rank.",
    # The day is one and the same within a partition: last, so that the index sorts by what differs.
    ("user_id", "list", "rank", "as_of_date"),
    (
        _as_of(),
        Column("list", TEXT, "for_you, discover (never bought before) or buy_again."),
        Column("user_id", TEXT, "Who the list is for."),
        Column("rank", INTEGER, "Place in the list, from 1, without gaps."),
        Column("item_id", TEXT, "What is recommended; once in a list."),
        Column("score", REAL, "The ranker's score; higher is better, comparable within one list of one user only."),
        Column(
            "generator", TEXT, "Candidate generator that proposed the item highest; a fallback's name for fallbacks."
        ),
        Column("anchor_item_id", TEXT, "Item of the user's history that the reason names.", nullable=True),
        Column(
            "fallback",
            TEXT,
            "segment or trending where the user's own history gave too little; else null.",
            nullable=True,
        ),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the row."),
    ),
)

OFFLINE_METRICS = Table(
    "offline_metrics",
    "One row per model, setting and metric, measured on the run's own holdout.",
    ("as_of_date", "model", "setting", "metric"),
    (
        _as_of(),
        Column("model", TEXT, "Ranker, generator or baseline that was measured."),
        Column("setting", TEXT, "all, repeat (bought before) or discover (never bought before)."),
        Column("metric", TEXT, "Name of the metric with its cut-off, such as ndcg@10."),
        Column("value", DOUBLE, "Mean over users."),
        Column("low", DOUBLE, "Lower end of the 95 % bootstrap interval.", nullable=True),
        Column("high", DOUBLE, "Upper end of the 95 % bootstrap interval.", nullable=True),
        Column("users", INTEGER, "Users measured."),
        Column("holdout_from", DAY, "First day of the holdout."),
        Column("holdout_to", DAY, "Day after the last day of the holdout."),
        Column("model_version", TEXT, "Hash that names the models and settings measured."),
    ),
)

DATA_QUALITY = Table(
    "data_quality",
    "One row per check of a run's input.",
    ("as_of_date", "table_name", "check_name", "subject"),
    (
        _as_of(),
        Column("table_name", TEXT, "Table of the contract that was checked."),
        Column("check_name", TEXT, "What was checked, as a code."),
        Column("subject", TEXT, "Column, day or reason that the check is about; '' for the whole table."),
        Column("severity", TEXT, "stop (the run ends before publishing), warn or info."),
        Column("value", DOUBLE, "What was found.", nullable=True),
        Column("threshold", DOUBLE, "From where on the check fails.", nullable=True),
        Column("passed", FLAG, "Whether the check holds."),
        Column("message", TEXT, "The finding as a sentence."),
    ),
)

ITEM_PAIRS = Table(
    "item_pairs",
    "One row per anchor item and partner item, in the direction anchor -> partner.",
    ("as_of_date", "item_id", "other_item_id"),
    (
        _as_of(),
        Column("item_id", TEXT, "Anchor: the item in hand."),
        Column("other_item_id", TEXT, "Partner: the item to add."),
        Column("relation", TEXT, "complement (goes with), or substitute (instead of: never ranked)."),
        Column("evidence", TEXT, "own baskets, text (borrowed from similar titles), category (borrowed) or forced."),
        Column("rank", INTEGER, "Place by likelihood, from 1; null outside this order.", nullable=True),
        Column("rank_distinct", INTEGER, "Place by affinity, bestsellers left out; null outside.", nullable=True),
        Column("score", REAL, "Probability of the partner in a basket with the anchor, smoothed."),
        Column("baskets", INTEGER, "Baskets with both items."),
        Column("users", INTEGER, "Distinct users with such a basket."),
        Column("confidence", REAL, "Share of the anchor's baskets that hold the partner."),
        Column("lift", REAL, "Baskets over expected baskets, shrunken towards 1."),
        Column("expected_baskets", REAL, "Baskets with both that chance gives, knowing the sizes of baskets."),
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

BUNDLES = Table(
    "bundles",
    "One row per bundle: a set of two to five items that sell together.",
    ("as_of_date", "bundle_id"),
    (
        _as_of(),
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
        _as_of(),
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
        _as_of(),
        Column("user_id", TEXT, "Who it is for."),
        Column("rank", INTEGER, "Place in the user's list, from 1."),
        Column("bundle_id", TEXT, "The bundle."),
        Column("score", REAL, "Fit of the members to the user times the score of the bundle."),
        Column("new_items", INTEGER, "Members that the user has never bought; at least 1."),
        Column("anchor_item_id", TEXT, "Member that speaks most for it."),
        Column("reason_code", TEXT, "Kind of reason, a stable code."),
        Column("reason_text", TEXT, "The reason as a sentence for people."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the row."),
    ),
)

COMBINATIONS = Table(
    "combinations",
    "One row per pair of items that the shop forbids or asks for.",
    ("item_id", "other_item_id"),
    (
        Column("item_id", TEXT, "One item; order does not matter."),
        Column("other_item_id", TEXT, "The other item."),
        Column("rule", TEXT, "forbidden (never together) or forced (always offered together)."),
    ),
)

PUBLISHED = (
    USER_RECOMMENDATIONS,
    ITEM_PAIRS,
    BUNDLES,
    BUNDLE_ITEMS,
    USER_BUNDLES,
    OFFLINE_METRICS,
    DATA_QUALITY,
    REJECTED_ROWS,
)

PUBLISHED_RUNS = Table(
    "published_runs",
    "One row per published table and as-of date.",
    ("as_of_date", "table_name"),
    (
        _as_of(),
        Column("table_name", TEXT, "Published table."),
        Column("run_id", TEXT, "Run that wrote the partition."),
        Column("rows", BIGINT, "Rows in the partition."),
        Column("checksum", TEXT, "SHA-256 over the partition's rows in key order."),
        Column("model_version", TEXT, "Hash that names the models and settings behind the rows.", nullable=True),
        Column("published_at", INSTANT, "When the partition became visible."),
    ),
)
