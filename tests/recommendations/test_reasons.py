import polars as pl
import pytest

from recsys.recommendations.reasons import FACTS, add_reasons

ITEMS = pl.DataFrame(
    {
        "item_id": ["milk", "butter", "pizza", "mystery"],
        "title": ["Milk, 1 l", "Butter", "Pizza Margherita", None],
        "category_path": ["FOOD > DAIRY", "FOOD > DAIRY", "FOOD > FROZEN PIZZA", None],
    }
)
BOUGHT = pl.DataFrame({"user_id": ["u"], "item_id": ["milk"], "times": [2]})
ROW = {
    "user_id": "u",
    "item_id": "pizza",
    "generator": "als",
    "anchor_item_id": None,
    "fallback": None,
    "purchases": 0.0,
    "last_purchase_days": None,
    "usual_gap_days": None,
}
TYPES = {
    "anchor_item_id": pl.String,
    "fallback": pl.String,
    "last_purchase_days": pl.Float32,
    "usual_gap_days": pl.Float32,
}


def reason(**changes: object) -> tuple[str, str]:
    rows = pl.DataFrame([ROW | changes], schema_overrides=TYPES)
    return add_reasons(rows, ITEMS, BOUGHT).select("reason_code", "reason_text").row(0)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"purchases": 5.0, "last_purchase_days": 11.6, "usual_gap_days": 14.2},
            ("bought_before", "You bought this 5 times, last 12 days ago; usually bought again after 14 days"),
        ),
        (
            {"purchases": 1.0, "last_purchase_days": 0.4, "usual_gap_days": 14.0},
            ("bought_before", "You bought this yesterday"),
        ),
        ({"purchases": 2.0}, ("bought_before", "You bought this 2 times")),
        ({"anchor_item_id": "milk"}, ("because_you_bought", "Because you bought Milk, 1 l")),
        ({"anchor_item_id": "butter"}, ("because_of_interest", "Because of your interest in Butter")),
        ({"anchor_item_id": "pizza", "generator": "buy_again"}, ("for_you", "Fits what you did so far")),
        (
            {"anchor_item_id": "mystery", "generator": "trending"},
            ("trending", "Popular with all users right now"),
        ),
        (
            {"generator": "category_popular"},
            ("popular_in_category", "Popular in FROZEN PIZZA"),
        ),
        (
            {"generator": "category_popular", "item_id": "butter"},
            ("popular_in_category", "Popular in DAIRY, where you buy Milk, 1 l"),
        ),
        ({"generator": "category_popular", "item_id": "mystery"}, ("for_you", "Fits what you did so far")),
        ({"generator": "als"}, ("similar_users", "Chosen by users whose history resembles yours")),
        (
            {"generator": "segment", "fallback": "segment"},
            ("segment", "Popular with users of your group right now"),
        ),
    ],
)
def test_the_sentence_says_what_the_row_knows(changes: dict[str, object], expected: tuple[str, str]) -> None:
    assert reason(**changes) == expected


def test_rows_keep_their_order_and_their_columns() -> None:
    rows = pl.DataFrame([ROW | {"item_id": item} for item in ("pizza", "mystery", "milk")], schema_overrides=TYPES)
    result = add_reasons(rows, ITEMS, BOUGHT)
    assert result.columns == [*ROW, "reason_code", "reason_text"]
    assert result["item_id"].to_list() == ["pizza", "mystery", "milk"]


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"purchases": 2.0, "item_id": "butter", "anchor_item_id": "milk"}, "butter"),
        ({"anchor_item_id": "milk"}, "milk"),
        ({"anchor_item_id": "mystery"}, None),
        ({"generator": "category_popular", "item_id": "butter"}, "milk"),
        ({"generator": "category_popular"}, None),
        ({"generator": "segment", "fallback": "segment", "anchor_item_id": "milk"}, None),
    ],
)
def test_the_anchor_is_the_item_that_the_sentence_names(changes: dict[str, object], anchor: str | None) -> None:
    rows = pl.DataFrame([ROW | changes], schema_overrides=TYPES)
    assert add_reasons(rows, ITEMS, BOUGHT)["anchor_item_id"].to_list() == [anchor]


def test_facts_are_as_whole_as_the_sentence_names_them() -> None:
    known = {"purchases": 5.0, "last_purchase_days": 11.6, "usual_gap_days": 14.2}
    rows = pl.DataFrame([ROW | known, ROW | {"usual_gap_days": 14.2}], schema_overrides=TYPES)
    assert add_reasons(rows, ITEMS, BOUGHT).select(FACTS).rows() == [(5, 12, 14), (None, None, None)]


def test_an_empty_catalogue_still_gives_a_reason() -> None:
    rows = pl.DataFrame([ROW | {"anchor_item_id": "milk"}], schema_overrides=TYPES)
    result = add_reasons(rows, ITEMS.clear(), BOUGHT.clear())
    assert result["reason_code"].to_list() == ["similar_users"]
