"""Bundles: sets of items that sell together, that the shop can deliver, with a price, a name and a reason.

`allowed_items` says what may be sold (not retired, in stock for long enough), `candidate_sets` grows sets from the
significant pairs, and recsys.recommendations.bundle_rows keeps the best that are not near-duplicates of each other and
turns them into the tables bundles and bundle_items.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import polars as pl

from recsys.data.events import read_events
from recsys.data.sales import kept_purchases
from recsys.recommendations.baskets import Baskets, build_baskets, excluded_items
from recsys.recommendations.bundle_growth import Grower, GrownSet
from recsys.recommendations.bundle_naming import title_words
from recsys.recommendations.bundle_rows import bundle_rows
from recsys.recommendations.combinations import combination_sets, read_combinations
from recsys.recommendations.item_pairs import EVENT_COLUMNS
from recsys.recommendations.pair_significance import fit_null
from recsys.recommendations.rules import unsold_items
from recsys.run import Counts, RunContext
from recsys.schemas import BUNDLE_ITEMS, BUNDLES, ITEM_PAIRS, ITEMS, STOCK
from recsys.settings.combinations import BundleSettings
from recsys.storage import read_partition, write_partition

log = logging.getLogger(__name__)

SALES_DAYS = 28


def build_bundles(context: RunContext) -> Counts:
    """Step: write the day's bundles and bundle_items to the lake, from its item_pairs."""
    day, settings = context.as_of_date, context.settings
    items = read_partition(context.lake, ITEMS, as_of_date=day)
    events = read_events(context, columns=EVENT_COLUMNS)
    baskets = build_baskets(events, items, day, context.as_of, settings.time_zone, settings.pairs)
    stock = read_partition(context.lake, STOCK, as_of_date=day)
    sales = recent_sales(events, context)
    cover = allowed_items(items, stock, sales, baskets, settings.bundles)
    pairs = read_partition(context.lake, ITEM_PAIRS, as_of_date=day)
    combinations = read_combinations(context)
    sets = candidate_sets(baskets, pairs, items, cover, combinations, settings.bundles)
    bundles, members = bundle_rows(sets, baskets, items, cover, settings.bundles, settings.language)
    stamp = pl.lit(day).alias("as_of_date")
    version = pl.lit(settings.fingerprint()).alias("model_version")
    rows = write_partition(context.lake, BUNDLES, bundles.with_columns(stamp, version), as_of_date=day)
    lines = write_partition(context.lake, BUNDLE_ITEMS, members.with_columns(stamp), as_of_date=day)
    return {"bundles": rows, "bundle_items": lines, "candidates": len(sets)}


def recent_sales(events: pl.LazyFrame, context: RunContext) -> pl.DataFrame:
    """Units sold of each item in the last four weeks, without cancelled ones: item_id, units."""
    since = context.as_of - timedelta(days=SALES_DAYS)
    sold = kept_purchases(events.filter(pl.col("occurred_at") >= since), context.settings.demand.cancelled_days)
    return sold.group_by("item_id").agg(units=pl.col("quantity").sum()).collect().sort("item_id")


def allowed_items(
    items: pl.DataFrame, stock: pl.DataFrame, sales: pl.DataFrame, baskets: Baskets, settings: BundleSettings
) -> pl.DataFrame:
    """Items that may be in a bundle: item_id, days_of_cover (null: unsold, or the shop counts no stock of it).

    Left out are items retired or not launched yet, of excluded categories, without stock, or with less of it than
    `min_days_of_cover` of their recent sales. An item without a row in `stock` is unknown, not out of stock, unless it
    is one of `unsold_items`.
    """
    excluded = excluded_items(items, settings.excluded_categories)
    day = baskets.as_of_date
    gone = (pl.col("retired_at").dt.date() <= day) | (pl.col("launched_at").dt.date() > day)
    live = items.filter(~gone.fill_null(False) & ~pl.col("item_id").is_in(excluded.implode()))
    known = live.select("item_id").unique().sort("item_id")
    for frame in (stock.select("item_id", "on_hand"), sales.select("item_id", "units")):
        known = known.join(frame, on="item_id", how="left", maintain_order="left")
    pace = pl.col("units") / SALES_DAYS
    covered = known.with_columns(days_of_cover=pl.when(pace > 0).then(pl.col("on_hand") / pace))
    short = (pl.col("on_hand") <= 0) | (pl.col("days_of_cover") < settings.min_days_of_cover)
    unsold = unsold_items(_sold_on(baskets), settings.unsold_days)
    left = pl.col("on_hand").is_null() & pl.col("item_id").is_in(unsold.implode())
    return covered.filter(~short.fill_null(False) & ~left).select("item_id", "days_of_cover")


def _sold_on(baskets: Baskets) -> pl.DataFrame:
    """item_id, age: days before the as-of date on which each item was bought."""
    lines = baskets.lines.tocoo()
    ids = pl.Series(baskets.item_ids, dtype=pl.String)
    return pl.DataFrame({"item_id": ids.gather(lines.col), "age": baskets.age_days[lines.row]})


def candidate_sets(
    baskets: Baskets,
    pairs: pl.DataFrame,
    items: pl.DataFrame,
    allowed: pl.DataFrame,
    combinations: pl.DataFrame,
    settings: BundleSettings,
) -> list[tuple[GrownSet, bool]]:
    """Sets grown from every significant pair of allowed items, with the forced pairs of the shop (marked True)."""
    place = {item: index for index, item in enumerate(baskets.item_ids)}
    usable = {place[item] for item in allowed["item_id"] if item in place}
    variant = _variants(items, place)
    apart = {frozenset(place.get(i, -1) for i in pair) for pair in combination_sets(combinations, "forbidden")}
    substitutes = pairs.filter(pl.col("relation") == "substitute").select("item_id", "other_item_id")
    apart |= {frozenset(place.get(i, -1) for i in pair) for pair in substitutes.iter_rows()}

    def clash(left: int, right: int) -> bool:
        return (left in variant and variant.get(left) == variant.get(right)) or frozenset((left, right)) in apart

    graph, seeds = _pair_graph(pairs, place, usable)
    grower = Grower(baskets, fit_null(baskets), settings)
    found: dict[frozenset[int], GrownSet] = {}
    for (anchor, partner), p_value in seeds.items():
        if clash(anchor, partner):
            continue
        for grown in grower.grow(anchor, partner, p_value, graph, clash):
            found.setdefault(frozenset(grown.members), grown)
    wanted = _forced_pairs(combinations, place, usable)
    sets = [
        (grown, False)
        for key, grown in found.items()
        if len(key) >= settings.min_size and tuple(sorted(key)) not in wanted
    ]
    return sets + [(grower.describe(pair), True) for pair in wanted]


def _forced_pairs(combinations: pl.DataFrame, place: dict[str, int], usable: set[int]) -> list[tuple[int, ...]]:
    """The pairs that the shop asks for, does not forbid and can sell, sorted; the log names what cannot be sold."""
    forbidden = combination_sets(combinations, "forbidden")
    asked = [sorted(pair) for pair in combination_sets(combinations, "forced") if pair not in forbidden]
    able = [pair for pair in asked if all(place.get(item, -1) in usable for item in pair)]
    for pair in sorted(pair for pair in asked if pair not in able):
        log.info("forced bundle of %s and %s is left out: one cannot be sold, or never was", *pair)
    return sorted(tuple(sorted(place[item] for item in pair)) for pair in able)


def _pair_graph(
    pairs: pl.DataFrame, place: dict[str, int], usable: set[int]
) -> tuple[dict[int, set[int]], dict[tuple[int, int], float]]:
    """Neighbours of each item, and the unordered pairs (rarer item first) with their p-values, in a fixed order."""
    strong = pairs.filter(pl.col("significant") & (pl.col("relation") == "complement")).sort("item_id", "other_item_id")
    graph: dict[int, set[int]] = {}
    seeds: dict[tuple[int, int], float] = {}
    for left_id, right_id, p_value in strong.select("item_id", "other_item_id", "p_value").iter_rows():
        left, right = place.get(left_id, -1), place.get(right_id, -1)
        if left in usable and right in usable:
            graph.setdefault(left, set()).add(right)
            graph.setdefault(right, set()).add(left)
            seeds.setdefault((min(left, right), max(left, right)), p_value)
    return graph, seeds


def _variants(items: pl.DataFrame, place: dict[str, int]) -> dict[int, tuple[str, ...]]:
    """Items whose titles differ in numbers and units alone share a key: those of one brand, whatever their categories,
    and those of one category without a brand."""
    keys: dict[int, tuple[str, ...]] = {}
    for item, title, path, brand in items.select("item_id", "title", "category_path", "brand").iter_rows():
        words = title_words(title)
        if item in place and words:
            maker = (brand,) if brand else ("", path or "")
            keys[place[item]] = (*maker, *sorted(words))
    return keys
