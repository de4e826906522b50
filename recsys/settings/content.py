"""What the texts and attributes of items are turned into."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ContentSettings:
    """Texts of items as numbers."""

    encoder: str = "sentences"
    """sentences (a multilingual model inside a package), english (one for English, whose package is not among the
    requirements), service (see service_url), or none (TF-IDF alone)."""
    max_characters: int = 1_000
    """Longer texts are cut after cleaning."""
    min_text_items: int = 2
    """Words and n-grams of fewer distinct texts say nothing about likeness and are left out."""
    service_url: str = ""
    """Base address of an embedding service with the OpenAI-compatible API, such as http://host:8080/v1."""
    service_model: str = ""
    """Name of the model that the service is asked for."""
    service_key_variable: str = "RECSYS_EMBEDDING_KEY"
    """Environment variable with the service's key; unset: none is sent."""
    service_batch: int = 64
    """Texts a request."""
    service_timeout_seconds: float = 30.0
