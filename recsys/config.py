"""Settings: one small frozen class a component, with defaults that suit most shops.

A shop overrides single values in a TOML file named by the environment variable RECSYS_CONFIG:

    time_zone = "Europe/Berlin"
    [data]
    look_back_days = 400

Where the databases and the lake are comes from the environment (`Environment`), never from that file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


class ConfigError(ValueError):
    """A setting is unknown, of the wrong type, or missing."""


@dataclass(frozen=True)
class DataSettings:
    """What is read from the shop."""

    look_back_days: int = 365
    """Days of events before the as-of date that a run looks at."""
    late_days: int = 3
    """Newest day partitions that every run reads again, for rows that came late."""
    allowed_lateness_hours: int = 0
    """How long after the as-of date's 00:00 a row may be ingested and still count."""
    clock_tolerance_minutes: int = 60
    """How far `occurred_at` may lie after `ingested_at` before the row counts as from the future."""
    max_rejected_share: float = 0.02
    """Share of refused rows above which the run stops before anything is published."""
    absurd_price_factor: float = 100.0
    """A price this many times above or below the item's median price is refused."""
    stock_look_back_days: int = 28
    """A stock count older than this says nothing about today."""
    max_stale_days: int = 7
    """An as-of date more than this many days after the shop's newest event is taken for a mistake."""


@dataclass(frozen=True)
class InteractionSettings:
    """How events become weighted user-item interactions."""

    view_weight: float = 0.05
    favourite_weight: float = 0.2
    cart_weight: float = 0.3
    purchase_weight: float = 1.0
    return_weight: float = -1.0
    half_life_days: float = 90.0
    """Days after which an event weighs half."""


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
    als_iterations: int = 12
    ease_regularization: float = 16.0
    ease_norm_power: float = 0.5
    """A user's weights are divided by their norm to this power, so that heavy users do not rule."""
    ease_max_side: int = 5_000
    """Largest matrix that is solved; where users and items are both more, item-KNN takes EASE's place."""
    neighbours: int = 50
    neighbour_items: int = 20_000
    """Items, the most supported, that have neighbours."""
    neighbour_shrinkage: float = 5.0
    basket_days: int = 180
    recent_items: int = 40
    """Newest items of a user that bought_together starts from."""
    buy_again_candidates: int = 150
    similar_candidates: int = 100
    """Candidates of EASE or item-KNN."""
    als_candidates: int = 30
    category_candidates: int = 60
    trending_candidates: int = 30
    together_candidates: int = 30
    horizon_days: int = 28
    """Days after a cut whose purchases are the labels, and the length of the holdout."""
    training_cuts: int = 3
    """Cuts, horizon_days apart, that the ranker learns from."""
    min_history_days: int = 56
    """A cut with less history than this teaches nothing and is left out."""
    training_users: int = 3_000
    """Users drawn for each cut; bounds time and memory of training."""
    negatives: int = 100
    """Candidates without a label that a user brings to training."""
    min_labels: int = 200
    """With fewer labels than this among the candidates, carts, favourites and then views count as labels too."""
    trees: int = 120
    lambdarank_trees: int = 100
    discover_trees: int = 100
    learning_rate: float = 0.08
    batch_users: int = 250
    """Users whose candidates are made at once."""
    bootstrap_draws: int = 1_000


@dataclass(frozen=True)
class RulesSettings:
    """What a list may not show, and how long it is."""

    list_length: int = 50
    """Items a list."""
    drop_out_of_stock: bool = True
    drop_retired: bool = True
    require_consent: bool = True
    """Users who withdrew consent get the segment's fallback list instead of a personal one."""
    gap_share: float = 0.1
    """An item bought less than this share of its usual gap ago is not shown again."""
    min_gap_days: float = 60.0
    """The gap rule leaves items alone whose usual gap is shorter: they are bought again within weeks."""
    max_per_category: int = 15
    """At most this many items of one leaf category a list; 0: no limit."""
    users_per_shard: int = 25_000
    """Users scored by one task; memory grows with this, not with the number of users."""


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
    habit_items: int = 500
    """Items kept of each user's habits; bounds memory."""
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

    max_size: int = 5
    min_baskets: int = 5
    """Baskets that hold the whole bundle."""
    min_users: int = 3
    max_p: float = 0.01
    """Chance, corrected for the items tried, at which one more member may still be an accident."""
    half_life_days: float = 60.0
    """Days without a sale of the whole bundle after which its score halves."""
    max_bundles: int = 5_000
    bundles_per_item: int = 4
    """At most this many bundles share an item."""
    max_overlap: float = 0.6
    """Sets whose members overlap more (shared / all) are near-duplicates; the better one stays."""
    min_price: float = 0.0
    max_price: float = 1_000_000.0
    """Band for the sum of the members' list prices."""
    min_days_of_cover: float = 7.0
    """Stock of every member, in days of its sales of the last four weeks."""
    max_discount: float = 0.15
    """Discount suggested for a bundle that is almost never completed unprompted."""
    min_margin: float = 0.1
    """Bundle price stays at least this share above the members' unit costs."""
    bundles_per_user: int = 10
    gap_share: float = 0.1
    """A member bought less than this share of its usual gap ago keeps the bundle away from that user."""


@dataclass(frozen=True)
class PublishSettings:
    """How result tables reach their readers."""

    retention_days: int = 90
    """Published days kept in the warehouse; whole partitions are dropped."""
    lake_retention_days: int = 90
    """As-of partitions kept in the lake; day partitions of events are not touched."""
    lock_timeout_seconds: float = 0.2
    """How long publishing waits for a table lock, and readers behind it, before it lets them pass and tries again."""
    publish_attempts: int = 60


@dataclass(frozen=True)
class Settings:
    """All settings of a run."""

    time_zone: str = "UTC"
    """Where the day of an event begins and ends."""
    seed: int = 20171204
    data: DataSettings = field(default_factory=DataSettings)
    interactions: InteractionSettings = field(default_factory=InteractionSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    rules: RulesSettings = field(default_factory=RulesSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    bundles: BundleSettings = field(default_factory=BundleSettings)
    publish: PublishSettings = field(default_factory=PublishSettings)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError) as error:
            raise ConfigError(f"time_zone: no time zone is called {self.time_zone!r}") from error

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any setting does."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Environment:
    """Where a run finds the shop, the warehouse and the lake."""

    shop_dsn: str = field(repr=False)
    warehouse_dsn: str = field(repr=False)
    lake_uri: str
    source_sql: Path = Path(__file__).resolve().parent.parent / "sql" / "source"


def load_settings(path: str | None = None) -> Settings:
    """Read the TOML file at `path`, else the one that RECSYS_CONFIG names, else the defaults.

    Raises ConfigError for a file that is missing or not TOML, an unknown key or a value of the wrong type.
    """
    path = path or os.environ.get("RECSYS_CONFIG")
    if not path:
        return Settings()
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"settings file {path}: {error}") from error
    return _override(Settings(), values, "")


def load_environment(variables: Mapping[str, str] = os.environ) -> Environment:
    """Read RECSYS_SHOP_DSN, RECSYS_WAREHOUSE_DSN, RECSYS_LAKE and, optionally, RECSYS_SOURCE_SQL.

    Raises ConfigError that names what is missing.
    """
    names = ("RECSYS_SHOP_DSN", "RECSYS_WAREHOUSE_DSN", "RECSYS_LAKE")
    missing = [name for name in names if not variables.get(name)]
    if missing:
        raise ConfigError(f"set the environment variable(s) {', '.join(missing)}: see README, 'Plug in your shop'")
    shop, warehouse, lake = (variables[name] for name in names)
    source = variables.get("RECSYS_SOURCE_SQL")
    return Environment(shop, warehouse, lake, Path(source)) if source else Environment(shop, warehouse, lake)


def _override(settings: Any, values: Mapping[str, Any], path: str) -> Any:
    known = {f.name: f for f in dataclasses.fields(settings)}
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"unknown setting {path}{name}; known: {', '.join(sorted(known))}")
        current = getattr(settings, name)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{path}{name} is a group of settings: write [{path}{name}]")
            changes[name] = _override(current, value, f"{path}{name}.")
        else:
            changes[name] = _typed(value, current, f"{path}{name}")
    return dataclasses.replace(settings, **changes)


def _typed(value: Any, current: Any, name: str) -> Any:
    if isinstance(current, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(current, float) and type(value) is int:
        return float(value)
    if type(value) is not type(current):
        raise ConfigError(f"{name}: expected {type(current).__name__}, got {value!r}")
    return value
