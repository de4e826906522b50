"""Affinity and lookalike on what users went on to buy: do the likeliest tenths hold the buyers of the promoted items?

    python -m benchmarks.audience_reach --as-of 2017-11-06 [2017-10-09 …] --until 2017-12-04 [--weights 0 0.5 1 2]

Takes the lake of the environment, in which the lists of each as-of date and check_extracts of `until` have run. Every
campaign that runs or is near on an as-of date is scored as that morning would; a buyer is who bought a promoted item
from then until its end, at most `horizon_days` later and at most until `until`. No audience is cut to a size, so the
tenths are those of all users in question. One line a day, campaign and way for each weight of the ranker's places, then
the means over them and the calibration of all rows together. Beside ours: how often a user bought promoted items
before (affinity), how much a user buys at all (lookalike).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from benchmarks.audiences import auc, calibration_error, interval, lift
from benchmarks.rule_costs import bought_after
from recsys import schemas
from recsys.config import load_environment, load_settings
from recsys.features.campaigns import load_campaigns
from recsys.features.user_facts import load_purchases
from recsys.recommendations.audience_scores import AudienceDay, audience_day, scored_campaign
from recsys.run import RunContext
from recsys.storage import read_partition

RIVALS = {"affinity": "t_trips", "lookalike": "u_trips_28"}
Told = dict[str, Any]
Scored = tuple[Told, np.ndarray, np.ndarray]
"""Figures of an audience, what its users were told, and whether each bought."""
Found = dict[str, list[Scored]]


def prepared(context: RunContext) -> AudienceDay:
    """What all campaigns of the day share."""
    items, users = (
        read_partition(context.lake, table, as_of_date=context.as_of_date) for table in (schemas.ITEMS, schemas.USERS)
    )
    return audience_day(context, load_campaigns(context, items), load_purchases(context, items), users)


def figures(rows: pl.DataFrame, labels: np.ndarray, rival: str) -> Told:
    """Of one audience before it is cut: `rows` of SCORED, `labels` whether each user bought."""
    told, other = rows["probability"].to_numpy(), rows[rival].fill_null(0.0).to_numpy()
    return {
        "users": len(labels), "buyers": int(labels.sum()),
        "auc": round(auc(told, labels), 3), "lift": round(lift(told, labels), 3),
        "auc_rival": round(auc(other, labels), 3), "lift_rival": round(lift(other, labels), 3),
        "told": round(float(told.mean()), 4), "found": round(float(labels.mean()), 4),
        "calibration_error": round(calibration_error(told, labels), 4),
    }  # fmt: skip


def main() -> None:
    """Print a line an audience, and a summary by way and weight."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--as-of", type=date.fromisoformat, nargs="+", required=True, help="past days whose lists were built"
    )
    parser.add_argument("--until", type=date.fromisoformat, required=True, help="end of what is known, a later day")
    parser.add_argument("--weights", type=float, nargs="*", help="weights of the ranker; default: the setting's")
    parser.add_argument("--buyers", type=int, default=10, help="audiences of fewer buyers are not scored")
    options = parser.parse_args()
    settings = load_settings()
    found: dict[float, Found] = defaultdict(lambda: defaultdict(list))
    for as_of in options.as_of:
        context = RunContext(as_of, load_environment(), settings, "benchmark")
        day, bought = prepared(context), bought_after(context, options.until).collect()
        for weight in options.weights or [settings.audiences.ranker_weight]:
            audiences = replace(settings.audiences, ranker_weight=weight)
            tried = replace(day, context=replace(context, settings=replace(settings, audiences=audiences)))
            for way, scored in _scored(tried, bought, options.buyers):
                found[weight][way].append(scored)
    for weight, ways in found.items():
        summarise(weight, ways)


def _scored(day: AudienceDay, bought: pl.DataFrame, least: int) -> Iterator[tuple[str, Scored]]:
    """Way and figures of each audience of the day with `least` buyers, printed on the way."""
    as_of = day.context.as_of
    horizon = as_of + timedelta(days=day.context.settings.audiences.horizon_days)
    for campaign in day.campaigns.open(as_of, 0).iter_rows(named=True):
        items = day.campaigns.items_of(campaign["campaign_id"])
        end = min(horizon, campaign["ends_at"])
        own = bought.filter(pl.col("item_id").is_in(items.implode()) & (pl.col("occurred_at") < end))
        scored = scored_campaign(day, campaign)
        for way, rival in RIVALS.items():
            rows = scored.filter(pl.col("way") == way)
            labels = rows["user_id"].is_in(own["user_id"].unique().implode()).cast(pl.Float64).to_numpy()
            if not least <= labels.sum() < len(labels):
                continue
            named = {"as_of": str(day.context.as_of_date), "campaign": campaign["campaign_id"], "way": way}
            told = {**named, **figures(rows, labels, rival)}
            print(json.dumps(told), flush=True)
            yield way, (told, rows["probability"].to_numpy(), labels)


def summarise(weight: float, found: Found) -> None:
    """Print means over campaigns of each way, and the calibration of all its rows together."""
    for way, parts in found.items():
        rows = [told for told, _, _ in parts]
        told, labels = (np.concatenate([part[place] for part in parts]) for place in (1, 2))
        gap = np.array([row["lift"] - row["lift_rival"] for row in rows])
        means = {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0] if "lift" in name}
        means |= {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0] if "auc" in name}
        summary = {"weight": weight, "way": way, "campaigns": len(rows), "rows": len(labels), **means}
        summary |= {"lift_above_rival": interval(gap, np.ones(len(gap))), "told": round(float(told.mean()), 4)}
        summary |= {"found": round(float(labels.mean()), 4)}
        print(json.dumps(summary | {"calibration_error": round(calibration_error(told, labels), 4)}))


if __name__ == "__main__":
    main()
