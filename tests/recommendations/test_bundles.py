"""Bundles of the shop whose combinations are known."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from recsys.recommendations.baskets import number_baskets
from recsys.recommendations.bundle_naming import bundle_name, bundle_reason, member_names, telling_word
from recsys.recommendations.bundle_pricing import with_prices
from recsys.recommendations.bundle_rows import bundle_rows, choose_bundles
from recsys.recommendations.bundles import allowed_items, candidate_sets
from recsys.recommendations.item_pairs import mine_pairs, pair_rows
from recsys.recommendations.pair_relations import no_substitutes
from recsys.recommendations.wording import SENTENCES
from recsys.schemas import BUNDLE_ITEMS, BUNDLES
from recsys.settings.combinations import BundleSettings
from tests.recommendations.combination_shop import (
    SETS,
    SETTINGS,
    combination_baskets,
    combination_items,
    no_rules,
    rules,
)

BUNDLE_SETTINGS = BundleSettings()
NO_STOCK = pl.DataFrame(schema={"item_id": pl.String, "on_hand": pl.Float64})
NO_SALES = pl.DataFrame(schema={"item_id": pl.String, "units": pl.Float64})


def make_pairs() -> pl.DataFrame:
    baskets = combination_baskets()
    return pair_rows(
        baskets, combination_items(), mine_pairs(baskets, SETTINGS), no_substitutes(), no_rules(), SETTINGS
    )


def make_bundles(
    stock: pl.DataFrame = NO_STOCK,
    combinations: pl.DataFrame | None = None,
    items: pl.DataFrame | None = None,
    settings: BundleSettings = BUNDLE_SETTINGS,
    language: str = "en",
) -> tuple[pl.DataFrame, pl.DataFrame]:
    baskets, items = combination_baskets(), combination_items() if items is None else items
    allowed = allowed_items(items, stock, NO_SALES, baskets, settings)
    chosen_rules = no_rules() if combinations is None else combinations
    sets = candidate_sets(baskets, make_pairs(), items, allowed, chosen_rules, settings)
    return bundle_rows(sets, baskets, items, allowed, settings, language)


def member_sets(members: pl.DataFrame) -> set[frozenset[str]]:
    return {frozenset(items) for items in members.group_by("bundle_id").agg("item_id")["item_id"].to_list()}


@pytest.fixture(scope="module")
def made() -> tuple[pl.DataFrame, pl.DataFrame]:
    return make_bundles()


def test_planted_sets_come_out_whole_and_nothing_else(made: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    planted = [members for members in SETS.values() if len(members) > 1] + [("candle", "holly")]
    assert sorted(len(members) for members in planted) == [2, 2, 3, 4, 5]
    assert member_sets(made[1]) == {frozenset(members) for members in planted}


@pytest.mark.parametrize("item", ["ink", "paper", "milk", "tea_green", "tea_black", "petrol", "bread_new", "noise00"])
def test_accidents_bestsellers_substitutes_and_thin_items_are_in_no_bundle(
    made: tuple[pl.DataFrame, pl.DataFrame], item: str
) -> None:
    assert item not in set(made[1]["item_id"])


def test_figures_of_the_planted_three(made: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    bundles = made[0].filter(pl.col("size") == 3).to_dicts()
    assert len(bundles) == 1
    assert bundles[0]["baskets"] == 60 and bundles[0]["cohesion"] == 1.0 and bundles[0]["variety"] == 1.0
    assert bundles[0]["lift"] > 10 and bundles[0]["list_price"] == 60.0
    assert "60 baskets" in bundles[0]["reason_text"]


def test_rows_fit_their_tables_and_ids_do_not_depend_on_the_day(made: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    day = pl.lit(date(2024, 1, 1)).alias("as_of_date")
    stamped = made[0].with_columns(day, model_version=pl.lit("v"))
    assert BUNDLES.conform(stamped.to_arrow()).num_rows == made[0].height
    assert BUNDLE_ITEMS.conform(made[1].with_columns(day).to_arrow()).num_rows == made[1].height
    again = make_bundles()
    assert again[0].equals(made[0]) and again[1].equals(made[1])


def test_member_out_of_stock_retired_or_forbidden_never_appears() -> None:
    ids = combination_items()["item_id"]
    stock = pl.DataFrame({"item_id": ids, "on_hand": [0.0 if item == "butter" else 50.0 for item in ids]})
    assert "butter" not in set(make_bundles(stock)[1]["item_id"])
    gone = combination_items().with_columns(
        retired_at=pl.when(pl.col("item_id") == "rope").then(pl.datetime(2023, 6, 1, time_zone="UTC"))
    )
    assert "rope" not in set(make_bundles(items=gone)[1]["item_id"])
    forbidden = rules(("torch", "rope", "forbidden"))
    assert not any({"torch", "rope"} <= members for members in member_sets(make_bundles(combinations=forbidden)[1]))


def test_stock_must_cover_some_days_of_sales() -> None:
    items, baskets = combination_items(), combination_baskets()
    stock = pl.DataFrame({"item_id": ["bread", "butter"], "on_hand": [10.0, 10.0]})
    sales = pl.DataFrame({"item_id": ["bread", "butter"], "units": [56.0, 28.0]})
    allowed = allowed_items(items, stock, sales, baskets, BundleSettings(min_days_of_cover=7.0))
    cover = dict(allowed.rows())
    assert "bread" not in cover and cover["butter"] == 10.0


def test_an_item_without_a_stock_row_is_unknown_not_out_of_stock() -> None:
    stock = pl.DataFrame({"item_id": ["bread"], "on_hand": [10.0]})
    sales = pl.DataFrame({"item_id": ["butter"], "units": [28.0]})
    cover = dict(allowed_items(combination_items(), stock, sales, combination_baskets(), BundleSettings()).rows())
    assert cover["bread"] is None and cover["butter"] is None
    assert frozenset({"bread", "butter"}) in member_sets(make_bundles(stock)[1])


def test_without_a_stock_row_a_collection_that_is_over_is_gone_and_a_slow_seller_is_not() -> None:
    day = date(2024, 1, 1)
    sold = {"spring": range(200, 240, 2), "slow": range(100, 400, 90), "now": range(1, 30)}
    rows = [(f"u{ago}", f"{item}{ago}", item, day - timedelta(days=ago)) for item in sold for ago in sold[item]]
    baskets = number_baskets(pl.DataFrame(rows, schema=["user_id", "basket", "item_id", "day"], orient="row"), day)
    nothing = dict.fromkeys(("retired_at", "launched_at"), pl.lit(None, pl.Datetime("us", "UTC")))
    items = pl.DataFrame({"item_id": list(sold), "category_path": None}).with_columns(**nothing)
    allowed = allowed_items(items, NO_STOCK, NO_SALES, baskets, BUNDLE_SETTINGS)
    assert allowed["item_id"].to_list() == ["now", "slow"]
    counted = pl.DataFrame({"item_id": ["spring"], "on_hand": [10.0]})
    assert "spring" in set(allowed_items(items, counted, NO_SALES, baskets, BUNDLE_SETTINGS)["item_id"])


def test_an_item_not_launched_yet_is_in_no_bundle() -> None:
    later = pl.when(pl.col("item_id") == "rope").then(pl.datetime(2024, 1, 5, time_zone="UTC"))
    assert "rope" not in set(make_bundles(items=combination_items().with_columns(launched_at=later))[1]["item_id"])


def test_variants_of_one_product_are_never_together() -> None:
    alike = combination_items().with_columns(
        title=pl.when(pl.col("item_id").is_in(["bread", "butter"])).then(pl.lit("Spread 250")).otherwise("title"),
        category_path=pl.lit("food"),
        brand=pl.lit("one"),
    )
    assert frozenset({"bread", "butter"}) not in member_sets(make_bundles(items=alike)[1])


@pytest.mark.parametrize(("brand", "together"), [("one", False), (None, True)])
def test_one_brand_makes_the_same_product_in_two_categories(brand: str | None, together: bool) -> None:
    alike = combination_items().with_columns(
        title=pl.when(pl.col("item_id").is_in(["bread", "butter"])).then(pl.lit("Spread 250")).otherwise("title"),
        category_path=pl.when(pl.col("item_id") == "bread").then(pl.lit("food > spreads")).otherwise(pl.lit("food")),
        brand=pl.lit(brand, pl.String),
    )
    assert (frozenset({"bread", "butter"}) in member_sets(make_bundles(items=alike)[1])) is together


def test_members_of_one_title_are_told_apart_by_brand_or_id() -> None:
    assert member_names(["Cola", "Cola", "Chips"], ["Red", None, "Red"], ["a", "b", "c"]) == [
        "Cola (Red)", "Cola (b)", "Chips",
    ]  # fmt: skip
    alike = combination_items().with_columns(
        title=pl.when(pl.col("item_id").is_in(["bread", "butter"])).then(pl.lit("Spread")).otherwise("title"),
        brand=pl.col("item_id"),
    )
    bundles, members = make_bundles(items=alike)
    both = members.group_by("bundle_id").agg(pl.col("item_id").is_in(["bread", "butter"]).sum())
    reasons = bundles.join(both.filter(pl.col("item_id") == 2), on="bundle_id", how="semi")["reason_text"].to_list()
    assert reasons and all("Spread (bread)" in text and "Spread (butter)" in text for text in reasons)


def test_names_and_reasons_of_bundles_stay_short_where_titles_are_long() -> None:
    long = combination_items().with_columns(
        title=pl.col("item_id") + pl.lit(" " + "word " * 2_000), category_path=pl.lit(None, pl.String)
    )
    bundles, _ = make_bundles(items=long)
    assert bundles["name"].str.len_chars().max() < 800  # type: ignore[operator]
    assert bundles["reason_text"].str.len_chars().max() < 800  # type: ignore[operator]


def test_prices_in_a_small_unit_of_money_keep_no_bundle_away() -> None:
    """A basket of dong or rupiah costs millions."""
    dong = combination_items().with_columns(pl.col("list_price", "unit_cost") * 25_000)
    bundles, members = make_bundles(items=dong)
    assert member_sets(members) == member_sets(make_bundles()[1])
    assert bundles["list_price"].min() > 0.5e6 and bundles["list_price"].max() > 1e6  # type: ignore[operator]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_forced_pair_leads_whatever_its_support(language: str) -> None:
    bundles, members = make_bundles(combinations=rules(("noise01", "rope", "forced")), language=language)
    first = bundles.filter(pl.col("rank") == 1).to_dicts()[0]
    assert first["forced"] and first["reason_code"] == "forced"
    own = members.filter(pl.col("bundle_id") == first["bundle_id"]).sort("position")["item_id"].to_list()
    assert set(own) == {"noise01", "rope"}
    titles = dict(combination_items().select("item_id", "title").iter_rows())
    items = " + ".join(titles[item] for item in own)
    assert first["reason_text"] == SENTENCES[language]["bundle_forced"].format(items=items)


def test_a_forced_pair_is_left_out_where_it_is_forbidden_too_or_cannot_be_sold() -> None:
    both = rules(("noise01", "rope", "forced"), ("rope", "noise01", "forbidden"), ("rope", "never_sold", "forced"))
    bundles, _ = make_bundles(combinations=both)
    assert bundles.height == 5 and not bundles["forced"].any()


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        (BundleSettings(max_price=45.0), {2}),
        (BundleSettings(min_price=45.0), {3, 4, 5}),
        (BundleSettings(min_price=60.0, max_price=80.0), {3, 4}),
        (BundleSettings(min_size=3), {3, 4, 5}),
        (BundleSettings(max_size=3), {2, 3}),
        (BundleSettings(min_size=4, max_size=4), {4}),
        (BundleSettings(min_baskets=61), set()),
        (BundleSettings(min_users=61), set()),
    ],
)
def test_sizes_support_and_price_band_are_kept(settings: BundleSettings, sizes: set[int]) -> None:
    assert set(make_bundles(settings=settings)[0]["size"]) == sizes


def test_fewer_baskets_or_users_than_asked_for_keep_the_seasonal_pair_out() -> None:
    seasonal = frozenset({"candle", "holly"})
    assert seasonal in member_sets(make_bundles(settings=BundleSettings(min_baskets=20, min_users=19))[1])
    assert seasonal not in member_sets(make_bundles(settings=BundleSettings(min_baskets=21))[1])
    assert seasonal not in member_sets(make_bundles(settings=BundleSettings(min_users=21))[1])


def test_items_of_excluded_categories_are_in_no_bundle() -> None:
    _, members = make_bundles(settings=BundleSettings(excluded_categories=("CRAFT", "dairy")))
    assert not set(members["item_id"]) & {*SETS[6], "butter"}
    assert set(SETS[4]) <= set(members["item_id"])


@pytest.mark.parametrize(
    "values", [{"min_size": 1}, {"min_size": 4, "max_size": 3}, {"max_size": 6}, {"min_price": 2.0, "max_price": 1.0}]
)
def test_settings_that_contradict_themselves_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="min_"):
        BundleSettings(**values)


def test_near_duplicates_give_way_to_the_better_set() -> None:
    def row(members: str, score: float, baskets: int = 10) -> dict[str, object]:
        return {"members": list(members), "score": score, "bundle_id": members, "forced": False, "baskets": baskets}

    chosen = choose_bundles([row("abc", 3.0), row("ab", 2.0), row("cd", 1.0)], BundleSettings(max_overlap=0.6))
    assert [each["bundle_id"] for each in chosen] == ["abc", "cd"]
    crowded = choose_bundles([row("ab", 3.0), row("ac", 2.0), row("ad", 1.0)], BundleSettings(bundles_per_item=2))
    assert [each["bundle_id"] for each in crowded] == ["ab", "ac"]
    nested = [row("abcde", 3.0, 10), row("ab", 2.0, 12), row("cd", 1.0, 50)]
    assert [each["bundle_id"] for each in choose_bundles(nested, BundleSettings())] == ["abcde", "cd"]


@pytest.mark.parametrize(
    ("list_price", "unit_cost", "cohesion", "discount"),
    [
        (100.0, 10.0, 0.0, 0.15),
        (100.0, 10.0, 1.0, 0.0),
        (100.0, 85.0, 0.0, 0.06),
        (100.0, 99.0, 0.0, 0.0),
        (100.0, None, 0.0, None),
        (None, 10.0, 0.0, None),
    ],
)
def test_discount_falls_with_cohesion_and_stops_at_the_margin_floor(
    list_price: float | None, unit_cost: float | None, cohesion: float, discount: float | None
) -> None:
    frame = pl.DataFrame(
        {"list_price": [list_price], "unit_cost": [unit_cost], "cohesion": [cohesion]},
        schema=dict.fromkeys(("list_price", "unit_cost", "cohesion"), pl.Float64),
    )
    row = with_prices(frame, BundleSettings(max_discount=0.15, min_margin=0.1)).to_dicts()[0]
    assert row["suggested_discount"] == (None if discount is None else pytest.approx(discount))
    if discount:
        assert row["suggested_price"] >= unit_cost * 1.1 - 1e-9
        assert row["suggested_price"] == pytest.approx(100.0 * (1 - discount))


def test_a_price_at_the_margin_floor_is_in_whole_cents() -> None:
    """3.33 less 5 % is 3.1635, the floor 3.16195: 3.16 would lie below it."""
    frame = pl.DataFrame({"list_price": [3.33], "unit_cost": [2.8745], "cohesion": [0.4]})
    row = with_prices(frame, BundleSettings(max_discount=0.15, min_margin=0.1)).to_dicts()[0]
    assert row["suggested_price"] == 3.17


def test_names_say_theme_categories_and_the_shared_word() -> None:
    words = Counter({"camping": 2, "lamp": 1})
    name = bundle_name(["out > light", "out > gas"], ["Camping lamp", "Camping gas"], words, "x")
    assert name == "out: light + gas (camping)"
    chinese = bundle_name(["彩妆 > 口红", "彩妆 > 卸妆油"], ["丝绒 口红A", "丝绒 油B"], Counter(), "x", "zh")
    assert chinese == "彩妆：口红 + 卸妆油"
    assert (
        bundle_name(["彩妆 > 口红", "彩妆 > 腮红"], ["camping A", "camping B"], words, "x", "zh")
        == "彩妆：口红 + 腮红（camping）"
    )
    assert member_names(["面膜", "面膜"], ["谷雨", None], ["1", "2"], "zh") == ["面膜（谷雨）", "面膜（2）"]
    assert bundle_name([None, None], [None, None], words, "A + B") == "A + B"
    assert telling_word(["Camping lamp", "Red rope"], words) == ""
    text = bundle_reason(["A", "B", "C"], 312, 0.12, 4.1)
    assert text == "12.0 % of baskets with A also hold B and C, 4.1 times what chance gives, 312 baskets"
