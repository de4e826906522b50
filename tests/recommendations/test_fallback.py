from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from recsys.recommendations.fallback import DEPTH, fallback_rows, keep_deepest, trending_by_segment
from recsys.settings.data import InteractionSettings

AS_OF = datetime(2020, 3, 1, tzinfo=timezone.utc)
USERS = pl.DataFrame({"user_id": ["a", "b", "c"], "segment": ["young", "young", None]})


def events(*rows: tuple[str, str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(user, item, kind, AS_OF - timedelta(days=days)) for user, item, kind, days in rows],
        schema={
            "user_id": pl.String,
            "item_id": pl.String,
            "event_type": pl.String,
            "occurred_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )


def test_a_user_counts_once_for_an_item_and_old_purchases_fade() -> None:
    popular = trending_by_segment(
        events(
            *[("c", "hoarded", "purchase", 14)] * 9,
            ("a", "liked", "purchase", 14),
            ("b", "liked", "purchase", 14),
            ("a", "old", "purchase", 28),
        ),
        USERS,
        AS_OF,
        InteractionSettings(),
    )
    everybody = popular.filter(pl.col("segment").is_null())
    assert everybody.rows() == [
        (None, "liked", pytest.approx(1.0), 1),
        (None, "hoarded", pytest.approx(0.5), 2),
        (None, "old", pytest.approx(0.25), 3),
    ]
    young = popular.filter(pl.col("segment") == "young")
    assert young["item_id"].to_list() == ["liked", "old"]


def test_views_weigh_less_than_purchases_and_returns_nothing() -> None:
    popular = trending_by_segment(
        events(("a", "seen", "view", 1), ("b", "bought", "purchase", 1), ("c", "sent back", "return", 1)),
        USERS,
        AS_OF,
        InteractionSettings(),
    )
    assert popular.filter(pl.col("segment").is_null())["item_id"].to_list() == ["bought", "seen"]


def test_ties_go_by_item_id() -> None:
    popular = trending_by_segment(
        events(("c", "y", "purchase", 1), ("c", "x", "purchase", 1)), USERS, AS_OF, InteractionSettings()
    )
    assert popular["item_id"].to_list() == ["x", "y"]


def test_an_empty_or_blank_segment_is_none() -> None:
    users = pl.DataFrame({"user_id": ["a", "b", "c"], "segment": ["", " ", "young"]})
    bought = events(*[(user, "milk", "purchase", 1) for user in "abc"])
    popular = trending_by_segment(bought, users, AS_OF, InteractionSettings())
    assert popular.select("segment", "item_id").rows() == [(None, "milk"), ("young", "milk")]


def test_no_events_no_trend() -> None:
    assert trending_by_segment(events(), USERS, AS_OF, InteractionSettings()).is_empty()


def test_keep_deepest_closes_gaps_and_cuts_each_segment() -> None:
    count = DEPTH + 2
    popular = pl.DataFrame(
        {
            "segment": [None] * count + ["s"],
            "item_id": [f"i{n}" for n in range(count)] + ["i0"],
            "score": [float(count - n) for n in range(count)] + [1.0],
            "rank": [*range(2, count + 2), 7],
        }
    )
    kept = keep_deepest(popular, list_length=1)
    assert kept.filter(pl.col("segment").is_null())["rank"].to_list() == list(range(1, DEPTH + 1))
    assert kept.filter(pl.col("segment") == "s").select("item_id", "rank").rows() == [("i0", 1)]


def test_wanted_lists_get_their_segment_and_everybodys_items() -> None:
    popular = pl.DataFrame(
        {"segment": ["s", "t", None, None], "item_id": ["x", "y", "z", "x"], "score": 1.0, "rank": [1, 1, 1, 2]}
    )
    wanted = pl.DataFrame({"list": ["for_you"] * 2, "user_id": ["u", "v"], "segment": ["s", None]})
    rows = fallback_rows(wanted, popular).select("user_id", "item_id", "fallback")
    assert sorted(rows.rows()) == [
        ("u", "x", "segment"),
        ("u", "z", "trending"),
        ("v", "x", "trending"),
        ("v", "z", "trending"),
    ]
