from datetime import date, datetime, timezone

import polars as pl

from recsys.recommendations.rules import (
    blocked_items,
    bought_lately,
    drop_blocked,
    limit_per_category,
    rules_switched_off,
    unsold_items,
    users_with_consent,
)
from recsys.schemas import ITEMS, STOCK, USERS
from recsys.settings.lists import RulesSettings

AS_OF = datetime(2020, 3, 1, tzinfo=timezone.utc)
NO_ITEMS = pl.DataFrame(ITEMS.arrow_schema.empty_table())
NO_STOCK = pl.DataFrame(STOCK.arrow_schema.empty_table())
NO_USERS = pl.DataFrame(USERS.arrow_schema.empty_table())


def at(day: int) -> datetime:
    return datetime(2020, 3, day, tzinfo=timezone.utc)


def items() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "item_id": ["gone", "goes later", "stays", "not yet"],
            "retired_at": [at(1), at(2), None, None],
            "launched_at": [None, None, at(1), at(2)],
        }
    )


def stock() -> pl.DataFrame:
    return pl.DataFrame({"item_id": ["stays", "goes later"], "on_hand": [0.0, 3.0]})


def test_retired_unlaunched_and_sold_out_items_are_blocked_with_their_rule() -> None:
    blocked = blocked_items(items(), stock(), AS_OF, RulesSettings())
    assert blocked.rows() == [("gone", "retired"), ("not yet", "retired"), ("stays", "out_of_stock")]


def test_a_collection_that_is_over_is_gone_and_a_slow_seller_is_not() -> None:
    days = {"spring": range(200, 240, 2), "slow": range(100, 400, 90), "now": range(1, 30), "once": [57]}
    sold = [(item, age) for item in days for age in days[item]]
    heard = pl.DataFrame(sold, schema=["item_id", "age"], orient="row")
    assert unsold_items(heard, 56).to_list() == ["spring"]
    assert unsold_items(heard.clear(), 56).is_empty()


def test_a_rule_that_is_off_blocks_nothing() -> None:
    rules = RulesSettings(drop_out_of_stock=False, drop_retired=False)
    assert blocked_items(items(), stock(), AS_OF, rules).is_empty()


def test_empty_tables_block_nothing() -> None:
    assert blocked_items(NO_ITEMS, NO_STOCK, AS_OF, RulesSettings()).is_empty()


def test_blocked_items_leave_and_the_order_stays() -> None:
    rows = pl.DataFrame({"item_id": ["c", "a", "b"], "score": [3, 2, 1]})
    blocked = pl.DataFrame({"item_id": ["a", "a"], "rule": ["retired", "out_of_stock"]})
    assert drop_blocked(rows, blocked).rows() == [("c", 3), ("b", 1)]


def test_bought_lately_holds_for_slow_items_only() -> None:
    rows = pl.DataFrame(
        {
            "last_purchase_days": [2.0, 4.0, 0.5, None, 1.0],
            "usual_gap_days": [30.0, 30.0, 7.0, 30.0, None],
        }
    )
    rules = RulesSettings(gap_share=0.1, min_gap_days=21.0)
    assert rows.select(bought_lately(rules)).to_series().to_list() == [True, False, False, False, False]


def test_the_category_limit_counts_within_each_list_of_each_user() -> None:
    rows = pl.DataFrame(
        {
            "list": ["for_you"] * 4 + ["discover"],
            "user_id": ["u", "u", "u", "v", "u"],
            "item_id": ["a1", "a2", "b1", "a2", "a2"],
        }
    )
    categories = pl.DataFrame(
        {"item_id": ["a1", "a2", "b1"], "category_path": ["x > other", "x > other", "y > other"]},
    )
    kept = limit_per_category(rows, categories, 1)
    assert kept.rows() == [
        ("for_you", "u", "a1"),
        ("for_you", "u", "b1"),
        ("for_you", "v", "a2"),
        ("discover", "u", "a2"),
    ]


def test_items_without_a_category_are_not_limited() -> None:
    rows = pl.DataFrame({"list": ["l", "l"], "user_id": ["u", "u"], "item_id": ["a", "b"]})
    categories = pl.DataFrame(
        {"item_id": ["a"], "category_path": [None]}, schema_overrides={"category_path": pl.String}
    )
    assert limit_per_category(rows, categories, 1).height == 2


def test_consent_is_needed_where_the_shop_tells_of_it() -> None:
    users = pl.DataFrame({"user_id": ["yes", "no"], "consent": [True, False]})
    everybody = ["erased", "no", "yes"]
    assert users_with_consent(everybody, users, RulesSettings()) == ["yes"]
    assert users_with_consent(everybody, users, RulesSettings(require_consent=False)) == everybody
    assert users_with_consent(everybody, NO_USERS, RulesSettings()) == everybody


def test_rules_without_their_table_are_named() -> None:
    assert rules_switched_off(NO_ITEMS, NO_STOCK, NO_USERS, RulesSettings()) == [
        "retired",
        "category_limit",
        "out_of_stock",
        "consent",
    ]
    one_count = pl.DataFrame({"item_id": ["a"], "snapshot_date": [date(2020, 2, 29)], "on_hand": [1.0]})
    assert "out_of_stock" not in rules_switched_off(NO_ITEMS, one_count, NO_USERS, RulesSettings())
