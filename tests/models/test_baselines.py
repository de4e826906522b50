"""Baselines on a handful of purchases."""

from __future__ import annotations

import polars as pl

from recsys.features.history import weights
from recsys.models.baselines import decayed_frequency, popularity
from recsys.settings.data import InteractionSettings
from tests.literal_history import history_of

HISTORY = history_of(
    [
        ("ann", "bread", 20.0),
        *(("ann", item, 10.0) for item in ("bread", "apples", "beer", "coffee")),
        ("ann", "dates", 9.0),
        ("bob", "coffee", 5.0),
        *(("eve", item, 5.0) for item in ("beer", "coffee")),
    ]
)


def list_of(user_id: str, half_life_days: float) -> list[str]:
    user = HISTORY.users.to_list().index(user_id)
    own = decayed_frequency(weights(HISTORY, InteractionSettings(), half_life_days)).filter(user=user)
    return HISTORY.items.gather(own.sort("score", descending=True)["item"]).to_list()


def test_equal_weights_go_to_what_others_buy() -> None:
    assert list_of("ann", 90.0) == ["bread", "dates", "coffee", "beer", "apples"]
    assert list_of("eve", 90.0) == ["coffee", "beer"]


def test_with_a_short_half_life_the_newest_comes_first() -> None:
    assert list_of("ann", 1.0) == ["dates", "bread", "coffee", "beer", "apples"]


def test_popularity_is_the_weight_over_all_users() -> None:
    told = popularity(weights(HISTORY, InteractionSettings(), 90.0))
    assert HISTORY.items.gather(told["item"]).to_list() == ["coffee", "beer", "bread", "dates", "apples"]
    assert told["score"].is_sorted(descending=True)
    assert told.schema["score"] == pl.Float64
