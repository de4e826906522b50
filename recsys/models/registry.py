"""Models in the lake: arrays as npz (no pickle), boosted trees as LightGBM text, a model card as JSON.

models/as_of_date=D/ holds generator_<name>.npz, generators.json, ranker.json and model_card.json.
"""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import date
from typing import Any

import numpy as np

from recsys.models.candidates import KINDS, GeneratorSet
from recsys.models.generator import Arrays
from recsys.models.ranker import Part, Ranker
from recsys.storage import Lake, LakeError, open_output


def _path(day: date, name: str) -> str:
    return f"models/as_of_date={day}/{name}"


def _read(lake: Lake, day: date, name: str) -> bytes:
    filesystem, root = lake.filesystem()
    path = _path(day, name)
    try:
        with filesystem.open_input_stream(f"{root}/{path}") as stream:
            return bytes(stream.read())
    except FileNotFoundError as error:
        raise LakeError(f"the lake {lake.uri} has no {path}: run train_ranker and fit_generators first") from error


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
    write_json(lake, day, "ranker", dataclasses.asdict(ranker))


def load_ranker(lake: Lake, day: date) -> Ranker:
    """The ranker of the day. Raises LakeError when it was not trained."""
    told = read_json(lake, day, "ranker")
    parts = {name: Part(**part) for name, part in told["parts"].items()}
    return Ranker(told["features"], parts, told["threads"])
