"""Cuts of a shop whose data reach further back than a cut may see."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest

from recsys.config import Settings
from recsys.features.history import History, Recoding
from recsys.models.cuts import cut_frame, cut_key, label_types, make_cut
from tests.literal_history import AS_OF, evenings, history_of

CUT = AS_OF - timedelta(days=28)
TYPES = ("purchase",)
OLD = 28.0 + 400
"""Age of an event that the look-back holds and the cut does not see."""


def history() -> History:
    """ann, zoe and the items figs and zest are known from before the cut's history alone; all come back after it."""
    return history_of([
        ("ann", "figs", OLD), ("ann", "figs", 10.0), ("ann", "milk", 10.0),
        ("bob", "milk", 33.0), ("bob", "figs", 9.0), ("bob", "tea", 9.0),
        ("cat", "tea", 33.0), ("cat", "zest", 5.0),
        ("zoe", "zest", OLD), ("zoe", "zest", 5.0), ("zoe", "tea", 5.0),
    ])  # fmt: skip


def test_labels_are_of_users_and_items_that_the_cut_sees() -> None:
    cut = make_cut(history(), CUT.date(), TYPES, Settings())
    users, items = cut.history.users.gather(cut.labels["user"]), cut.history.items.gather(cut.labels["item"])
    assert list(zip(users, items, strict=True)) == [("bob", "tea")]
    positives = cut_frame(cut, Settings(), True).filter(pl.col("label") == 1)
    assert list(zip(cut.history.items.gather(positives["item"]), positives["first_day"], strict=True)) == [
        ("tea", pytest.approx(19.0))
    ]


def test_users_are_drawn_from_those_whom_the_cut_sees() -> None:
    for seed in range(8):
        settings = replace(Settings(), seed=seed, models=replace(Settings().models, training_users=1))
        cut = make_cut(history(), CUT.date(), TYPES, settings)
        assert cut.history.users.gather(cut.labels["user"]).to_list() == ["bob"]


def test_label_types_count_what_a_cut_can_learn_from() -> None:
    """One pair, of the ten that a min_labels of 1 asks for, until the cut sees as far back as the data go."""
    rows = [("zoe", f"item{n}", age) for n in range(10) for age in (OLD, 5.0)]
    views = [("bob", f"item{n}", age) for n in range(10) for age in (33.0, 6.0)]
    past = history_of([*rows, *views])
    seen = pl.col("user") == past.users.to_list().index("bob")
    past = replace(past, events=past.events.with_columns(type=pl.when(seen).then(0).otherwise("type").cast(pl.Int32)))
    wide = replace(Settings(), models=replace(Settings().models, min_labels=1, history_days=500))
    short = replace(wide, models=replace(wide.models, history_days=365))
    assert label_types(past, CUT.date(), wide) == TYPES
    assert "view" in label_types(past, CUT.date(), short)


@pytest.mark.parametrize("code", [0, 2, 9])
def test_a_code_that_the_history_does_not_hold_is_an_error(code: int) -> None:
    recoding = Recoding(pl.Series([1, 3], dtype=pl.Int32), pl.Series([5], dtype=pl.Int32))
    assert recoding.of(pl.DataFrame({"user": [3, 1], "item": [5, 5]})).rows() == [(1, 0), (0, 0)]
    assert recoding.of(pl.DataFrame({"user": pl.Series([], dtype=pl.Int32)})).is_empty()
    with pytest.raises(ValueError, match=f"user that the history does not hold: {code}"):
        recoding.of(pl.DataFrame({"user": [1, code]}))


def test_the_key_of_a_cut_hangs_on_the_time_zone() -> None:
    day = date(2024, 5, 30)
    settings = replace(Settings(), models=replace(Settings().models, horizon_days=1))
    cut = make_cut(evenings("UTC"), day, TYPES, settings)
    assert cut_key(cut, replace(settings, time_zone="America/New_York"), True) != cut_key(cut, settings, True)
    local = make_cut(evenings("America/New_York"), day, TYPES, settings)
    assert cut_key(local, settings, True) != cut_key(cut, settings, True)
    assert start(cut.history) == start(local.history)


def start(history: History) -> datetime:
    first = history.events["at"].min()
    assert isinstance(first, datetime)
    return first.astimezone(timezone.utc)
