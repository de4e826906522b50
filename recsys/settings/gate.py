"""What new models must show before they serve."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GateSettings:
    """Bounds of the comparison with the champion (the newest published models that passed) and with baselines."""

    max_loss: float = 0.02
    """Share of the other's ndcg@10 that the ranker may lose; a loss counts only where its interval lies below 0."""
    max_generator_loss: float = 0.3
    """The same for a single generator against the champion's of that name."""
    min_generator_ndcg: float = 0.005
    """A generator that reached less with the champion has nothing to lose."""
    min_users: int = 10
    """With fewer users in common two models are not compared."""
    min_coverage_share: float = 0.5
    """Share of the champion's coverage that must be left."""
    max_calibration_error: float = 1.0
    """Purchases expected over those that came may lie between 1 / (1 + this) and 1 + this; beyond it, a warning."""
    stop_without_champion: bool = False
    """Whether models that fail stop the run where no champion could serve instead; else they serve, marked."""
    max_feature_power: float = 0.995
    """A feature that orders the labels better than this by itself (area under the curve) is taken for a leak."""
