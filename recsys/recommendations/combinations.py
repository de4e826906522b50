"""Combinations that the shop forbids or asks for (an optional table of its contract)."""

from __future__ import annotations

import polars as pl

from recsys.run import RunContext
from recsys.schemas import COMBINATIONS
from recsys.storage import read_partition_if_any


def read_combinations(context: RunContext) -> pl.DataFrame:
    """The shop's rules as of the day; no row where the shop has no such table."""
    return read_partition_if_any(context.lake, COMBINATIONS, as_of_date=context.as_of_date)


def combination_sets(combinations: pl.DataFrame, rule: str) -> set[frozenset[str]]:
    """The unordered pairs of one rule."""
    chosen = combinations.filter(pl.col("rule") == rule)
    return {frozenset(pair) for pair in chosen.select("item_id", "other_item_id").iter_rows() if pair[0] != pair[1]}
