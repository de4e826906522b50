"""What new models, and the lists made from them, must show before readers see them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GateSettings:
    """Bounds of the comparison with the champion (the newest published models that passed), with baselines, and with
    the lists published before."""

    severities: tuple[str, ...] = ()
    """What a failure means, where it differs from the declaration: "runtime=stop" (stop, warn, info or off)."""
    max_loss: float = 0.02
    """Share of the other's ndcg@10 that the ranker may lose; a loss counts only where its interval lies below 0."""
    max_loss_other_holdout: float = 0.15
    """The same against a champion that was measured on another holdout: seasons move discovery by a tenth alone."""
    max_generator_loss: float = 0.1
    """The same for a single generator against the champion's of that name, both measured on the same holdout."""
    max_generator_loss_other_holdout: float = 0.3
    """The same where they were measured on two holdouts, which differ by themselves."""
    min_generator_ndcg: float = 0.005
    """A generator that reached less with the champion has nothing to lose."""
    min_users: int = 10
    """With fewer users in common two models, or two days' lists, are not compared."""
    min_coverage_share: float = 0.5
    """Share of the champion's coverage, and of the items in the first places of the lists before, that must be left."""
    max_calibration_error: float = 1.0
    """Purchases expected over those that came may lie between 1 / (1 + this) and 1 + this; beyond it, a warning."""
    stop_without_champion: bool = False
    """Whether models that fail stop the run where no champion could serve instead; else they serve, marked."""
    max_feature_power: float = 0.995
    """A feature that orders the labels better than this by itself (area under the curve) is taken for a leak."""
    compared_days: int = 7
    """How old published lists may be that the day's are compared with."""
    compared_users: int = 20_000
    """About so many users' lists are compared; bounds memory."""
    max_fallback_rise: float = 0.2
    """Share of fallbacks in the first ten places that may be added, among the users of both days."""
    min_overlap: float = 0.2
    """Share of the first ten places of the lists before that must still be there; below it, a warning."""
    max_run_minutes: float = 180.0
    """A run that takes longer until its lists are judged is warned of."""
