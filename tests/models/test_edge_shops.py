"""Shops with too little to learn from still train, fit and score, on the generators' ranks."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from recsys.config import Environment
from recsys.features import build
from recsys.models import registry, scoring
from recsys.models.training import fit_generators, train_ranker
from recsys.run import RunContext
from tests import known_answer_shop as shop

EVENTS = shop.events()
SHOPS = {
    "no event": EVENTS.head(0),
    "one event": EVENTS.tail(1),
    "one user": EVENTS.filter(pl.col("user_id") == "family_1"),
    "one item": EVENTS.filter(pl.col("item_id") == "milk"),
    "views without prices": EVENTS.filter(pl.col("event_type") == "view").with_columns(
        unit_price=pl.lit(None, pl.Float64)
    ),
}


@pytest.mark.parametrize("name", SHOPS)
def test_small_shops_are_scored(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = SHOPS[name]
    monkeypatch.setattr(build, "read_events", lambda context, columns: events.select(columns).lazy())
    context = RunContext(shop.AS_OF_DATE, Environment("", "", str(tmp_path)), shop.SETTINGS, "test")
    shop.write_to_lake(context)
    build.build_features(context)
    train_ranker(context)
    fit_generators(context)
    rows = scoring.score_users(scoring.load_scorer(context), list(shop.SHOPPERS))
    assert rows["score"].is_finite().all()
    shoppers = events.filter(pl.col("user_id").is_in(list(shop.SHOPPERS)))["user_id"]
    assert set(rows["user_id"]) == set(shoppers)
    if name in ("no event", "one event", "one item"):
        assert registry.load_ranker(context.lake, context.as_of_date).parts == {}
