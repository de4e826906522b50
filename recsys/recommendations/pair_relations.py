"""Substitutes told from complements.

Two items of one leaf category that users look at in the same visit, but rarely buy together, stand in for each
other: showing one beside the other as "goes with it" would be wrong. They are published apart, without a rank.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recsys.data.events import event_day
from recsys.recommendations.baskets import Baskets, number_baskets
from recsys.recommendations.pair_counts import Longs, count_pairs
from recsys.settings.combinations import PairSettings

if TYPE_CHECKING:
    from recsys.recommendations.item_pairs import MinedPairs

_MAX_VIEWED = 50


def find_substitutes(
    events: pl.LazyFrame,
    items: pl.DataFrame,
    baskets: Baskets,
    mined: MinedPairs,
    settings: PairSettings,
    as_of: datetime,
    time_zone: str,
) -> pl.DataFrame:
    """Rows of item_pairs with the relation substitute, both directions; none where the shop has no views."""
    views = _category_visits(events, items, as_of, time_zone)
    if views.is_empty():
        return no_substitutes()
    visits = number_baskets(views, baskets.as_of_date)
    weights = np.ones(len(visits.user), np.float32)
    parts = [no_substitutes()]
    for block in count_pairs(visits, weights, visits.item_baskets > 0, settings.recent_days, settings.block_rows):
        kept = block.users >= settings.min_users
        pairs = pl.DataFrame({
            "item_id": pl.Series(visits.item_ids, dtype=pl.String).gather(block.anchor[kept]),
            "other_item_id": pl.Series(visits.item_ids, dtype=pl.String).gather(block.partner[kept]),
            "visits": block.baskets[kept],
            "viewed": visits.item_baskets[block.anchor[kept]],
        })  # fmt: skip
        parts.append(_judge(pairs, baskets, mined, settings))
    return pl.concat(parts).sort("item_id", "other_item_id")


def drop_avoided(pairs: pl.DataFrame, substitutes: pl.DataFrame) -> pl.DataFrame:
    """`pairs` without those that are substitutes."""
    return pairs.join(substitutes.select("item_id", "other_item_id"), on=["item_id", "other_item_id"], how="anti")


def _category_visits(events: pl.LazyFrame, items: pl.DataFrame, as_of: datetime, time_zone: str) -> pl.DataFrame:
    leaf = items.select("item_id", "category_path").drop_nulls().unique("item_id", keep="first").lazy()
    day = event_day(time_zone)
    visit = pl.coalesce("session_id", day.cast(pl.String))
    views = events.filter((pl.col("event_type") == "view") & (pl.col("occurred_at") < as_of))
    rows = (
        views.join(leaf, on="item_id")
        .select("user_id", "item_id", day=day, basket=visit + " " + pl.col("category_path"))
        .group_by("user_id", "basket", "item_id")
        .agg(pl.col("day").min())
    )
    small = pl.len().over("user_id", "basket").is_between(2, _MAX_VIEWED)
    return rows.filter(small).collect()


def _judge(pairs: pl.DataFrame, baskets: Baskets, mined: MinedPairs, settings: PairSettings) -> pl.DataFrame:
    place = pl.DataFrame(
        {"id": baskets.item_ids, "place": np.arange(len(baskets.item_ids))}, schema_overrides={"id": pl.String}
    )
    pairs = pairs.join(place.rename({"id": "item_id", "place": "left"}), on="item_id")
    pairs = pairs.join(place.rename({"id": "other_item_id", "place": "right"}), on="other_item_id")
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    together, expected = joint_baskets(baskets, left, right), mined.null.expected_baskets(left, right)
    prior = settings.lift_prior
    judged = pairs.select(
        "item_id",
        "other_item_id",
        relation=pl.lit("substitute"),
        evidence=pl.lit("own"),
        score=pl.col("visits") / pl.col("viewed"),
        baskets=pl.Series(together, dtype=pl.Int32),
        users=pl.lit(0, pl.Int32),
        confidence=pl.Series(together / baskets.item_baskets[left], dtype=pl.Float64),
        lift=pl.Series((together + prior) / (expected + prior), dtype=pl.Float64),
        expected_baskets=pl.Series(expected, dtype=pl.Float64),
        expected_users=pl.Series(mined.null.expected_users(expected), dtype=pl.Float64),
        p_value=pl.lit(1.0),
        q_value=pl.lit(1.0),
        significant=pl.lit(False),
        visits=pl.col("visits"),
    )
    rarely = pl.col("baskets") <= settings.substitute_share * pl.col("visits")
    return judged.filter(rarely & (pl.col("lift") <= 1.5)).drop("visits")


def joint_baskets(baskets: Baskets, left: Longs, right: Longs) -> Longs:
    """Baskets that hold both items of each pair of positions."""
    by_item = baskets.lines.tocsc()
    found = np.zeros(len(left), np.int64)
    for start in range(0, len(left), 20_000):
        part = slice(start, start + 20_000)
        both = by_item[:, left[part]].multiply(by_item[:, right[part]])
        found[part] = np.asarray(both.sum(axis=0)).ravel().round().astype(np.int64)
    return found


def no_substitutes() -> pl.DataFrame:
    """No row, with the columns of `find_substitutes`."""
    texts = dict.fromkeys(("item_id", "other_item_id", "relation", "evidence"), pl.String)
    counts = {"score": pl.Float64, "baskets": pl.Int32, "users": pl.Int32}
    reals = dict.fromkeys(
        ("confidence", "lift", "expected_baskets", "expected_users", "p_value", "q_value"), pl.Float64
    )
    return pl.DataFrame(schema={**texts, **counts, **reals, "significant": pl.Boolean})
