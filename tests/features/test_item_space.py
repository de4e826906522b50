import numpy as np
import polars as pl
import pytest

from recsys.features.item_space import ItemSpace, item_space

ROWS = (
    ("a", "food > milk", "food", "t1"),
    ("b", "food > milk", "food", "t2"),
    ("c", "food > bread", "food", None),
    ("d", "tools > saw", "tools", "t1"),
    ("e", "", "", None),
)
SCHEMA = {name: pl.String for name in ("item_id", "leaf", "parent", "text_hash")}
VIEW = pl.DataFrame(list(ROWS), schema=SCHEMA, orient="row")
HELD = {"t1": np.array([1.0, 0.0], "<f4").tobytes(), "t2": np.array([0.6, 0.8], "<f4").tobytes()}


def likeness(space: ItemSpace, one: str, other: str) -> float:
    told = space.likeness(space.places(pl.Series([one, other]))[None, :])
    assert told.shape == (1, 2, 2) and told[0, 0, 1] == told[0, 1, 0]
    return float(told[0, 0, 1])


def test_likeness_is_the_mean_of_category_and_text() -> None:
    space = item_space(VIEW, HELD)
    assert likeness(space, "a", "b") == pytest.approx((1 + 0.6) / 2)
    assert likeness(space, "a", "d") == pytest.approx((0 + 1) / 2)


def test_what_one_item_lacks_is_left_out() -> None:
    space = item_space(VIEW, HELD)
    assert likeness(space, "a", "c") == pytest.approx(0.5)
    assert likeness(space, "a", "e") == likeness(space, "e", "e") == likeness(space, "a", "unknown") == 0


def test_without_an_encoder_the_category_alone_tells() -> None:
    space = item_space(VIEW, {})
    assert likeness(space, "a", "b") == 1
    assert likeness(space, "a", "c") == 0.5
    assert likeness(space, "a", "d") == 0


def test_a_day_without_items_knows_none() -> None:
    space = item_space(VIEW.clear(), {})
    assert space.places(pl.Series(["a", "b"])).tolist() == [-1, -1]
    assert likeness(space, "a", "b") == 0
