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
        Column("snapshot_date", DAY, "Day of which the row tells; later than the as-of date: the shop keeps no history."),
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
        Column("snapshot_date", DAY, "Day of which the row tells; later than the as-of date: the shop keeps no history."),
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

# --- warehouse -------------------------------------------------------------------------------------------------

USER_RECOMMENDATIONS = Table(
    "user_recommendations",
    "One row per user, list and rank.",
    ("as_of_date", "list", "user_id", "rank"),
    (
        _as_of(),
        Column("list", TEXT, "for_you, discover (never bought before) or buy_again."),
        Column("user_id", TEXT, "Who the list is for."),
        Column("rank", INTEGER, "Place in the list, from 1, without gaps."),
        Column("item_id", TEXT, "What is recommended; once in a list."),
        Column("score", REAL, "The ranker's score; higher is better, comparable within one list of one user only."),
        Column("generator", TEXT, "Candidate generator that proposed the item highest; a fallback's name for fallbacks."),
        Column("anchor_item_id", TEXT, "Item of the user's history that the reason names.", nullable=True),
        Column("fallback", TEXT, "segment or trending where the user's own history gave too little; else null.", nullable=True),
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

PUBLISHED = (USER_RECOMMENDATIONS, OFFLINE_METRICS, DATA_QUALITY, REJECTED_ROWS)

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
