"""Why an item is in a list and why it is not; contributions add up to the score."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment
from recsys.features.assemble import matrix
from recsys.features.build import build_features
from recsys.models import scoring
from recsys.models.als import Als
from recsys.models.als_explanation import als_anchors, explain_als
from recsys.models.contributions import GROUPS, contributions, group_of, strongest
from recsys.models.gate import judge_models
from recsys.models.ranker import Prior, is_new, part_scores, score
from recsys.models.training import fit_generators, train_ranker
from recsys.recommendations.explain import explain, why_not
from recsys.recommendations.row_facts import with_top_features
from recsys.recommendations.user_recommendations import plan_user_shards, recommend_users
from recsys.run import RunContext
from recsys.storage import read_partition, scan_partitions, shards_of, write_partition
from tests import known_answer_shop as shop


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    """The small shop's day up to its lists."""
    lake = str(tmp_path_factory.mktemp("lake"))
    context = RunContext(shop.AS_OF_DATE, Environment("", "", lake), shop.SETTINGS, "test")
    shop.write_to_lake(context)
    for step in (build_features, train_ranker, fit_generators, judge_models):
        step(context)
    for shard in range(int(plan_user_shards(context)["shards"])):
        recommend_users(context, shard)
    return context


@pytest.fixture(scope="module")
def scorer(day: RunContext) -> scoring.Scorer:
    return scoring.load_scorer(day)


@pytest.mark.parametrize("prior", [None, Prior(0.5, -3.0, 0.7)])
def test_contributions_and_the_network_add_up_to_the_score(scorer: scoring.Scorer, prior: Prior | None) -> None:
    scorer = replace(scorer, ranker=replace(scorer.ranker, prior=prior))
    frame = pl.concat(scoring.candidate_frames(scorer, list(shop.SHOPPERS)))
    general, discovery = score(scorer.ranker, frame)
    learnt = scorer.ranker.learnt
    network = learnt * part_scores(scorer.ranker, "network", matrix(frame, scorer.ranker.features)) / 3
    if prior is not None:
        network += (1 - learnt) * prior.standardised(frame)
    told = contributions(scorer.ranker, frame)
    assert told is not None
    np.testing.assert_allclose(told.groups.sum_horizontal().to_numpy() + told.base + network, general, atol=1e-6)
    new = frame.select(is_new()).to_series().to_numpy()
    fresh = contributions(scorer.ranker, frame.filter(pl.Series(new)), discovery=True)
    assert fresh is not None
    trees = fresh.groups.sum_horizontal().to_numpy() + fresh.base
    np.testing.assert_allclose(trees + network[new], discovery[new], atol=1e-6)
    with pytest.raises(ValueError, match="never bought"):
        contributions(scorer.ranker, frame, discovery=True)


def test_what_is_bought_every_week_is_explained_by_its_purchases(scorer: scoring.Scorer) -> None:
    frame = pl.concat(scoring.candidate_frames(scorer, ["coffee_lover_1"]))
    frame = frame.filter(pl.col("item") == scorer.item_ids.index_of("coffee"))
    told = contributions(scorer.ranker, frame)
    assert told is not None
    names = [name for name, value in strongest(told)[0] if value > 0]
    assert {"bought before", "rhythm"} & set(names)


def test_many_rows_are_explained_as_single_ones_are(scorer: scoring.Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.concat(scoring.candidate_frames(scorer, list(shop.SHOPPERS)))
    few = contributions(scorer.ranker, frame)
    monkeypatch.setattr("recsys.models.contributions.MANY_ROWS", 1)
    many = contributions(scorer.ranker, frame)
    assert few is not None
    assert many is not None
    np.testing.assert_allclose(many.groups.to_numpy(), few.groups.to_numpy(), atol=1e-9)
    assert many.base == pytest.approx(few.base, abs=1e-9)


@pytest.mark.parametrize(
    ("feature", "group"),
    [
        ("als_rank", "similar users"),
        ("buy_again_score", "bought before"),
        ("ui_trips", "bought before"),
        ("ui_gap_median", "rhythm"),
        ("x_overdue", "rhythm"),
        ("leaf_share", "category"),
        ("x_price_by_paid", "price"),
        ("brandnew_thing", "others"),
    ],
)
def test_groups_have_names_for_people(feature: str, group: str) -> None:
    assert group_of(feature) == group


def test_als_names_the_items_that_speak_for_another(day: RunContext, scorer: scoring.Scorer) -> None:
    (als,) = (one for one in scorer.generators.generators if isinstance(one, Als))
    user, item = scorer.user_ids.index_of("family_0"), scorer.item_ids.index_of("cake")
    assert user is not None
    assert item is not None
    total, shares = explain_als(als, day.settings.models, user, item)
    assert total == pytest.approx(sum(share for _, share in shares))
    served = float(als.dense(np.array([user], np.int32))[0, np.searchsorted(als.columns, item)])
    assert total == pytest.approx(served, abs=0.15)
    known = {"milk", "bread", "butter", "yogurt", "cheese", "rolls"}
    assert {scorer.item_ids[code] for code, _ in shares[:3]} <= known
    assert explain_als(als, day.settings.models, user, 10_000) == (0.0, [])


def test_every_feature_belongs_to_a_documented_group_and_every_group_has_one(scorer: scoring.Scorer) -> None:
    assert {group_of(name) for name in scorer.ranker.features} == set(GROUPS)


def test_published_rows_name_the_groups_that_moved_them_most(day: RunContext, scorer: scoring.Scorer) -> None:
    rows = lists_of(day)
    assert rows.filter(pl.col("fallback").is_null())["top_features"].null_count() == 0
    assert rows.filter(pl.col("fallback").is_not_null())["top_features"].count() == 0
    frame = pl.concat(scoring.candidate_frames(scorer, ["coffee_lover_1"]))
    frame = frame.with_columns(item_id=scorer.item_ids.gather(frame["item"]))
    for name, discovery in (("for_you", False), ("discover", True), ("buy_again", False)):
        mine = rows.filter((pl.col("user_id") == "coffee_lover_1") & (pl.col("list") == name))
        for row in mine.drop_nulls("top_features").iter_rows(named=True):
            told = contributions(scorer.ranker, frame.filter(pl.col("item_id") == row["item_id"]), discovery)
            assert told is not None
            best = ", ".join(f"{group} {round(value, 2) + 0.0:+.2f}" for group, value in strongest(told)[0])
            assert row["top_features"] == best


def test_places_beyond_those_asked_for_name_no_groups(day: RunContext, scorer: scoring.Scorer) -> None:
    rows = lists_of(day).filter(pl.col("user_id") == "coffee_lover_1")
    features = scoring.score_with_features(scorer, ["coffee_lover_1"], 40).features
    named = with_top_features(rows.drop("top_features"), features, scorer, 2)
    first = pl.col("rank") <= 2
    assert rows["rank"].max() > 2  # type: ignore[operator]
    assert named.filter(first)["top_features"].to_list() == rows.filter(first)["top_features"].to_list()
    assert named.filter(~first)["top_features"].count() == 0


def test_rows_from_behind_the_features_at_hand_name_their_groups_too(day: RunContext, scorer: scoring.Scorer) -> None:
    users = ["coffee_lover_1", "family_0"]
    rows = lists_of(day).filter(pl.col("user_id").is_in(users))
    whole = scoring.score_with_features(scorer, users, 40).features
    for depth in (1, 2):
        features = scoring.score_with_features(scorer, users, depth).features
        assert 0 < len(features) < len(whole)
        named = with_top_features(rows.drop("top_features"), features, scorer, 50)
        assert named["top_features"].to_list() == rows["top_features"].to_list()


def test_rows_of_als_name_the_item_that_speaks_most_for_them(day: RunContext, scorer: scoring.Scorer) -> None:
    (als,) = (one for one in scorer.generators.generators if isinstance(one, Als))
    pairs = pl.DataFrame(
        {
            "user": [scorer.user_ids.index_of(user) for user in ("family_0", "family_1", "family_0", "browser")],
            "item": [scorer.item_ids.index_of(item) for item in ("cake", "cake", "milk", "tea")],
        }
    )
    anchors = als_anchors(als, day.settings.models, pairs)
    for (user, item), anchor in zip(pairs.iter_rows(), anchors, strict=True):
        others = [(code, share) for code, share in explain_als(als, day.settings.models, user, item)[1] if code != item]
        best = others[0][0] if others and others[0][1] > 0 else None
        assert anchor == best
    rows = lists_of(day).filter((pl.col("generator") == "als") & (pl.col("reason_code") != "bought_before"))
    assert set(rows["reason_code"]) <= {"because_you_bought", "because_of_interest", "segment", "trending"}


def lists_of(day: RunContext) -> pl.DataFrame:
    shards = shards_of(day.lake, schemas.USER_RECOMMENDATIONS, as_of_date=day.as_of_date)
    return scan_partitions(day.lake, schemas.USER_RECOMMENDATIONS, shards).collect()


def test_an_item_in_a_list_is_explained_by_its_row_and_its_score(day: RunContext) -> None:
    text = "\n".join(explain(day, "coffee_lover_1", "coffee"))
    assert "in for_you at rank" in text
    assert "You bought this" in text
    assert "proposed by buy_again at" in text
    assert "what moved the score most: " in text
    assert "not in discover: the user bought it before" in text


def test_what_counts_while_labels_are_few_is_told_apart(day: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """The places of the user's other candidates decide what the item's own place is worth."""
    served = scoring.load_scorer(day)
    ranker = replace(served.ranker, prior=Prior(0.5, -3.0, 0.7))
    monkeypatch.setattr(scoring, "load_scorer", lambda context: replace(served, ranker=ranker))
    frame = pl.concat(scoring.candidate_frames(served, ["coffee_lover_1"]))
    row = frame["item"].to_list().index(served.item_ids.index_of("parmesan"))
    network = ranker.learnt * part_scores(ranker, "network", matrix(frame, ranker.features))[row] / 3
    places = (1 - ranker.learnt) * Prior(0.5, -3.0, 0.7).standardised(frame)[row]
    text = "\n".join(explain(day, "coffee_lover_1", "parmesan"))
    told = re.search(r"beside the trees adds ([+-][\d.]+), the generators' places, .*few, ([+-][\d.]+)\)", text)
    assert told is not None
    assert [float(value) for value in told.groups()] == pytest.approx([network, places], abs=0.002)


def test_an_item_that_rules_keep_out_names_the_rule(day: RunContext) -> None:
    assert "no list may show it: out of stock" in explain(day, "family_1", shop.SOLD_OUT)
    assert "no list may show it: retired" in explain(day, "family_1", shop.RETIRED)


def test_what_was_never_bought_is_not_to_be_bought_again(day: RunContext) -> None:
    lines = explain(day, "family_0", "cake")
    assert any(line.startswith("in discover at rank") for line in lines)
    assert "not in buy_again: the user never bought it" in lines


def test_users_without_consent_or_history_are_told_so(day: RunContext) -> None:
    refused = explain(day, shop.REFUSER, "milk")
    assert any("did not agree" in line for line in refused)
    assert not any("proposed by" in line or "score" in line for line in refused)
    assert "The user has no history: only what is popular is shown." in explain(day, shop.NEWCOMER, "milk")
    assert "Nobody of this id" in explain(day, "coffee_lover_l", "milk")[1]
    assert ", which the items table lacks" in explain(day, "family_1", "unheard of")[0]
    sold_out = "no list may show it: out of stock"
    assert all(sold_out in explain(day, user, shop.SOLD_OUT) for user in (shop.REFUSER, shop.NEWCOMER))


@pytest.fixture
def explored(day: RunContext, tmp_path: Path) -> tuple[RunContext, str]:
    """The day with a list of two places of coffee_lover_1, of which exploration gave the second to an item that nobody
    proposed; and the item that stood there."""
    shutil.copytree(day.environment.lake_uri, tmp_path / "lake")
    context = replace(day, environment=Environment("", "", str(tmp_path / "lake")))
    rules = replace(day.settings.rules, list_length=2)
    mine = lists_of(day).filter((pl.col("user_id") == "coffee_lover_1") & (pl.col("list") == "for_you"))
    drawn = pl.col("rank") == 2
    told = [pl.when(drawn).then(pl.lit(new)).otherwise(old).alias(old) for old, new in EXPLORED.items()]
    chance = pl.when(drawn).then(pl.lit(0.1, pl.Float32)).alias("propensity")
    keys = shards_of(context.lake, schemas.USER_RECOMMENDATIONS, as_of_date=day.as_of_date)
    for shard in keys:
        rows = read_partition(context.lake, schemas.USER_RECOMMENDATIONS, **shard)
        theirs = rows.filter((pl.col("user_id") != "coffee_lover_1") | (pl.col("list") != "for_you"))
        held = len(theirs) < len(rows)
        own = mine.filter(pl.col("rank") <= 2).with_columns(*told, chance) if held else mine.clear()
        write_partition(context.lake, schemas.USER_RECOMMENDATIONS, pl.concat([theirs, own]), **shard)
    return replace(context, settings=replace(day.settings, rules=rules)), mine.filter(drawn)["item_id"].item()


EXPLORED = {"item_id": "brand_new", "generator": "exploration", "reason_code": "explored", "reason_text": "New here"}


def test_what_exploration_took_a_place_from_names_it(explored: tuple[RunContext, str]) -> None:
    context, moved = explored
    lines = explain(context, "coffee_lover_1", moved)
    assert "not in for_you: rank 2 by score, but exploration took 1 of the 2 places" in lines
    third = why_not(context, scored_for(context), "for_you", "coffee_lover_1", ranked(context)[2])
    assert third == "rank 3 by score, the list holds 2"


def test_what_is_shown_without_being_proposed_is_not_said_to_be_impossible(explored: tuple[RunContext, str]) -> None:
    context, _ = explored
    lines = explain(context, "coffee_lover_1", "brand_new")
    assert "in for_you at rank 2: New here [explored, from exploration]" in lines
    assert not any("no list could" in line for line in lines)
    assert "a list can hold it only as what is popular, new or explored" in lines[-1]


def scored_for(day: RunContext) -> pl.DataFrame:
    return scoring.score_users(scoring.load_scorer(day), ["coffee_lover_1"])


def ranked(day: RunContext) -> list[str]:
    scored = scored_for(day).filter(~pl.col("item_id").is_in([shop.SOLD_OUT, shop.RETIRED]))
    return scored.sort("score", "item_id", descending=[True, False])["item_id"].to_list()


def test_the_category_limit_is_named_only_where_it_takes_the_place(day: RunContext) -> None:
    """A list of as many places as the shop has categories: beyond them an item is missing by rank, rule or not."""
    order, scored = ranked(day), scored_for(day)
    categories = [shop.ITEMS[item][0] for item in order]
    second = next(place for place, name in enumerate(categories) if name in categories[:place])
    for length, told in ((second + 1, "fill the 1 places of a category"), (second, f"the list holds {second}")):
        rules = replace(day.settings.rules, list_length=length, max_per_category=1)
        limited = replace(day, settings=replace(day.settings, rules=rules))
        assert told in why_not(limited, scored, "for_you", "coffee_lover_1", order[second])


def test_a_purchase_older_than_what_models_learn_from_keeps_an_item_out_of_discover(day: RunContext) -> None:
    forgotten = scored_for(day).with_columns(discover_score="score")
    told = why_not(day, forgotten, "discover", "coffee_lover_1", "coffee")
    assert told == "the user bought it before"
