"""The response model: earlier campaigns alone, and nothing where there is too little."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import numpy as np
import polars as pl

from recsys.features.user_facts import model_ready, user_facts
from recsys.models.response import ResponseModel, fit_response, past_campaigns
from tests.audience_shop import AS_OF, EACH, SETTINGS, USERS, campaigns, day, purchases

AUDIENCES = SETTINGS.audiences


def trained(settings: object = AUDIENCES) -> ResponseModel | None:
    return fit_response(*past_campaigns(purchases(), campaigns(), AS_OF, AUDIENCES), settings)  # type: ignore[arg-type]


def test_past_campaigns_are_those_that_are_over_with_what_came_of_them() -> None:
    past, names = past_campaigns(purchases(), campaigns(), AS_OF, AUDIENCES)
    assert [campaign.campaign_id for campaign in past] == ["past_1", "past_2", "past_3", "past_4"]
    assert {campaign.values.shape for campaign in past} == {(2 * EACH, len(names))}
    assert {campaign.labels.sum() for campaign in past} == {EACH * 9 / 10}
    responses = names.index("h_responses")
    assert past[0].values[:, responses].max() == 0.0
    assert past[3].values[:, responses].max() == np.log1p(3.0)


def test_fans_are_told_apart_from_buyers() -> None:
    model = trained()
    assert model is not None
    ready, _ = model_ready(user_facts(purchases(), campaigns(), "coming", pl.Series(USERS), AS_OF))
    told = model.probabilities(ready).reshape(4, EACH).mean(axis=1)
    assert told[0] > 0.7
    assert max(told[1:]) < 0.2


def test_too_few_campaigns_or_responses_are_no_model() -> None:
    assert trained(dataclasses.replace(AUDIENCES, min_campaigns=5)) is None
    assert trained(dataclasses.replace(AUDIENCES, min_responders=10_000)) is None
    assert fit_response([], [], AUDIENCES) is None


def test_what_comes_after_the_cut_teaches_nothing() -> None:
    """Had every buyer answered the campaign that still ran at the cut, the model of the cut would be the same."""
    cut = day(-65)
    late = campaigns()
    everybody = late.contacts.select("campaign_id", "user_id", responded_at=pl.col("contacted_at") + timedelta(days=1))
    changed = dataclasses.replace(
        late, responses=pl.concat([late.responses, everybody.filter(pl.col("campaign_id") == "past_4")])
    )
    told = []
    for known in (late, changed):
        past, names = past_campaigns(purchases(), known, cut, AUDIENCES)
        model = fit_response(past, names, AUDIENCES)
        assert model is not None
        assert [campaign.campaign_id for campaign in past] == ["past_1", "past_2", "past_3"]
        told.append((model.logistic.coefficients.tolist(), model.calibration))
    assert told[0] == told[1]


def test_who_answered_before_the_contact_teaches_nothing_of_contacts() -> None:
    """Every buyer took the offer by himself, and was written to three days later: buyers answer no contact."""
    known = campaigns()
    buyer = pl.col("user_id").str.starts_with("buyer")
    alone = known.contacts.filter(buyer).rename({"contacted_at": "responded_at"})
    late = known.contacts.with_columns(
        contacted_at=pl.when(buyer).then(pl.col("contacted_at") + timedelta(days=3)).otherwise("contacted_at")
    )
    changed = dataclasses.replace(known, contacts=late, responses=pl.concat([known.responses, alone]))
    past, _ = past_campaigns(purchases(), changed, AS_OF, AUDIENCES)
    assert {len(campaign.labels) for campaign in past} == {EACH}
    assert {campaign.labels.sum() for campaign in past} == {EACH * 9 / 10}


def test_an_answer_on_the_day_of_the_contact_followed_it() -> None:
    """Answers are known by their day, contacts by the hour."""
    known = campaigns()
    hourly = known.contacts.with_columns(pl.col("contacted_at") + timedelta(hours=10))
    at_once = known.responses.with_columns(pl.col("responded_at") - timedelta(days=7))
    past, _ = past_campaigns(
        purchases(), dataclasses.replace(known, contacts=hourly, responses=at_once), AS_OF, AUDIENCES
    )
    assert {(len(campaign.labels), campaign.labels.sum()) for campaign in past} == {(2 * EACH, EACH * 9 / 10)}


def test_campaigns_that_contact_nobody_do_not_crowd_out_those_that_do() -> None:
    """Three banners a week since: of the newest campaigns hardly one contacted anybody."""
    known = campaigns()
    banners = pl.concat(
        known.rows.head(1).with_columns(
            campaign_id=pl.lit(f"banner_{n}"), starts_at=day(-40 + n / 3), ends_at=day(-39 + n / 3)
        ).cast(known.rows.schema)  # type: ignore[arg-type]
        for n in range(100)
    )  # fmt: skip
    past, _ = past_campaigns(
        purchases(), dataclasses.replace(known, rows=pl.concat([known.rows, banners])), AS_OF, AUDIENCES
    )
    assert [campaign.campaign_id for campaign in past] == ["past_1", "past_2", "past_3", "past_4"]
