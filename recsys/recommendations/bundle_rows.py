"""From grown sets to the rows of bundles and bundle_items: score, choice, price, name and reason.

    score = log(1 + users) * sqrt(baskets - expected) * (1 + variety) / 2 * size_bonus * freshness

Distinct users stand for how surely it comes again, baskets beyond chance for how much there is to win, variety (leaf
categories over members) for how little its members repeat each other. size_bonus = (pairs within the set) ** 1.3: a
larger set ties more items together, but is in fewer baskets by nature. Freshness halves with every
`half_life_days` that the whole set was not bought.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from datetime import timedelta
from typing import Any

import polars as pl

from recsys.recommendations.baskets import Baskets
from recsys.recommendations.bundle_growth import GrownSet
from recsys.recommendations.bundle_naming import bundle_name, bundle_reason, member_names, title_words
from recsys.recommendations.bundle_pricing import with_prices
from recsys.recommendations.wording import in_a_sentence, tell
from recsys.schemas import BUNDLE_ITEMS, BUNDLES, Table
from recsys.settings.combinations import BundleSettings

Row = dict[str, Any]
_SIZE_EXPONENT = 1.3


def bundle_rows(
    sets: list[tuple[GrownSet, bool]],
    baskets: Baskets,
    items: pl.DataFrame,
    allowed: pl.DataFrame,
    settings: BundleSettings,
    language: str = "en",
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of bundles and of bundle_items, without as_of_date and model_version; `sets` says which are forced."""
    known = items.unique("item_id", keep="first", maintain_order=True)
    columns = ["item_id", "title", "brand", "category_path", "list_price", "unit_cost"]
    named = known.select(columns).with_columns(name=in_a_sentence(pl.coalesce("title", "item_id")))
    facts = {row["item_id"]: row for row in named.iter_rows(named=True)}
    frequency = Counter(word for title in known["title"] for word in title_words(title))
    held = baskets.item_baskets
    rows = [_describe(grown, forced, baskets, held, facts, settings) for grown, forced in sets]
    chosen = choose_bundles([row for row in rows if row["forced"] or _in_band(row["list_price"], settings)], settings)
    cover = dict(allowed.select("item_id", "days_of_cover").iter_rows())
    bundles, members = [], []
    for rank, row in enumerate(chosen, 1):
        bundles.append({"rank": rank, **_words(row, facts, frequency, language), **row})
        members += [
            {"bundle_id": row["bundle_id"], "item_id": item, "position": position,
             "list_price": facts[item]["list_price"], "days_of_cover": cover.get(item)}
            for position, item in enumerate(row["members"], 1)
        ]  # fmt: skip
    made_later = ["as_of_date", "model_version", "suggested_discount", "suggested_price"]
    priced = with_prices(_frame(bundles, BUNDLES, made_later), settings)
    return priced.sort("bundle_id"), _frame(members, BUNDLE_ITEMS, ["as_of_date"]).sort("bundle_id", "item_id")


def choose_bundles(rows: list[Row], settings: BundleSettings) -> list[Row]:
    """Best first: forced ones, then by score; near-duplicates and all too frequent members are passed over.

    Ties fall to the smaller bundle_id.
    """
    chosen: list[Row] = []
    sharing: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (not row["forced"], -row["score"], row["bundle_id"])):
        rivals = [sharing.get(item, []) for item in row["members"]]
        crowded = any(len(others) >= settings.bundles_per_item for others in rivals)
        alike = any(near_duplicates(row, other, settings.max_overlap) for others in rivals for other in others)
        if not row["forced"] and (alike or crowded):
            continue
        chosen.append(row)
        for item in row["members"]:
            sharing.setdefault(item, []).append(row)
        if len(chosen) == settings.max_bundles:
            break
    return chosen


def near_duplicates(row: Row, other: Row, max_overlap: float) -> bool:
    """Whether two sets share too many of their members; or, where one holds the other, of their baskets.

    A pair that is seldom bought without the third item says nothing that the set of three does not.
    """
    ours, theirs = set(row["members"]), set(other["members"])
    if len(ours & theirs) > max_overlap * len(ours | theirs):
        return True
    fewer, more = sorted((row["baskets"], other["baskets"]))
    return (ours < theirs or theirs < ours) and fewer > max_overlap * more


def _describe(
    grown: GrownSet, forced: bool, baskets: Baskets, held: Any, facts: dict[str, Row], settings: BundleSettings
) -> Row:
    ids = [baskets.item_ids[item] for item in grown.members]
    known = [facts[item] for item in ids]
    cohesion = grown.baskets / max(min(int(held[item]) for item in grown.members), 1)
    leaves = {fact["category_path"] or fact["item_id"] for fact in known}
    variety = len(leaves) / len(ids)
    excess = math.sqrt(max(grown.baskets - grown.expected, 0.0))
    bonus = math.comb(len(ids), 2) ** _SIZE_EXPONENT
    fresh = 0.5 ** (grown.newest / settings.half_life_days)
    return {
        "bundle_id": hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16],
        "members": ids,
        "size": len(ids),
        "score": math.log1p(grown.users) * excess * (1.0 + variety) / 2.0 * bonus * fresh,
        "baskets": grown.baskets,
        "users": grown.users,
        "expected_baskets": grown.expected,
        "lift": grown.lift,
        "p_value": min(grown.p_value, 1.0),
        "cohesion": cohesion,
        "variety": variety,
        "forced": forced,
        "list_price": _sum([fact["list_price"] for fact in known]),
        "unit_cost": _sum([fact["unit_cost"] for fact in known]),
        "last_seen": baskets.as_of_date - timedelta(days=grown.newest) if grown.baskets else None,
        "anchor_share": grown.baskets / max(int(held[grown.members[0]]), 1),
    }


def _words(row: Row, facts: dict[str, Row], frequency: Counter[str], language: str) -> Row:
    known = [facts[item] for item in row["members"]]
    titles, paths = [fact["title"] for fact in known], [fact["category_path"] for fact in known]
    named = member_names([fact["name"] for fact in known], [fact["brand"] for fact in known], row["members"], language)
    text = bundle_reason(named, row["baskets"], row["anchor_share"], row["lift"], language)
    forced = tell(language, "bundle_forced", items=" + ".join(named))
    return {
        "name": bundle_name(paths, titles, frequency, " + ".join(named), language),
        "reason_code": "forced" if row["forced"] else "bought_together",
        "reason_text": forced if row["forced"] else text,
    }


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _in_band(price: float | None, settings: BundleSettings) -> bool:
    return price is None or settings.min_price <= price <= (settings.max_price or math.inf)


def _frame(rows: list[Row], table: Table, without: list[str]) -> pl.DataFrame:
    schema = pl.DataFrame(table.empty_table()).drop(without).schema
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
