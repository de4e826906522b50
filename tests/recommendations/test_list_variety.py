import numpy as np
import polars as pl
import pytest

from recsys.features.item_space import item_space
from recsys.recommendations.list_variety import gini, summarise_variety, variety_of

VIEW = pl.DataFrame(
    [("a", "x > y", "x", None), ("b", "x > y", "x", None), ("c", "x > z", "x", None), ("d", "w", "", None)],
    schema={name: pl.String for name in ("item_id", "leaf", "parent", "text_hash")},
    orient="row",
)
SPACE = item_space(VIEW, {})
KNOWN = pl.DataFrame({"item_id": ["a", "b", "c", "d", "gone"], "users": [3, 1, 0, 0, 3]}).with_columns(
    offered=pl.col("item_id") != "gone"
)


def lists(*rows: tuple[str, str, int, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["list", "user_id", "rank", "item_id"], orient="row")


SHOWN = lists(
    ("for_you", "u", 1, "a"),
    ("for_you", "u", 2, "b"),
    ("for_you", "u", 3, "c"),
    ("for_you", "v", 1, "a"),
    ("for_you", "v", 11, "d"),
)


def told(rows: pl.DataFrame) -> dict[str, float]:
    return dict(rows.filter(pl.col("list") == "for_you").select("metric", "value").iter_rows())


def test_variety_of_known_lists() -> None:
    found = told(summarise_variety([variety_of(SHOWN, SPACE)], KNOWN, 3))
    # u: a-b share the leaf (0), a-c and b-c the parent (0.5 each); v has one item and no pair.
    assert found["intra_list_distance@10"] == pytest.approx(1 / 3)
    thirds = -(2 / 3 * np.log2(2 / 3) + 1 / 3 * np.log2(1 / 3))
    assert found["category_entropy@10"] == pytest.approx(thirds / 2)
    assert found["coverage@10"] == 3 / 4
    # Shown 0, 1, 1, 2 times: (-3 * 0 - 1 * 1 + 1 * 1 + 3 * 2) / (4 * 4).
    assert found["gini@10"] == pytest.approx(0.375)
    assert found["novelty@10"] == pytest.approx((2 * 0 + 1 + 2) / 4)


def test_items_of_one_text_are_at_no_distance() -> None:
    """The vector's length rounds to more than 1."""
    vector = np.array([0.6, 0.8], np.float32) * np.float32(1 + 1e-6)
    view = VIEW.head(2).with_columns(text_hash=pl.lit("same"))
    found = told(summarise_variety([variety_of(SHOWN.head(2), item_space(view, {"same": vector.tobytes()}))], KNOWN, 1))
    assert found["intra_list_distance@10"] == 0


def test_shards_add_up_to_the_whole() -> None:
    parts = [variety_of(SHOWN.filter(pl.col("user_id") == user), SPACE) for user in ("v", "u")]
    assert summarise_variety(parts, KNOWN, 3).equals(summarise_variety([variety_of(SHOWN, SPACE)], KNOWN, 3))


def test_lists_without_a_pair_have_no_distance() -> None:
    rows = summarise_variety([variety_of(SHOWN.filter(pl.col("user_id") == "v"), SPACE)], KNOWN, 3)
    assert "intra_list_distance@10" not in told(rows)
    assert told(rows)["category_entropy@10"] == 0


def test_nothing_shown() -> None:
    assert summarise_variety([variety_of(SHOWN.clear(), SPACE)], KNOWN, 3).is_empty()
    assert summarise_variety([], KNOWN, 3).is_empty()


def test_gini_of_extremes() -> None:
    assert gini(np.array([5.0, 5.0, 5.0])) == pytest.approx(0)
    assert gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)
    assert gini(np.zeros(3)) == 0
