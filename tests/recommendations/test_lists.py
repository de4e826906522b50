import polars as pl

from recsys.recommendations.lists import SCORED, build_lists
from recsys.settings.lists import RulesSettings

ITEMS = pl.DataFrame({"item_id": [], "category_path": []}, schema={"item_id": pl.String, "category_path": pl.String})
SEGMENTS = pl.DataFrame({"user_id": ["u", "new"], "segment": ["s", "s"]})
POPULAR = pl.DataFrame(
    {
        "segment": ["s", "s", None, None, None],
        "item_id": ["p", "q", "p", "r", "t"],
        "score": [2.0, 1.0, 9.0, 8.0, 7.0],
        "rank": [1, 2, 1, 2, 3],
    }
)
NO_LISTS = pl.DataFrame(schema={"list": pl.String, "user_id": pl.String})
NO_BLOCKS = pl.DataFrame(schema={"item_id": pl.String, "rule": pl.String})


def scored(*rows: dict[str, object]) -> pl.DataFrame:
    base = {"user_id": "u", "generator": "als", "purchases": 0.0}
    return pl.DataFrame([base | row for row in rows], schema=SCORED)


def lists(candidates: pl.DataFrame, length: int = 3, cold: pl.DataFrame = NO_LISTS, **changes: object) -> pl.DataFrame:
    bought = changes.pop("bought", ["b"])
    pairs = pl.DataFrame({"user_id": "u", "item_id": bought}, schema={"user_id": pl.String, "item_id": pl.String})
    blocked = changes.pop("blocked", NO_BLOCKS)
    items = changes.pop("items", ITEMS)
    rules = RulesSettings(list_length=length, **changes)
    return build_lists(candidates, cold, SEGMENTS, POPULAR, pairs, blocked, items, rules)


def shown(rows: pl.DataFrame, name: str, user_id: str = "u") -> list[tuple[int, str, str | None]]:
    chosen = rows.filter((pl.col("list") == name) & (pl.col("user_id") == user_id))
    return chosen.select("rank", "item_id", "fallback").rows()


FULL = scored(
    {"item_id": "b", "score": 3.0, "repeat_score": 1.0, "purchases": 2.0},
    {"item_id": "d", "score": 1.0, "discover_score": 5.0},
    {"item_id": "c", "score": 1.0, "discover_score": 2.0},
)


def test_each_list_follows_its_own_score_with_ties_by_item_id() -> None:
    rows = lists(FULL)
    assert shown(rows, "for_you") == [(1, "b", None), (2, "c", None), (3, "d", None)]
    assert shown(rows, "discover") == [(1, "d", None), (2, "c", None), (3, "p", "segment")]
    assert shown(rows, "buy_again") == [(1, "b", None)]


def test_short_lists_are_topped_up_from_the_segment_then_from_everybody() -> None:
    rows = lists(FULL, length=6)
    assert shown(rows, "for_you")[3:] == [(4, "p", "segment"), (5, "q", "segment"), (6, "r", "trending")]
    scores = rows.filter(pl.col("list") == "for_you")["score"].to_list()
    assert scores == [3.0, 1.0, 1.0, 0.0, -1.0, -2.0]


def test_what_was_bought_never_fills_discover() -> None:
    rows = lists(FULL, length=9, bought=["b", "p", "c"])
    assert [item for _, item, _ in shown(rows, "discover")] == ["d", "q", "r", "t"]


def test_a_user_without_history_sees_the_segment_then_everybody() -> None:
    cold = pl.DataFrame({"list": ["for_you"], "user_id": ["new"]})
    rows = lists(FULL, cold=cold)
    assert shown(rows, "for_you", "new") == [(1, "p", "segment"), (2, "q", "segment"), (3, "r", "trending")]
    assert rows.filter(pl.col("user_id") == "new")["score"].to_list() == [-1.0, -2.0, -3.0]
    assert rows.filter(pl.col("user_id") == "new")["generator"].to_list() == ["segment", "segment", "trending"]


def test_blocked_items_are_in_no_list() -> None:
    rows = lists(FULL, blocked=pl.DataFrame({"item_id": ["b", "d"], "rule": ["retired", "out_of_stock"]}))
    assert {"b", "d"}.isdisjoint(rows["item_id"])


def test_an_item_bought_too_lately_does_not_come_back_as_fallback() -> None:
    lately = {"item_id": "p", "score": 9.0, "repeat_score": 9.0, "last_purchase_days": 1.0, "usual_gap_days": 300.0}
    rows = lists(scored(lately, {"item_id": "c", "score": 1.0}), length=9)
    assert "p" not in rows["item_id"].to_list()


def test_a_user_whose_candidates_are_all_refused_still_gets_a_list() -> None:
    rows = lists(FULL, blocked=pl.DataFrame({"item_id": ["b", "c", "d"]}))
    assert shown(rows, "for_you") == [(1, "p", "segment"), (2, "q", "segment"), (3, "r", "trending")]
    assert shown(rows, "buy_again") == []


def test_the_category_limit_holds_across_personal_and_fallback_rows() -> None:
    items = pl.DataFrame({"item_id": ["c", "d", "p"], "category_path": ["x", "x", "x"]})
    rows = lists(FULL, length=4, items=items, max_per_category=1)
    assert [item for _, item, _ in shown(rows, "for_you")] == ["b", "c", "q", "r"]


def test_scores_that_are_no_numbers_leave_the_list() -> None:
    rows = lists(scored({"item_id": "c", "score": float("nan")}, {"item_id": "d", "score": 1.0}), length=1)
    assert shown(rows, "for_you") == [(1, "d", None)]
