"""Candidate generators and the ranker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSettings:
    """Candidate generators and the ranker. `python -m recsys.models.search` compares values on past cuts."""

    threads: int = 2
    """Fixed, since the number of threads decides the order of sums."""
    half_life_days: float = 180.0
    """Half-life of the interactions that ALS, EASE and item-KNN learn from."""
    recent_half_life_days: float = 14.0
    """Half-life of the interactions that say what a user is about now."""
    min_item_users: int = 1
    """Items of fewer users are proposed by buy_again alone; at 1 even a lone user's items are scored, for repeats."""
    als_factors: int = 64
    als_regularization: float = 1.0
    als_alpha: float = 1.0
    als_iterations: int = 8
    ease_regularization: float = 16.0
    ease_norm_power: float = 0.5
    """A user's weights are divided by their norm to this power, so that heavy users do not rule."""
    ease_max_side: int = 5_000
    """Largest matrix that is solved; where users and items are both more, item-KNN takes EASE's place."""
    neighbours: int = 50
    neighbour_items: int = 20_000
    """Items, the most supported, that have neighbours."""
    neighbour_shrinkage: float = 5.0
    similar_user_neighbours: int = 100
    similar_user_pool: int = 20_000
    """Users, the most active, that may be neighbours of others; bounds memory."""
    basket_days: int = 180
    recent_items: int = 40
    """Newest items of a user that bought_together starts from."""
    buy_again_candidates: int = 150
    similar_candidates: int = 100
    """Candidates of EASE or item-KNN."""
    als_candidates: int = 30
    similar_user_candidates: int = 30
    category_candidates: int = 60
    trending_candidates: int = 30
    together_candidates: int = 30
    horizon_days: int = 28
    """Days after a cut whose purchases are the labels, and the length of the holdout."""
    training_cuts: int = 2
    """Cuts, horizon_days apart, that the ranker learns from; a third, older one made its order no better."""
    training_interval_days: int = 7
    """The newest cut moves on every so many days (7: on Mondays); the ranker is trained again when it does, or when
    anything else that it learns from changes."""
    history_days: int = 365
    """Days before a cut, or before the as-of date, that generators and features see; data.look_back_days should be
    longer by (training_cuts + 1) * horizon_days + training_interval_days, so that all cuts see as many."""
    min_history_days: int = 56
    """A cut with less history than this teaches nothing and is left out."""
    training_users: int = 3_000
    """Users drawn for each cut; bounds time and memory of training."""
    negatives: int = 100
    """Candidates without a label that a user brings to training."""
    hidden_items: float = 0.02
    """Share of the never-bought rows that the ranker learns from a second time as if their items were new; at 0 new
    items stand below all known ones."""
    min_labels: int = 200
    """With fewer labels than this to learn from, no ranker is learnt. And where fewer than ten times as many pairs of
    user and item were bought in the newest cut's horizon, carts and favourites count as labels too, then views; where
    even these are too few, purchases alone."""
    prior_labels: int = 250
    """The order that is there without learning counts as much as this many labels: half of the score of a ranker that
    learnt from as many, nothing where labels abound; 0: what is learnt alone."""
    trees: int = 150
    lambdarank_trees: int = 120
    discover_trees: int = 130
    learning_rate: float = 0.06
    lambdarank_learning_rate: float = 0.1
    network_units: tuple[int, ...] = (128, 64)
    """Units of each layer of the network beside the trees."""
    network_epochs: int = 4
    """How often the network sees each row; at 0 the ranker is of trees alone."""
    batch_users: int = 250
    """Users whose candidates are made at once."""
    bootstrap_draws: int = 1_000
    shuffled_labels: float = 0.0
    """Share of the labels that are dealt out anew at random before training: a model that learnt nothing, to see that
    the gate stops it."""
