"""The whole story of one item for one user on one day: why it is in each list, or why it is not.

Everything is worked out again from what the day's run left in the lake, by the code that made the lists. Contributions
are exact (recsys.models.contributions), those of ALS are its own.
"""

from __future__ import annotations

import polars as pl

from recsys import schemas
from recsys.models import scoring
from recsys.models.als_explanation import explain_als
from recsys.models.candidates import als_of
from recsys.models.contributions import contributions, strongest
from recsys.models.ranker import prior_scores
from recsys.recommendations.lists import SCORES
from recsys.recommendations.published_lists import scan_lists
from recsys.recommendations.rules import (
    blocked_items,
    bought_lately,
    drop_blocked,
    limit_per_category,
    users_with_consent,
)
from recsys.recommendations.stock_cover import exposed, read_stock_cover
from recsys.recommendations.user_recommendations import bought_items
from recsys.run import RunContext
from recsys.settings.lists import RulesSettings
from recsys.storage import read_partition, scan_partitions, shards_of


def explain(context: RunContext, user_id: str, item_id: str) -> list[str]:
    """The story as lines of text. Raises LakeError where the day's lists were not built."""
    users = read_partition(context.lake, schemas.USERS, as_of_date=context.as_of_date)
    lines = [f"user {user_id}, item {item_id}{_title(context, item_id)}, as of {context.as_of_date}"]
    shown = published_rows(context, user_id, item_id)
    lines += [_shown(row) for row in shown.iter_rows(named=True)]
    if not is_served(context, user_id):
        return [*lines, "Nobody of this id has an event in the look-back window or a row in the users table."]
    if not users_with_consent([user_id], users, context.settings.rules):
        return [
            *lines,
            "The user did not agree to personal lists, or the users table lacks them: only what is popular is shown, "
            "nothing of theirs is read.",
            *_blocked(context, item_id),
        ]
    scorer = scoring.load_scorer(context)
    scored = scoring.score_users(scorer, [user_id])
    if scored.is_empty():
        return [*lines, "The user has no history: only what is popular is shown.", *_blocked(context, item_id)]
    mine = scored.filter(pl.col("item_id") == item_id)
    missing = [name for name in SCORES if name not in set(shown["list"])]
    if mine.is_empty():
        return [
            *lines,
            "No generator proposed the item to the user: a list can hold it only as what is popular, new or explored.",
            *_blocked(context, item_id),
        ]
    lines.append(_proposals(mine))
    lines += _contributions(scorer, user_id, mine)
    lines += _als(context, scorer, user_id, item_id)
    lines += _pushed(context, item_id)
    blocked = _blocked(context, item_id)
    if blocked or not missing:
        return lines + blocked
    return lines + [f"not in {name}: {why_not(context, scored, name, user_id, item_id)}" for name in missing]


def is_served(context: RunContext, user_id: str) -> bool:
    """Whether the day's run planned lists for the user; a mistyped id is not somebody who refused."""
    shards = shards_of(context.lake, schemas.USER_SHARDS, as_of_date=context.as_of_date)
    planned = scan_partitions(context.lake, schemas.USER_SHARDS, shards)
    return not planned.filter(pl.col("user_id") == user_id).head(1).collect().is_empty()


def published_rows(context: RunContext, user_id: str, item_id: str) -> pl.DataFrame:
    """The item's rows in the user's lists of the day, list by list."""
    return _rows_of(context, user_id).filter(pl.col("item_id") == item_id).sort("list")


def _rows_of(context: RunContext, user_id: str) -> pl.DataFrame:
    return scan_lists(context.lake, context.as_of_date).filter(pl.col("user_id") == user_id).collect()


def why_not(context: RunContext, scored: pl.DataFrame, name: str, user_id: str, item_id: str) -> str:
    """Why the list `name` of the user lacks the candidate `item_id` of `scored` (the user's rows of scoring.OUTPUT)."""
    rules, column = context.settings.rules, SCORES[name]
    scored = exposed(scored, _cover(context), tuple(SCORES.values()), rules.stock_exposure)
    row = scored.filter(pl.col("item_id") == item_id)
    # Purchases older than what models learn from are in no score, and keep an item out of discover all the same.
    bought = bought_items(context, [user_id]) if name == "discover" else pl.DataFrame(schema={"item_id": pl.String})
    if row[column].item() is None or item_id in bought["item_id"]:
        return {"discover": "the user bought it before", "buy_again": "the user never bought it"}.get(name, "no score")
    if row.select(bought_lately(rules)).item():
        days, gap = row["last_purchase_days"].item(), row["usual_gap_days"].item()
        return f"bought {days:.0f} days ago, usually bought again after {gap:.0f}"
    allowed = scored.filter(~bought_lately(rules) & pl.col(column).is_not_null())
    allowed = allowed.join(bought, on="item_id", how="anti")
    allowed = drop_blocked(allowed, _blocked_frame(context)).sort(column, "item_id", descending=[True, False])
    place = allowed["item_id"].to_list().index(item_id) + 1
    explored = _rows_of(context, user_id).filter((pl.col("list") == name) & pl.col("propensity").is_not_null())
    return _by_place(context, allowed.head(place), rules, place, len(explored))


def _by_place(context: RunContext, above: pl.DataFrame, rules: RulesSettings, place: int, explored: int) -> str:
    """The rule that takes the place away which the item would have without it, or that it would have none.

    `above` are the candidates down to the item, `explored` the places of the list that exploration took.
    """
    items = read_partition(context.lake, schemas.ITEMS, as_of_date=context.as_of_date)
    paths = above.select("item_id").join(items.select("item_id", "category_path"), on="item_id", how="left")
    own = paths["category_path"][-1]
    before = int((paths["category_path"].head(place - 1) == own).sum()) if own is not None else 0
    better = limit_per_category(above.head(place - 1), items, rules.max_per_category, by=())
    if len(better) < rules.list_length:
        if rules.max_per_category and before >= rules.max_per_category:
            limit = rules.max_per_category
            return f"rank {place}, but {before} better items of {own!r} fill the {limit} places of a category"
        if explored:
            return f"rank {place} by score, but exploration took {explored} of the {rules.list_length} places"
    return f"rank {place} by score, the list holds {rules.list_length}"


def _title(context: RunContext, item_id: str) -> str:
    items = read_partition(context.lake, schemas.ITEMS, as_of_date=context.as_of_date)
    titles = items.filter(pl.col("item_id") == item_id)["title"].to_list()
    return f" ({titles[0]})" if titles and titles[0] else ", which the items table lacks" if not titles else ""


def _shown(row: dict[str, object]) -> str:
    return (
        f"in {row['list']} at rank {row['rank']}: {row['reason_text']} [{row['reason_code']}, from {row['generator']}]"
    )


def _proposals(mine: pl.DataFrame) -> str:
    ranks = {name.removesuffix("_rank"): mine[name].item() for name in mine.columns if name.endswith("_rank")}
    told = ", ".join(f"{name} at {rank}" for name, rank in ranks.items() if rank is not None)
    return f"proposed by {told}; score {mine['score'].item():.3f}"


def _contributions(scorer: scoring.Scorer, user_id: str, mine: pl.DataFrame) -> list[str]:
    frame = pl.concat(scoring.candidate_frames(scorer, [user_id]))
    asked = frame["item"] == int(scorer.item_ids.index_of(mine["item_id"].item()) or 0)
    told = contributions(scorer.ranker, frame.filter(asked))
    if told is None:
        return ["the ranker had too little to learn from: generators' places make the score"]
    trees = told.base + sum(told.groups.row(0))
    parts = ", ".join(f"{name} {value:+.3f}" for name, value in strongest(told)[0])
    places = prior_scores(scorer.ranker, frame)[asked.to_numpy()].item()
    few = f", the generators' places, which count while labels are few, {places:+.3f}" if scorer.ranker.prior else ""
    return [
        f"what moved the score most: {parts} (all groups and the base {told.base:+.3f} add up to {trees:.3f}, "
        f"the network beside the trees adds {mine['score'].item() - trees - places:+.3f}{few})"
    ]


def _als(context: RunContext, scorer: scoring.Scorer, user_id: str, item_id: str) -> list[str]:
    als = als_of(scorer.generators)
    user, item = scorer.user_ids.index_of(user_id), scorer.item_ids.index_of(item_id)
    if als is None or user is None or item is None:
        return []
    total, shares = explain_als(als, context.settings.models, user, item)
    others = [(code, share) for code, share in shares if code != item][:3]
    if not others:
        return []
    told = ", ".join(f"{scorer.item_ids[code]} {share:+.3f}" for code, share in others)
    return [f"ALS likes it ({total:.3f}) most for the user's {told}"]


def _cover(context: RunContext) -> pl.DataFrame:
    return read_stock_cover(context, read_partition(context.lake, schemas.ITEMS, as_of_date=context.as_of_date))


def _pushed(context: RunContext, item_id: str) -> list[str]:
    strength = context.settings.rules.stock_exposure
    row = _cover(context).filter((pl.col("item_id") == item_id) & (pl.col("push") != 0))
    if not strength or row.is_empty():
        return []
    factor, days = 1 + strength * row["push"].item(), row["days_of_cover"].item()
    return [f"its stock lasts {days:.0f} days at the demand to expect (inf: nothing sells): exposure x {factor:.2f}"]


def _blocked_frame(context: RunContext) -> pl.DataFrame:
    items = read_partition(context.lake, schemas.ITEMS, as_of_date=context.as_of_date)
    return blocked_items(items, _cover(context), context.as_of, context.settings.rules)


def _blocked(context: RunContext, item_id: str) -> list[str]:
    rules = _blocked_frame(context).filter(pl.col("item_id") == item_id)["rule"].to_list()
    return [f"no list may show it: {rule.replace('_', ' ')}" for rule in rules]
