"""A generated shop of any size in the contract's schema: users with tastes, items of uneven popularity.

Seeded. Meant for seconds and memory, not for quality: nothing that a model scores on it says anything.
"""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
import psycopg2

SHOP = Path(__file__).resolve().parent.parent / "demo" / "shop"
FIRST = datetime(2024, 1, 1, tzinfo=timezone.utc)
DAYS = 180
CATEGORIES = 200
BLOCK = 500_000


def events(count: int, users: int, items: int, seed: int, span: tuple[float, float] = (0.0, 1.0)) -> pl.DataFrame:
    """`count` events: views, carts, favourites and purchases in the shares of a web shop, grouped in sessions.

    `span`: the part of the DAYS in which they happen, as shares of it.
    """
    rng = np.random.default_rng(seed)
    user = (users * rng.random(count) ** 1.7).astype(np.int64)
    taste = (user * 7919 + rng.integers(0, 5, count)) % CATEGORIES
    within = (items // CATEGORIES * rng.random(count) ** 3).astype(np.int64)
    item = within * CATEGORIES + taste
    first, last = (int(share * DAYS * 86_400) for share in span)
    second = rng.integers(first, max(last, first + 1), count)
    kind = rng.choice(np.array(["view", "favourite", "cart", "purchase"]), count, p=[0.7, 0.05, 0.1, 0.15])
    bought = kind == "purchase"
    order = np.char.add("o", ((user * DAYS) + second // 86_400).astype(str))
    at = pl.Series(second * 1_000_000).cast(pl.Duration("us")) + FIRST
    return pl.DataFrame(
        {
            "event_id": np.char.add(f"e{seed}-", np.arange(count).astype(str)),
            "user_id": np.char.add("u", user.astype(str)),
            "item_id": np.char.add("i", item.astype(str)),
            "event_type": kind,
            "quantity": np.ones(count),
            "unit_price": 1.0 + item % 97,
            "order_id": pl.Series(order).zip_with(pl.Series(bought), pl.Series([None], dtype=pl.String)),
            "session_id": order,
            "store_id": np.full(count, "web"),
            "occurred_at": at,
            "ingested_at": at,
            "source": np.full(count, "generated"),
        }
    ).sort("occurred_at")


def load(dsn: str, count: int, users: int, items: int, seed: int = 1) -> datetime:
    """Create the schema and fill it in blocks. Returns the as-of day that follows the last event."""
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute((SHOP / "create.sql").read_text(encoding="utf-8"))
        for block, start in enumerate(range(0, count, BLOCK)):
            # As in a shop, rows come in the order of time.
            size = min(BLOCK, count - start)
            frame = events(size, users, items, seed * 1000 + block, (start / count, (start + size) / count))
            _copy(cursor, "copy shop.events ({}) from stdin (format csv)", frame)
        path = [f"Department {i % 20} > Category {i % CATEGORIES}" for i in range(items)]
        catalogue = pl.DataFrame(
            {
                "item_id": [f"i{i}" for i in range(items)],
                "title": [f"Item {i}" for i in range(items)],
                "category_path": path,
                "list_price": [1.0 + i % 97 for i in range(items)],
                "unit_cost": [0.6 + 0.6 * (i % 97) for i in range(items)],
                "valid_from": [FIRST] * items,
                "source": ["generated"] * items,
            }
        )
        _copy(cursor, "copy shop.items ({}) from stdin (format csv)", catalogue)
        people = pl.DataFrame(
            {
                "user_id": [f"u{i}" for i in range(users)],
                "segment": [f"segment {i % 4}" for i in range(users)],
                "consent": [True] * users,
                "valid_from": [FIRST] * users,
                "source": ["generated"] * users,
            }
        )
        _copy(cursor, "copy shop.users ({}) from stdin (format csv)", people)
        stock = pl.DataFrame(
            {
                "item_id": [f"i{i}" for i in range(items)],
                "snapshot_date": [(FIRST + timedelta(days=DAYS - 1)).date()] * items,
                "on_hand": [float(i % 100) for i in range(items)],
                "source": ["generated"] * items,
            }
        )
        _copy(cursor, "copy shop.stock ({}) from stdin (format csv)", stock)
        cursor.execute((SHOP / "index.sql").read_text(encoding="utf-8"))
    _vacuum(dsn)
    return FIRST + timedelta(days=DAYS)


def _vacuum(dsn: str) -> None:
    """As a living shop's tables are: else whoever reads first pays for marking every row as committed."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("vacuum (analyze)")
    connection.close()


def _copy(cursor: psycopg2.extensions.cursor, statement: str, frame: pl.DataFrame) -> None:
    text = io.StringIO(frame.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f+00"))
    cursor.copy_expert(statement.format(", ".join(frame.columns)), text)
