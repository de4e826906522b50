"""The model card: what a day's models learnt from, with which settings and versions, and how well they did."""

from __future__ import annotations

import dataclasses
import hashlib
from importlib.metadata import version

import polars as pl

from recsys.features.history import History
from recsys.models import registry
from recsys.models.candidates import GeneratorSet
from recsys.models.cuts import LIBRARIES
from recsys.run import RunContext


def write_card(
    context: RunContext,
    history: History,
    trained: registry.Trained,
    metrics: pl.DataFrame,
    types: tuple[str, ...],
) -> None:
    """Write model_card.json of the day: data window, labels, settings, metrics, library versions."""
    first, last = history.events["at"].min(), history.events["at"].max()
    card = {
        "as_of_date": context.as_of_date.isoformat(),
        "data": {
            "first_event": str(first),
            "last_event": str(last),
            "events": len(history.events),
            "users": len(history.users),
            "items": len(history.items),
        },
        "training_cuts": [cut.isoformat() for cut in trained.cuts],
        "label_types": list(types),
        "features": trained.ranker.features,
        "settings": dataclasses.asdict(context.settings),
        "metrics": metrics.select("model", "setting", "metric", "value", "low", "high", "users").to_dicts(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    registry.write_json(context.lake, context.as_of_date, "model_card", card)


def artefact_digests(fitted: GeneratorSet) -> dict[str, str]:
    """SHA-256 of each generator's arrays, by name."""
    digests = {}
    for generator in fitted.generators:
        digest = hashlib.sha256()
        for name, values in sorted(generator.arrays().items()):
            digest.update(name.encode())
            digest.update(values.tobytes())
        digests[generator.name] = digest.hexdigest()
    return digests
