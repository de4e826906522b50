"""Offline metrics of a cut, on candidates of three rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsys.features.history import encode
from recsys.models.cuts import make_cut
from recsys.models.measuring import measure, scored_candidates
from tests import known_answer_shop as shop

DAY = shop.AS_OF_DATE


def test_the_repeat_setting_covers_only_what_was_bought_before() -> None:
    history = encode(shop.events(), shop.items(), shop.instant(DAY), "UTC")
    cut = make_cut(history, DAY.replace(month=4, day=1), ("purchase",), shop.SETTINGS)
    user, item = cut.labels.row(0)[:2]
    others = [code for code in range(len(cut.history.items)) if code != item][:2]
    frame = pl.DataFrame(
        {
            "user": [user] * 3,
            "item": [item, *others],
            "ui_trips": [4.0, None, None],
            "buy_again_rank": [1, None, None],
            "trending_rank": [None, 1, 2],
        },
        schema_overrides={"user": pl.Int32, "item": pl.Int32},
    )
    scored = scored_candidates(frame, np.array([3.0, 2.0, 1.0]), np.array([np.nan, 2.0, 1.0]))
    rows = measure(shop.SETTINGS, cut, scored).rows.filter(pl.col("metric") == "coverage@10")
    covered = {
        setting: round(value * len(cut.history.items)) for setting, value in rows["setting", "value"].iter_rows()
    }
    assert covered == {"all": 3, "repeat": 1, "discover": 2}


def test_what_nobody_was_measured_on_has_no_row() -> None:
    """In its first week a shop has no holdout: an ndcg@10 of 0 would say that everything failed."""
    history = encode(shop.events(), shop.items(), shop.instant(DAY), "UTC")
    nobody = make_cut(history, DAY, ("purchase",), shop.SETTINGS)
    assert nobody.labels.is_empty()
    codes = dict.fromkeys(("user", "item", "buy_again_rank", "trending_rank"), pl.Int32)
    frame = pl.DataFrame(schema={**codes, "ui_trips": pl.Float64})
    found = measure(shop.SETTINGS, nobody, scored_candidates(frame, np.zeros(0), np.zeros(0)))
    assert found.rows.is_empty()
    assert found.values.is_empty()
