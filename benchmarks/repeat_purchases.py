"""How well the chance of a repeat purchase is known, and how well it orders a list, beside decayed frequency.

    python -m benchmarks.repeat_purchases [--cut 2017-11-06] [--svg docs/pictures/repeat_purchases.svg] [--lists]

Data are Complete Journey; everything is fitted before the cut. Told and found is compared over all pairs that were
bought before the cut, and over the 50 likeliest of each user: ten groups of equal size by the probability, the mean
distance of the two is the calibration error. Lists are measured on what users bought again in the 28 days from the
cut, users weighing the same; differences to each half-life of decayed frequency are paired. `--lists` adds the list
buy_again of the cut as the lake of the environment holds it.
"""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.combination_data import complete_journey, midnight
from recsys.config import Settings, load_environment
from recsys.features.history import EVENT_COLUMNS, History, encode, weights
from recsys.models.baselines import decayed_frequency
from recsys.models.metrics import Values, estimate, ndcg, top_lists
from recsys.models.repeat_purchase import chances, fit_repeat_purchase, repeat_facts
from recsys.recommendations.published_lists import scan_lists
from recsys.storage import Lake

HALF_LIVES = (30.0, 60.0, 90.0, 180.0)
HORIZON, GROUPS, LENGTH = 28, 10, 50


def main() -> None:
    """Print calibration and lists; draw the reliability plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--lists", action="store_true")
    options = parser.parse_args()
    everything, settings = journey(), Settings()
    history = everything.before(midnight(options.cut))
    model = fit_repeat_purchase(history, settings.models.history_days, settings.repeat, settings.seed)
    recent = history.before(history.as_of, settings.models.history_days)
    facts = repeat_facts(recent)
    told = facts.select("user", "item", probability=pl.Series(model.probabilities(facts)))
    plain, modified, _ = chances(facts, model)
    orders = {"plain rate": plain, "modified rate": modified, "probability": told["probability"].to_numpy()}
    scored = {name: told.select("user", "item", score=pl.Series(values)) for name, values in orders.items()}
    came = told.join(bought(everything, options.cut, settings.repeat.days), on=["user", "item"], how="left")
    best = came.sort("user", "probability", "item", descending=[False, True, False])
    parts = {"all pairs": came, "50 likeliest a user": best.filter(pl.int_range(pl.len()).over("user") < LENGTH)}
    if options.lists:
        scored["list buy_again"] = published(history, options.cut)
        parts["list buy_again"] = came.join(scored["list buy_again"], on=["user", "item"], how="semi")
    groups = {name: reliability(part) for name, part in parts.items()}
    for name, rows in groups.items():
        error = float((rows[:, 0] * np.abs(rows[:, 1] - rows[:, 2])).sum())
        told_found = [round(float((rows[:, 0] * rows[:, at]).sum()), 4) for at in (1, 2)]
        print(json.dumps({"pairs": name, "calibration_error": round(error, 4), "told, found": told_found}))
    compare(recent, scored, bought(everything, options.cut, HORIZON).join(facts, on=["user", "item"], how="semi"))
    if options.svg:
        options.svg.write_text(drawn(groups, settings.repeat.days), encoding="utf-8")


def journey() -> History:
    """Complete Journey as a history of all its days."""
    events, items = complete_journey()
    events = events.filter(pl.col("quantity") > 0).with_columns(
        unit_price=pl.col("paid") / pl.col("quantity"), store_id=pl.lit(None, pl.String)
    )
    return encode(events.select(EVENT_COLUMNS), items, midnight(date(2018, 1, 1)), "UTC")


def bought(history: History, cut: date, days: int) -> pl.DataFrame:
    """user, item bought within `days` days from `cut`, with `found` 1."""
    at = pl.col("at")
    later = history.events.filter((at >= midnight(cut)) & (at < midnight(cut + timedelta(days=days))))
    return later.select("user", "item", found=pl.lit(1.0)).unique()


def published(history: History, cut: date) -> pl.DataFrame:
    """user, item, score of the list buy_again in the lake."""
    lists = scan_lists(Lake(load_environment().lake_uri), cut).filter(pl.col("list") == "buy_again")
    rows = lists.select("user_id", "item_id", "rank").collect()
    users = pl.DataFrame({"user_id": history.users, "user": np.arange(len(history.users), dtype=np.int32)})
    items = pl.DataFrame({"item_id": history.items, "item": np.arange(len(history.items), dtype=np.int32)})
    both = rows.join(users, on="user_id").join(items, on="item_id")
    return both.select("user", "item", score=-pl.col("rank").cast(pl.Float64))


def reliability(pairs: pl.DataFrame) -> NDArray[np.float64]:
    """Share of the pairs, mean told, share found, of each group of equal size by the told probability."""
    rows = pairs.drop_nulls("probability").sort("probability", "user", "item")
    told, found = rows["probability"].to_numpy(), rows["found"].fill_null(0.0).to_numpy()
    parts = [part for part in np.array_split(np.arange(len(rows)), GROUPS) if len(part)]
    return np.array([(len(part) / len(rows), told[part].mean(), found[part].mean()) for part in parts])


def compare(history: History, scored: dict[str, pl.DataFrame], truth: pl.DataFrame) -> None:
    """Print ndcg@10 on repeat purchases of each order, and its difference to each decayed frequency."""
    truth, settings = truth.select("user", "item"), Settings()
    known = scored["probability"].select("user", "item")
    rivals: dict[float, Values] = {}
    for days in HALF_LIVES:
        usual = decayed_frequency(weights(history, settings.interactions, days))
        rivals[days] = ndcg(top_lists(usual.join(known, on=["user", "item"], how="semi"), 10), truth)
        print(json.dumps({"order": f"decayed frequency, {days:.0f} days", "ndcg@10": round(rivals[days].mean(), 4)}))
    for name, frame in scored.items():
        own = ndcg(top_lists(frame, 10), truth)
        line: dict[str, object] = {"order": name, "ndcg@10": round(own.mean(), 4), "users": len(own)}
        for days, theirs in rivals.items():
            told = estimate(own - theirs, settings.models.bootstrap_draws, settings.seed)
            line[f"above {days:.0f} days"] = [round(x, 4) for x in (told.value, told.low, told.high)]
        print(json.dumps(line))


_SIDE, _EDGE = 360, 46
_COLOURS = ("#1b6ca8", "#c4562f", "#3f7d3a")


def drawn(groups: dict[str, NDArray[np.float64]], days: int) -> str:
    """A reliability plot as SVG: what was found against what was told, both by square root, a line a set of pairs."""
    span = _SIDE - 2 * _EDGE

    def place(told: float, found: float) -> tuple[float, float]:
        return _EDGE + span * told**0.5, _SIDE - _EDGE - span * found**0.5

    text = 'font-family="sans-serif" font-size="11" fill="#444"'
    (x0, y0), (x1, y1) = place(0, 0), place(1, 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}" width="{_SIDE}" height="{_SIDE}">',
        f"<title>Chance of a repeat purchase within {days} days: told and found</title>",
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="white"/>',
        f'<path d="M{x0:.1f} {y0:.1f} L{x1:.1f} {y1:.1f}" stroke="#bbb" stroke-dasharray="4 4"/>',
    ]
    for share in (0.01, 0.1, 0.25, 0.5, 1.0):
        x, y = place(share, share)
        parts.append(f'<text x="{x:.1f}" y="{y0 + 16:.1f}" text-anchor="middle" {text}>{share:.0%}</text>')
        parts.append(f'<text x="{x0 - 6:.1f}" y="{y + 4:.1f}" text-anchor="end" {text}>{share:.0%}</text>')
    parts.append(f'<text x="{_SIDE / 2}" y="{_SIDE - 8}" text-anchor="middle" {text}>told</text>')
    parts.append(f'<text x="12" y="{_EDGE - 14}" {text}>found</text>')
    for number, ((name, rows), colour) in enumerate(zip(groups.items(), _COLOURS, strict=False)):
        points = [place(told, found) for _, told, found in rows]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        at = f'x="{_EDGE + 10}" y="{_EDGE + 4 + 15 * number}"'
        parts.append(f'<text {at} font-family="sans-serif" font-size="11" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    main()
