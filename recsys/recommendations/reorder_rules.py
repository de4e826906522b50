"""When to order how much: an (R, S) rule by the empirical distribution of the demand until the next order arrives.

    reorder point   quantile, at the item's service level, of the demand over lead time and the day until the next run
    order up to     the same quantile over lead time and the order cycle
    quantity        what is missing to the latter, in multiples of the minimum order, once the former is reached

The service level is the newsvendor's where price and cost are known: a unit too few loses its margin, a unit too many
the cost of leftovers; else that of the item's ABC class by margin.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recsys.features.demand_series import Floats
from recsys.models.demand_spread import Spread
from recsys.settings.demand import ReorderSettings

CLASS_LEVELS = {"A": "service_a", "B": "service_b", "C": "service_c"}
REVIEW_DAYS = 1.0


def abc_classes(margin: pl.Series, settings: ReorderSettings) -> pl.Series:
    """A, B or C by the share of the whole margin that an item and all better ones make; unknown or none: C."""
    value = margin.fill_null(0.0).clip(lower_bound=0.0)
    total = float(value.sum())
    if not total:
        return pl.Series("abc_class", ["C"] * len(value), dtype=pl.String)
    order = value.arg_sort(descending=True)
    before = np.zeros(len(value))
    ranked = value.gather(order).to_numpy()
    before[order.to_numpy()] = (np.cumsum(ranked) - ranked) / total
    frame = pl.DataFrame({"before": before, "value": value})
    best, good = (pl.col("before") < share for share in (settings.class_a_share, settings.class_b_share))
    kind = pl.when(pl.col("value") <= 0).then(pl.lit("C")).when(best).then(pl.lit("A")).when(good).then(pl.lit("B"))
    return frame.select(abc_class=kind.otherwise(pl.lit("C"))).to_series()


def service_levels(items: pl.DataFrame, settings: ReorderSettings) -> pl.DataFrame:
    """`items` (abc_class, list_price, unit_cost) with service_level and service_source."""
    margin, cost = pl.col("list_price") - pl.col("unit_cost"), pl.col("unit_cost")
    known = (margin > 0) & (cost > 0) & pl.lit(settings.newsvendor)
    best = (margin / (margin + settings.leftover_cost * cost)).clip(settings.min_service, settings.max_service)
    usual = pl.col("abc_class").replace_strict(
        {kind: getattr(settings, name) for kind, name in CLASS_LEVELS.items()}, return_dtype=pl.Float64
    )
    known = known.fill_null(False)
    return items.with_columns(
        service_level=pl.when(known).then(best).otherwise(usual),
        service_source=pl.when(known).then(pl.lit("newsvendor")).otherwise(pl.lit("class")),
    )


def over_lead_time(means: Floats, days: Floats) -> Floats:
    """Units expected in the next `days` days (one value an item), from daily `means` (items x days).

    Beyond the last day of `means` the average day goes on; a part of a day counts as that part.
    """
    horizon = means.shape[1]
    total = np.concatenate([np.zeros((len(means), 1)), np.cumsum(means, axis=1)], axis=1)
    whole = np.minimum(np.floor(days), horizon).astype(np.int64)
    rows = np.arange(len(means))
    rest = np.where(days <= horizon, days - whole, 0.0)
    partial = rest * means[rows, np.minimum(whole, horizon - 1)]
    return np.asarray(total[rows, whole] + partial + np.maximum(days - horizon, 0.0) * means.mean(axis=1))


def order_levels(
    means: Floats, dispersion: Floats, lead: Floats, service: Floats, extra: Floats, spread: Spread, cycle: float
) -> tuple[Floats, Floats]:
    """Reorder point and order-up-to level of each item, whole units; `extra` are the units of own publishing
    (items x days, as `means`)."""
    found = []
    for days in (lead + REVIEW_DAYS, lead + max(cycle, REVIEW_DAYS)):
        expected = over_lead_time(means, days)
        level = spread.of_sum(expected, dispersion, days, service) + over_lead_time(extra, days)
        found.append(np.where(expected > 0, np.ceil(level - 1e-9), 0.0))
    return found[0], np.maximum(found[0], found[1])


def order_quantities(position: Floats, point: Floats, up_to: Floats, smallest: Floats) -> Floats:
    """Units to order: multiples of `smallest` that fill `position` up to `up_to`, where it is at or below `point`.

    An item without demand (`up_to` 0) is never ordered.
    """
    due = (position <= point) & (up_to > position) & (up_to > 0)
    return np.where(due, np.ceil((up_to - position) / smallest - 1e-9) * smallest, 0.0)


def days_of_cover(on_hand: Floats, means: Floats) -> Floats:
    """Days until the expected demand has used up `on_hand`; infinite without demand."""
    horizon = means.shape[1]
    total = np.cumsum(means, axis=1)
    gone = (total < on_hand[:, None] - 1e-12).sum(axis=1)
    rows = np.arange(len(means))
    before = np.where(gone > 0, total[rows, np.maximum(gone - 1, 0)], 0.0)
    today = means[rows, np.minimum(gone, horizon - 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = gone + (on_hand - before) / today
        beyond = horizon + (on_hand - total[:, -1]) / means.mean(axis=1)
    cover = np.where(gone < horizon, inside, beyond)
    return np.where(on_hand <= 0, 0.0, np.where(total[:, -1] > 0, cover, np.inf))
