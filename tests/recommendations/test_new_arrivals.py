"""The list new_arrivals, and whom to tell of each new item."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.models.cold_items import ColdItems
from recsys.recommendations.new_arrivals import NewDay, new_arrivals
from recsys.recommendations.new_item_audiences import new_item_audiences
from recsys.recommendations.reasons import add_reasons
from recsys.run import RunContext
from recsys.settings.audiences import AudienceSettings
from recsys.settings.lists import RulesSettings
from recsys.settings.new_items import NewItemSettings

NEW = ["bit", "plum", "tart"]
PRIOR = sp.csr_matrix(np.array([[0.0, 0.8, 0.2], [0.5, 0.0, 0.0]], np.float32))
"""apple speaks for plum and tart, drill for bit."""
ITEMS = pl.DataFrame(
    {
        "item_id": ["apple", "drill", *NEW],
        "title": ["Apple", None, "Bit", "Plum", "Tart"],
        "category_path": ["FRUIT", "DRILLS", "DRILLS", "FRUIT", "FRUIT"],
    }
)
NOBODY = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String})
FREE = pl.DataFrame(schema={"item_id": pl.String})


def day(**changes: int) -> NewDay:
    """ann bought two apples, bob a drill and saw an apple."""
    settings = replace(NewItemSettings(map_weight=0.0), **changes)  # type: ignore[arg-type]
    model = ColdItems(NEW, PRIOR, np.zeros((3, 2), np.float32), settings)
    bought = pl.DataFrame({"user": [0, 1], "item": [0, 1], "weight": [2.0, 1.0]})
    seen = pl.DataFrame({"user": [1], "item": [0], "weight": [0.1]})
    kinds = {"user": pl.Int32, "item": pl.Int32, "weight": pl.Float32}
    users, items = pl.Series(["ann", "bob", "cat"]), pl.Series(["apple", "drill"])
    factors = np.zeros((3, 2), np.float32)
    return NewDay(model, users, items, factors, bought.cast(kinds).lazy(), seen.cast(kinds).lazy())  # type: ignore[arg-type]


def shown(users: list[str], bought: pl.DataFrame = NOBODY, blocked: pl.DataFrame = FREE, **changes: int) -> list[tuple]:
    rows = new_arrivals(users, day(**changes), bought, blocked, ITEMS, RulesSettings())
    return rows.select("user_id", "rank", "item_id", "anchor_item_id").rows()


def test_what_is_like_the_own_items_comes_first_and_names_them() -> None:
    assert shown(["ann", "bob"]) == [
        ("ann", 1, "plum", "apple"),
        ("ann", 2, "tart", "apple"),
        ("bob", 1, "bit", "drill"),
        ("bob", 2, "plum", "apple"),
        ("bob", 3, "tart", "apple"),
    ]


def test_rules_hold_and_lists_end() -> None:
    had = pl.DataFrame({"user_id": ["ann"], "item_id": ["plum"]})
    assert shown(["ann"], bought=had) == [("ann", 1, "tart", "apple")]
    assert shown(["ann"], blocked=pl.DataFrame({"item_id": ["tart"]})) == [("ann", 1, "plum", "apple")]
    assert [row[:3] for row in shown(["bob"], list_length=1)] == [("bob", 1, "bit")]


def test_who_may_not_be_addressed_or_has_no_history_gets_none() -> None:
    assert shown([]) == []
    assert shown(["cat", "nobody"]) == []


def test_reasons_name_the_item_alike_where_it_has_a_name() -> None:
    rows = new_arrivals(["ann", "bob"], day(), NOBODY, FREE, ITEMS, RulesSettings())
    bought = NOBODY.with_columns(times=pl.lit(None, pl.Int64))
    told = add_reasons(rows, ITEMS, bought).select("user_id", "item_id", "reason_code", "reason_text").rows()
    assert told[0] == ("ann", "plum", "new_like_yours", "New, and like Apple")
    assert told[2] == ("bob", "bit", "new_in_shop", "New, and fits what you did so far")


AS_OF_DATE = date(2024, 6, 1)
LAUNCHED = pl.DataFrame(
    {"item_id": NEW, "launched_at": [datetime(2024, 5, 20 + n, tzinfo=timezone.utc) for n in range(3)]}
)
NO_CONTACT = pl.DataFrame(schemas.CONTACTS.empty_table())


def context(**changes: float) -> RunContext:
    audiences = replace(AudienceSettings(privacy_floor=2, max_campaigns=2, holdout_share=0.0), **changes)  # type: ignore[arg-type]
    return RunContext(AS_OF_DATE, Environment("", "", "lake"), Settings(audiences=audiences), "test")


def wanted(*rows: tuple[str, str, float]) -> pl.DataFrame:
    frame = pl.DataFrame(list(rows), schema=["user_id", "item_id", "score"], orient="row").cast({"score": pl.Float32})
    return frame.with_columns(pl.lit("x").alias(name) for name in ("reason_code", "reason_text", "model_version"))


MANY = wanted(
    ("ann", "plum", 0.9), ("ann", "tart", 0.5), ("ann", "bit", 0.1),
    ("bob", "plum", 0.4), ("bob", "tart", 0.6), ("cat", "bit", 0.3),
)  # fmt: skip


def test_an_audience_is_ordered_and_no_user_is_in_more_than_a_few() -> None:
    """ann's third item leaves an audience of one user for it, which is too small to be shown."""
    rows, small = new_item_audiences(MANY, LAUNCHED, NO_CONTACT, context())
    told = rows.sort("item_id", "rank").select("item_id", "rank", "user_id").rows()
    assert told == [("plum", 1, "ann"), ("plum", 2, "bob"), ("tart", 1, "bob"), ("tart", 2, "ann")]
    assert small.select("campaign_id", "users").rows() == [("bit", 1)]
    assert rows["launched_on"].unique().sort().to_list() == [date(2024, 5, 21), date(2024, 5, 22)]


def test_who_finds_an_audience_full_is_told_of_the_next_item() -> None:
    """Everybody wants the plum most, whose audience takes two; the others' one place goes to the tart."""
    users = [f"u{number}" for number in range(4)]
    want = [
        (user, item, best - n / 100) for n, user in enumerate(users) for item, best in (("plum", 0.9), ("tart", 0.5))
    ]
    run = context(max_campaigns=1)
    run = replace(run, settings=replace(run.settings, new_items=NewItemSettings(audience_size=2)))
    rows, _ = new_item_audiences(wanted(*want), LAUNCHED, NO_CONTACT, run)
    told = rows.sort("item_id", "rank").select("item_id", "rank", "user_id").rows()
    assert told == [("plum", 1, "u0"), ("plum", 2, "u1"), ("tart", 1, "u2"), ("tart", 2, "u3")]


def test_a_launch_is_of_the_day_that_the_shop_has() -> None:
    midnight = datetime(2024, 5, 22, tzinfo=ZoneInfo("Asia/Shanghai"))
    launched = LAUNCHED.with_columns(launched_at=pl.lit(midnight).dt.convert_time_zone("UTC"))
    run = context()
    there = replace(run, settings=replace(run.settings, time_zone="Asia/Shanghai"))
    rows, _ = new_item_audiences(MANY, launched, NO_CONTACT, there)
    assert rows["launched_on"].unique().to_list() == [date(2024, 5, 22)]


def test_contacts_of_late_count() -> None:
    at = datetime(2024, 5, 30, tzinfo=timezone.utc)
    contacts = pl.DataFrame({"campaign_id": ["a", "b"], "user_id": ["ann", "ann"], "contacted_at": [at, at]})
    rows, _ = new_item_audiences(MANY, LAUNCHED, contacts, context(privacy_floor=1))
    assert "ann" not in rows["user_id"]
    old = contacts.with_columns(pl.col("contacted_at") - timedelta(days=60))
    assert "ann" in new_item_audiences(MANY, LAUNCHED, old, context(privacy_floor=1))[0]["user_id"]


@pytest.mark.parametrize(("share", "kept"), [(0.0, set()), (1.0, {True})])
def test_a_share_is_kept_apart(share: float, kept: set[bool]) -> None:
    rows, _ = new_item_audiences(MANY, LAUNCHED, NO_CONTACT, context(holdout_share=share))
    assert set(rows["holdout"]) == (kept or {False})
