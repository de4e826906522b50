"""Names of models: which ones a row came from."""

from __future__ import annotations

import hashlib

from recsys.models import registry
from recsys.run import RunContext


def own_version(context: RunContext) -> str:
    """Twelve hexadecimal digits that change when the day's ranker, its generators' arrays or the settings do."""
    digest = hashlib.sha256(context.settings.fingerprint().encode())
    card = registry.read_json(context.lake, context.as_of_date, "versions")
    digest.update(repr(sorted(card.items())).encode())
    return digest.hexdigest()[:12]


def model_version(context: RunContext) -> str:
    """Version of the models that serve the day: the champion's where the gate kept the day's own out."""
    return registry.read_serving(context.lake, context.as_of_date).model_version or own_version(context)
