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
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from recsys.settings.audiences import AudienceSettings
from recsys.settings.combinations import BundleSettings, PairSettings
from recsys.settings.content import ContentSettings
from recsys.settings.data import DataSettings, InteractionSettings
from recsys.settings.demand import DemandSettings, ReorderSettings
from recsys.settings.experiments import ExperimentSettings
from recsys.settings.explaining import ExplainSettings
from recsys.settings.gate import GateSettings
from recsys.settings.lists import RulesSettings
from recsys.settings.measuring import MeasuringSettings
from recsys.settings.models import ModelSettings
from recsys.settings.new_items import NewItemSettings
from recsys.settings.opening import OpeningSettings
from recsys.settings.publishing import PublishSettings
from recsys.settings.quality import QualitySettings
from recsys.settings.repeat import RepeatSettings
from recsys.settings.similar import SimilarSettings
from recsys.settings.stability import StabilitySettings
from recsys.settings.trending import TrendingSettings
from recsys.settings.variety import VarietySettings

LANGUAGES = ("en", "zh")
"""Languages that reasons can be written in."""


_NEVER_ZERO = {
    *("data.look_back_days", "interactions.half_life_days", "content.service_batch", "models.threads"),
    *("models.half_life_days", "models.recent_half_life_days", "models.history_days", "models.horizon_days"),
    *("models.training_interval_days", "models.batch_users", "models.bootstrap_draws", "rules.list_length"),
    *("rules.users_per_shard", "repeat.days", "similar.half_life_days", "trending.half_life_days"),
    *("pairs.half_life_days", "pairs.owner_half_life_days", "pairs.habit_half_life_days", "pairs.block_rows"),
    *("bundles.half_life_days", "demand.horizon_days", "demand.chunk_items", "demand.cut_step_days"),
    *("demand.threads", "demand.window_days", "measuring.horizons", "publish.publish_attempts"),
}
"""Settings that divide, or without which there is nothing to work on; elsewhere 0 switches something off."""


class ConfigError(ValueError):
    """A setting is unknown, of the wrong type, or missing."""


@dataclass(frozen=True)
class Settings:
    """All settings of a run."""

    time_zone: str = "UTC"
    """Where the day of an event begins and ends."""
    language: str = "en"
    """Language of the reasons: en or zh."""
    seed: int = 20171204
    opening: OpeningSettings = field(default_factory=OpeningSettings)
    data: DataSettings = field(default_factory=DataSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    interactions: InteractionSettings = field(default_factory=InteractionSettings)
    content: ContentSettings = field(default_factory=ContentSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    rules: RulesSettings = field(default_factory=RulesSettings)
    variety: VarietySettings = field(default_factory=VarietySettings)
    explain: ExplainSettings = field(default_factory=ExplainSettings)
    new_items: NewItemSettings = field(default_factory=NewItemSettings)
    repeat: RepeatSettings = field(default_factory=RepeatSettings)
    similar: SimilarSettings = field(default_factory=SimilarSettings)
    trending: TrendingSettings = field(default_factory=TrendingSettings)
    pairs: PairSettings = field(default_factory=PairSettings)
    bundles: BundleSettings = field(default_factory=BundleSettings)
    demand: DemandSettings = field(default_factory=DemandSettings)
    reorder: ReorderSettings = field(default_factory=ReorderSettings)
    audiences: AudienceSettings = field(default_factory=AudienceSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    measuring: MeasuringSettings = field(default_factory=MeasuringSettings)
    experiments: ExperimentSettings = field(default_factory=ExperimentSettings)
    stability: StabilitySettings = field(default_factory=StabilitySettings)
    publish: PublishSettings = field(default_factory=PublishSettings)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError) as error:
            raise ConfigError(f"time_zone: no time zone is called {self.time_zone!r}") from error
        if self.language not in LANGUAGES:
            raise ConfigError(f"language: {self.language!r} is none of {', '.join(LANGUAGES)}")

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any setting does."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Environment:
    """Where a run finds the shop, the warehouse and the lake."""

    shop_dsn: str = field(repr=False)
    warehouse_dsn: str = field(repr=False)
    lake_uri: str = field(repr=False)
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
    except (OSError, ValueError) as error:
        raise ConfigError(f"settings file {path}: {error}") from error
    return override(Settings(), values)


def override(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """`settings` with `values` in their place, which are nested as in the file: {"models": {"als_factors": 32}}.

    Raises ConfigError for an unknown key or a value of the wrong type.
    """
    changed: Settings = _override(settings, values, "")
    return changed


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
    try:
        return dataclasses.replace(settings, **changes)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"[{path.rstrip('.')}] {error}") from error


def _typed(value: Any, current: Any, name: str) -> Any:
    if isinstance(current, tuple) and isinstance(value, list):
        like = current[0] if current else ""
        return tuple(_typed(one, like, name) for one in value)
    if isinstance(current, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(current):
        wanted = "list" if isinstance(current, tuple) else type(current).__name__
        raise ConfigError(f"{name}: expected {wanted}, got {value!r}")
    if isinstance(value, (int, float)):
        _refuse_absurd(value, current, name)
    return value


def _refuse_absurd(value: float, current: float, name: str) -> None:
    """Raise ConfigError for a number that no setting means: they are counts, days, shares, weights."""
    if not math.isfinite(value):
        raise ConfigError(f"{name}: {value} is no number")
    if value < 0 <= current:
        raise ConfigError(f"{name}: {value} is negative")
    if value == 0 and name in _NEVER_ZERO:
        raise ConfigError(f"{name}: 0 leaves nothing to work with")
