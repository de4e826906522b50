"""Published tables that explain the others to people: what an id stands for, what a user did, where rows went."""

from __future__ import annotations

from recsys.schemas.table import BIGINT, DAY, DOUBLE, INTEGER, REAL, TEXT, Column, Table, as_of

ITEM_DETAILS = Table(
    "item_details",
    "One row per item that is on sale or that somebody did something with inside the look-back window.",
    ("as_of_date", "item_id"),
    (
        as_of(),
        Column("item_id", TEXT, "Identifier of the item."),
        Column("title", TEXT, "Name shown to users.", nullable=True),
        Column("category_path", TEXT, "Categories from wide to narrow, separated by ' > '.", nullable=True),
        Column("brand", TEXT, "Brand.", nullable=True),
        Column("list_price", DOUBLE, "Price of one unit, in the shop's currency.", nullable=True),
        Column("image_url", TEXT, "Address of a picture.", nullable=True),
        Column("on_hand", DOUBLE, "Units in stock at the last count; null where the shop counts none.", nullable=True),
        Column("users", INTEGER, "Distinct users with an event of the item inside the look-back window."),
        Column("held_back", TEXT, "Rule that keeps the item out of all lists: retired or out_of_stock.", nullable=True),
    ),
)

USER_HISTORY = Table(
    "user_history",
    "One row per user and place: the items that a user did something with last, newest first.",
    ("as_of_date", "user_id", "rank"),
    (
        as_of(),
        Column("user_id", TEXT, "The user; those who withdrew consent are left out."),
        Column("rank", INTEGER, "Place, from 1: the newest."),
        Column("item_id", TEXT, "The item."),
        Column("events", INTEGER, "Events between them inside the look-back window."),
        Column("weight", REAL, "Sum of the events' weights, halved every half-life; returns are negative."),
        Column("last_on", DAY, "Day of the newest event, in the configured time zone."),
    ),
)

RUN_FUNNEL = Table(
    "run_funnel",
    "One row per stage of a run: how many rows, users and items came through.",
    ("as_of_date", "place"),
    (
        as_of(),
        Column("place", INTEGER, "Order of the stages, from 1."),
        Column("stage", TEXT, "The stage, as a code."),
        Column("value", BIGINT, "How many."),
        Column("meaning", TEXT, "What was counted, in words."),
    ),
)
