"""Models in the lake: arrays as npz (no pickle), boosted trees as LightGBM text, a model card as JSON.

models/as_of_date=D/ holds generator_<name>.npz, generators.json, ranker.json and model_card.json: what a day is scored
with. training/cut=D/ holds what several days share, under the digest of what it was made from: sampled frames of the
cut (<key>.parquet) and the rankers whose newest cut it is (<key>.json).
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from recsys.models.candidates import KINDS, GeneratorSet
from recsys.models.generator import Arrays
from recsys.models.network import Network
from recsys.models.ranker import Prior, Ranker, Trees
from recsys.schemas import OFFLINE_METRICS
from recsys.storage import Lake, LakeError, drop_folders, open_output, read_bytes_if_any

SERVED = ("as_of_date", "model_version")
"""Columns of offline_metrics that belong to the day that is served, not to the training."""


@dataclass(frozen=True)
class Trained:
    """A ranker, the days of its cuts, newest first, its measures (OFFLINE_METRICS but SERVED) and counts.

    measured  whether the measures are those of a ranker that learnt as this one did; not where the newest cut alone
              taught enough, which left none to learn from that ends before it: they are of the order without a ranker
    """

    ranker: Ranker
    metrics: pl.DataFrame
    cuts: list[date]
    counts: dict[str, int]
    measured: bool


@dataclass(frozen=True)
class Serving:
    """The day whose models score a day, and their version; None: the gate has not judged them."""

    models_of: date
    model_version: str | None


def _path(day: date, name: str) -> str:
    return f"models/as_of_date={day}/{name}"


def _read(lake: Lake, day: date, name: str) -> bytes:
    found = read_bytes_if_any(lake, _path(day, name))
    if found is None:
        raise LakeError(f"the lake {lake} has no {_path(day, name)}: run train_ranker and fit_generators first")
    return found


def write_json(lake: Lake, day: date, name: str, content: Any) -> None:
    """Write `content` as models/as_of_date=<day>/<name>.json, keys sorted."""
    with open_output(lake, _path(day, f"{name}.json")) as stream:
        stream.write(json.dumps(content, sort_keys=True, indent=1).encode())


def read_json(lake: Lake, day: date, name: str) -> Any:
    """What `write_json` wrote. Raises LakeError when it is missing."""
    return json.loads(_read(lake, day, f"{name}.json"))


def write_arrays(lake: Lake, day: date, name: str, arrays: Arrays) -> None:
    """Write `arrays` as models/as_of_date=<day>/<name>.npz."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    with open_output(lake, _path(day, f"{name}.npz")) as stream:
        stream.write(buffer.getbuffer())


def read_arrays(lake: Lake, day: date, name: str) -> Arrays:
    """What `write_arrays` wrote. Raises LakeError when it is missing."""
    with np.load(io.BytesIO(_read(lake, day, f"{name}.npz")), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def save_generators(lake: Lake, day: date, fitted: GeneratorSet) -> None:
    """Write every generator of the day."""
    for generator in fitted.generators:
        write_arrays(lake, day, f"generator_{generator.name}", generator.arrays())
    names = [generator.name for generator in fitted.generators]
    write_json(lake, day, "generators", {"names": names, "limits": list(fitted.limits)})


def load_generators(lake: Lake, day: date) -> GeneratorSet:
    """The generators of the day. Raises LakeError when they were not fitted."""
    told = read_json(lake, day, "generators")
    loaded = [KINDS[name].from_arrays(read_arrays(lake, day, f"generator_{name}")) for name in told["names"]]  # type: ignore[attr-defined]
    return GeneratorSet(tuple(loaded), tuple(told["limits"]))


def save_ranker(lake: Lake, day: date, ranker: Ranker) -> None:
    """Write the ranker of the day."""
    write_json(lake, day, "ranker", _told(ranker))


def load_ranker(lake: Lake, day: date) -> Ranker:
    """The ranker of the day. Raises LakeError when it was not trained."""
    return _ranker(read_json(lake, day, "ranker"))


def write_serving(lake: Lake, day: date, serving: Serving) -> None:
    """Note whose models serve the day."""
    told = {"models_of": serving.models_of.isoformat(), "model_version": serving.model_version}
    write_json(lake, day, "serving", told)


def read_serving(lake: Lake, day: date) -> Serving:
    """Whose models serve the day; its own, of no version, before the gate has judged them."""
    found = read_bytes_if_any(lake, _path(day, "serving.json"))
    if found is None:
        return Serving(day, None)
    told = json.loads(found)
    return Serving(date.fromisoformat(told["models_of"]), told["model_version"])


def write_trained(lake: Lake, cut: date, key: str, trained: Trained) -> None:
    """Keep `trained`, whose newest cut is at `cut`, under `key`."""
    told = {
        "ranker": _told(trained.ranker),
        "metrics": trained.metrics.write_json(),
        "cuts": [day.isoformat() for day in trained.cuts],
        "counts": trained.counts,
        "measured": trained.measured,
    }
    with open_output(lake, _shared_path(cut, f"{key}.json")) as stream:
        stream.write(json.dumps(told, sort_keys=True).encode())


def read_trained(lake: Lake, cut: date, key: str) -> Trained | None:
    """What `write_trained` wrote; None where there is nothing under `key`."""
    found = read_bytes_if_any(lake, _shared_path(cut, f"{key}.json"))
    if found is None:
        return None
    told = json.loads(found)
    kinds = pl.DataFrame(OFFLINE_METRICS.empty_table()).drop(SERVED).schema
    metrics = pl.read_json(io.StringIO(told["metrics"]), schema=kinds)
    cuts = [date.fromisoformat(day) for day in told["cuts"]]
    return Trained(_ranker(told["ranker"]), metrics, cuts, told["counts"], told["measured"])


def write_frame(lake: Lake, cut: date, key: str, frame: pl.DataFrame) -> None:
    """Keep a cut's sampled frame under its key."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=1)
    with open_output(lake, _shared_path(cut, f"{key}.parquet")) as stream:
        stream.write(buffer.getbuffer())


def read_frame(lake: Lake, cut: date, key: str) -> pl.DataFrame | None:
    """What `write_frame` wrote; None where there is nothing under `key`."""
    found = read_bytes_if_any(lake, _shared_path(cut, f"{key}.parquet"))
    return None if found is None else pl.read_parquet(io.BytesIO(found))


def drop_old_cuts(lake: Lake, oldest: date, kept: Collection[date] = ()) -> list[str]:
    """Delete what is kept of cuts before `oldest` except those at `kept`; returns the paths."""
    return drop_folders(lake, "training", "cut=", lambda cut: cut < oldest and cut not in kept)


def _shared_path(cut: date, name: str) -> str:
    return f"training/cut={cut}/{name}"


def _told(ranker: Ranker) -> dict[str, Any]:
    parts = {
        name: part.as_json() if isinstance(part, Network) else dataclasses.asdict(part)
        for name, part in ranker.parts.items()
    }
    prior = None if ranker.prior is None else dataclasses.asdict(ranker.prior)
    return {"features": ranker.features, "parts": parts, "threads": ranker.threads, "prior": prior}


def _ranker(told: Any) -> Ranker:
    parts = {name: Trees(**part) if "text" in part else Network.from_json(part) for name, part in told["parts"].items()}
    prior = told.get("prior")
    return Ranker(told["features"], parts, told["threads"], prior and Prior(**prior))
