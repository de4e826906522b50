"""Columns of buy_again: what is due, and how likely a purchase is."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from recsys.config import Environment, Settings
from recsys.models.logistic import Logistic
from recsys.models.repeat_purchase import PAIR_FACTS, USER_FACTS, RepeatPurchase
from recsys.recommendations.repeat_chances import RepeatDay, with_repeat_chances
from recsys.run import RunContext
from recsys.settings.repeat import RepeatSettings

CONTEXT = RunContext(date(2024, 6, 1), Environment("", "", "lake"), Settings(), "test")
GAPS = np.array([10.0, np.nan], np.float32)
WEIGHTS = Logistic(np.zeros(13), np.ones(13), 0.0, np.zeros(13))


def day_of(weights: Logistic | None) -> RepeatDay:
    """ann bought milk 4 and 14 days ago and a sofa once; bob bought milk once, 30 days ago."""
    pairs = pl.DataFrame(
        [(0, 0, 2, 4.0, 14.0, 1.7, 1.9), (0, 1, 1, 90.0, 90.0, 0.1, 0.5), (1, 0, 1, 30.0, 30.0, 0.5, 0.8)],
        schema=["user", "item", *PAIR_FACTS],
        orient="row",
    ).cast({"user": pl.Int32, "item": pl.Int32})
    users = pl.DataFrame({"user": [0, 1], **{name: [3.0, 2.0] for name in USER_FACTS}}).cast({"user": pl.Int32})
    model = RepeatPurchase(np.full(2, 0.05, np.float32), np.full(2, 0.5, np.float32), GAPS, weights, RepeatSettings())
    return RepeatDay(model, pl.Series(["ann", "bob"]), pl.Series(["milk", "sofa"]), pairs.lazy(), users.lazy())


ROWS = pl.DataFrame(
    [
        ("buy_again", "ann", "sofa"),
        ("for_you", "ann", "milk"),
        ("buy_again", "ann", "milk"),
        ("buy_again", "bob", "milk"),
    ],
    schema=["list", "user_id", "item_id"],
    orient="row",
)


def test_rows_of_buy_again_are_dated_and_keep_their_order() -> None:
    told = with_repeat_chances(ROWS, day_of(WEIGHTS), CONTEXT)
    assert told.select(ROWS.columns).equals(ROWS)
    assert told["due_date"].to_list() == [None, None, date(2024, 6, 7), date(2024, 5, 12)]
    assert told["overdue"].to_list() == [None, None, False, True]
    assert told["probability"].to_list() == [0.5, None, 0.5, 0.5]


def test_without_a_calibrated_model_due_dates_remain() -> None:
    told = with_repeat_chances(ROWS, day_of(None), CONTEXT)
    assert told["probability"].to_list() == [None] * 4
    assert told["due_date"].drop_nulls().len() == 2


def test_a_batch_without_such_rows_has_the_columns_all_the_same() -> None:
    told = with_repeat_chances(ROWS.filter(pl.col("list") == "for_you"), day_of(WEIGHTS), CONTEXT)
    assert told.row(0) == ("for_you", "ann", "milk", None, None, None)
