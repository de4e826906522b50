"""Names of models: which ones a row came from."""

from __future__ import annotations

import hashlib
import json

from recsys.models import registry
from recsys.run import RunContext


def own_version(context: RunContext) -> str:
    """Twelve hexadecimal digits that change when the day's ranker, its generators' arrays or the settings do."""
    digest = hashlib.sha256(context.settings.fingerprint().encode())
    for name in ("versions", "ranker"):
        told = registry.read_json(context.lake, context.as_of_date, name)
        digest.update(json.dumps(told, sort_keys=True).encode())
    return digest.hexdigest()[:12]


def model_version(context: RunContext) -> str:
    """Version of the models that serve the day: the champion's where the gate kept the day's own out."""
    return registry.read_serving(context.lake, context.as_of_date).model_version or own_version(context)
