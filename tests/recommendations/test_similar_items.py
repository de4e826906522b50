"""Similar items: what follows what, who buys what, whose texts are alike, and their learned blend."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment
from recsys.features.item_content import Content, build_item_content, content_of
from recsys.features.item_traits import traits_of
from recsys.recommendations.similar_behaviour import behaviour_pairs, following, shared_buyers
from recsys.recommendations.similar_blend import CONTROL, FEATURES, even_blend, fit_blend
from recsys.recommendations.similar_content import content_pairs, variant_keys
from recsys.recommendations.similar_items import (
    build_similar_items,
    catalogue_of,
    coded_events,
    next_items,
    similar_rows,
)
from recsys.recommendations.similar_reasons import with_similar_reasons
from recsys.run import RunContext
from recsys.settings.similar import SimilarSettings
from recsys.storage import file_checksum, partition_path, read_partition, write_partition
from tests import known_answer_shop as shop

AS_OF = datetime(2020, 5, 1, tzinfo=timezone.utc)
SETTINGS = SimilarSettings(prior_visits=0.0, shrinkage=0.0)


def events(*rows: tuple[int, int, str, float]) -> pl.DataFrame:
    """user, item, type, days ago; a visit is a user's day."""
    frame = pl.DataFrame(
        [(u, i, kind, f"{u} {int(days)}", AS_OF - timedelta(days=days)) for u, i, kind, days in rows],
        schema={"user": pl.Int32, "item": pl.Int32, "event_type": pl.String, "visit": pl.String,
                "occurred_at": pl.Datetime("us", "UTC")},
        orient="row",
    )  # fmt: skip
    return frame.sort("occurred_at", maintain_order=True)


def content(
    *rows: tuple[str, str, str | None, str | None, float | None], pictures: dict[str, list[float]] | None = None
) -> Content:
    """item_id, leaf, brand, text, price; pictures by item_id, of length 1."""
    names = ("item_id", "leaf", "brand", "item_text", "list_price")
    kinds = (pl.String, pl.String, pl.String, pl.String, pl.Float64)
    view = pl.DataFrame(list(rows), schema=dict(zip(names, kinds, strict=True)), orient="row")
    view = view.with_columns(
        text_hash="item_text", age_days=pl.lit(None, pl.Float32), encoder=pl.lit("none"), parent=pl.lit("")
    )
    held = {name: np.array(vector, "<f4").tobytes() for name, vector in (pictures or {}).items()}
    return content_of(view, {}, 1, held)


def test_what_follows_counts_by_nearness_and_once_a_user() -> None:
    seen = events(
        *[(0, item, "view", 3 - item * 0.01) for item in (0, 1, 2)],
        *[(1, item, "view", day - item * 0.01) for day in (9, 6, 3) for item in (0, 1)],
    )
    told = following(seen, AS_OF, replace(SETTINGS, half_life_days=1e9))
    shares = {row[:2]: row[2] for row in told.iter_rows()}
    assert shares[0, 1] == pytest.approx(2 / 2.5) and shares[0, 2] == pytest.approx(0.5 / 2.5)
    assert shares[2, 1] == pytest.approx(1 / 1.5)


def test_buyers_in_common_and_no_accidents() -> None:
    bought = events(
        *[(u, i, "purchase", 1) for u in range(4) for i in (0, 1)], (0, 2, "purchase", 1), (5, 2, "purchase", 1)
    )
    told = {row[:2]: row[2] for row in shared_buyers(bought, 4, SETTINGS).iter_rows()}
    assert told == {(0, 1): pytest.approx(1.0), (1, 0): pytest.approx(1.0)}


def test_no_events_no_behaviour() -> None:
    assert behaviour_pairs(events(), AS_OF, 3, SETTINGS).is_empty()


ROWS = (
    ("black_tea", "FOOD > TEA", "B", "Black tea, 100 g", 4.0),
    ("black_tea_big", "FOOD > TEA", "B", "Black tea, 250 g", 9.0),
    ("green_tea", "FOOD > TEA", "C", "Green leaf infusion", 4.0),
    ("hammer", "TOOLS > HAMMERS", None, "Claw hammer", 15.0),
    ("silent", "", None, None, None),
)


def test_content_puts_category_brand_and_words_together() -> None:
    every = np.arange(len(ROWS), dtype=np.int32)
    pairs = content_pairs(traits_of(content(*ROWS)), every, every, replace(SETTINGS, pool=4))
    order = pairs.sort("item", "likeness", descending=[False, True]).filter(pl.col("item") == 0)["other"].to_list()
    assert order[:2] == [1, 2] and 0 not in order
    likeness = {row[:2]: row[2] for row in pairs.iter_rows()}
    assert likeness[4, 0] == 0.0 and likeness[0, 1] == likeness[1, 0]


LOOKS = {"black_tea": [1.0, 0.0], "green_tea": [0.6, 0.8], "silent": [0.6, 0.8]}


def test_pictures_make_items_alike_and_are_known_of_some() -> None:
    every = np.arange(len(ROWS), dtype=np.int32)
    plain, seen = (traits_of(content(*ROWS, pictures=held)).likeness(every, every) for held in ({}, LOOKS))
    tea = (0, 2)
    traits_alone = seen[tea] - 0.6 / 2
    assert traits_alone == pytest.approx(0.5, abs=0.06) and seen[tea] > plain[tea]
    assert seen[4, 0] == pytest.approx(0.6) and seen[4, 2] == pytest.approx(1.0)
    assert seen[0, 1] == plain[0, 1] and seen[4, 3] == plain[4, 3] == 0


@pytest.mark.parametrize("pictures", [{}, LOOKS])
def test_paired_likeness_is_that_of_the_grid(pictures: dict[str, list[float]]) -> None:
    traits, every = traits_of(content(*ROWS, pictures=pictures)), np.arange(len(ROWS), dtype=np.int32)
    left, right = np.repeat(every, 5), np.tile(every, 5)
    assert np.allclose(traits.likeness(every, every).ravel(), traits.likeness_of_pairs(left, right), atol=1e-6)


def test_sizes_packs_and_colours_are_variants_of_one_product() -> None:
    titles = [
        "Black tea, 100 g",
        "black tea 2 x 250 g",
        "Green tea, 100 g",
        "T-shirt red XL",
        "T-shirt blue S",
        "500 ml",
        None,
    ]
    frame = pl.DataFrame({"item_text": titles}).with_columns(leaf=pl.lit("X"), brand=pl.lit("B"))
    first, second, third, shirt, other_shirt, size_alone, nothing = variant_keys(frame)
    assert first == second != third and shirt == other_shirt
    assert size_alone is None and nothing is None


def test_the_blend_learns_which_kind_foretells_and_holds_bestsellers_down() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: rng.random(4_000) for name in FEATURES})
    chance = 1 / (1 + np.exp(6 - 4 * frame["likeness"].to_numpy() - 4 * frame[CONTROL].to_numpy()))
    labels = rng.random(4_000) < chance
    blends = [
        fit_blend(frame, labels, replace(SETTINGS, min_labels=100, popularity=share)) for share in (0.0, 0.5, 1.0)
    ]
    none, half, all_ = (dict(zip(FEATURES, blend.weights, strict=True)) for blend in blends)
    assert none["likeness"] == all_["likeness"] > 3 * abs(none["shared"])
    assert none[CONTROL] == 0.0 and half[CONTROL] == all_[CONTROL] / 2 > 0


def test_too_little_to_learn_from_leaves_both_kinds_even() -> None:
    frame = pl.DataFrame({name: [0.0, 1.0] for name in FEATURES})
    assert fit_blend(frame, np.array([True, False]), SETTINGS).weights.tolist() == even_blend().weights.tolist()


def test_next_items_of_a_visit() -> None:
    seen = events((0, 5, "view", 2.0), (0, 6, "view", 2.0), (0, 7, "view", 2.0 - 0.01), (1, 8, "view", 2.0))
    seen = seen.with_columns(visit=pl.col("user").cast(pl.String))
    assert set(next_items(seen).rows()) == {(5, 6), (6, 5), (5, 7), (6, 7)}


@pytest.mark.parametrize(("rule", "expected"), [("keep", [1, 2, 3]), ("one", [1, 3]), ("drop", [3])])
def test_variants_are_kept_thinned_or_dropped(rule: str, expected: list[int]) -> None:
    day = content(
        ("a", "T", "B", "Black tea, 100 g", 4.0), ("b", "T", "B", "Black tea, 200 g", 8.0),
        ("c", "T", "B", "Black tea, 300 g", 12.0), ("d", "T", "C", "Green leaf", 4.0),
    )  # fmt: skip
    seen = events(*[(u, 0, "view", 1) for u in range(3)])
    rows, _ = similar_rows(
        seen, catalogue_of(day, pl.Series([], dtype=pl.String)), AS_OF, replace(SETTINGS, variants=rule)
    )
    assert rows.filter(pl.col("rank").is_not_null()).sort("rank")["other"].to_list() == expected


def test_reasons_are_facts() -> None:
    items = content(*ROWS).items
    rows = pl.DataFrame(
        {
            "item": [0, 0, 0, 0],
            "other": [1, 2, 3, 4],
            "behaviour": [0.0, 0.5, 0.5, 0.0],
            "followed": [0.0, 0.5, 0.0, 0.0],
        },
        schema_overrides={"item": pl.Int32, "other": pl.Int32},
    )
    told = dict(with_similar_reasons(rows, items).select("other_item_id", "reason_text").iter_rows())
    assert told == {
        "black_tea_big": "Same type, same brand, 125 % dearer",
        "green_tea": "Viewed by the same people; same type, same price",
        "hammer": "Bought by the same people",
        "silent": "It reads or looks alike",
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunContext, str]:
    folder = tmp_path_factory.mktemp("lake")
    settings = replace(shop.SETTINGS, content=replace(shop.SETTINGS.content, encoder="none"))
    context = RunContext(shop.AS_OF_DATE, Environment("", "", str(folder)), settings, "test")
    shop.write_to_lake(context)
    build_item_content(context)
    build_similar_items(context)
    return context, checksum(context)


def checksum(context: RunContext) -> str:
    return file_checksum(context.lake, partition_path("similar_items", as_of_date=context.as_of_date))


def test_the_shop_gets_similar_items_that_may_be_shown(built: tuple[RunContext, str]) -> None:
    rows = read_partition(built[0].lake, schemas.SIMILAR_ITEMS, as_of_date=shop.AS_OF_DATE)
    assert not set(rows["other_item_id"]) & {shop.RETIRED, shop.SOLD_OUT}
    best = rows.filter(pl.col("behaviour_rank") == 1).select("item_id", "other_item_id")
    assert dict(best.iter_rows())["coffee"] == "filters"
    ranks = rows.drop_nulls("rank").group_by("item_id").agg(pl.col("rank").max(), pl.len().alias("places"))
    assert ranks.filter(pl.col("rank") != pl.col("places")).is_empty()


@pytest.mark.parametrize("counted", [False, True])
def test_what_nobody_buys_any_more_is_no_partner_unless_it_is_counted(tmp_path: Path, counted: bool) -> None:
    settings = replace(shop.SETTINGS, content=replace(shop.SETTINGS.content, encoder="none"))
    context = RunContext(shop.AS_OF_DATE, Environment("", "", str(tmp_path)), settings, "test")
    shop.write_to_lake(context)
    for ago in range(1, 71):
        day = shop.AS_OF_DATE - timedelta(days=ago)
        sold = read_partition(context.lake, schemas.EVENTS, date=day).filter(pl.col("item_id") != "filters")
        write_partition(context.lake, schemas.EVENTS, sold, date=day)
    stock = shop.stock().filter((pl.col("item_id") != "filters") | pl.lit(counted))
    write_partition(context.lake, schemas.STOCK, stock, as_of_date=shop.AS_OF_DATE)
    build_item_content(context)
    build_similar_items(context)
    rows = read_partition(context.lake, schemas.SIMILAR_ITEMS, as_of_date=shop.AS_OF_DATE)
    assert ("filters" in set(rows["other_item_id"])) == counted


def test_same_day_same_bytes(built: tuple[RunContext, str]) -> None:
    build_similar_items(built[0])
    assert checksum(built[0]) == built[1]


@pytest.mark.parametrize(("time_zone", "visits"), [("UTC", 2), ("America/New_York", 1)])
def test_a_visit_without_a_session_is_a_day_of_the_shop(time_zone: str, visits: int) -> None:
    late = datetime(2020, 4, 20, 23, 50, tzinfo=timezone.utc)
    seen = pl.LazyFrame({
        "user_id": "ann",
        "item_id": ["a", "b"],
        "event_type": "view",
        "session_id": pl.Series([None, None], dtype=pl.String),
        "occurred_at": [late, late + timedelta(minutes=20)],
    })  # fmt: skip
    shown = content(("a", "leaf", None, None, None), ("b", "leaf", None, None, None))
    coded = coded_events(seen, shown, late - timedelta(days=1), time_zone)
    assert coded["visit"].n_unique() == visits
