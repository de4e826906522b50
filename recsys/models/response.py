"""Who responds to a campaign: learnt from contacts and responses of earlier campaigns, and of those alone.

Whom the shop contacted was no accident, so the model says how likely a contacted user is to respond: a propensity. It
does not say what contacting changes (an uplift); the holdout of each audience is there to measure that.

For each matured campaign the features of its contacts are those of the moment before it began. Who had answered on an
earlier day than the contact, of their own accord, tells nothing of contacts and is left out. The calibration learns
from predictions ahead in time: each campaign's by a model of the campaigns that were over when it began.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from recsys.features.campaigns import Campaigns
from recsys.features.user_facts import Purchases, model_ready, user_facts
from recsys.models.logistic import Calibration, Floats, Logistic, fit_calibration, fit_logistic
from recsys.settings.audiences import AudienceSettings

_FEWEST_RESPONDERS = 10
"""Responders of earlier campaigns from which on a campaign's predictions teach the calibration."""


@dataclass(frozen=True)
class PastCampaign:
    """A campaign's contacts: `values` (users x features) as of `began`, `labels` 1 for who responded until `over`."""

    campaign_id: str
    began: datetime
    over: datetime
    user_ids: pl.Series
    values: Floats
    labels: Floats


@dataclass(frozen=True)
class ResponseModel:
    """`probabilities` of a response, were the users contacted."""

    features: list[str]
    logistic: Logistic
    calibration: Calibration
    campaigns: int
    responders: int

    def probabilities(self, ready: pl.DataFrame) -> Floats:
        """Calibrated probabilities of the rows of `model_ready`."""
        return self.calibration.probabilities(self.logistic.logits(ready.select(self.features).to_numpy()))


def past_campaigns(
    purchases: Purchases, campaigns: Campaigns, cut: datetime, settings: AudienceSettings
) -> tuple[list[PastCampaign], list[str]]:
    """The newest campaigns that had matured at `cut` with at least one contact, oldest first; and feature names."""
    known, names, past = campaigns.before(cut), list[str](), []
    asked = _asked(known)
    matured = campaigns.matured(cut, settings.maturity_days).join(asked, on="campaign_id", how="semi")
    matured = matured.sort("starts_at", "campaign_id").tail(settings.training_campaigns)
    for campaign_id, starts_at, ends_at in matured.select("campaign_id", "starts_at", "ends_at").iter_rows():
        contacts = asked.filter(pl.col("campaign_id") == campaign_id)
        user_ids = contacts["user_id"].unique().sort()
        began = min(starts_at, contacts["contacted_at"].min())
        ready, names = model_ready(user_facts(purchases, campaigns, campaign_id, user_ids, began))
        responded = known.responses.filter(pl.col("campaign_id") == campaign_id)["user_id"].unique()
        labels = user_ids.is_in(responded.implode()).cast(pl.Float64).to_numpy()
        over = ends_at + timedelta(days=settings.maturity_days)
        past.append(PastCampaign(campaign_id, began, over, user_ids, ready.select(names).to_numpy(), labels))
    return past, names


def _asked(known: Campaigns) -> pl.DataFrame:
    """Contacts of those who had not answered by the day before; an answer may be known by its day alone, and so lie
    before the contact that it followed."""
    ids = ["campaign_id", "user_id"]
    first = known.responses.group_by(ids).agg(pl.col("responded_at").min())
    both = known.contacts.join(first, on=ids, how="left", maintain_order="left")
    early = pl.col("responded_at") + timedelta(days=1) <= pl.col("contacted_at")
    return both.filter(~early.fill_null(value=False)).drop("responded_at")


def fit_response(past: list[PastCampaign], features: list[str], settings: AudienceSettings) -> ResponseModel | None:
    """A model of `past`; None where there are too few campaigns or responses to learn from."""
    responders = int(sum(campaign.labels.sum() for campaign in past))
    contacts = sum(len(campaign.labels) for campaign in past)
    if len(past) < settings.min_campaigns or responders < settings.min_responders or responders == contacts:
        return None
    ahead = [(logits, campaign.labels) for campaign in past if (logits := _ahead(campaign, past, settings)) is not None]
    logits, labels = (np.concatenate([np.zeros(0), *parts]) for parts in zip(*ahead, strict=True)) if ahead else (
        np.zeros(0), np.zeros(0),
    )  # fmt: skip
    calibration = Calibration()
    if labels.sum() >= settings.min_responders:
        calibration = fit_calibration(logits, labels, settings.calibration_penalty)
    return ResponseModel(features, _fit(past, settings), calibration, len(past), responders)


def _ahead(campaign: PastCampaign, past: list[PastCampaign], settings: AudienceSettings) -> Floats | None:
    """Logits of the campaign's contacts by a model of the campaigns that were over when it began."""
    earlier = [other for other in past if other.over <= campaign.began]
    labels = np.concatenate([np.zeros(0), *(other.labels for other in earlier)])
    if labels.sum() < _FEWEST_RESPONDERS or labels.all():
        return None
    return _fit(earlier, settings).logits(campaign.values)


def _fit(past: list[PastCampaign], settings: AudienceSettings) -> Logistic:
    values = np.concatenate([campaign.values for campaign in past])
    return fit_logistic(values, np.concatenate([campaign.labels for campaign in past]), settings.regularization)
