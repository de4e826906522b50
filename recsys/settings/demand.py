"""Demand forecasts and reorder suggestions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DemandSettings:
    """How the demand of the next weeks is forecast."""

    horizon_days: int = 28
    published_items: int = 12_000
    """Items, those with most days of demand, whose daily rows are published; the others have sums alone."""
    alive_days: int = 182
    """An item without demand for this long is forecast at zero."""
    min_demand_days: int = 5
    """Items with fewer days of demand get their smoothed average: there is nothing to tell models apart by."""
    boosted_demand_days: int = 10
    """Days of demand from which on the boosted model forecasts an item and learns from it."""
    chunk_items: int = 30_000
    """Items laid out day by day at once, and the most that models learn from; bounds memory."""
    cut_step_days: int = 14
    """Distance of the past days that the boosted model learns from."""
    min_history_days: int = 112
    """Days of history that such a day must have."""
    min_training_rows: int = 2_000
    """With fewer rows to learn from there is no boosted model."""
    trees: int = 120
    learning_rate: float = 0.05
    leaves: int = 31
    threads: int = 2
    """Fixed, since the number of threads decides the order of sums."""
    window_days: tuple[int, ...] = (28, 56, 112)
    """Windows whose plain averages stand for election."""
    size_smoothing: float = 0.1
    interval_smoothing: float = 0.03
    """How fast TSB and SBA follow the size of a demand, and its chance or interval."""
    bucket_smoothing: float = 0.15
    """How fast ADIDA follows the demand of a week."""
    profile_units: float = 300.0
    """Units of a category that its own weekday pattern must have sold to count half; the shop's fills up."""
    bundle_response: float = 0.001
    """Orders a day expected of one bundle shown to one user, beyond what the history holds already."""
    campaign_effect: float = 0.2
    """Share of the purchases told by an audience's probabilities that contacting causes, until audience_results has
    measured it; who would have bought anyway is in the forecast already."""

    cancelled_days: int = 1
    """A purchase that comes back so soon was cancelled and is no demand; what comes back later was wanted."""
    store_days: int = 182
    """Newest days whose purchases tell how an item's demand is dealt out to stores."""
    store_min_units: float = 5.0
    """A store that sold fewer units of an item in that time has no row for it."""
    store_lean_units: float = 20.0
    """Units dealt out as the shop's whole sales are, which a store's own units of an item stand beside."""


@dataclass(frozen=True)
class ReorderSettings:
    """When to order how much."""

    order_cycle_days: int = 7
    """An order covers the lead time and this many days more."""
    lead_time_days: float = 7.0
    """For items whose lead time the shop does not know."""
    class_a_share: float = 0.8
    class_b_share: float = 0.95
    """Items that make this share of the margin, best first, are class A, up to here class B, the others C."""
    service_a: float = 0.98
    service_b: float = 0.95
    service_c: float = 0.90
    """Share of cycles without a stock-out, by class."""
    newsvendor: bool = True
    """Where price and cost are known, the service level is the one that pays best instead of the class's."""
    leftover_cost: float = 0.05
    """What a unit left at the end of a cycle costs (capital, space, spoilage), as a share of its cost."""
    min_service: float = 0.80
    max_service: float = 0.99
    overstock_days: float = 120.0
    """Stock for more days of demand than this is too much."""
    max_cover_days: float = 999.0
    """Cover and dates of stock-outs are not told beyond this."""
    retired_days: int = 28
    """For so long after an item left the range its left-over stock is told."""
    young_days: int = 56
    """An item launched more lately is not called overstocked: its demand has yet to come."""
