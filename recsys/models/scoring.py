"""Scores of users' candidates: the last stage, for any set of users, with memory that follows their number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from recsys.features.assemble import assemble
from recsys.features.build import read_codes
from recsys.features.view_files import codes_among, in_range_of, scan_view
from recsys.features.views import NAMES, Views
from recsys.models import registry
from recsys.models.candidates import NAMES as GENERATORS
from recsys.models.candidates import GeneratorSet, union
from recsys.models.fresh_facts import Facts, facts_of, with_facts
from recsys.models.ranker import Ranker, score
from recsys.run import RunContext

OUTPUT = {
    "user_id": pl.String,
    "item_id": pl.String,
    "score": pl.Float32,
    "discover_score": pl.Float32,
    "repeat_score": pl.Float32,
    "generator": pl.String,
    "anchor_item_id": pl.String,
    "purchases": pl.Float32,
    "last_purchase_days": pl.Float32,
    "usual_gap_days": pl.Float32,
    **{f"{name}_rank": pl.Int32 for name in GENERATORS},
}
"""Columns of `score_users`."""
_SHARED = ("items", "stores")


@dataclass(frozen=True)
class Scorer:
    """A day's generators, ranker, id maps and views (of users: lazy, read batch by batch); `facts` of the day that is
    served, where that is another one."""

    generators: GeneratorSet
    ranker: Ranker
    user_ids: pl.Series
    item_ids: pl.Series
    shared: dict[str, pl.DataFrame]
    lazy: dict[str, pl.LazyFrame]
    batch_users: int
    facts: Facts | None = None


def load_scorer(context: RunContext) -> Scorer:
    """Everything that scores users of the day. Raises LakeError when a step before has not run.

    Where the gate lets an earlier day's models serve, all of that day is taken: models, id maps and views.
    """
    lake, day = context.lake, registry.read_serving(context.lake, context.as_of_date).models_of
    facts = None if day == context.as_of_date else facts_of(context)
    context = dataclasses.replace(context, as_of_date=day)
    user_ids, item_ids = read_codes(context)
    return Scorer(
        generators=registry.load_generators(lake, day),
        ranker=registry.load_ranker(lake, day),
        user_ids=user_ids,
        item_ids=item_ids,
        shared={name: scan_view(context, name).collect() for name in _SHARED},
        lazy={name: scan_view(context, name) for name in NAMES if name not in _SHARED},
        batch_users=context.settings.models.batch_users,
        facts=facts,
    )


@dataclass(frozen=True)
class Scored:
    """`rows`: what `score_users` gives; `features`: user_id, item_id and the ranker's features (f32) of those rows that
    are among the first of their user by any of the three scores."""

    rows: pl.DataFrame
    features: pl.DataFrame


def score_users(scorer: Scorer, user_ids: list[str]) -> pl.DataFrame:
    """One row per candidate (columns OUTPUT) of `user_ids`, sorted by user_id, item_id; a user without history: none.

    `discover_score` is null where the user bought the item, `repeat_score` where not. Gaps and ages are in days.
    """
    return score_with_features(scorer, user_ids, 0).rows


def score_with_features(scorer: Scorer, user_ids: list[str], depth: int) -> Scored:
    """`score_users`, and the features of the first `depth` rows of each user by each score."""
    parts, kept = [pl.DataFrame(schema=OUTPUT)], []
    for frame in candidate_frames(scorer, user_ids):
        told = _output(scorer, frame, *score(scorer.ranker, frame))
        parts.append(told)
        if depth and scorer.ranker.parts:
            kept.append(_features(scorer, frame).filter(told.select(_among_first(depth)).to_series()))
    scored = pl.concat(parts).sort("user_id", "item_id")
    features = pl.concat(kept) if kept else pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String})
    return Scored(scored if scorer.facts is None else with_facts(scored, scorer.facts), features)


def features_of(scorer: Scorer, pairs: pl.DataFrame) -> pl.DataFrame:
    """The ranker's features (f32) of `pairs` (user_id, item_id), as `Scored.features` has them: made anew, which takes
    as long as scoring all candidates of these users. Pairs that are no candidates have no row."""
    frames = candidate_frames(scorer, pairs["user_id"].unique().sort().to_list())
    return pl.concat(_features(scorer, frame).join(pairs, on=["user_id", "item_id"], how="semi") for frame in frames)


def _features(scorer: Scorer, frame: pl.DataFrame) -> pl.DataFrame:
    """user_id, item_id and the ranker's features (f32) of assembled candidates, in their order."""
    return frame.select(
        scorer.user_ids.gather(frame["user"]).alias("user_id"),
        scorer.item_ids.gather(frame["item"]).alias("item_id"),
        pl.col(scorer.ranker.features).cast(pl.Float32),
    )


def _among_first(depth: int) -> pl.Expr:
    scores = ("score", "discover_score", "repeat_score")
    places = (pl.col(name).rank("ordinal", descending=True).over("user_id") for name in scores)
    return pl.any_horizontal((place <= depth).fill_null(value=False) for place in places)


def candidate_frames(scorer: Scorer, user_ids: list[str]) -> Iterator[pl.DataFrame]:
    """Assembled candidates of `user_ids`, in codes, batch by batch: what the ranker scores."""
    codes = codes_among(scorer.user_ids, pl.Series(user_ids, dtype=pl.String).unique())
    if not len(codes):
        return
    own = {name: lazy.filter(in_range_of(codes)).collect() for name, lazy in scorer.lazy.items()}
    views = Views(**own, **scorer.shared)
    for candidates in union(scorer.generators, codes, scorer.batch_users):
        yield assemble(candidates, views.of_users(candidates["user"].unique()))


def _output(scorer: Scorer, frame: pl.DataFrame, general: np.ndarray, discovery: np.ndarray) -> pl.DataFrame:
    bought = pl.col("ui_trips").is_not_null()
    missing = [pl.lit(None, pl.Int32).alias(n) for n in OUTPUT if n.endswith("_rank") and n not in frame.columns]
    named = frame.with_columns(
        *missing,
        user_id=scorer.user_ids.gather(frame["user"]),
        item_id=scorer.item_ids.gather(frame["item"]),
        anchor_item_id=scorer.item_ids.gather(frame["anchor"]),
        score=pl.Series(general),
        discover_score=pl.Series(discovery).fill_nan(None),
        purchases=pl.col("ui_trips").fill_null(0.0),
        last_purchase_days="ui_last",
        usual_gap_days=pl.coalesce("ui_gap", "i_gap"),
    )
    return named.with_columns(repeat_score=pl.when(bought).then("score")).select(OUTPUT.keys()).cast(OUTPUT)  # type: ignore[arg-type]
