"""What people need beside the result: what an item is called, what a user did lately, what came through the run."""

from __future__ import annotations

import polars as pl

from recsys import schemas
from recsys.recommendations.rules import blocked_items, users_with_consent
from recsys.recommendations.stock_cover import read_stock_cover
from recsys.run import Counts, RunContext
from recsys.storage import read_partition, scan_partitions, shards_of, write_partition


def build_details(context: RunContext) -> Counts:
    """Write item_details, user_history and run_funnel of the day, from what the steps before left in the lake."""
    day = {"as_of_date": context.as_of_date}
    interactions = read_partition(context.lake, schemas.INTERACTIONS, **day)
    items, users = (read_partition(context.lake, table, **day) for table in (schemas.ITEMS, schemas.USERS))
    stock = read_stock_cover(context, items)
    blocked = blocked_items(items, stock, context.as_of, context.settings.rules)
    agreed = users_with_consent(interactions["user_id"].unique().to_list(), users, context.settings.rules)
    settings = context.settings
    details = item_details(items, stock, blocked, interactions)
    history = user_history(interactions, agreed, settings.publish.history_items, settings.time_zone)
    made = {
        schemas.ITEM_DETAILS: details,
        schemas.USER_HISTORY: history,
        schemas.RUN_FUNNEL: run_funnel(context, interactions, details),
    }
    stamp = pl.lit(context.as_of_date).alias("as_of_date")
    return {
        table.name: write_partition(context.lake, table, frame.with_columns(stamp), **day)
        for table, frame in made.items()
    }


def item_details(
    items: pl.DataFrame, stock: pl.DataFrame, blocked: pl.DataFrame, interactions: pl.DataFrame
) -> pl.DataFrame:
    """Rows of schemas.ITEM_DETAILS but for as_of_date, sorted by item_id.

    Shown are items with an interaction and all others that no rule holds back; an item with an interaction that
    `items` lacks has a row of nulls.
    """
    counts = interactions.group_by("item_id").agg(users=pl.col("user_id").n_unique().cast(pl.Int32))
    # Several rules may hold one item back: the first by name is told.
    reasons = blocked.group_by("item_id").agg(held_back=pl.col("rule").min())
    rows = items.join(counts, on="item_id", how="full", coalesce=True).join(reasons, on="item_id", how="left")
    rows = rows.join(stock.select("item_id", "on_hand"), on="item_id", how="left")
    rows = rows.filter(pl.col("users").is_not_null() | pl.col("held_back").is_null())
    named = [name for name in schemas.ITEM_DETAILS.column_names if name != "as_of_date"]
    return rows.with_columns(pl.col("users").fill_null(0)).select(named).sort("item_id")


def user_history(interactions: pl.DataFrame, agreed: list[str], places: int, time_zone: str) -> pl.DataFrame:
    """Rows of schemas.USER_HISTORY but for as_of_date: the newest `places` items of each user of `agreed`."""
    own = interactions.filter(pl.col("user_id").is_in(agreed))
    newest_first = own.sort(["user_id", "last_at", "item_id"], descending=[False, True, False])
    ranked = newest_first.with_columns(rank=(pl.int_range(pl.len()).over("user_id") + 1).cast(pl.Int32))
    day = pl.col("last_at").dt.convert_time_zone(time_zone).dt.date()
    kept = ranked.filter(pl.col("rank") <= places).with_columns(last_on=day)
    return kept.select("user_id", "rank", "item_id", "events", "weight", "last_on")


def run_funnel(context: RunContext, interactions: pl.DataFrame, details: pl.DataFrame) -> pl.DataFrame:
    """Rows of schemas.RUN_FUNNEL but for as_of_date, from the first event read to the last row written."""
    day = {"as_of_date": context.as_of_date}
    shards = shards_of(context.lake, schemas.SHARD_COUNTS, **day)
    served = scan_partitions(context.lake, schemas.SHARD_COUNTS, shards).sum().collect().row(0, named=True)
    refused = scan_partitions(context.lake, schemas.REJECTED_ROWS, [day]).select(pl.len()).collect().item()
    offered = details.filter(pl.col("held_back").is_null()).height
    stages = (
        ("rejected_rows", refused, "rows of the shop that were refused"),
        ("events", int(interactions["events"].sum()), "events in use, inside the look-back window"),
        ("interactions", interactions.height, "pairs of a user and an item with an event between them"),
        ("active_users", interactions["user_id"].n_unique(), "users with an event"),
        ("active_items", interactions["item_id"].n_unique(), "items with an event"),
        ("offered_items", offered, "items that no rule holds back"),
        ("served_users", served["users"], "users who get lists"),
        ("scored_users", served["scored_users"], "users with candidates of their own; the others get fallbacks"),
        ("candidates", served["candidates"], "items proposed to them and scored, each once a user"),
        ("list_rows", served["rows"], "rows of all lists"),
    )
    return pl.DataFrame(
        {
            "place": range(1, len(stages) + 1),
            "stage": [stage for stage, _, _ in stages],
            "value": [int(value or 0) for _, value, _ in stages],
            "meaning": [meaning for _, _, meaning in stages],
        }
    )
