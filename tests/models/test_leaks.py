"""The search for leaks where the clock changes within the horizon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from recsys.features.history import encode
from recsys.models.cuts import cut_days, make_cut
from recsys.models.leaks import cut_evidence, late_rows
from tests import known_answer_shop as shop
from tests.literal_history import events_of

SETTINGS = replace(shop.SETTINGS, time_zone="Europe/Berlin", models=replace(shop.SETTINGS.models, horizon_days=28))
BERLIN = ZoneInfo(SETTINGS.time_zone)
BACK, FORTH = date(2017, 11, 6), date(2018, 4, 9)
"""As-of dates whose newest horizons hold the night in which the clock goes back, and forth."""


def training_of(as_of_date: date, last: datetime) -> dict[str, Any]:
    """The record of a training whose newest cut has one label, at `last`."""
    known = [
        ("ann", "tea", datetime(2017, 9, 1, 12, tzinfo=BERLIN)),
        ("bob", "milk", datetime(2017, 9, 1, 12, tzinfo=BERLIN)),
    ]
    as_of = datetime(as_of_date.year, as_of_date.month, as_of_date.day, tzinfo=BERLIN)
    items = pl.DataFrame({"item_id": ["milk", "tea"], "category_path": "FOOD"})
    history = encode(events_of([*known, ("ann", "milk", last)]), items, as_of, SETTINGS.time_zone)
    newest = cut_days(as_of_date, SETTINGS.models)[0]
    evidence = cut_evidence(make_cut(history, newest, ("purchase",), SETTINGS))
    assert evidence["labels"] == 1
    return {"newest": str(newest), "cuts": {str(newest): {"key": "k", **evidence}}}


@pytest.mark.parametrize("as_of_date", [BACK, FORTH])
def test_a_label_of_the_last_local_hour_is_no_leak(as_of_date: date) -> None:
    last = datetime(as_of_date.year, as_of_date.month, as_of_date.day - 1, 23, 59, 59, 999_999, tzinfo=BERLIN)
    told = training_of(as_of_date, last)
    assert late_rows(told, as_of_date, SETTINGS) == []


@pytest.mark.parametrize(("as_of_date", "hours"), [(BACK, 1), (FORTH, -1)])
def test_a_label_after_the_horizon_is_found_in_either_change_of_the_clock(as_of_date: date, hours: int) -> None:
    told = training_of(as_of_date, datetime(as_of_date.year, as_of_date.month, as_of_date.day - 1, 12, tzinfo=BERLIN))
    cut = told["cuts"][told["newest"]]
    cut["last_label_day"] = 28 + (hours + 0.01) / 24
    (found,) = late_rows(told, as_of_date, SETTINGS)
    assert "days off" in found
