"""Similar items."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SimilarSettings:
    """How similar items are found, blended and shown."""

    per_item: int = 10
    """Places of `rank`."""
    per_kind: int = 5
    """Places of `behaviour_rank` and of `content_rank` that are published too."""
    pool: int = 30
    """Candidates of each kind that the blend orders."""
    active_days: int = 28
    """Items without an event in these days, and older than them, have no rows of their own."""
    unsold_days: int = 56
    """An item that the shop counts no stock of, and with which nobody did anything for so long, and for longer than
    its pace makes likely, is taken to have left the range and is no partner."""
    variants: str = "one"
    """Variants of a product (size, pack, colour): keep all, one (of each product), or drop (the anchor's too)."""
    days: int = 180
    """Older events say nothing about likeness."""
    seen_events: int = 300_000
    """Newest views, favourites and carts that are looked at; bounds time and memory."""
    bought_events: int = 400_000
    """The same for purchases."""
    window: int = 5
    """Places apart, in a user's sequence of items, up to which two items are seen together."""
    half_life_days: float = 90.0
    """Days after which having been seen together weighs half."""
    prior_visits: float = 2.0
    """Weight by which the share of an item seen after another is shrunken to 0."""
    neighbour_items: int = 20_000
    """Items, those of most users, that are compared by their users."""
    shrinkage: float = 5.0
    """Added to the denominator of the cosine of two items' users."""
    min_branch: int = 50
    """Content neighbours come from the narrowest branch of the category tree with so many items."""
    max_branch: int = 4_000
    """Of a wider branch the items of most users, and new ones, are compared; bounds time and memory."""
    popularity: float = 0.2
    """Share of its learned weight that how often an item is met keeps in the blend: at 0 likeness and behaviour order
    alone, at 1 bestsellers come up everywhere."""
    label_days: int = 14
    """Newest days from which the blend learns; its features end before them."""
    training_items: int = 4_000
    """Anchors that the blend learns from."""
    min_labels: int = 200
    """With fewer pairs to learn from, both kinds weigh the same."""
