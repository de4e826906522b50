"""Does taking away the item that a reason names lower the recommended item?

    python -m benchmarks.fidelity [--lake .demo/lake] [--as-of 2017-12-04] [--rows 100]

Of each reason that names an item of the user's, at most `--rows` published rows are drawn, one a user. The events of
the user with that item are taken out of the history, generators and features are made anew, and the ranker that served
scores the user's candidates: the reason is faithful where the recommended item stands lower than before, or is no
candidate any more. Beside it the same for an item of the user's drawn by chance, of which no reason speaks: a random
item lowers the recommended one as often as not. The item that is taken away is left out of both orders. The lake must
hold the day's own models and lists.
"""

from __future__ import annotations

import argparse
import dataclasses
from datetime import date
from pathlib import Path

import polars as pl

from recsys.config import Environment, load_settings
from recsys.features.build import load_history
from recsys.features.history import History
from recsys.models import registry
from recsys.models.candidates import fit_generators_on, is_ease_shop
from recsys.models.cuts import candidates_with_features
from recsys.models.ranker import score
from recsys.recommendations.published_lists import scan_lists
from recsys.run import RunContext


def main() -> None:
    """Print, for each reason, how often its item mattered, and how often an item drawn by chance did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, default=Path(".demo/lake"))
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2017, 12, 4))
    parser.add_argument("--rows", type=int, default=100)
    args = parser.parse_args()
    context = RunContext(args.as_of, Environment("", "", str(args.lake.resolve())), load_settings(), "fidelity")
    whole = load_history(context)
    with_ease = is_ease_shop(whole, context.settings)
    history = whole.before(context.as_of, context.settings.models.history_days)
    drawn = with_rivals(draw_rows(context, args.rows), history, context.settings.seed)
    rows = coded(drawn, history)
    ranks = {"with": order(context, history, with_ease, rows)}
    for name in ("anchor", "rival"):
        ranks[name] = order(context, without(history, rows.select("user", item=name)), with_ease, rows)
    for name in ("anchor", "rival"):
        rows = rows.with_columns(lowered(ranks["with"], ranks[name], rows, name).alias(name + "_lowers"))
    print_shares(rows)


def draw_rows(context: RunContext, count: int) -> pl.DataFrame:
    """list, user_id, item_id, anchor_item_id, generator, reason_code of at most `count` rows of each reason and list
    among the first ten places, one a user."""
    rows = scan_lists(context.lake, context.as_of_date)
    columns = ["list", "user_id", "item_id", "anchor_item_id", "generator", "reason_code"]
    named = rows.filter(pl.col("anchor_item_id").is_not_null() & (pl.col("rank") <= 10)).select(columns).collect()
    # Rare reasons choose their users first.
    frequency = pl.len().over("reason_code", "list")
    shuffled = named.sort("user_id", "list", "item_id").sample(fraction=1, shuffle=True, seed=context.settings.seed)
    once = shuffled.with_columns(often=frequency).sort("often", maintain_order=True)
    once = once.unique("user_id", keep="first", maintain_order=True)
    return once.filter(pl.int_range(pl.len()).over("reason_code", "list") < count).drop("often")


def with_rivals(rows: pl.DataFrame, history: History, seed: int) -> pl.DataFrame:
    """`rows` with rival_item_id: another item that the user bought, drawn by chance."""
    bought = history.aged("purchase").select("user", "item").unique().sort("user", "item")
    names = bought.select(
        user_id=history.users.gather(bought["user"]), rival_item_id=history.items.gather(bought["item"])
    )
    drawn = names.sample(fraction=1, shuffle=True, seed=seed)
    other = rows.join(drawn, on="user_id", maintain_order="left")
    other = other.filter(
        (pl.col("rival_item_id") != pl.col("anchor_item_id")) & (pl.col("rival_item_id") != pl.col("item_id"))
    )
    return other.unique("user_id", keep="first", maintain_order=True)


def coded(rows: pl.DataFrame, history: History) -> pl.DataFrame:
    """`rows` with user, item, anchor and rival as codes of `history`, sorted by user."""
    users = pl.DataFrame({"user_id": history.users}).with_row_index("user")
    rows = rows.join(users, on="user_id")
    for column, code in (("item_id", "item"), ("anchor_item_id", "anchor"), ("rival_item_id", "rival")):
        rows = rows.join(pl.DataFrame({column: history.items}).with_row_index(code), on=column)
    return rows.with_columns(pl.col("user", "item", "anchor", "rival").cast(pl.Int32)).sort("user")


def without(history: History, pairs: pl.DataFrame) -> History:
    """`history` less the events of `pairs` (user, item: codes)."""
    return dataclasses.replace(
        history, events=history.events.join(pairs, on=["user", "item"], how="anti", maintain_order="left")
    )


def order(context: RunContext, history: History, with_ease: bool, rows: pl.DataFrame) -> pl.DataFrame:
    """user, item, score, discover_score of the candidates that the users of `rows` have after `history`."""
    fitted = fit_generators_on(history, context.settings, with_ease)
    users = rows["user"].unique().sort().to_numpy()
    frame = candidates_with_features(history, fitted, users, context.settings)
    general, discovery = score(registry.load_ranker(context.lake, context.as_of_date), frame)
    return frame.select("user", "item", score=pl.Series(general), discover_score=pl.Series(discovery).fill_nan(None))


def lowered(before: pl.DataFrame, after: pl.DataFrame, rows: pl.DataFrame, taken: str) -> pl.Series:
    """For each of `rows` whether its item stands lower `after`; null where it was no candidate before."""
    old, new = (place(scored, rows, taken) for scored in (before, after))
    both = pl.DataFrame({"old": old, "new": new})
    gone = pl.col("new").is_null() | (pl.col("new") > pl.col("old"))
    return both.select(pl.when(pl.col("old").is_not_null()).then(gone)).to_series()


def place(scored: pl.DataFrame, rows: pl.DataFrame, taken: str) -> pl.Series:
    """The place of each row's item in its list's order among the user's candidates, without the item taken away."""
    mine = scored.join(rows.select("user", "list", taken=taken, wanted="item"), on="user")
    mine = mine.filter((pl.col("item") != pl.col("taken")) | (pl.col("item") == pl.col("wanted")))
    own = pl.when(pl.col("list") == "discover").then("discover_score").otherwise("score")
    mine = mine.with_columns(own=own).filter(pl.col("own").is_not_null())
    ranked = mine.with_columns(place=pl.col("own").rank("ordinal", descending=True).over("user"))
    found = ranked.filter(pl.col("item") == pl.col("wanted")).select("user", "place")
    return rows.join(found, on="user", how="left", maintain_order="left")["place"]


def print_shares(rows: pl.DataFrame) -> None:
    """One line a list, reason and generator, and one for all."""
    known = rows.drop_nulls(["anchor_lowers", "rival_lowers"])
    told = [pl.len().alias("rows"), pl.col("anchor_lowers").mean(), pl.col("rival_lowers").mean()]
    by_reason = known.group_by("list", "reason_code").agg(told).sort("list", "reason_code")
    by_generator = known.group_by("reason_code", "generator").agg(told).sort("reason_code", "generator")
    print(f"{'':42} {'rows':>5} {'named item':>11} {'another one':>12}")
    for frame in (
        by_reason,
        by_generator,
        known.select(pl.lit("all").alias("list"), pl.lit("").alias("reason_code"), *told),
    ):
        for first, second, count, anchor, rival in frame.iter_rows():
            print(f"{first + ' ' + second:42} {count:5} {anchor:11.3f} {rival:12.3f}")
        print()


if __name__ == "__main__":
    main()
