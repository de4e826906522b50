"""Facts of today beside scores of earlier models: what reasons say and rules read must not be as old as the models."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recsys.features.build import read_codes
from recsys.features.view_files import scan_view
from recsys.run import RunContext


@dataclass(frozen=True)
class Facts:
    """The day's id maps, its pairs (lazy, by user code) and the usual gap of its items."""

    user_ids: pl.Series
    item_ids: pl.Series
    pairs: pl.LazyFrame
    item_gaps: pl.DataFrame


def facts_of(context: RunContext) -> Facts:
    """Facts as of the context's day. Raises LakeError before build_features ran."""
    user_ids, item_ids = read_codes(context)
    items = scan_view(context, "items").select("item", "i_gap").collect()
    gaps = items.select(item_id=item_ids.gather(items["item"]), i_gap="i_gap")
    return Facts(
        user_ids, item_ids, scan_view(context, "pairs").select("user", "item", "ui_trips", "ui_last", "ui_gap"), gaps
    )


def with_facts(scored: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """`scored` (columns of scoring.OUTPUT) with purchases, ages and gaps of today; what was bought since the models'
    day leaves the discover score and gains a repeat score."""
    users = pl.DataFrame({"user_id": facts.user_ids}).with_row_index("user").with_columns(pl.col("user").cast(pl.Int32))
    wanted = users.join(scored.select("user_id").unique(), on="user_id", how="semi")
    pairs = facts.pairs.join(wanted.lazy(), on="user").collect()
    pairs = pairs.with_columns(item_id=facts.item_ids.gather(pairs["item"])).drop("user", "item")
    fresh = scored.join(pairs, on=["user_id", "item_id"], how="left", maintain_order="left")
    fresh = fresh.join(facts.item_gaps, on="item_id", how="left", maintain_order="left")
    bought = pl.col("ui_trips").is_not_null()
    return fresh.with_columns(
        purchases=pl.col("ui_trips").fill_null(0.0).cast(pl.Float32),
        last_purchase_days=pl.col("ui_last").cast(pl.Float32),
        usual_gap_days=pl.coalesce("ui_gap", "i_gap").cast(pl.Float32),
        discover_score=pl.when(~bought).then("discover_score"),
        repeat_score=pl.when(bought).then("score"),
    ).select(scored.columns)
