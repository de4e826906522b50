"""What variety costs and brings: lists of a built day, reordered with one strength after the other.

    python -m benchmarks.diversity --as-of 2017-11-06 --until 2017-12-04 [--list discover] [--svg FILE]

Takes the lake of the environment (see `python -m recsys --help`), in which the steps of the as-of date have run up to
the lists (with `variety` off), and the events that a run of `until` sees, in which at least check_extracts has run.
Prints a line for each strength: ndcg@10 against what users bought until then, intra-list distance and entropy of
categories of the first ten places. The chosen point is the largest distance that costs at most 1 % of ndcg@10.
"""

from __future__ import annotations

import argparse
from datetime import date
from html import escape
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.rule_costs import holdout, ndcg
from recsys.config import load_environment, load_settings
from recsys.data.events import read_events
from recsys.features.item_space import ItemSpace, load_item_space
from recsys.recommendations.list_variety import as_matrix, category_entropies, list_distances
from recsys.recommendations.published_lists import scan_lists
from recsys.recommendations.realised import TOP
from recsys.recommendations.variety import vary
from recsys.run import RunContext
from recsys.settings.variety import VarietySettings

DIVERSITY = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
CALIBRATION = (0.1, 0.2, 0.5)
MAX_LOSS = 0.01
SCHEMA = {"diversity": pl.Float64, "calibration": pl.Float64, "ndcg": pl.Float64, "distance": pl.Float64,
          "entropy": pl.Float64}  # fmt: skip


def measure(rows: pl.DataFrame, truth: pl.DataFrame, bought: pl.DataFrame, space: ItemSpace, name: str) -> pl.DataFrame:
    """One row per pair of strengths (SCHEMA), the first without any; `rows` are those of the list `name`."""
    told = []
    for diversity, calibration in [(d, 0.0) for d in DIVERSITY] + [(0.0, c) for c in CALIBRATION]:
        settings = VarietySettings((f"{name}={diversity}",), (f"{name}={calibration}",))
        lists = vary(rows, space, bought, settings)
        places = as_matrix(lists.filter(pl.col("rank") <= TOP), space)
        distance, entropy = np.nanmean(list_distances(places, space)), category_entropies(places, space).mean()
        told.append((diversity, calibration, ndcg(lists, truth), float(distance), float(entropy)))
    return pl.DataFrame(told, schema=SCHEMA, orient="row")


def chosen(table: pl.DataFrame) -> int:
    """Row of the largest distance whose ndcg@10 is at most MAX_LOSS below that of the first row."""
    kept = table.with_row_index("row").filter(pl.col("ndcg") >= (1 - MAX_LOSS) * table["ndcg"][0])
    return int(kept.sort("distance", "row", descending=[True, False])["row"][0])


def draw(table: pl.DataFrame, title: str) -> str:
    """The curve as SVG: distance gained to the right, ndcg@10 lost downwards, the chosen point ringed."""
    first, best = table.row(0, named=True), chosen(table)
    across = (table["distance"] / first["distance"] - 1).to_list()
    down = (1 - table["ndcg"] / first["ndcg"]).to_list()
    wide, deep = max(*across, 0.01), max(*down, 2 * MAX_LOSS)
    parts = [f'<text x="60" y="20">{escape(title)}</text>']
    limit = 40 + 260 * MAX_LOSS / deep
    parts.append(f'<line x1="60" x2="620" y1="{limit:.1f}" y2="{limit:.1f}" stroke="#a3002b" stroke-dasharray="4"/>')
    parts.append(f'<text x="612" y="{limit - 4:.1f}" text-anchor="end" fill="#a3002b">1 % of ndcg@10</text>')
    for place, (x, y, d, c) in enumerate(zip(across, down, table["diversity"], table["calibration"], strict=True)):
        at = f'cx="{60 + 520 * x / wide:.1f}" cy="{40 + 260 * max(y, 0) / deep:.1f}"'
        colour = "#c1666b" if c else "#2a6f97"
        parts.append(f'<circle {at} r="4" fill="{colour}"><title>{d} / {c}: {x:+.1%}, {-y:+.2%}</title></circle>')
        if place == best:
            parts.append(f'<circle {at} r="9" fill="none" stroke="#222"/>')
        label = f"calibration {c}" if c else f"{d}"
        parts.append(f'<text x="{66 + 520 * x / wide:.1f}" y="{36 + 260 * max(y, 0) / deep:.1f}">{label}</text>')
    parts.append(f'<text x="60" y="330">distance +0 % to {wide:+.1%}; ndcg@10 lost, 0 to {deep:.1%}, downwards</text>')
    style = "<style>text{font:12px sans-serif;fill:#333}</style>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 340">{style}{"".join(parts)}</svg>\n'


def main() -> None:
    """Print the curve, name the chosen point, and draw it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="past day whose lists were built")
    parser.add_argument("--until", type=date.fromisoformat, required=True, help="end of the holdout, a later day")
    parser.add_argument("--list", default="discover", help="for_you, discover or buy_again (default: discover)")
    parser.add_argument("--svg", type=Path, help="file for the curve")
    options = parser.parse_args()
    context = RunContext(options.as_of, load_environment(), load_settings(), "benchmark")
    table = measure_day(context, options.until, options.list)
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, float_precision=4):
        print(table)
    best = table.row(chosen(table), named=True)
    gain, loss = best["distance"] / table["distance"][0] - 1, 1 - best["ndcg"] / table["ndcg"][0]
    print(f"chosen: diversity {best['diversity']}, calibration {best['calibration']}: {gain:+.1%} for {loss:.2%}")
    if options.svg:
        options.svg.write_text(draw(table, f"{options.list}, {options.as_of}"), encoding="utf-8")


def measure_day(context: RunContext, until: date, name: str) -> pl.DataFrame:
    """`measure` of the list `name` of the context's day, over the users who bought something until `until`."""
    rows = scan_lists(context.lake, context.as_of_date).filter(pl.col("list") == name).collect()
    events = read_events(context, columns=["user_id", "item_id", "event_type"])
    bought = events.filter(pl.col("event_type") == "purchase").select("user_id", "item_id").unique().collect()
    truth = holdout(context, until).join(rows.select("user_id").unique(), on="user_id", how="semi")
    how = {"discover": "anti", "buy_again": "semi"}.get(name)
    if how:
        truth = truth.join(bought, on=["user_id", "item_id"], how=how)  # type: ignore[arg-type]
    return measure(rows.sort("list", "user_id", "rank"), truth, bought, load_item_space(context), name)


if __name__ == "__main__":
    main()
