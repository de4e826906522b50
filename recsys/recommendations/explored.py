"""What rows reached that were shown by chance: the slots of exploration, beside all others, and what they would have
reached had every item of the pool been as likely.

Self-normalised inverse propensity (Swaminathan and Joachims, The self-normalized estimator for counterfactual learning,
NeurIPS 2015): a row that was shown with probability p counts 1 / p, and the counts are divided by their sum. The
effective sample size (Kish) is (sum w)^2 / sum w^2; where it is small, a few rare rows decide, and the estimate is
refused. All is told in sums, so that shards add up.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

SUMS = {
    "list": pl.String,
    "slot": pl.String,
    "rows": pl.Int64,
    "users": pl.Int64,
    "hits": pl.Int64,
    "revenue": pl.Float64,
    "w": pl.Float64,
    "ww": pl.Float64,
    "wh": pl.Float64,
    "wwh": pl.Float64,
}
"""`slot_sums`: explored or ranked, with the sums over rows of weights, squares, and both where the row was a hit."""
_Z = 1.96


def slot_sums(name: str, rows: pl.DataFrame, reached: pl.DataFrame, deep: int) -> pl.DataFrame:
    """Sums (SUMS) over the first `deep` rows of the list `name`, by slot; none where no row was explored.

    `rows`: user_id, rank, item_id, propensity (null: placed by rank); `reached`: user_id, item_id, revenue of the pairs
    that the horizon holds. A propensity outside (0, 1] tells nothing and counts as none.
    """
    shown = rows.filter(pl.col("rank") <= deep)
    chance = pl.col("propensity")
    shown = shown.with_columns(chance=pl.when((chance > 0) & (chance <= 1)).then(chance.cast(pl.Float64)))
    if not shown["chance"].count():
        return pl.DataFrame(schema=SUMS)
    done = reached.select("user_id", "item_id", "revenue", hit=pl.lit(1, pl.Int64))
    told = shown.join(done, on=["user_id", "item_id"], how="left").sort("user_id", "rank")
    weight, hit = 1 / pl.col("chance"), pl.col("hit").fill_null(0)
    slot = pl.when(pl.col("chance").is_null()).then(pl.lit("ranked")).otherwise(pl.lit("explored"))
    sums = told.group_by(slot.alias("slot"), maintain_order=True).agg(
        rows=pl.len(),
        users=pl.col("user_id").n_unique(),
        hits=hit.sum(),
        revenue=pl.col("revenue").sum(),
        w=weight.sum(),
        ww=(weight**2).sum(),
        wh=(weight * hit).sum(),
        wwh=(weight**2 * hit).sum(),
    )
    return sums.select(pl.lit(name).alias("list"), pl.all()).select(SUMS.keys()).cast(SUMS)  # type: ignore[arg-type]


def slot_rows(parts: Iterable[pl.DataFrame], deep: int, min_size: float) -> list[tuple[object, ...]]:
    """Rows (list, slice, slice_value, metric, value, low, high, users) of all parts together, as realised.MEASURED.

    Of explored slots also `effective_sample_size` and, where it reaches `min_size`, `uniform_precision` with its 95 %
    interval: the precision had each item of the pool been as likely.
    """
    whole = pl.concat([pl.DataFrame(schema=SUMS), *parts]).group_by("list", "slot").agg(pl.all().sum())
    rows: list[tuple[object, ...]] = []
    for one in whole.sort("list", "slot").to_dicts():
        told: dict[str, tuple[float, float | None, float | None]] = {
            f"precision@{deep}": (one["hits"] / one["rows"], None, None),
            f"hits@{deep}": (float(one["hits"]), None, None),
            f"revenue@{deep}": (one["revenue"], None, None),
        }
        if one["slot"] == "explored":
            size = one["w"] ** 2 / one["ww"]
            told[f"effective_sample_size@{deep}"] = (size, None, None)
            if size >= min_size:
                told[f"uniform_precision@{deep}"] = self_normalised(one["w"], one["ww"], one["wh"], one["wwh"])
        rows += [(one["list"], "slot", one["slot"], name, *value, one["users"]) for name, value in sorted(told.items())]
    return rows


def self_normalised(w: float, ww: float, wh: float, wwh: float) -> tuple[float, float, float]:
    """Estimate and 95 % interval from the sums of weights, their squares, and both over hits (each hit counts 1)."""
    value = wh / w
    spread = _Z * float(np.sqrt(max(wwh * (1 - 2 * value) + value**2 * ww, 0.0))) / w
    return value, max(value - spread, 0.0), min(value + spread, 1.0)
