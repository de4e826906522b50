"""New items: who may want them, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NewItemSettings:
    """The list new_arrivals, the audiences of new items, and exploration."""

    days: int = 28
    """An item launched at most so many days ago is new."""
    max_items: int = 500
    """The newest of them that are looked at; bounds time and memory."""
    list_length: int = 20
    """Items of the list new_arrivals; 0: no such list."""
    neighbours: int = 20
    """Known items most alike to a new one, through which it is wanted."""
    neighbour_items: int = 10_000
    """Known items, those of most users, that new ones are compared with."""
    min_users: int = 3
    """Known items of fewer users say nothing of new ones."""
    sharpness: float = 8.0
    """Power of the likeness by which what a user did with a known item speaks for a new one."""
    map_weight: float = 0.1
    """Weight of the new item's place in the factor space of ALS, beside its known neighbours."""
    map_ridge: float = 100.0
    """Ridge penalty of the map from embeddings to factors."""
    map_prior: float = 20.0
    """Support by which mean factors of a category or brand are shrunken to those above it."""
    candidates: int = 5
    """New items that become candidates of a user beside known ones; 0: none."""
    audience_size: int = 500
    """Users at most in the audience of a new item."""
    explore_share: float = 0.0
    """Share of the places of for_you that go to new items by Thompson sampling; 0: no exploration."""
    explore_items: int = 50
    """New items of a segment that exploration draws from, those wanted most."""
    explore_prior: float = 20.0
    """Users that each new item is taken to have been tried on, at the segment's mean rate."""
    explore_evenly: float = 0.1
    """Share of the users who draw all these items alike, so that `uniform_precision` is of all of them; 0: nobody."""
    explore_draws: int = 1_000
    """Draws from which propensities are counted."""
