"""Tables that a shop delivers: each is one SELECT in sql/source/."""

from __future__ import annotations

from dataclasses import replace

from recsys.schemas.campaigns import CAMPAIGN_TABLES
from recsys.schemas.table import DAY, DOUBLE, FLAG, INSTANT, TEXT, Column, Table

EVENT_TYPES = ("view", "favourite", "cart", "purchase", "return")

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
        Column("store_id", TEXT, "Store or channel, where the shop has several; null: in none of them.", nullable=True),
        Column("occurred_at", INSTANT, "When the user did it."),
        Column("ingested_at", INSTANT, "When the shop's database learnt of it."),
    ),
    diverse=("user_id", "item_id", "order_id", "session_id"),
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

IMAGE_VECTOR = Column(
    "image_vector",
    TEXT,
    "Vector of its picture by a model of the shop: as many numbers for each item, in brackets or braces, separated by "
    "commas. The query may leave the column out.",
    nullable=True,
)
DELIVERED_ITEMS = replace(ITEMS, columns=(*ITEMS.columns, IMAGE_VECTOR))
"""Items as the shop delivers them; the lake keeps the vectors apart, in item_images."""

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

STOCK_OUTS = Table(
    "stock_outs",
    "One row per item and spell of whole days on which it could not be sold.",
    ("item_id", "first_day"),
    (
        Column("item_id", TEXT, "The item."),
        Column("first_day", DAY, "First day without any stock."),
        Column("last_day", DAY, "Last such day."),
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

CONTRACT = (EVENTS, DELIVERED_ITEMS, USERS, STOCK, STOCK_OUTS, COMBINATIONS, *CAMPAIGN_TABLES)
