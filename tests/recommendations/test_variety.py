import polars as pl
import pytest

from recsys.features.item_space import item_space
from recsys.recommendations.variety import vary
from recsys.settings.variety import VarietySettings

LEAVES = {"m1": "food > milk", "m2": "food > milk", "m3": "food > milk", "b1": "food > bread", "s1": "tools > saw"}
VIEW = pl.DataFrame(
    [(item, leaf, leaf.split(" > ")[0], None) for item, leaf in LEAVES.items()],
    schema={name: pl.String for name in ("item_id", "leaf", "parent", "text_hash")},
    orient="row",
)
SPACE = item_space(VIEW, {})
NOTHING = pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String})


def rows(*items: str, user: str = "u", name: str = "discover", fallbacks: int = 0) -> pl.DataFrame:
    count = len(items)
    return pl.DataFrame(
        {
            "list": name,
            "user_id": user,
            "rank": range(1, count + 1),
            "item_id": items,
            "score": [float(count - place) for place in range(count)],
            "fallback": [None] * (count - fallbacks) + ["trending"] * fallbacks,
        },
        schema_overrides={"rank": pl.Int32, "score": pl.Float32, "fallback": pl.String},
    )


def order(frame: pl.DataFrame, user: str = "u") -> list[str]:
    places = frame.select(pl.int_range(1, pl.len() + 1).over("list", "user_id")).to_series()
    assert frame["rank"].to_list() == places.to_list()
    return frame.filter(pl.col("user_id") == user)["item_id"].to_list()


def varied(frame: pl.DataFrame, bought: pl.DataFrame = NOTHING, **settings: object) -> pl.DataFrame:
    return vary(frame, SPACE, bought, VarietySettings(**{"diversity": (), **settings}))  # type: ignore[arg-type]


def test_an_item_like_those_above_it_gives_way() -> None:
    # After m1: m2 has 2/3 - 9 / 9 * log2(3), s1 0 - 0.
    assert order(varied(rows("m1", "m2", "m3", "s1"), diversity=("discover=9",))) == ["m1", "s1", "m2", "m3"]
    # 2/3 - 3 / 9 * log2(3) is more than 0.
    assert order(varied(rows("m1", "m2", "m3", "s1"), diversity=("discover=3",)))[:2] == ["m1", "m2"]


def test_half_a_likeness_costs_half() -> None:
    # After m1: m2 has 3/4 - 0.6, b1 2/4 - 0.3, s1 0; after both: m2 has 3/4 - 1.5 * 0.76.
    told = varied(rows("m1", "m2", "b1", "m3", "s1"), diversity=("discover=3.4",))
    assert order(told) == ["m1", "b1", "s1", "m2", "m3"]


def test_scores_never_rise_and_nothing_gets_lost() -> None:
    before = rows("m1", "m2", "m3", "s1")
    after = varied(before, diversity=("discover=9",))
    assert after["score"].to_list() == [4.0, 1.0, 1.0, 1.0]
    assert sorted(order(after)) == sorted(order(before))


def test_a_list_without_a_strength_stays_as_it_is() -> None:
    before = pl.concat([rows("m1", "m2", "s1"), rows("m1", "m2", "s1", name="for_you")])
    assert varied(before).equals(before)
    after = varied(before, diversity=("discover=9",))
    assert after.filter(pl.col("list") == "for_you").equals(before.filter(pl.col("list") == "for_you"))


def test_fallbacks_keep_their_places_below() -> None:
    told = varied(rows("m1", "m2", "s1", "b1", fallbacks=2), diversity=("discover=9",))
    assert order(told) == ["m1", "m2", "s1", "b1"]


def test_lists_of_different_lengths_do_not_disturb_each_other() -> None:
    both = pl.concat([rows("m1", "m2", "s1"), rows("m1", user="v")])
    told = varied(both, diversity=("discover=9",))
    assert order(told) == ["m1", "s1", "m2"]
    assert order(told, "v") == ["m1"]


def test_places_below_the_depth_keep_their_order() -> None:
    told = varied(rows("m1", "m2", "m3", "b1", "s1"), diversity=("discover=9",), places=2)
    assert order(told) == ["m1", "s1", "m2", "m3", "b1"]


def test_calibration_gives_each_category_its_share_of_what_was_bought() -> None:
    half = pl.DataFrame({"user_id": ["u", "u"], "item_id": ["m1", "s1"]})
    assert order(varied(rows("m1", "m2", "m3", "s1"), half, calibration=("discover=9",)))[:2] == ["m1", "s1"]
    food = pl.DataFrame({"user_id": ["u", "w"], "item_id": ["m1", "s1"]})
    assert order(varied(rows("m1", "m2", "m3", "s1"), food, calibration=("discover=9",))) == ["m1", "m2", "m3", "s1"]
    assert order(varied(rows("m1", "m2", "m3", "s1"), calibration=("discover=9",))) == ["m1", "m2", "m3", "s1"]


def test_strengths_are_a_list_and_a_number() -> None:
    with pytest.raises(ValueError, match=r"discover=0\.2"):
        VarietySettings(diversity=("discover",))
    with pytest.raises(ValueError, match="negative"):
        VarietySettings(diversity=("discover=-1",))
