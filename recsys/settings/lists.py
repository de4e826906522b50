"""The lists of each user."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RulesSettings:
    """What a list may not show, and how long it is."""

    list_length: int = 50
    """Items a list."""
    drop_out_of_stock: bool = True
    drop_retired: bool = True
    min_cover_days: float = 0.25
    """Stock for less than this at the demand to expect counts as out of stock; 0: only an empty shelf does."""
    stock_exposure: float = 0.0
    """How far an item's exposure may rise with overstock and fall with scarcity: factors from 1 - this to 1 + this,
    in standard deviations of the user's scores (recsys.recommendations.stock_cover); 0: not at all."""
    require_consent: bool = True
    """Users who withdrew consent get the segment's fallback list instead of a personal one."""
    gap_share: float = 0.1
    """An item bought less than this share of its usual gap ago is not shown again."""
    min_gap_days: float = 240.0
    """The gap rule leaves items alone whose usual gap is shorter: the ranker judges those better than a rule."""
    max_per_category: int = 15
    """At most this many items of one leaf category a list; 0: no limit."""
    users_per_shard: int = 25_000
    """Users scored by one task; memory grows with this, not with the number of users."""
