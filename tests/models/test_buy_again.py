"""The user's own items in their order."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import polars as pl
import pytest

from recsys.features.history import weights
from recsys.models.buy_again import fit_buy_again
from recsys.settings.data import InteractionSettings
from tests.literal_history import evenings, history_of

HISTORY = history_of([("ann", "coffee", 10.0), *(("ann", "dates", age) for age in (2.0, 12.0))])


def test_what_is_not_due_yet_is_held_down() -> None:
    """ann buys dates every 10 days: 2 days after the last time they keep 0.5 + 0.5 x 0.2 of their weight."""
    pairs = weights(HISTORY, InteractionSettings(), 90.0)
    own = fit_buy_again(HISTORY, pairs).own.join(pairs, on=["user", "item"])
    shares = dict(zip(HISTORY.items.gather(own["item"]), own["score"] / own["weight"], strict=True))
    assert shares == {"coffee": pytest.approx(1.0, abs=0.01), "dates": pytest.approx(0.6, abs=0.01)}


@pytest.mark.parametrize(("time_zone", "held"), [("UTC", []), ("America/New_York", ["bob"])])
def test_a_gap_lies_between_two_days_of_the_shop(time_zone: str, held: list[str]) -> None:
    """A minute after his second evening bob's milk is not due; where both fall on one day he has no gap."""
    history = evenings(time_zone)
    now = history.events["at"].max()
    assert isinstance(now, datetime)
    history = dataclasses.replace(history, as_of=now + timedelta(minutes=1))
    pairs = weights(history, InteractionSettings(), 90.0)
    own = fit_buy_again(history, pairs).own.join(pairs, on=["user", "item"])
    assert history.users.gather(own.filter(pl.col("score") < 0.999 * pl.col("weight"))["user"]).to_list() == held
