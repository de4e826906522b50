"""The response model on Complete Journey's 27 campaigns: trained on earlier ones, scored on later ones.

    python -m benchmarks.audiences [--contacts 100] [--responders 5] [--until 2017-11-06]

Each campaign is scored by a model of the campaigns that were over when it began, among the households it was sent to.
Beside it: recency-frequency-monetary scoring (the sum of three quintiles), and past redeemers (how often a household
redeemed before). Lift is the responders among the best tenth over those in a tenth drawn blindly; equal scores
count as drawn by lot. Intervals are bootstraps over campaigns, paired. The calibration error (mean over ten equal
groups, weighted) is told with and without the calibration.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone

import numpy as np
import polars as pl
from scipy.stats import rankdata

from demo import complete_journey
from recsys.features.campaigns import Campaigns, alike, promoted_items
from recsys.features.user_facts import Purchases, encode_purchases
from recsys.models.logistic import Floats, sigmoid
from recsys.models.response import PastCampaign, ResponseModel, fit_response, past_campaigns
from recsys.schemas import CAMPAIGN_TARGETS, CAMPAIGNS, CONTACTS, RESPONSES, Table
from recsys.settings.audiences import AudienceSettings

SETTINGS = AudienceSettings(training_campaigns=1_000)
AFTER_ALL = datetime(2018, 6, 1, tzinfo=timezone.utc)
DRAWS = 2_000


def main() -> None:
    """Print one line a campaign, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=100, help="campaigns of fewer contacts are not scored")
    parser.add_argument("--responders", type=int, default=5, help="campaigns of fewer responders are not scored")
    parser.add_argument("--until", type=datetime.fromisoformat, default=None, help="campaigns that began by that day")
    options = parser.parse_args()
    purchases, campaigns = complete_journey_campaigns()
    past, names = past_campaigns(purchases, campaigns, AFTER_ALL, SETTINGS)
    rows, told, raw, labels = [], [], [], []
    for campaign in past:
        if len(campaign.labels) < options.contacts or campaign.labels.sum() < options.responders:
            continue
        if options.until and campaign.began.replace(tzinfo=None) > options.until:
            continue
        earlier = [other for other in past if other.over <= campaign.began]
        model = fit_response(earlier, names, SETTINGS)
        if model is None:
            continue
        row, calibrated, plain = scored(campaign, model, names)
        print(json.dumps(row))
        rows.append(row)
        told.append(calibrated)
        raw.append(plain)
        labels.append(campaign.labels)
    print(json.dumps(summary(rows, np.concatenate(told), np.concatenate(raw), np.concatenate(labels)), indent=1))


def complete_journey_campaigns() -> tuple[Purchases, Campaigns]:
    """Purchases and campaigns of the data set, as the features read them."""
    products = complete_journey.table("products")
    lines = complete_journey.purchases(complete_journey.table("transactions"), products)
    events = complete_journey.purchase_events(lines).with_columns(
        pl.col("user_id", "item_id", "order_id").cast(pl.String)
    )
    path = [pl.col(name).str.strip_chars() for name in ("department", "product_category", "product_type")]
    items = products.select(
        item_id=pl.col("product_id").cast(pl.String),
        category_path=pl.when(pl.col("product_category").is_not_null()).then(
            pl.concat_str(path, separator=" > ", ignore_nulls=True)
        ),
        brand=pl.lit(None, pl.String),
    )
    raw = complete_journey.campaigns()
    nothing = {"budget": pl.lit(None, pl.Float64), "contact_cost": pl.lit(None, pl.Float64)}
    promoted = raw["campaign_items"].select("campaign_id", target_type=pl.lit("item"), target="item_id")
    tables = {
        CAMPAIGNS: raw["campaigns"].with_columns(**nothing),
        CAMPAIGN_TARGETS: promoted,
        CONTACTS: raw["campaign_contacts"],
        RESPONSES: raw["campaign_responses"],
    }
    rows, targets, contacts, responses = (_of(table, frame) for table, frame in tables.items())
    pairs = promoted_items(targets, items)
    return encode_purchases(events, items, "UTC"), Campaigns(rows, pairs, contacts, responses, alike(pairs, items))


def _of(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` in the table's columns and types; times without a zone are UTC."""
    naive = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone is None]
    zoned = frame.with_columns(pl.col(naive).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    types = pl.DataFrame(table.empty_table()).schema
    return zoned.select(pl.col(name).cast(kind) for name, kind in types.items()).unique().sort(table.key)


def scored(campaign: PastCampaign, model: ResponseModel, names: list[str]) -> tuple[dict[str, object], Floats, Floats]:
    """Figures of one campaign, and its calibrated and plain probabilities."""
    logits = model.logistic.logits(campaign.values)
    calibrated, plain = model.calibration.probabilities(logits), sigmoid(logits)
    column = {name: campaign.values[:, place] for place, name in enumerate(names)}
    scores = {"ours": calibrated, "rfm": rfm(column), "redeemers": column["h_responses"]}
    row: dict[str, object] = {
        "campaign": campaign.campaign_id,
        "began": str(campaign.began.date()),
        "contacts": len(campaign.labels),
        "responders": int(campaign.labels.sum()),
        "trained_on": model.campaigns,
    }
    for name, score in scores.items():
        row[f"auc_{name}"] = round(auc(score, campaign.labels), 3)
        row[f"lift_{name}"] = round(lift(score, campaign.labels), 3)
    return row, calibrated, plain


def rfm(column: dict[str, Floats]) -> Floats:
    """Sum of the quintiles (1 to 5) of recency, number of trips and money spent."""
    parts = (column["u_last"], column["u_trips"], column["u_spend"])
    result: Floats = np.sum([np.ceil(rankdata(part) / len(part) * 5) for part in parts], axis=0)
    return result


def auc(score: Floats, labels: Floats) -> float:
    """Chance that a responder scores above another contact; equal scores count half."""
    positive = labels.sum()
    ranks = rankdata(score)[labels == 1].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * (len(labels) - positive)))


def lift(score: Floats, labels: Floats, share: float = 0.1) -> float:
    """Response rate of the best `share` over that of all; of equal scores at the edge, the expected value."""
    wanted = max(round(len(score) * share), 1)
    edge = np.sort(score)[::-1][wanted - 1]
    above, level = score > edge, score == edge
    found = labels[above].sum() + labels[level].mean() * (wanted - above.sum())
    return float(found / wanted / labels.mean())


def calibration_error(told: Floats, labels: Floats, groups: int = 10) -> float:
    """Mean distance of told and found rates over groups of equal size by what was told."""
    parts = np.array_split(np.argsort(told, kind="stable"), groups)
    return float(sum(len(part) * abs(told[part].mean() - labels[part].mean()) for part in parts) / len(labels))


def summary(rows: list[dict[str, object]], told: Floats, raw: Floats, labels: Floats) -> dict[str, object]:
    """Means over campaigns, paired differences of lift with intervals, and the calibration of all contacts together."""
    values = {
        name: np.array([row[name] for row in rows], dtype=float) for name in rows[0] if name.startswith(("auc", "lift"))
    }
    weight = np.array([row["responders"] for row in rows], dtype=float)
    found: dict[str, object] = {"campaigns": len(rows), "contacts": len(labels), "responders": int(labels.sum())}
    found |= {f"mean_{name}": round(float(value.mean()), 3) for name, value in values.items()}
    found |= {f"pooled_{name}": round(float(np.average(value, weights=weight)), 3) for name, value in values.items()}
    for rival in ("rfm", "redeemers"):
        gap = values["lift_ours"] - values[f"lift_{rival}"]
        found[f"lift_above_{rival}"] = interval(gap, np.ones(len(gap)))
        found[f"pooled_lift_above_{rival}"] = interval(gap, weight)
    found |= {
        "calibration_error": round(calibration_error(told, labels), 4),
        "calibration_error_before": round(calibration_error(raw, labels), 4),
        "brier": round(float(((told - labels) ** 2).mean()), 4),
        "brier_before": round(float(((raw - labels) ** 2).mean()), 4),
        "told": round(float(told.mean()), 4),
        "found": round(float(labels.mean()), 4),
    }
    return found


def interval(values: Floats, weights: Floats) -> list[float]:
    """Weighted mean over campaigns, and the ends of its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    picks = [rng.integers(0, len(values), len(values)) for _ in range(DRAWS)]
    draws = [np.average(values[pick], weights=weights[pick]) for pick in picks]
    return [
        round(float(value), 3) for value in (np.average(values, weights=weights), *np.percentile(draws, [2.5, 97.5]))
    ]


if __name__ == "__main__":
    main()
