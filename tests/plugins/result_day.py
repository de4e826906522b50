"""A published day of which every row is written down, for the pages that show it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from recsys import schemas
from recsys.storage import Lake, write_partition
from tests.recommendations.published_days import FIRST, SECOND, context_of, run_day

EVIL = "<script>alert(1)</script>"
"""A title that a page must show as text."""
PICTURE = "https://shop.example/milk.png"
USERS, TRENDING = 120, 60


def filled(table: schemas.Table, *rows: dict[str, Any]) -> pl.DataFrame:
    """`rows` with the columns that they lack: a text x, the number 1, a day, or null where null may be."""
    empty = pl.DataFrame(table.arrow_schema.empty_table())
    blank: dict[Any, Any] = {pl.String: "x", pl.Boolean: False, pl.Date: date(2017, 11, 30)}
    defaults = {c.name: None if c.nullable else blank.get(empty.schema[c.name], 1) for c in table.columns}
    return pl.DataFrame([{**defaults, **row} for row in rows], schema=empty.schema)


CHECKED: dict[schemas.Table, list[dict[str, Any]]] = {
    schemas.DATA_QUALITY: [
        {"table_name": "events", "check_name": "rows", "subject": "", "severity": "warn", "message": "few events"},
        {
            "table_name": "user_recommendations",
            "check_name": "list_overlap",
            "subject": "for_you",
            "passed": True,
            "severity": "info",
            "value": 0.95,
            "message": "95 % stay",
        },
    ],
    schemas.GATE_VERDICTS: [
        {
            "check_name": "ranker above popularity",
            "setting": "all",
            "severity": "stop",
            "passed": True,
            "message": "far above it",
        },
        {
            "severity": "stop",
            "check_name": "verdict",
            "setting": "",
            "passed": False,
            "message": "those of before serve",
            "accepted_by": None,
            "accepted_why": None,
        },
    ],
}
"""What the checks of a day and its gate found."""


def frames(day: date) -> dict[schemas.Table, pl.DataFrame]:
    """The tables of `day` that hold something."""
    lists = [("for_you", 1, "milk"), ("for_you", 2, "bread"), ("discover", 1, "tea")]
    recommendations = [
        {"user_id": f"u{user:03}", "list": name, "rank": rank, "item_id": item, "reason_text": f"Because of {item}."}
        for user in range(USERS)
        for name, rank, item in lists
    ]
    items = [
        {
            "item_id": "milk",
            "title": "Milk & cream",
            "category_path": "FOOD > DAIRY",
            "users": 90,
            "image_url": PICTURE,
        },
        {"item_id": "bread", "title": EVIL, "users": 80, "image_url": "javascript:alert(2)"},
        {"item_id": "tea", "title": "Green tea", "users": 5, "list_price": 3.5},
        {"item_id": "soda", "title": "Lemonade", "users": 0, "held_back": "retired", "image_url": "http://[broken"},
        {"item_id": "padded  ", "title": "Of a column char(8)", "users": 2},
        {"item_id": "it's; drop table", "title": "50% off _ \\ ' \" ;", "users": 1},
    ]
    metrics = [("ranker", 0.4), ("popularity", 0.3), ("buy_again", 0.35)]
    quality = [{"model": m, "setting": "all", "metric": "ndcg@10", "value": v, "low": v - 0.02} for m, v in metrics]
    gain = {"model": "ranker", "setting": "all", "metric": "ndcg@10 above popularity", "value": 0.1, "low": 0.05}
    bundles = [
        {"bundle_id": f"b{n:02}", "rank": n, "name": f"Breakfast {n}", "size": 2, "list_price": 9.5}
        for n in range(1, 31)
    ]
    members = [
        {"bundle_id": row["bundle_id"], "item_id": item, "position": place}
        for row in bundles
        for place, item in enumerate(("milk", "tea"), 1)
    ]
    pair = {"item_id": "milk", "relation": "complement", "evidence": "own", "rank": 1, "p_value": 0.001}
    made = {
        schemas.USER_RECOMMENDATIONS: recommendations,
        schemas.ITEM_DETAILS: items,
        schemas.USER_HISTORY: [{"user_id": "u000", "item_id": "tea", "events": 7, "last_on": day - timedelta(days=2)}],
        schemas.ITEM_PAIRS: [
            {**pair, "other_item_id": "bread", "rank_distinct": 1, "significant": True},
            {**pair, "other_item_id": "soda", "relation": "substitute", "rank": None},
        ],
        schemas.BUNDLES: bundles,
        schemas.BUNDLE_ITEMS: members,
        schemas.USER_BUNDLES: [{"user_id": "u000", "bundle_id": "b01", "anchor_item_id": "milk"}],
        schemas.OFFLINE_METRICS: [
            {"holdout_from": day - timedelta(days=28), "holdout_to": day, "users": 50, **row}
            for row in [*quality, gain]
        ],
        schemas.TRENDING_ITEMS: [{"segment": "", "rank": n, "item_id": f"t{n:02}"} for n in range(1, TRENDING + 1)],
        # Two campaigns without a name.
        schemas.CAMPAIGN_AUDIENCES: [
            {"campaign_id": campaign, "way": "response", "user_id": "u000", "sized_by": "share", "holdout": False}
            for campaign in ("spring", "summer")
        ],
        schemas.RUN_FUNNEL: [
            {"place": 1, "stage": "events", "value": 1234567, "meaning": "events in use"},
            {"place": 2, "stage": "list_rows", "value": len(recommendations), "meaning": "rows of all lists"},
        ],
        **CHECKED,
    }
    return {table: filled(table, *({"as_of_date": day, **row} for row in rows)) for table, rows in made.items()}


def publish_days(dsn: str, lake: str) -> None:
    """Publish FIRST and SECOND with these rows; the other tables are there and empty."""
    for day in (FIRST, SECOND):
        held = frames(day)
        for table in schemas.PUBLISHED:
            rows = held[table].to_arrow() if table in held else table.arrow_schema.empty_table()
            write_partition(Lake(lake), table, rows, as_of_date=day)
        run_day(context_of(dsn, lake, day, f"run of {day}"))
