"""What users did with the lists that they were shown: pure functions over the rows of one published day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from recsys.models.metrics import estimate
from recsys.recommendations.experiments import arm_rows
from recsys.recommendations.explored import SUMS, slot_rows, slot_sums

TOP, DEEP = 10, 20
"""Ranks that count for most metrics, and for recall."""
TRUTH_OF = {"discover": False, "buy_again": True, "new_arrivals": False}
"""Lists that answer for a part of what users did only: for what they had (True) or had not bought before."""
_MEANS = {"ndcg@10": "ndcg", "hit@10": "hit", "recall@20": "recall", "revenue_share@10": "share"}
_NO_INTERVAL = {"low": pl.lit(None, pl.Float64), "high": pl.lit(None, pl.Float64)}
MEASURED = ("list", "slice", "slice_value", "metric", "value", "low", "high", "users")
MEASURED_TYPES = {
    **dict.fromkeys(MEASURED[:4], pl.String),
    **dict.fromkeys(("value", "low", "high"), pl.Float64),
    "users": pl.Int32,
}
"""Columns of what is measured, and their types."""


@dataclass(frozen=True)
class Shown:
    """Sums over one part of the lists: `users`, one row per list and user who did something; `generators`; `slots`
    (explored.SUMS); whether what users did had a price anywhere."""

    users: pl.DataFrame
    generators: pl.DataFrame
    slots: pl.DataFrame
    priced: bool


def measure_lists(lists: pl.DataFrame, truth: pl.DataFrame) -> Shown:
    """What users did with `lists` (list, user_id, rank, item_id, generator, fallback; propensity where it is known).

    `truth` has user_id, item_id, revenue (null: no price is known), bought_before: one row per pair that the horizon
    holds.
    """
    priced = truth["revenue"].count() > 0
    parts, generators, slots = [], [], [pl.DataFrame(schema=SUMS)]
    for (name,), rows in lists.group_by("list", maintain_order=True):
        wanted = truth
        if name in TRUTH_OF:
            wanted = truth.filter(pl.col("bought_before") == TRUTH_OF[str(name)])
        reached = wanted.join(
            rows.select("user_id", "item_id", "rank", "generator"), on=["user_id", "item_id"], how="left"
        )
        owners = rows.group_by("user_id").agg(warm=pl.col("fallback").is_null().any())
        each = _per_user(reached).join(owners, on="user_id")
        parts.append(each.select(pl.lit(name).alias("list"), pl.all()))
        generators.append(_per_generator(rows, reached).select(pl.lit(name).alias("list"), pl.all()))
        if "propensity" in rows.columns:
            slots.append(slot_sums(str(name), rows, wanted, DEEP))
    return Shown(_stack(parts, _USERS), _stack(generators, _GENERATORS), pl.concat(slots), priced)


def summarise(
    shown: Iterable[Shown],
    segments: pl.DataFrame,
    draws: int,
    seed: int,
    assigned: pl.DataFrame | None = None,
    min_effective_size: float = 100.0,
) -> pl.DataFrame:
    """Rows (MEASURED) of all parts together; intervals for `all`, arms and estimates by propensity alone. Nothing is
    told of revenue where no price is known.

    `segments` has user_id and segment, `assigned` the arms of experiments (experiments.assigned_on).
    """
    collected = list(shown)
    users = _stack([part.users for part in collected], _USERS).join(segments, on="user_id", how="left")
    users = users.sort("list", "user_id").with_columns(
        all=pl.lit(""), warmth=pl.when("warm").then(pl.lit("warm")).otherwise(pl.lit("cold"))
    )
    rows = [_with_intervals(users, draws, seed)]
    for name in ("segment", "warmth"):
        rows.append(_means(users.filter(pl.col(name).is_not_null()), name))
    rows += [_revenue(users, name) for name in ("all", "segment", "warmth")]
    rows.append(_of_generators(_stack([part.generators for part in collected], _GENERATORS)))
    told = slot_rows([part.slots for part in collected], DEEP, min_effective_size)
    if assigned is not None and len(assigned):
        told += arm_rows(users, assigned, _MEANS)
    rows.append(pl.DataFrame(told, schema=MEASURED_TYPES, orient="row"))
    whole = pl.concat([frame.select(MEASURED).cast(MEASURED_TYPES) for frame in rows]).sort(MEASURED[:4])  # type: ignore[arg-type]
    if any(part.priced for part in collected):
        return whole
    return whole.filter(~pl.col("metric").str.starts_with("revenue"))


_USERS = {
    "list": pl.String,
    "user_id": pl.String,
    "ndcg": pl.Float64,
    "hit": pl.Float64,
    "recall": pl.Float64,
    "share": pl.Float64,
    "revenue": pl.Float64,
    "warm": pl.Boolean,
}
_GENERATORS = {
    "list": pl.String,
    "generator": pl.String,
    "rows": pl.Int64,
    "hits": pl.Int64,
    "revenue": pl.Float64,
    "users": pl.Int64,
}


def _stack(frames: list[pl.DataFrame], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=schema), *(frame.select(schema.keys()).cast(schema) for frame in frames)])  # type: ignore[arg-type]


def _per_user(reached: pl.DataFrame) -> pl.DataFrame:
    """One row per user of `reached`, their pairs of the horizon with the rank that the list gave them, or null."""
    top, rank = pl.col("rank") <= TOP, pl.col("rank")
    ideal = pl.DataFrame({"best": range(1, TOP + 1), "ideal": np.cumsum(1 / np.log2(np.arange(2, TOP + 2)))})
    # In rank order, so that the last digits of the sums do not depend on how rows were grouped.
    ordered = reached.sort("user_id", "rank", "item_id", nulls_last=True)
    users = ordered.group_by("user_id", maintain_order=True).agg(
        found=(1 / (rank + 1).log(2)).filter(top).sum(),
        hit=top.fill_null(False).any().cast(pl.Float64),
        recall=(rank <= DEEP).fill_null(False).mean(),
        revenue=pl.col("revenue").filter(top).sum(),
        spent=pl.col("revenue").sum(),
        best=pl.len().clip(upper_bound=TOP).cast(pl.Int64),
    )
    users = users.join(ideal, on="best", how="left", maintain_order="left")
    share = pl.when(pl.col("spent") > 0).then(pl.col("revenue") / pl.col("spent")).otherwise(0.0)
    return users.with_columns(ndcg=pl.col("found") / pl.col("ideal"), share=share)


def _per_generator(rows: pl.DataFrame, reached: pl.DataFrame) -> pl.DataFrame:
    shown = (
        rows.filter(pl.col("rank") <= TOP).group_by("generator").agg(rows=pl.len(), users=pl.col("user_id").n_unique())
    )
    hits = reached.filter(pl.col("rank") <= TOP).sort("user_id", "item_id").group_by("generator", maintain_order=True)
    told = hits.agg(hits=pl.len(), revenue=pl.col("revenue").sum())
    return shown.join(told, on="generator", how="left").with_columns(pl.col("hits", "revenue").fill_null(0))


def _with_intervals(users: pl.DataFrame, draws: int, seed: int) -> pl.DataFrame:
    rows = []
    for (name,), own in users.group_by("list", maintain_order=True):
        for metric, column in _MEANS.items():
            told = estimate(own[column].to_numpy(), draws, seed)
            rows.append((name, "all", "", metric, told.value, told.low, told.high, len(own)))
    return pl.DataFrame(rows, schema=MEASURED_TYPES, orient="row")


def _means(users: pl.DataFrame, by: str) -> pl.DataFrame:
    grouped = users.group_by("list", by, maintain_order=True).agg(*_MEANS.values(), users=pl.len())
    named = grouped.with_columns(pl.col(column).list.mean().alias(metric) for metric, column in _MEANS.items())
    long = named.unpivot(list(_MEANS), index=["list", by, "users"], variable_name="metric")
    return long.with_columns(slice=pl.lit(by), slice_value=by, **_NO_INTERVAL)


def _revenue(users: pl.DataFrame, by: str) -> pl.DataFrame:
    known = users.filter(pl.col(by).is_not_null())
    summed = known.group_by("list", by, maintain_order=True).agg(value=pl.col("revenue").sum(), users=pl.len())
    return summed.with_columns(slice=pl.lit(by), slice_value=by, metric=pl.lit("revenue@10"), **_NO_INTERVAL)


def _of_generators(generators: pl.DataFrame) -> pl.DataFrame:
    summed = generators.group_by("list", "generator", maintain_order=True).agg(
        pl.col("rows", "hits", "revenue", "users").sum()
    )
    values = summed.select(
        "list",
        "users",
        pl.col("generator").alias("slice_value"),
        (pl.col("hits") / pl.col("rows")).alias("precision@10"),
        pl.col("hits").cast(pl.Float64).alias("hits@10"),
        pl.col("revenue").alias("revenue@10"),
    )
    long = values.unpivot(index=["list", "users", "slice_value"], variable_name="metric")
    return long.with_columns(slice=pl.lit("generator"), **_NO_INTERVAL)
