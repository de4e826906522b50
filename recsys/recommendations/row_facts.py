"""What the models know of a list's rows: the item that ALS drew them from, and the features that moved their score."""

from __future__ import annotations

import polars as pl

from recsys.features.history import place_among
from recsys.models.als_explanation import als_anchors
from recsys.models.candidates import als_of
from recsys.models.contributions import contributions, told_in_words
from recsys.models.ranker import Ranker
from recsys.models.scoring import Scorer, features_of
from recsys.recommendations.lists import is_ranked
from recsys.recommendations.reasons import SIMILAR_USER_GENERATORS
from recsys.settings.models import ModelSettings

_KEYS = ["user_id", "item_id"]


def with_als_anchors(rows: pl.DataFrame, scorer: Scorer, settings: ModelSettings) -> pl.DataFrame:
    """`rows` of lists, in the same order, where those that SIMILAR_USER_GENERATORS proposed highest name the user's
    item that speaks most for them (recsys.models.als_explanation).

    ALS speaks for the rows of the others too, which name no item: taking its item away lowers theirs as often
    (benchmarks.fidelity).
    """
    als = als_of(scorer.generators)
    collaborative = pl.col("generator").is_in(SIMILAR_USER_GENERATORS)
    wanted = rows.filter(collaborative).select(_KEYS).unique().sort(_KEYS)
    if als is None or wanted.is_empty():
        return rows
    codes = wanted.select(
        place_among("user_id", scorer.user_ids).alias("user"), place_among("item_id", scorer.item_ids).alias("item")
    )
    anchors = als_anchors(als, settings, codes)
    named = wanted.with_columns(_anchor=scorer.item_ids.gather(anchors))
    joined = rows.join(named, on=_KEYS, how="left", maintain_order="left")
    told = pl.when(collaborative).then(pl.coalesce("_anchor", "anchor_item_id")).otherwise("anchor_item_id")
    return joined.with_columns(anchor_item_id=told).drop("_anchor")


def with_top_features(rows: pl.DataFrame, features: pl.DataFrame, scorer: Scorer, first: int) -> pl.DataFrame:
    """`rows` with top_features: for the `first` places of each list the three groups of features that moved the score
    most, by LightGBM's exact contributions; null beyond them, where the ranker did not place the row, and where nothing
    was learnt.

    `features` are those of `scoring.Scored`. A few rows come from behind the candidates that it holds, since rules took
    away what stood before them: their features are made anew.
    """
    told_of = (pl.col("rank") <= first) & is_ranked()
    wanted = rows.filter(told_of).select("list", *_KEYS)
    lacking = (
        wanted.select(_KEYS).unique().join(features, on=_KEYS, how="anti") if scorer.ranker.parts else wanted.clear()
    )
    if len(lacking):
        features = pl.concat([features, features_of(scorer, lacking)])
    is_discover = pl.col("list") == "discover"
    told = [
        _told(features, wanted.filter(part), scorer.ranker, discovery)
        for part, discovery in ((~is_discover, False), (is_discover, True))
    ]
    both = pl.concat(told)
    joined = rows.with_columns(_discover=is_discover).join(
        both, on=["_discover", *_KEYS], how="left", maintain_order="left"
    )
    return joined.with_columns(top_features=pl.when(told_of).then("top_features")).drop("_discover")


def _told(features: pl.DataFrame, wanted: pl.DataFrame, ranker: Ranker, discovery: bool) -> pl.DataFrame:
    pairs = wanted.select(_KEYS).unique().sort(_KEYS)
    known = pairs.join(features, on=_KEYS, maintain_order="left")
    told = contributions(ranker, known, discovery) if len(known) else None
    text = pl.Series(known.height * [None], dtype=pl.String) if told is None else told_in_words(told)
    return known.select(pl.lit(discovery).alias("_discover"), *_KEYS).with_columns(top_features=text)
