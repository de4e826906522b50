"""From scored candidates to ranked lists: pure functions over the frames of a batch of users.

    for_you     best by `score`, topped up
    discover    best by `discover_score` among what the user never bought, topped up
    buy_again   best by `repeat_score` among what the user bought, never topped up

The list new_arrivals is made apart (recsys.recommendations.new_arrivals). Topping up takes the segment's popular items,
then everybody's; such rows say so in `fallback`, stand below all personal rows and score less than they do.
"""

from __future__ import annotations

import polars as pl

from recsys.recommendations.fallback import fallback_rows
from recsys.recommendations.rules import bought_lately, drop_blocked, limit_per_category, place_in_group
from recsys.settings.lists import RulesSettings

SCORES = {"for_you": "score", "discover": "discover_score", "buy_again": "repeat_score"}
"""List and the candidate column that orders it; a null there keeps the candidate out of the list."""
TOPPED_UP = ("for_you", "discover")
NEW_ARRIVALS = "new_arrivals"

FACTS = {
    "generator": pl.String,
    "anchor_item_id": pl.String,
    "purchases": pl.Float32,
    "last_purchase_days": pl.Float32,
    "usual_gap_days": pl.Float32,
}
"""Columns of a candidate that travel with it into the reason."""
SCORED = {"user_id": pl.String, "item_id": pl.String, **dict.fromkeys(SCORES.values(), pl.Float32), **FACTS}
SOURCES = {"segment": 1, "trending": 2}
"""Order of the fallbacks; personal rows stand above both."""
LISTS = pl.Enum(sorted(SCORES))


def is_ranked() -> pl.Expr:
    """Whether a row of a list stands where the ranker put it: no fallback, no new arrival, nothing explored."""
    return pl.col("fallback").is_null() & (pl.col("list") != NEW_ARRIVALS) & pl.col("propensity").is_null()


def personal_rows(scored: pl.DataFrame) -> pl.DataFrame:
    """One row per list, user and item for each finite score: list, user_id, item_id, score, fallback (null)
    and FACTS."""
    parts = [
        scored.filter(pl.col(column).is_finite()).select(
            pl.lit(name, LISTS).alias("list"), "user_id", "item_id", pl.col(column).alias("score"), *FACTS
        )
        for name, column in SCORES.items()
    ]
    return pl.concat(parts).with_columns(fallback=pl.lit(None, pl.String))


def build_lists(
    scored: pl.DataFrame,
    cold_lists: pl.DataFrame,
    segments: pl.DataFrame,
    popular: pl.DataFrame,
    bought: pl.DataFrame,
    blocked: pl.DataFrame,
    items: pl.DataFrame,
    rules: RulesSettings,
) -> pl.DataFrame:
    """Ranked rows of a batch: list, user_id, rank, item_id, score, fallback and FACTS, sorted by the first three.

    scored      candidates of the users with history (columns SCORED)
    cold_lists  list, user_id: lists to fill for users without usable history
    segments    user_id, segment: of every user that may need topping up
    popular     what `trending_by_segment` gives, without blocked items
    bought      user_id, item_id: known purchases; none of them enters `discover`
    blocked     item_id: what no list may show
    items       item_id, category_path
    """
    codes = _codes(scored, cold_lists, popular)
    scored, cold_lists, segments, popular, bought, blocked, items = (
        _coded(frame, codes) for frame in (scored, cold_lists, segments, popular, bought, blocked, items)
    )
    frame = drop_blocked(scored.filter(~bought_lately(rules)), blocked)
    own = _without_bought(personal_rows(frame), bought)
    own = _first_of_lists(own, items, rules)
    wanted = pl.concat([_short_lists(own, scored, rules.list_length), cold_lists.select("list", "user_id")]).unique()
    wanted = wanted.join(segments.select("user_id", "segment"), on="user_id", how="left")
    extra = _fallbacks(wanted, popular, scored.filter(bought_lately(rules)), bought)
    extra = extra.join(own, on=["list", "user_id", "item_id"], how="anti")
    rows = _with_scores(_first_of_lists(pl.concat([own, extra]), items, rules))
    return rows.cast(dict.fromkeys(codes, pl.String))  # type: ignore[arg-type]


def _codes(scored: pl.DataFrame, cold_lists: pl.DataFrame, popular: pl.DataFrame) -> dict[str, pl.Enum]:
    """Types that hold the ids of a batch as numbers in the order of the ids: texts sort and group far more slowly."""
    users = pl.concat([scored["user_id"], cold_lists["user_id"]]).unique().sort()
    items = pl.concat([scored["item_id"], popular["item_id"]]).unique().sort()
    return {"list": LISTS, "user_id": pl.Enum(users), "item_id": pl.Enum(items)}


def _coded(frame: pl.DataFrame, codes: dict[str, pl.Enum]) -> pl.DataFrame:
    """`frame` with coded ids, without the rows of users and items that the batch does not know."""
    present = [name for name in codes if name in frame.columns]
    coded = frame.with_columns(pl.col(name).cast(codes[name], strict=False) for name in present)
    if "category_path" in frame.columns:
        coded = coded.with_columns(pl.col("category_path").cast(pl.Categorical))
    return coded.drop_nulls(present)


def _without_bought(rows: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
    """`rows` without known purchases in the list discover."""
    is_discover = pl.col("list") == "discover"
    fresh = rows.filter(is_discover).join(bought, on=["user_id", "item_id"], how="anti")
    return pl.concat([rows.filter(~is_discover), fresh])


def _first_of_lists(rows: pl.DataFrame, items: pl.DataFrame, rules: RulesSettings) -> pl.DataFrame:
    """The rows that stay in each list, in its order: personal, segment, trending; by score; ties by item_id."""
    source = pl.col("fallback").replace_strict(SOURCES, default=0, return_dtype=pl.Int8)
    keys = ["list", "user_id", "source", "score", "item_id"]
    places = rows.select(*keys[:2], *keys[3:], source=source).with_row_index("row")
    ordered = places.sort(keys, descending=[False, False, False, True, False])
    limited = limit_per_category(ordered, items, rules.max_per_category)
    kept = limited.filter(place_in_group("list", "user_id") < rules.list_length)
    return rows[kept["row"]]


def _short_lists(own: pl.DataFrame, scored: pl.DataFrame, length: int) -> pl.DataFrame:
    """list, user_id of the lists of users with history that hold fewer than `length` rows and may be topped up."""
    wanted = (
        scored.select("user_id").unique().join(pl.DataFrame({"list": TOPPED_UP}, schema={"list": LISTS}), how="cross")
    )
    counts = own.group_by("list", "user_id").len()
    filled = wanted.join(counts, on=["list", "user_id"], how="left").with_columns(pl.col("len").fill_null(0))
    return filled.filter(pl.col("len") < length).select("list", "user_id")


def _fallbacks(
    wanted: pl.DataFrame, popular: pl.DataFrame, held_back: pl.DataFrame, bought: pl.DataFrame
) -> pl.DataFrame:
    """Fallback rows with the columns of `personal_rows`; none that the user bought lately, for discover ever."""
    rows = fallback_rows(wanted, popular).join(
        held_back.select("user_id", "item_id"), on=["user_id", "item_id"], how="anti"
    )
    facts = {name: pl.lit(None, type_) for name, type_ in FACTS.items()} | {"generator": pl.col("fallback")}
    columns = ["list", "user_id", "item_id", pl.col("score").cast(pl.Float32), *FACTS, "fallback"]
    return _without_bought(rows, bought).with_columns(**facts).select(columns)


def _with_scores(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows`, in the order of their lists, with `rank`; fallback rows score 1, 2, … below the last personal row."""
    group = ("list", "user_id")
    is_personal = pl.col("fallback").is_null()
    lowest = pl.col("score").filter(is_personal).min().over(*group).fill_null(0.0)
    below = is_personal.not_().cast(pl.Int32).cum_sum().over(*group)
    score = pl.when(is_personal).then(pl.col("score")).otherwise(lowest - below).cast(pl.Float32)
    rank = (place_in_group(*group) + 1).cast(pl.Int32)
    ranked = rows.with_columns(score=score, rank=rank)
    return ranked.select("list", "user_id", "rank", "item_id", "score", "fallback", *FACTS)
