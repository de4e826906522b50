"""The encoder in numpy, on a model of one layer: its tokens, and its vectors beside the formulas written out."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from recsys.features.minilm import MAX_TOKENS, MiniLm, read_safetensors

VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "oat",
    "milk",
    "##shake",
    "##s",
    "cafe",
    "&",
    "牛",
    "奶",
    "5",
    "€",
    "##5",
]
SIZE, WIDE, HEADS = 8, 12, 2
_DENSE = {
    "attention.self.query": (SIZE, SIZE),
    "attention.self.key": (SIZE, SIZE),
    "attention.self.value": (SIZE, SIZE),
    "attention.output.dense": (SIZE, SIZE),
    "intermediate.dense": (WIDE, SIZE),
    "output.dense": (SIZE, WIDE),
}
_NORMS = ("embeddings.LayerNorm", "encoder.layer.0.attention.output.LayerNorm", "encoder.layer.0.output.LayerNorm")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[MiniLm, dict[str, np.ndarray]]:
    folder, random = tmp_path_factory.mktemp("model"), np.random.default_rng(5)
    shapes = {f"embeddings.{name}_embeddings.weight": (rows, SIZE) for name, rows in (("position", MAX_TOKENS),)}
    shapes |= {"embeddings.word_embeddings.weight": (len(VOCABULARY), SIZE)}
    shapes |= {"embeddings.token_type_embeddings.weight": (2, SIZE)}
    for name, shape in _DENSE.items():
        shapes |= {f"encoder.layer.0.{name}.weight": shape, f"encoder.layer.0.{name}.bias": shape[:1]}  # type: ignore[dict-item]
    for name in _NORMS:
        shapes |= {f"{name}.weight": (SIZE,), f"{name}.bias": (SIZE,)}  # type: ignore[dict-item]
    weights = {name: random.normal(size=shape).astype("<f4") for name, shape in shapes.items()}
    write_safetensors(folder / "model.safetensors", weights)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), "utf-8")
    told = {"num_hidden_layers": 1, "num_attention_heads": HEADS, "layer_norm_eps": 1e-12}
    (folder / "config.json").write_text(json.dumps(told))
    return MiniLm(folder), weights


def write_safetensors(path: Path, weights: dict[str, np.ndarray]) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, values in weights.items():
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [place, place + values.nbytes]}
        place += values.nbytes
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + b"".join(values.tobytes() for values in weights.values()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Oat MILKS", ["oat", "milk", "##s"]),
        ("milkshakes & café", ["milk", "##shake", "##s", "&", "cafe"]),
        ("milky", ["[UNK]"]),
        ("牛奶milk", ["牛", "奶", "milk"]),
        ("€5&5", ["€", "##5", "&", "5"]),
        ("o" * 101, ["[UNK]"]),
        ("", []),
    ],
)
def test_texts_become_word_pieces(model: tuple[MiniLm, dict[str, np.ndarray]], text: str, expected: list[str]) -> None:
    codes = [VOCABULARY.index(name) for name in ["[CLS]", *expected, "[SEP]"]]
    assert model[0].tokens(text) == codes


def test_a_long_text_is_cut_and_keeps_its_marks(model: tuple[MiniLm, dict[str, np.ndarray]]) -> None:
    codes = model[0].tokens("milk " * 1_000)
    assert len(codes) == MAX_TOKENS and codes[-1] == VOCABULARY.index("[SEP]")


def test_the_vector_is_what_the_formulas_tell(model: tuple[MiniLm, dict[str, np.ndarray]]) -> None:
    encoder, weights = model
    expected = by_the_book(encoder.tokens("oat milkshakes"), weights)
    assert encoder.encode("oat milkshakes") == pytest.approx(expected, abs=1e-5)


def by_the_book(codes: list[int], weights: dict[str, np.ndarray]) -> np.ndarray:
    """One token and one head at a time, in 64 bits."""

    def normal(name: str, row: np.ndarray) -> np.ndarray:
        return (row - row.mean()) / row.std() * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def dense(name: str, row: np.ndarray) -> np.ndarray:
        name = f"encoder.layer.0.{name}"
        return np.asarray(weights[f"{name}.weight"].astype(float) @ row + weights[f"{name}.bias"])

    parts = ("word", "position", "token_type")
    tables = [weights[f"embeddings.{name}_embeddings.weight"].astype(float) for name in parts]
    rows = [normal(_NORMS[0], sum(t[at] for t, at in zip(tables, (c, n, 0), strict=True))) for n, c in enumerate(codes)]  # type: ignore[arg-type]
    told, part = [], SIZE // HEADS
    for row in rows:
        seen = np.zeros(SIZE)
        for head in (slice(0, part), slice(part, SIZE)):
            query = dense("attention.self.query", row)[head]
            near = [math.exp(query @ dense("attention.self.key", other)[head] / part**0.5) for other in rows]
            values = [dense("attention.self.value", other)[head] for other in rows]
            seen[head] = sum(n * v for n, v in zip(near, values, strict=True)) / sum(near)  # type: ignore[arg-type]
        middle = normal(_NORMS[1], row + dense("attention.output.dense", seen))
        wide = dense("intermediate.dense", middle)
        wide = np.array([value * (1 + math.erf(value / 2**0.5)) / 2 for value in wide])
        told.append(normal(_NORMS[2], middle + dense("output.dense", wide)))
    mean = np.mean(told, axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def test_a_file_of_weights_holds_its_arrays(tmp_path: Path) -> None:
    weights = {"a": np.arange(6, dtype="<f4").reshape(2, 3), "b": np.array([0.5], "<f4")}
    write_safetensors(tmp_path / "w", weights)
    read = read_safetensors(tmp_path / "w")
    assert list(read) == ["a", "b"] and all(np.array_equal(read[name], weights[name]) for name in weights)
