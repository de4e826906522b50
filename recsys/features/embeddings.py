"""Embeddings of texts, each distinct text once: kept in the lake by encoder and by the hash of the text.

A run adds one partition with the texts that no partition held; whatever run embedded a text, its vector is the same.
"""

from __future__ import annotations

import hashlib
import logging

import numpy as np
import polars as pl
import pyarrow as pa

from recsys.features.encoders import EncoderError, TextEncoder, Vectors
from recsys.run import RunContext
from recsys.schemas import TEXT_EMBEDDINGS
from recsys.storage import has_partition, list_keys, read_partition, write_partition

log = logging.getLogger(__name__)
_KEEP_EVERY = 5_000
"""Texts after which what was embedded is written: a run that dies loses no more."""


def text_hash(text: str) -> str:
    """32 hexadecimal digits that name a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def kept_vectors(context: RunContext, encoder: str) -> dict[str, bytes]:
    """Vectors (f32, little-endian bytes) of every text that the lake holds for the encoder, by hash."""
    held: dict[str, bytes] = {}
    for day in list_keys(context.lake, TEXT_EMBEDDINGS, encoder=encoder):
        rows = read_partition(context.lake, TEXT_EMBEDDINGS, encoder=encoder, as_of_date=day)
        held.update(zip(rows["text_hash"], rows["vector"], strict=True))
    return held


def embed_missing(context: RunContext, encoder: TextEncoder, texts: list[str]) -> int:
    """Embed those of `texts` that the lake does not hold and add them to the day's partition; returns how many.

    What was embedded before the encoder, or the run, failed is kept; the rest is left to the next one.
    """
    held = kept_vectors(context, encoder.name)
    wanted = sorted({hash_: text for text in texts if (hash_ := text_hash(text)) not in held}.items())
    done, fresh = 0, dict[str, bytes]()
    for start in range(0, len(wanted), encoder.batch):
        part = wanted[start : start + encoder.batch]
        try:
            vectors = encoder.encode([text for _, text in part])
        except EncoderError as error:
            log.warning("%d texts stay without an embedding: %s", len(wanted) - start, error)
            break
        fresh.update((hash_, row.astype("<f4").tobytes()) for (hash_, _), row in zip(part, vectors, strict=True))
        done += len(part)
        log.info("embedded %d of %d new texts (%s)", done, len(wanted), encoder.name)
        if len(fresh) >= _KEEP_EVERY:
            _add(context, encoder.name, fresh)
            fresh = {}
    if fresh:
        _add(context, encoder.name, fresh)
    return done


def _add(context: RunContext, encoder: str, fresh: dict[str, bytes]) -> None:
    key = {"encoder": encoder, "as_of_date": context.as_of_date}
    if has_partition(context.lake, TEXT_EMBEDDINGS, **key):
        before = read_partition(context.lake, TEXT_EMBEDDINGS, **key)
        fresh = dict(zip(before["text_hash"], before["vector"], strict=True)) | fresh
    ordered = sorted(fresh.items())
    columns = [pa.array([name for name, _ in ordered]), pa.array([vector for _, vector in ordered], pa.binary())]
    write_partition(context.lake, TEXT_EMBEDDINGS, pa.table(columns, names=TEXT_EMBEDDINGS.column_names), **key)


def stacked(names: pl.Series, held: dict[str, bytes]) -> Vectors:
    """Vectors held by `names` as rows; a name without one gets zeros; no vector at all: zero columns."""
    size = len(next(iter(held.values()))) if held else 0
    nothing = bytes(size)
    joined = b"".join(held.get(name, nothing) for name in names)
    return np.frombuffer(joined, dtype="<f4").reshape(len(names), size // 4).astype(np.float32)
