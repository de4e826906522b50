"""Repeat purchases: rhythms of a shop of literal rows, and probabilities that come true on a made one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from recsys.features.history import History
from recsys.features.views import build_views
from recsys.models.repeat_purchase import (
    PAIR_FACTS,
    USER_FACTS,
    RepeatPurchase,
    chances,
    fit_repeat_purchase,
    repeat_facts,
)
from recsys.settings.repeat import RepeatSettings
from tests.literal_history import AS_OF, evenings, history_of

ITEMS = pl.DataFrame({"item_id": ["milk", "sofa"], "category_path": ["FOOD", "HOME"]})


WEEKLY = [("ann", "milk", 7.0 * n + 3) for n in range(8)]
HISTORY = history_of(
    [*WEEKLY, ("bob", "milk", 30.0), ("bob", "sofa", 40.0), ("cat", "milk", 5.0), ("cat", "milk", 15.0)], ITEMS
)


def fitted(history: History = HISTORY, **changes: float) -> RepeatPurchase:
    return fit_repeat_purchase(history, 365, replace(RepeatSettings(), **changes), 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("history", [HISTORY, evenings("UTC"), evenings("America/New_York")])
def test_facts_are_those_of_the_views(history: History) -> None:
    views = build_views(history)
    told = views.pairs.join(views.users, on="user").select("user", "item", *PAIR_FACTS, *USER_FACTS)
    assert repeat_facts(history).equals(told.sort("user", "item"))


@pytest.mark.parametrize(("time_zone", "days"), [("UTC", [2, 1]), ("America/New_York", [1, 2])])
def test_repeats_are_of_days_of_the_shop(time_zone: str, days: list[int]) -> None:
    assert repeat_facts(evenings(time_zone))["ui_days"].to_list() == days


def test_the_next_purchase_is_due_after_the_usual_gap() -> None:
    """ann buys milk each 7 days, cat after 10: the item's usual gap is 8.5. Nobody bought a sofa twice."""
    due = dict(
        zip(["ann milk", "bob milk", "bob sofa", "cat milk"], fitted().due_in(repeat_facts(HISTORY)), strict=True)
    )
    assert due["ann milk"] == pytest.approx((49 + 8.5) / 8 - 3, abs=0.01)
    assert due["bob milk"] == pytest.approx(8.5 - 30, abs=0.01)
    assert due["cat milk"] == pytest.approx((10 + 8.5) / 2 - 5, abs=0.01)
    assert np.isnan(due["bob sofa"])


def test_the_modified_rate_peaks_when_the_next_purchase_is_due() -> None:
    """Read at once after a purchase, when the next is due, and long after: low, high, low again."""
    model = fitted()
    facts = repeat_facts(HISTORY).head(1)
    at = {}
    for last in (0.0, 7.0, 60.0):
        moved = facts.with_columns(ui_last=pl.lit(last), ui_first=pl.lit(49.0 + last))
        at[last] = float(chances(moved, model)[1][0])
    assert at[0.0] < at[7.0] > at[60.0]


def test_too_few_repeats_tell_no_probability() -> None:
    assert np.isnan(fitted().probabilities(repeat_facts(HISTORY))).all()


def test_probabilities_come_true_and_survive_the_registry() -> None:
    """600 users with a rate each: the told chances add up to the purchases of the following days."""
    rng = np.random.default_rng(5)
    rates = rng.gamma(0.7, 0.06, 600)
    ages = [(f"u{u:03d}", rng.uniform(-14, 150, rng.poisson(rate * 164))) for u, rate in enumerate(rates)]
    lines = [(user, "milk", float(age)) for user, times in ages for age in times]
    model = fitted(history_of([line for line in lines if line[2] >= 0]), min_labels=50)
    history = history_of([line for line in lines if line[2] >= 0])
    facts = repeat_facts(history)
    later = {line[0] for line in lines if line[2] < 0}
    came = np.array([history.users[user] in later for user in facts["user"]])
    told = model.probabilities(facts)
    assert told.sum() == pytest.approx(came.sum(), rel=0.12)
    order = np.argsort(told)
    assert came[order[-100:]].mean() > 3 * came[order[:100]].mean()
    again = RepeatPurchase.from_arrays(model.arrays(), model.settings)
    assert np.array_equal(again.probabilities(facts), told)


def rhythmic(rng: np.random.Generator, ahead: float = 14.0) -> list[tuple[str, str, float]]:
    """400 users who buy three of ten items each, in gaps of their own that hardly vary; ages below 0 are to come."""
    lines = []
    for user in range(400):
        for item in rng.choice(10, 3, replace=False):
            gap = rng.uniform(8, 40)
            age = 200 - rng.uniform(0, gap)
            while age > -ahead:
                lines.append((f"u{user:03d}", f"i{item}", float(age)))
                age -= rng.gamma(4, gap / 4)
    return lines


def told_and_found(lines: list[tuple[str, str, float]], apart: list[date]) -> tuple[float, float]:
    history = history_of([line for line in lines if line[2] >= 0])
    facts = repeat_facts(history)
    later = {line[:2] for line in lines if line[2] < 0}
    came = [(history.users[user], history.items[item]) in later for user, item in facts.select("user", "item").rows()]
    model = fit_repeat_purchase(history, 365, RepeatSettings(), 1, apart=apart)
    return float(model.probabilities(facts).mean()), float(np.mean(came))


def test_the_rush_of_a_great_sale_is_not_expected_again() -> None:
    """Five days ago everybody bought six items more: the days to come were told twice what came of them."""
    rng = np.random.default_rng(2)
    lines = rhythmic(rng)
    for user in range(400):
        lines += [(f"u{user:03d}", f"i{item}", 5.5) for item in rng.choice(10, 6, replace=False)]
    told, found = told_and_found(lines, [(AS_OF - timedelta(days=5.5)).date()])
    assert told == pytest.approx(found, rel=0.15)


def test_chances_are_learnt_from_the_days_before_a_long_closure() -> None:
    """Sixteen days closed, whose buyers come afterwards: the last fourteen days hold no purchase to learn from."""
    lines = [(*line[:2], -1.0 if 0 <= line[2] <= 16 else line[2]) for line in rhythmic(np.random.default_rng(3))]
    told, found = told_and_found(lines, [AS_OF.date() - timedelta(days=back) for back in range(1, 17)])
    assert told == pytest.approx(found, rel=0.15)
