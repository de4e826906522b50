"""Every sentence of every table, in each language, says only what its row says: the facts are parsed back."""

from __future__ import annotations

import re
import string
from typing import Any

import polars as pl
import pytest

from recsys.config import LANGUAGES, ConfigError, Settings
from recsys.recommendations.audience_reasons import with_audience_reasons
from recsys.recommendations.audience_results import campaign_rows
from recsys.recommendations.bundle_naming import bundle_reason
from recsys.recommendations.pair_reasons import with_reasons as with_pair_reasons
from recsys.recommendations.reasons import add_reasons
from recsys.recommendations.reorder_reasons import with_reasons as with_reorder_reasons
from recsys.recommendations.similar_reasons import with_similar_reasons
from recsys.recommendations.trending_items import with_trend_reasons
from recsys.recommendations.user_bundles import with_user_reasons
from recsys.recommendations.wording import LONGEST_NAME, SENTENCES, tell
from tests.audience_shop import AS_OF

both = pytest.mark.parametrize("language", LANGUAGES)


def parsed(language: str, text: str, *keys: str) -> dict[str, str]:
    """The facts of `text`, which is these sentences one after the other, and nothing else."""
    pattern = "".join(re.escape(SENTENCES[language][key]) for key in keys)
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", pattern)
    found = re.fullmatch(pattern, text)
    assert found is not None, (text, keys)
    return found.groupdict()


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_each_language_has_each_sentence_with_the_same_facts() -> None:
    assert set(SENTENCES) == set(LANGUAGES)
    english = {key: names(text) for key, text in SENTENCES["en"].items()}
    for language in LANGUAGES:
        assert {key: names(text) for key, text in SENTENCES[language].items()} == english
    assert not re.search(r"[A-Za-z]", re.sub(r"\{\w+\}", "", "".join(SENTENCES["zh"].values())))


@both
def test_nothing_is_called_recent_that_may_be_months_ago(language: str) -> None:
    """Lists are made for whoever has a history, however old; these sentences name no day."""
    for key in ("for_you", "new_in_shop"):
        assert not re.search("lately|recent|近期|最近", SENTENCES[language][key])


def test_a_language_without_sentences_is_an_error() -> None:
    with pytest.raises(ConfigError, match="language: 'fr' is none of en, zh"):
        Settings(language="fr")


ITEMS = pl.DataFrame(
    {
        "item_id": ["milk", "butter", "tea"],
        "title": ["Milk, 1 l", "Butter 82 %", None],
        "category_path": ["FOOD > DAIRY", "FOOD > DAIRY", "FOOD > HOT DRINKS"],
    }
)


def listed(language: str, items: pl.DataFrame = ITEMS, **facts: object) -> dict[str, Any]:
    row = {"user_id": "u", "item_id": "tea", "generator": "ease", "anchor_item_id": None, "fallback": None}
    row |= {"purchases": 0.0, "last_purchase_days": None, "usual_gap_days": None} | facts
    kinds = {name: pl.Float32 for name in ("last_purchase_days", "usual_gap_days")}
    frame = pl.DataFrame([row], schema_overrides={**kinds, "anchor_item_id": pl.String, "fallback": pl.String})
    bought = pl.DataFrame({"user_id": ["u"], "item_id": ["milk"], "times": [3]})
    return add_reasons(frame, items, bought, language).row(0, named=True)


@both
@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize(("age", "gap"), [(0.4, None), (0.4, 0.8), (30.2, 14.4), (None, 14.4)])
def test_repeats_name_count_age_and_gap(language: str, count: int, age: float | None, gap: float | None) -> None:
    row = listed(language, purchases=float(count), last_purchase_days=age, usual_gap_days=gap)
    many = count > 1
    keys, expected = ["bought_times" if many else "bought_once"], {}
    if many:
        expected["purchases"] = str(row["purchases"])
    if row["last_purchase_days"] is not None:
        old = row["last_purchase_days"] > 1
        keys.append(("times" if many else "once") + ("_days_ago" if old else "_yesterday"))
        expected |= {"days": str(row["last_purchase_days"])} if old else {}
    if many and row["usual_gap_days"] is not None:
        long = row["usual_gap_days"] > 1
        keys.append("gap_days" if long else "gap_one_day")
        expected |= {"gap": str(row["usual_gap_days"])} if long else {}
    assert parsed(language, row["reason_text"], *keys) == expected


@both
def test_other_rows_of_lists_name_their_anchor_and_their_category(language: str) -> None:
    titles = dict(ITEMS.select("item_id", "title").iter_rows())
    for item, code in (("milk", "because_you_bought"), ("butter", "because_of_interest")):
        row = listed(language, anchor_item_id=item)
        assert row["reason_code"] == code
        assert parsed(language, row["reason_text"], code) == {"anchor": titles[row["anchor_item_id"]]}
    home = listed(language, item_id="butter", generator="category_popular")
    expected = {"category": "DAIRY", "anchor": titles[home["anchor_item_id"]]}
    assert parsed(language, home["reason_text"], "popular_where_you_buy") == expected
    away = listed(language, generator="category_popular")
    assert parsed(language, away["reason_text"], "popular_in_category") == {"category": "HOT DRINKS"}
    named = listed(language, generator="cold_items", anchor_item_id="milk")
    assert parsed(language, named["reason_text"], "new_like_yours") == {"anchor": titles[named["anchor_item_id"]]}
    for code, facts in (
        ("new_in_shop", {"generator": "cold_items"}),
        ("explored", {"generator": "exploration"}),
        ("similar_users", {}),
        ("trending", {"generator": "trending"}),
        ("segment", {"fallback": "segment"}),
        ("for_you", {"generator": "another"}),
    ):
        row = listed(language, **facts)
        assert (row["reason_code"], row["anchor_item_id"]) == (code, None)
        assert parsed(language, row["reason_text"], code) == {}


@both
def test_trends_name_percent_and_segment(language: str) -> None:
    rows = pl.DataFrame({"segment": ["", "family", "", "family"], "above": [1.5, 2.25, 1.0, 0.9]})
    rows = rows.with_columns(expected=pl.lit(40.0), observed=40.0 * pl.col("above"))
    for row in with_trend_reasons(rows, language).iter_rows(named=True):
        expected = {"percent": f"{(row['above'] - 1) * 100:.0f}"} if row["reason_code"] == "rising" else {}
        expected |= {"segment": row["segment"]} if row["segment"] else {}
        key = row["reason_code"] + ("_with" if row["segment"] else "")
        assert parsed(language, row["reason_text"], key) == expected


@both
def test_pairs_name_their_evidence(language: str) -> None:
    borrowed = [("complement", name) for name in ("forced", "text", "category")]
    kinds = [("substitute", "own"), *borrowed, *[("complement", "own")] * 2]
    rows = pl.DataFrame({"relation": [a for a, _ in kinds], "evidence": [b for _, b in kinds]}).with_columns(
        item_id=pl.lit("milk"), other_item_id=pl.lit("tea"), significant=pl.int_range(pl.len()) == 4,
        confidence=pl.lit(0.1234), baskets=pl.lit(40), users=pl.lit(31), expected_baskets=pl.lit(8.0),
    )  # fmt: skip
    told = with_pair_reasons(rows, ITEMS, language)
    every = {"item": "Milk, 1 l", "share": "12.3", "baskets": "40", "expected": "8.0", "users": "31"}
    for row in told.iter_rows(named=True):
        key = f"pair_{row['reason_code']}"
        expected = {name: every[name] for name in names(SENTENCES[language][key])}
        assert parsed(language, row["reason_text"], key) == expected
    assert told["reason_code"].n_unique() == len(kinds)
    rare = with_pair_reasons(rows.filter("significant").with_columns(expected_baskets=pl.lit(0.0004)), ITEMS, language)
    expected = parsed(language, rare["reason_text"][0], "pair_bought_together")["expected"]
    assert expected == SENTENCES[language]["below_a_tenth"]


@pytest.mark.parametrize(("count", "of"), [(23, 80), (19, 80), (7, 80), (1, 80), (31, 400)])
def test_shares_are_those_of_the_published_row(count: int, of: int) -> None:
    """The row holds 0.2875 in single precision; in double precision 28.75 lies on the other side of the middle."""
    share = count / of
    rows = pl.DataFrame({"relation": ["complement"], "evidence": ["own"], "significant": [False]}).with_columns(
        item_id=pl.lit("milk"), other_item_id=pl.lit("tea"), confidence=share, baskets=count, users=count,
        expected_baskets=pl.lit(8.0),
    )  # fmt: skip
    published = rows.cast({"confidence": pl.Float32, "expected_baskets": pl.Float32})
    texts = [with_pair_reasons(frame, ITEMS)["reason_text"][0] for frame in (rows, published)]
    assert texts[0] == texts[1]
    single = published["confidence"][0]
    assert bundle_reason(["a", "b"], count, share, 2.25) == bundle_reason(["a", "b"], count, single, 2.25)
    told = parsed("en", bundle_reason(["a", "b"], count, single, 2.25), "bundle_bought_together")
    assert abs(float(told["share"]) - 100 * share) < 0.0501
    assert texts[0].startswith(told["share"] + " %")


@both
def test_similar_items_name_what_they_share(language: str) -> None:
    items = pl.DataFrame(
        {
            "item_id": ["a", "cheap", "dear", "same", "far"],
            "leaf": ["X", "X", "X", "X", "Y"],
            "brand": ["B", "B", None, "C", None],
            "list_price": [10.0, 9.0, 12.5, 10.0, 10.0],
        }
    )
    rows = pl.DataFrame({"item": [0] * 5, "other": [1, 2, 3, 4, 4], "behaviour": [0.0, 0.3, 0.0, 0.2, 0.0]})
    rows = rows.with_columns(followed=pl.Series([0.0, 0.0, 0.0, 0.1, 0.0]))
    told = with_similar_reasons(rows, items, language=language)
    say, between = SENTENCES[language], SENTENCES[language]["between_facts"]
    found = dict.fromkeys(told["other_item_id"], "")
    for row in told.iter_rows(named=True):
        text = row["reason_text"]
        if row["behaviour"] > 0:
            code, key = ("same_viewers", "viewed_by_same") if row["followed"] else ("same_buyers", "bought_by_same")
            assert row["reason_code"] == code and text.startswith(say[key])
            text = text.removeprefix(say[key])
        found[row["other_item_id"]] += text.lower() + "|"
    cheaper, dearer = (say[name].format(percent=n) for name, n in (("cheaper", 10), ("dearer", 25)))
    assert found["cheap"] == between.join([say["same_type"], say["same_brand"], cheaper]) + "|"
    assert found["dear"].lstrip(";； ") == between.join([say["same_type"], dearer]) + "|"
    assert found["same"] == between.join([say["same_type"], say["same_price"]]) + "|"
    assert sorted(found["far"].split("|")) == sorted(["", "", say["alike"].lower()])


@both
def test_bundles_name_members_share_lift_and_baskets(language: str) -> None:
    text = bundle_reason(["Milk", "Bread", "Tea"], 312, 0.123, 4.12, language)
    others = "Bread" + SENTENCES[language]["last_member"] + "Tea"
    expected = {"share": "12.3", "first": "Milk", "others": others, "lift": "4.1", "baskets": "312"}
    assert parsed(language, text, "bundle_bought_together") == expected
    rows = pl.DataFrame({"bundle_id": ["b"], "anchor_item_id": ["butter"], "new_items": [2]})
    bundles = pl.DataFrame({"bundle_id": ["b"], "name": ["Breakfast"], "baskets": [9]})
    row = with_user_reasons(rows, bundles, ITEMS, language).row(0, named=True)
    expected = {"bundle": "Breakfast", "anchor": "Butter 82 %", "new_items": "2", "baskets": "9"}
    assert parsed(language, row["reason_text"], "fits_your_items") == expected


AUDIENCE = {
    "responded_before": {"way": "response", "h_campaigns": 3.0, "h_contacts": 5.0, "h_last_response": 19.4},
    "buys_promoted": {"t_trips": 1.0, "t_last": 0.3},
    "in_lists": {"l_items": 2, "l_best": 7},
    "buys_category": {"c_last": 8.9},
    "looks_like_buyers": {"way": "lookalike"},
    "active": {"u_trips_28": 8.0},
    "likely": {"u_trips_28": 0.0},
}


@both
@pytest.mark.parametrize("code", AUDIENCE)
def test_audiences_name_the_facts_of_their_columns(language: str, code: str) -> None:
    blank = dict.fromkeys(("h_campaigns", "h_contacts", "h_last_response", "t_trips", "t_last", "c_last", "u_trips_28"))
    rows = pl.DataFrame(
        [{"way": "affinity", **blank, "l_items": None, "l_best": None, **AUDIENCE[code]}],
        schema_overrides=dict.fromkeys(blank, pl.Float64) | dict.fromkeys(("l_items", "l_best"), pl.Int64),
    )
    row = with_audience_reasons(rows, language).row(0, named=True)
    assert row["reason_code"] == code
    say = SENTENCES[language]
    days, count = row["reason_days"], row["reason_count"]
    trips = say["one_trip"] if count == 1 else say["trips"].format(count=count)
    every = {
        "count": str(count),
        "total": str(row["reason_total"]),
        "place": str(row["reason_place"]),
        "when": say["yesterday"] if days == 1 else say["days_ago"].format(days=days),
        "trips": trips,
        "promoted": say["promoted"].format(count=count),
    }
    assert parsed(language, row["reason_text"], code) == {name: every[name] for name in names(say[code])}


@both
def test_results_name_the_rates_of_their_row(language: str) -> None:
    users = [f"u{n}" for n in range(10)]
    audience = pl.DataFrame({"user_id": users}).with_columns(
        way=pl.lit("affinity"), holdout=pl.col("user_id").is_in(["u8", "u9"]), probability=pl.lit(0.3),
        model_version=pl.lit("v"), rank=pl.int_range(pl.len()) + 1,
    )  # fmt: skip
    happened = pl.DataFrame({"user_id": ["u0", "u1"], "spend": [1.0, None], "responded": [None, True]})
    happened = happened.with_columns(bought_at=pl.when(pl.col("spend") > 0).then(AS_OF))
    contacts = pl.DataFrame({"user_id": users[:6], "contacted_at": AS_OF})
    rows = campaign_rows(contacts, audience, None, happened, language)
    assert {row["reason_code"] for row in rows} == {"no_audience", "by_group", "beside_holdout"}
    for row in rows:
        beside = row["reason_code"] == "beside_holdout"
        told = parsed(language, row["reason_text"], "result", *(["beside_holdout"] if beside else []))
        expected = {name: f"{row[name]:.1%}" for name in ("response_rate", "buyer_rate")}
        expected |= {"users": str(row["users"]), "group": SENTENCES[language][row["user_group"]]}
        if beside:
            points = {"above": "above_holdout", "low": "above_holdout_low", "high": "above_holdout_high"}
            expected |= {name: f"{row[column] * 100:+.1f}" for name, column in points.items()}
        assert told == expected


REORDER = {
    "retired": {"retired_at": 1, "on_hand": 4.0},
    "no_demand": {"level": 0.0},
    "out_of_stock": {"on_hand": 0.0, "suggested_quantity": 12.0},
    "reorder": {"suggested_quantity": 12.5},
    "on_the_way": {"on_hand": 3.0, "lead_time_demand": 5.0},
    "not_due": {"on_hand": 0.0, "on_order": 0.0, "lead_time_demand": 0.3},
    "overstock": {"overstock": True, "days_of_cover": None},
    "enough": {},
}


@both
@pytest.mark.parametrize("code", REORDER)
def test_suggestions_name_the_units_of_their_row(language: str, code: str) -> None:
    row = {
        "retired_at": None, "level": 2.0, "on_hand": 20.0, "on_order": 6.0, "suggested_quantity": 0.0,
        "lead_time_demand": 5.0, "overstock": False, "overstock_units": 7.5, "daily_demand": 1.256,
        "reorder_point": 30.0, "service_level": 0.95, "days_of_cover": 15.6, "lead_time_days": 7.0,
    } | REORDER[code]  # fmt: skip
    told = with_reorder_reasons(pl.DataFrame([row], schema_overrides={"days_of_cover": pl.Float64}), language)
    found = told.row(0, named=True)
    assert found["reason_code"] == code
    say = SENTENCES[language]
    cover = say["cover_years"] if found["days_of_cover"] is None else say["cover_days"].format(days=16)
    every = {
        "on_hand": f"{found['on_hand']:g}", "on_order": "6", "reorder_point": "30", "overstock": "7.5",
        "quantity": f"{found['suggested_quantity']:g}", "lead_time": "7", "daily_demand": "1.26", "sure": "95",
        "cover": cover,
    }  # fmt: skip
    key = f"reorder_{code}"
    assert parsed(language, found["reason_text"], key) == {name: every[name] for name in names(say[key])}


LONG = "Very  long title\n" * 400
CUT = ("Very  long title " * 8)[: LONGEST_NAME - 1].rstrip() + "…"


def test_sentences_hold_the_beginning_of_what_is_too_long_for_one() -> None:
    """Titles of thousands of characters, in lines, and the ids of items without one."""
    items = ITEMS.with_columns(title=pl.lit(LONG))
    for item, code in (("milk", "because_you_bought"), ("butter", "because_of_interest")):
        assert listed("en", items=items, anchor_item_id=item)["reason_text"] == tell("en", code, anchor=CUT)
    assert len(CUT) <= LONGEST_NAME
    pair = {"item_id": "x" * 500, "relation": "complement", "evidence": "forced", "significant": False}
    counts = dict.fromkeys(("confidence", "expected_baskets", "baskets", "users"), 1)
    told = with_pair_reasons(pl.DataFrame([pair | counts]), ITEMS)["reason_text"].item()
    assert told == tell("en", "pair_forced", item="x" * (LONGEST_NAME - 1) + "…")
    rows = pl.DataFrame({"bundle_id": ["b"], "anchor_item_id": ["milk"], "new_items": [1]})
    bundles = pl.DataFrame({"bundle_id": ["b"], "name": ["Breakfast"], "baskets": [5]})
    text = with_user_reasons(rows, bundles, items)["reason_text"].item()
    assert text == tell("en", "fits_your_items", bundle="Breakfast", anchor=CUT, new_items=1, baskets=5)
