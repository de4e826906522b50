"""The list new_arrivals: items launched lately, in the order in which each user is likely to want them.

Nobody, or hardly anybody, has bought them yet: what speaks for them is what the user did with items alike
(recsys.models.cold_items). It is never topped up, and users who withdrew consent or have no history get none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from recsys.features.build import read_codes
from recsys.features.view_files import codes_among, in_range_of, scan_view
from recsys.models import registry
from recsys.models.cold_items import ColdItems, Floats
from recsys.recommendations.lists import FACTS, NEW_ARRIVALS
from recsys.recommendations.reasons import NEW_ITEMS
from recsys.recommendations.rules import drop_blocked, limit_per_category, place_in_group
from recsys.run import RunContext
from recsys.settings.lists import RulesSettings

_SEEN_WEIGHT = 0.1
"""Weight of a view, favourite or cart beside a purchase."""
_SPARE = 3
"""Lengths of a list that are scored."""
_OWN = {"user": pl.Int32, "item": pl.Int32, "weight": pl.Float32}


@dataclass(frozen=True)
class NewDay:
    """The day's model of new items, its id maps, users' factors of ALS, and what users did (lazy, by user code)."""

    model: ColdItems
    user_ids: pl.Series
    item_ids: pl.Series
    user_factors: Floats
    pairs: pl.LazyFrame
    interest: pl.LazyFrame


def load_new_day(context: RunContext) -> NewDay:
    """Raises LakeError before build_features and fit_generators ran."""
    arrays = registry.read_arrays(context.lake, context.as_of_date, "cold_items")
    model = ColdItems.from_arrays(arrays, context.settings.new_items)
    user_ids, item_ids = read_codes(context)
    factors = np.zeros((len(user_ids), model.factors.shape[1]), np.float32)
    if model.item_ids:
        factors = registry.read_arrays(context.lake, context.as_of_date, "generator_als")["user_factors"]
    pairs = scan_view(context, "pairs").select("user", "item", weight="ui_decayed_180")
    interest = scan_view(context, "interest").select("user", "item", weight=_SEEN_WEIGHT * pl.col("w_decayed_30"))
    return NewDay(model, user_ids, item_ids, factors, pairs, interest)


def new_arrivals(
    user_ids: list[str],
    day: NewDay,
    bought: pl.DataFrame,
    blocked: pl.DataFrame,
    items: pl.DataFrame,
    rules: RulesSettings,
) -> pl.DataFrame:
    """Rows with the columns of `build_lists` for users who may be addressed, sorted by user and rank.

    bought   user_id, item_id of known purchases, none of which is shown
    blocked  item_id        items  item_id, category_path
    """
    empty = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "score": pl.Float32})
    own = _own(user_ids, day)
    scored = pl.concat([empty, *_scored(own, day)]) if day.model.item_ids else empty
    scored = drop_blocked(scored.join(bought, on=["user_id", "item_id"], how="anti", maintain_order="left"), blocked)
    scored = scored.sort("user_id", "score", "item_id", descending=[False, True, False]).with_columns(
        list=pl.lit(NEW_ARRIVALS)
    )
    limited = limit_per_category(scored, items, rules.max_per_category)
    ranked = limited.with_columns(rank=(place_in_group("user_id") + 1).cast(pl.Int32))
    shown = ranked.filter(pl.col("rank") <= day.model.settings.list_length)
    anchored = shown.join(_anchors(shown, own, day), on=["user_id", "item_id"], how="left", maintain_order="left")
    facts = {name: pl.lit(None, kind) for name, kind in FACTS.items() if name != "anchor_item_id"}
    facts |= {"generator": pl.lit(NEW_ITEMS), "fallback": pl.lit(None, pl.String), "purchases": pl.lit(0.0, pl.Float32)}
    columns = ["list", "user_id", "rank", "item_id", "score", "fallback", *FACTS]
    return anchored.with_columns(**facts).select(columns)


def _own(user_ids: list[str], day: NewDay) -> pl.DataFrame:
    """user, item, weight of what the users did, sorted."""
    codes = codes_among(day.user_ids, pl.Series(user_ids, dtype=pl.String))
    if not len(codes):
        return pl.DataFrame(schema=_OWN)
    rows = pl.concat([view.filter(in_range_of(codes)) for view in (day.pairs, day.interest)]).collect()
    mine = rows.filter(pl.col("user").is_in(pl.Series(codes).implode()))
    both = mine.group_by("user", "item").agg(pl.col("weight").cast(pl.Float64).sort().sum())
    return both.with_columns(pl.col("weight").log1p()).sort("user", "item").cast(_OWN)  # type: ignore[arg-type]


def _scored(own: pl.DataFrame, day: NewDay) -> list[pl.DataFrame]:
    """user_id, item_id, score of the new items that something speaks for, a list as long as may be needed a user."""
    users = own["user"].unique().sort().to_numpy()
    row = np.searchsorted(users, own["user"].to_numpy())
    shape = (len(users), day.model.prior.shape[0])
    matrix = sp.csr_matrix((own["weight"].to_numpy(), (row, own["item"].to_numpy())), shape=shape)
    scores = day.model.scores(matrix, day.user_factors[users])
    # Rules take some away; a list needs no more than this.
    k = min(_SPARE * day.model.settings.list_length, scores.shape[1])
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    rows, columns = np.repeat(np.arange(len(users)), k), best.ravel()
    told_of = scores[rows, columns] > 0
    rows, columns = rows[told_of], columns[told_of]
    names = pl.Series(day.model.item_ids, dtype=pl.String)
    told = {
        "user_id": day.user_ids.gather(users[rows]),
        "item_id": names.gather(columns),
        "score": scores[rows, columns],
    }
    return [pl.DataFrame(told)]


def _anchors(shown: pl.DataFrame, own: pl.DataFrame, day: NewDay) -> pl.DataFrame:
    """user_id, item_id, anchor_item_id: the known item that speaks most for the new one, where one does."""
    prior = day.model.prior.tocoo()
    links = pl.DataFrame(
        {"item": prior.row.astype(np.int32), "new": prior.col.astype(np.int32), "near": prior.data.astype(np.float32)}
    )
    names = pl.DataFrame({"item_id": day.model.item_ids}, schema={"item_id": pl.String}).with_row_index("new")
    users = pl.DataFrame({"user_id": day.user_ids}).with_row_index("user")
    wanted = shown.select("user_id", "item_id").join(names, on="item_id").join(users, on="user_id")
    both = wanted.cast({"new": pl.Int32, "user": pl.Int32}).join(links, on="new").join(own, on=["user", "item"])
    spoken = both.with_columns(said=pl.col("near") * pl.col("weight"))
    best = spoken.sort("said", "item", descending=[True, False]).unique(
        ["user", "new"], keep="first", maintain_order=True
    )
    return best.select("user_id", "item_id", anchor_item_id=day.item_ids.gather(best["item"]))
