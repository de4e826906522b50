"""user_bundles of a published day of the demo's lake against what users bought in the following 28 days.

    python -m benchmarks.user_bundles [--lake .demo/lake] [--as-of 2017-12-04]

A bundle is relevant to a user who buys two or more of its members in one basket of those days, where it held something
new to the user and no member was bought within its usual gap: what the rules allow to be shown. recall@10 is the share
of those among the user's ten, over the users who have any, beside the ten best bundles for everybody.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.combination_data import baskets_after, baskets_before, complete_journey
from recsys.recommendations.baskets import Baskets
from recsys.recommendations.user_chances import purchase_rhythm, too_soon
from recsys.schemas import BUNDLE_ITEMS, BUNDLES, USER_BUNDLES
from recsys.settings.combinations import BundleSettings
from recsys.storage import Lake, read_partition


def main() -> None:
    """Print recall@10 of the published bundles and of the popular ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, default=Path(".demo/lake"))
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2017, 12, 4))
    args = parser.parse_args()
    lake = Lake(str(args.lake.resolve()))
    bundles, members, shown = (
        read_partition(lake, table, as_of_date=args.as_of) for table in (BUNDLES, BUNDLE_ITEMS, USER_BUNDLES)
    )
    events, items = complete_journey()
    before, after = baskets_before(events, items, args.as_of), baskets_after(events, items, args.as_of)
    earlier = events.filter(pl.col("user_id").is_in(before.user_ids), pl.col("occurred_at").dt.date() < args.as_of)
    owned = purchase_rhythm(earlier.lazy(), args.as_of, "UTC")
    relevant = relevant_bundles(after, members, owned).join(shown.select("user_id").unique(), on="user_id")
    best = bundles.sort("rank").head(10).select("bundle_id")
    for name, lists in (
        ("personal", shown.filter(pl.col("rank") <= 10).select("user_id", "bundle_id")),
        ("popular", relevant.select("user_id").unique().join(best, how="cross")),
    ):
        print(json.dumps({"as_of": str(args.as_of), "who": name, **recall(lists, relevant)}))


def relevant_bundles(after: Baskets, members: pl.DataFrame, owned: pl.DataFrame) -> pl.DataFrame:
    """user_id, bundle_id of what users bought two or more members of in one basket, and the rules allow."""
    lines = after.lines.tocoo()
    users, items = pl.Series(after.user_ids), pl.Series(after.item_ids)
    bought = pl.DataFrame({"user_id": users.gather(after.user[lines.row]), "basket": lines.row,
                           "item_id": items.gather(lines.col)})  # fmt: skip
    inside = members.select("bundle_id", "item_id")
    joint = bought.join(inside, on="item_id").group_by("user_id", "basket", "bundle_id").len()
    joint = joint.filter(pl.col("len") > 1).select("user_id", "bundle_id").unique()
    held = owned.with_columns(soon=too_soon(BundleSettings().gap_share)).join(inside, on="item_id")
    held = held.group_by("user_id", "bundle_id").agg(bought=pl.len(), soon=pl.col("soon").any())
    known = joint.join(held, on=["user_id", "bundle_id"], how="left")
    sized = known.join(members.group_by("bundle_id").agg(size=pl.len()), on="bundle_id")
    allowed = (pl.col("bought").fill_null(0) < pl.col("size")) & ~pl.col("soon").fill_null(False)
    return sized.filter(allowed).select("user_id", "bundle_id")


def recall(lists: pl.DataFrame, relevant: pl.DataFrame) -> dict[str, float]:
    """Mean over users of the relevant bundles among the user's ten, over at most ten relevant ones."""
    wanted = relevant.group_by("user_id").agg(wanted=pl.len())
    hits = relevant.join(lists, on=["user_id", "bundle_id"]).group_by("user_id").agg(hits=pl.len())
    share = pl.col("hits").fill_null(0) / pl.col("wanted").clip(upper_bound=10)
    rates = wanted.join(hits, on="user_id", how="left").select(share.alias("recall"))
    mean = float(rates["recall"].to_numpy().mean()) if rates.height else 0.0
    return {"users": rates.height, "relevant": relevant.height, "recall@10": round(mean, 4)}


if __name__ == "__main__":
    main()
