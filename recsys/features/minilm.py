"""A BERT encoder in plain numpy, for the English model all-MiniLM-L6-v2: from a text to one vector of length 1.

The architecture is that of Devlin et al. (BERT, 2019), the weights are those of Wang et al. (MiniLM, 2020) as trained
for sentences by Reimers and Gurevych (Sentence-BERT, 2019): WordPiece tokens, self-attention, mean of the last layer.
A model is a folder with vocab.txt, config.json and model.safetensors.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Floats = NDArray[np.float32]
MAX_TOKENS = 256
"""Tokens of a text that the model was trained to read, first and last mark included."""
_LONGEST_WORD = 100
_HAN_OR_ASCII_MARK = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f!-/:-@\\[-`{-~]")


class MiniLm:
    """The model of a folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._codes = {line: code for code, line in enumerate((folder / "vocab.txt").read_text("utf-8").splitlines())}
        config = json.loads((folder / "config.json").read_text("utf-8"))
        self._layers, self._heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._weights = read_safetensors(folder / "model.safetensors")

    def tokens(self, text: str) -> list[int]:
        """WordPiece codes of `text` between the marks [CLS] and [SEP], at most MAX_TOKENS."""
        codes = [code for word in _words(text) for code in self._pieces(word)]
        return [self._codes["[CLS]"], *codes[: MAX_TOKENS - 2], self._codes["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        """Codes of the longest known pieces from the left; a word that they do not cover is unknown as a whole."""
        found: list[int] = []
        start = 0 if len(word) <= _LONGEST_WORD else len(word) + 1
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self._codes), None)
            if end is None:
                break
            found.append(self._codes[prefix + word[start:end]])
            start = end
        return found if start == len(word) else [self._codes["[UNK]"]]

    def encode(self, text: str) -> Floats:
        """The text's vector (f32), of length 1."""
        codes = self.tokens(text)
        rows = self._weights["embeddings.word_embeddings.weight"][codes]
        rows = rows + self._weights["embeddings.position_embeddings.weight"][: len(codes)]
        rows = rows + self._weights["embeddings.token_type_embeddings.weight"][0]
        rows = self._normal("embeddings.LayerNorm", rows)
        for layer in range(self._layers):
            rows = self._layer(f"encoder.layer.{layer}", rows)
        mean = rows.mean(axis=0)
        vector: Floats = (mean / np.linalg.norm(mean)).astype(np.float32)
        return vector

    def _layer(self, name: str, rows: Floats) -> Floats:
        """Self-attention, then two dense layers, each added to what came in and normalised."""
        told = self._dense(f"{name}.attention.output.dense", self._attention(f"{name}.attention.self", rows))
        rows = self._normal(f"{name}.attention.output.LayerNorm", rows + told)
        wide = self._dense(f"{name}.intermediate.dense", rows)
        wide = wide * (1 + erf(wide / np.float32(2**0.5))) / 2
        return self._normal(f"{name}.output.LayerNorm", rows + self._dense(f"{name}.output.dense", wide))

    def _attention(self, name: str, rows: Floats) -> Floats:
        query, key, value = (
            self._dense(f"{name}.{part}", rows).reshape(len(rows), self._heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        near = query @ key.transpose(0, 2, 1) / np.float32(query.shape[2] ** 0.5)
        near = np.exp(near - near.max(axis=2, keepdims=True))
        seen = near / near.sum(axis=2, keepdims=True) @ value
        return seen.transpose(1, 0, 2).reshape(len(rows), -1)

    def _dense(self, name: str, rows: Floats) -> Floats:
        told: Floats = rows @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return told

    def _normal(self, name: str, rows: Floats) -> Floats:
        centred = rows - rows.mean(axis=1, keepdims=True)
        scale = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + np.float32(self._epsilon))
        told: Floats = centred / scale * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return told


def _words(text: str) -> list[str]:
    """Lower case without accents; every mark and every Han character is a word of its own."""
    letters = ((letter, unicodedata.category(letter)) for letter in unicodedata.normalize("NFD", text.lower()))
    kept = ((letter, kind[0] == "P" or _HAN_OR_ASCII_MARK.match(letter)) for letter, kind in letters if kind != "Mn")
    return "".join(f" {letter} " if alone else letter for letter, alone in kept).split()


def read_safetensors(path: Path) -> dict[str, Floats]:
    """The 32-bit floats of a file of the format safetensors, by name; views of one buffer.

    The format: eight bytes that tell the length of a header in JSON, the header (type, shape, offsets), the values.
    """
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    values = memoryview(content)[start:]
    header = json.loads(content[8:start])
    return {
        name: np.frombuffer(values[slice(*told["data_offsets"])], "<f4").reshape(told["shape"])
        for name, told in header.items()
        if told.get("dtype") == "F32"
    }
