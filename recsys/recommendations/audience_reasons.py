"""Why a user is in an audience: a stable code and a sentence of facts.

responded_before   Answered 3 of 5 earlier campaigns, last 20 days ago
buys_promoted      Bought promoted items on 5 trips, last 12 days ago
in_lists           2 promoted items are in the user's lists, the best at place 3
buys_category      Buys from the promoted categories, last 9 days ago
looks_like_buyers  Never bought what is promoted; shops like those who begin to
active             Shops often: 8 trips in four weeks
"""

from __future__ import annotations

import polars as pl


def with_audience_reasons(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with reason_code and reason_text, from the facts of `user_facts` and l_items, l_best; first that holds."""
    c = pl.col
    rules = (
        (
            "responded_before",
            (c("way") == "response") & (c("h_campaigns") > 0),
            pl.format(
                "Answered {} of {} earlier campaigns, last {}",
                _whole("h_campaigns"),
                pl.max_horizontal(_whole("h_contacts"), _whole("h_campaigns")),
                _ago("h_last_response"),
            ),
        ),
        (
            "looks_like_buyers",
            c("way") == "lookalike",
            pl.lit("Never bought what is promoted; shops like those who begin to"),
        ),
        (
            "buys_promoted",
            c("t_trips") > 0,
            pl.format("Bought promoted items on {}, last {}", _counted("t_trips", "trip"), _ago("t_last")),
        ),
        (
            "in_lists",
            c("l_items") > 0,
            pl.format("{} in the user's lists, the best at place {}", _counted("l_items", "promoted item"), "l_best"),
        ),
        (
            "buys_category",
            c("c_last").is_not_null(),
            pl.format("Buys from the promoted categories, last {}", _ago("c_last")),
        ),
    )  # fmt: skip
    code, text = pl.lit("active"), pl.format("Shops often: {} in four weeks", _counted("u_trips_28", "trip"))
    for name, holds, sentence in reversed(rules):
        known = holds.fill_null(value=False)
        code = pl.when(known).then(pl.lit(name)).otherwise(code)
        text = pl.when(known).then(sentence).otherwise(text)
    return rows.with_columns(reason_code=code, reason_text=text)


def _whole(column: str) -> pl.Expr:
    return pl.col(column).fill_null(0).cast(pl.Int64)


def _counted(column: str, noun: str) -> pl.Expr:
    count = _whole(column)
    return pl.when(count == 1).then(pl.lit(f"1 {noun}")).otherwise(pl.format(f"{{}} {noun}s", count))


def _ago(column: str) -> pl.Expr:
    days = _whole(column) + 1
    return pl.when(days == 1).then(pl.lit("yesterday")).otherwise(pl.format("{} days ago", days))
