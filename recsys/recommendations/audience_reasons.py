"""Why a user is in an audience: a stable code, a sentence of facts, and these facts as columns.

responded_before   Answered 3 of 5 earlier campaigns, last 20 days ago          count, total, days
buys_promoted      Bought promoted items on 5 trips, last 12 days ago           count, days
in_lists           2 promoted items are in the user's lists, the best at place 3   count, place
buys_category      Buys from the promoted categories, last 9 days ago           days
looks_like_buyers  Never bought what is promoted; shops like those who begin to
active             Shops often: 8 trips in four weeks                           count
likely             Among the likeliest by all that is known of the user
"""

from __future__ import annotations

import polars as pl

from recsys.recommendations.wording import say

FACTS = ("reason_count", "reason_total", "reason_place", "reason_days")
"""Columns of the facts; null where the reason has no such fact."""


def with_audience_reasons(rows: pl.DataFrame, language: str = "en") -> pl.DataFrame:
    """`rows` with reason_code, reason_text and FACTS, from what `user_facts` and l_items, l_best tell; the first
    reason that holds."""
    c = pl.col
    contacts = pl.max_horizontal(_whole("h_contacts"), _whole("h_campaigns"))
    rules: tuple[tuple[str, pl.Expr, dict[str, pl.Expr]], ...] = (
        (
            "responded_before",
            (c("way") == "response") & (c("h_campaigns") > 0),
            {
                "reason_count": _whole("h_campaigns"),
                "reason_total": contacts,
                "reason_days": _whole("h_last_response") + 1,
            },
        ),
        ("looks_like_buyers", c("way") == "lookalike", {}),
        ("buys_promoted", c("t_trips") > 0, {"reason_count": _whole("t_trips"), "reason_days": _whole("t_last") + 1}),
        ("in_lists", c("l_items") > 0, {"reason_count": _whole("l_items"), "reason_place": _whole("l_best")}),
        ("buys_category", c("c_last").is_not_null(), {"reason_days": _whole("c_last") + 1}),
        ("active", c("u_trips_28") > 0, {"reason_count": _whole("u_trips_28")}),
        ("likely", pl.lit(value=True), {}),
    )
    code, facts = pl.lit(None, pl.String), dict.fromkeys(FACTS, pl.lit(None, pl.Int32))
    for name, holds, told in reversed(rules):
        known = holds.fill_null(value=False)
        code = pl.when(known).then(pl.lit(name)).otherwise(code)
        facts = {
            fact: pl.when(known).then(told.get(fact, pl.lit(None, pl.Int32))).otherwise(value)
            for fact, value in facts.items()
        }
    named = rows.with_columns(reason_code=code, **{name: value.cast(pl.Int32) for name, value in facts.items()})
    return named.with_columns(reason_text=_text(language))


def _text(language: str) -> pl.Expr:
    count, total, place = (pl.col(f"reason_{name}").cast(pl.String) for name in ("count", "total", "place"))
    facts = {
        "count": count,
        "total": total,
        "place": place,
        "when": _ago(language),
        "trips": _counted(language, "one_trip", "trips"),
        "promoted": _counted(language, "one_promoted", "promoted"),
    }
    text = say(language, "likely")
    for name in ("responded_before", "looks_like_buyers", "buys_promoted", "in_lists", "buys_category", "active"):
        text = pl.when(pl.col("reason_code") == name).then(say(language, name, **facts)).otherwise(text)
    return text


def _whole(column: str) -> pl.Expr:
    return pl.col(column).fill_null(0).cast(pl.Int64)


def _counted(language: str, one: str, many: str) -> pl.Expr:
    count = pl.col("reason_count")
    return pl.when(count == 1).then(say(language, one)).otherwise(say(language, many, count=count.cast(pl.String)))


def _ago(language: str) -> pl.Expr:
    days = pl.col("reason_days")
    told = say(language, "days_ago", days=days.cast(pl.String))
    return pl.when(days == 1).then(say(language, "yesterday")).otherwise(told)
