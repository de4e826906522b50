"""Audiences of campaigns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AudienceSettings:
    """Who is worth contacting for a campaign, and how what came of it is measured."""

    history_days: int = 365
    """Campaigns, contacts and responses older than this are not read."""
    planning_days: int = 28
    """Campaigns that begin within so many days get an audience; running ones have one too."""
    horizon_days: int = 28
    """A purchase within so many days, or until the campaign's end if that is sooner, is what affinity predicts."""
    max_campaigns: int = 3
    """At most so many campaigns a user in `period_days`, contacts of the past included: the likeliest with room."""
    period_days: int = 28
    holdout_share: float = 0.1
    """Share of each audience, by a stable hash, that is not to be contacted, so that the effect can be measured."""
    privacy_floor: int = 50
    """A smaller audience is not published; so what is left of a budget in the end may pay for too few, and lapse."""
    max_share: float = 0.3
    """Share of the users in question that an audience takes at most where no budget is told."""
    stock_share: float = 0.8
    """Share of the promoted items' stock that the expected buyers may take."""
    units_a_buyer: float = 1.0
    gap_share: float = 1.0
    """Who bought a promoted item less than this share of the usual gap ago, and is not due before the campaign ends,
    is left out."""
    maturity_days: int = 1
    """Days after its end from which on a campaign's responses count as complete."""
    results_days: int = 90
    """Matured campaigns stay in audience_results for so many days after their end."""
    min_responders: int = 30
    """Responses of matured campaigns below which no response model is trained."""
    min_campaigns: int = 3
    """Matured campaigns below which no response model is trained."""
    training_campaigns: int = 40
    """Newest matured campaigns with contacts that the response model learns from."""
    regularization: float = 100.0
    """Ridge penalty of the response model's standardised coefficients: past contacts are few."""
    calibration_penalty: float = 5.0
    """How strongly calibration holds on to the model's own spread."""
    ranker_weight: float = 0.25
    """How far the ranker's places of the promoted items move the log odds of affinity; 0: not at all."""
    min_seeds: int = 30
    """Seeds below which no lookalike audience is made."""
    lookalike_trees: int = 40
    lookalike_categories: int = 40
    """Categories, those of most buyers, whose shares of a user's purchases describe the user."""
    folds: int = 3
    """Parts in which buyers are predicted by models that have not seen them, for calibration."""
    max_training_users: int = 50_000
    """Users drawn for the models of affinity and lookalike; bounds time and memory."""
