"""How much the newest data differ from what came before: one number for each comparison."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsys.settings.opening import OpeningSettings

_FLOOR = 1e-4
"""Share that an empty group is taken to have, so that the index stays finite."""


def population_stability(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Population stability index of two arrays of counts over the same groups; 0: the same shares.

    Below 0.1 little has moved, above 0.25 much has. An array without any count gives 0.
    """
    if not before.sum() or not after.sum():
        return 0.0
    was, now = (np.maximum(counts / counts.sum(), _FLOOR) for counts in (before, after))
    return float(((now - was) * np.log(now / was)).sum())


def share_drift(before: pl.Series, after: pl.Series) -> float:
    """`population_stability` of the values (texts; null is a group of its own) of two series."""
    counts = [
        series.alias("group").cast(pl.String).fill_null("").to_frame().group_by("group").len()
        for series in (before, after)
    ]
    both = counts[0].join(counts[1], on="group", how="full", coalesce=True).fill_null(0).sort("group")
    return population_stability(both["len"].to_numpy().astype(float), both["len_right"].to_numpy().astype(float))


def drift_beyond_chance(before: pl.Series, after: pl.Series) -> float:
    """`share_drift` of two samples less twice what chance gives on average, at least 0.

    Samples of n and m rows over k groups of unmoved shares differ by about (k - 1) (1 / n + 1 / m), which with many
    groups and few rows lies beyond any bound; twice, since rows of one basket go together.
    """
    groups = pl.concat([before, after]).n_unique()
    chance = (groups - 1) * (1 / max(len(before), 1) + 1 / max(len(after), 1))
    return max(share_drift(before, after) - 2 * chance, 0.0)


def weekday_volume(
    rows: dict[date, int], day: date, weeks: int, opening: OpeningSettings
) -> tuple[float, float] | None:
    """Rows of `day` over the median of the same weekday in the `weeks` before, and that median.

    Days before the first of `rows` are unknown, closed ones and those of a sale are left out, others without a row
    count 0; None with fewer than two of them, and where `day` itself is closed.
    """
    if opening.closed(day):
        return None
    first = min(rows, default=day)
    earlier = [day - timedelta(weeks=n) for n in range(1, weeks + 1)]
    known = [rows.get(past, 0) for past in earlier if past >= first and opening.ordinary(past)]
    if len(known) < 2:
        return None
    usual = float(np.median(known))
    return (rows.get(day, 0) / usual if usual else 1.0), usual


def price_level(newest: pl.DataFrame, before: pl.LazyFrame) -> tuple[float, int]:
    """Median over the newest events of their price over the median price of their item before, and how many there are.

    Both frames have item_id and unit_price; without a comparable price: (1, 0).
    """
    priced = newest.filter(pl.col("unit_price") > 0)
    usual = before.filter(pl.col("unit_price") > 0).join(
        priced.lazy().select("item_id").unique(), on="item_id", how="semi"
    )
    medians = usual.group_by("item_id").agg(pl.col("unit_price").median().alias("usual")).collect()
    ratios = priced.join(medians, on="item_id").select(pl.col("unit_price") / pl.col("usual")).to_series()
    return (float(ratios.median() or 1.0), len(ratios)) if len(ratios) else (1.0, 0)  # type: ignore[arg-type]


def top_category(paths: pl.Series) -> pl.Series:
    """Each path's first level; the first two levels where the shop has fewer than three first ones; null stays null."""
    parts = paths.str.split(" > ")
    first = parts.list.first()
    return first if first.n_unique() >= 3 else parts.list.head(2).list.join(" > ")
