"""Pairs and bundles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PairSettings:
    """What counts as a basket, and how pairs of items are scored and tested."""

    excluded_categories: tuple[str, ...] = ()
    """Items whose category path holds one of these texts never enter a basket: fuel, coupons, bags …"""
    max_basket_items: int = 200
    """Larger baskets are left out: they tell of a business, not of a person."""
    min_item_baskets: int = 3
    """An item in fewer baskets is thin: it borrows its pairs from its text neighbours or its category."""
    pairs_per_item: int = 10
    """Partners published for each item and order."""
    pairs_per_thin_item: int = 5
    """The same for items that borrow their pairs."""
    half_life_days: float = 365.0
    """Days after which a basket weighs half."""
    size_exponent: float = 0.35
    """A basket weighs (other items) ** -exponent."""
    owner_strength: float = 20.0
    """Weight, in baskets, of what an item's buyers buy anyway."""
    owner_half_life_days: float = 150.0
    habit_half_life_days: float = 90.0
    habit_prior_baskets: float = 2.0
    habit_items: int = 200
    """Items kept of each user's habits; bounds time and memory."""
    bestsellers: int = 200
    """Items in most baskets, left out of `rank_distinct`."""
    bestseller_share: float = 0.02
    """In a small shop at most this share of all items counts as bestsellers."""
    distinct_boost: float = 1.4
    """`rank` multiplies the likelihood of items that are no bestsellers by this."""
    distinct_exponent: float = 0.15
    """`rank_distinct` divides by (popularity + floor) ** exponent."""
    distinct_floor: float = 0.001
    max_q: float = 0.01
    """A pair with a larger q-value is not called significant and never enters a bundle."""
    min_users: int = 3
    """A pair of fewer distinct users is never tested."""
    lift_prior: float = 5.0
    """Baskets by which lift is shrunken towards 1."""
    recent_days: int = 28
    """Window of the trend."""
    substitute_share: float = 0.1
    """Same category, viewed together, but bought together in at most this share of those visits: substitutes."""
    donors: int = 5
    """Neighbours that a thin item borrows from."""
    block_rows: int = 3_000_000
    """Rows laid out at once; bounds memory."""


@dataclass(frozen=True)
class BundleSettings:
    """Which sets of items are worth selling together, at what price, and to whom."""

    min_size: int = 2
    max_size: int = 5
    """Members of a bundle, from 2 to 5."""
    min_baskets: int = 5
    """Baskets that hold the whole bundle."""
    min_users: int = 3
    """Distinct users with such a basket."""
    excluded_categories: tuple[str, ...] = ()
    """Items whose category path holds one of these texts are in no bundle; they may still have pairs."""
    max_p: float = 0.01
    """Chance, corrected for the items tried, at which one more member may still be an accident."""
    half_life_days: float = 60.0
    """Days without a sale of the whole bundle after which its score halves."""
    max_bundles: int = 5_000
    bundles_per_item: int = 4
    """At most this many bundles share an item."""
    max_overlap: float = 0.6
    """Sets whose members overlap more (shared / all), or of which one holds the other and whose baskets do, are
    near-duplicates; the better one stays."""
    min_price: float = 0.0
    max_price: float = 0.0
    """Band for the sum of the members' list prices; a max_price of 0 leaves it open above."""
    min_days_of_cover: float = 7.0
    """Stock of every member, in days of its sales of the last four weeks."""
    unsold_days: int = 56
    """An item that the shop counts no stock of, and that nobody bought for so long, and for longer than its pace
    makes likely, is taken to have left the range."""
    max_discount: float = 0.15
    """Discount suggested for a bundle that is almost never completed unprompted."""
    min_margin: float = 0.1
    """Bundle price stays at least this share above the members' unit costs."""
    bundles_per_user: int = 10
    gap_share: float = 1.0
    """A member bought less than this share of its usual gap ago keeps the bundle away from that user; below 1 a user
    is shown more of what they buy often."""

    def __post_init__(self) -> None:
        if not 2 <= self.min_size <= self.max_size <= 5:
            raise ValueError(f"min_size {self.min_size} and max_size {self.max_size}: wanted 2 <= min <= max <= 5")
        if self.max_price and self.min_price > self.max_price:
            raise ValueError(f"min_price {self.min_price} is above max_price {self.max_price}")
