"""Vectors of pictures: read from text as Postgres writes it; what is none is left out, with a line in the log."""

from __future__ import annotations

import logging

import numpy as np
import polars as pl
import pytest

from recsys.data.images import item_images

SCHEMA = {"item_id": pl.String, "image_vector": pl.String}


def read(vectors: dict[str, str | None]) -> dict[str, list[float]]:
    rows = item_images(pl.DataFrame({"item_id": list(vectors), "image_vector": list(vectors.values())}, schema=SCHEMA))
    return {name: np.frombuffer(vector, "<f4").tolist() for name, vector in rows.iter_rows()}


def test_arrays_and_vectors_of_postgres_are_read_and_brought_to_length_one() -> None:
    found = read({"b": "[3,4]", "a": "{0.5,-0}", "c": " ( 0 , 2e0 ) ", "d": None})
    assert list(found) == ["a", "b", "c"]
    assert found["b"] == pytest.approx([0.6, 0.8]) and found["a"] == [1.0, 0.0] and found["c"] == [0.0, 1.0]


@pytest.mark.parametrize(
    "broken", ["", "[]", "[1]", "[1,2,3]", "[1,x]", "[1,]", "[nan,1]", "[inf,1]", "[0,0]", "picture"]
)
def test_a_vector_that_is_none_costs_the_picture_alone(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert list(read({"a": "[1,0]", "b": "[0,1]", "c": broken})) == ["a", "b"]
    assert "1 image_vector(s)" in caplog.text


def test_no_pictures_at_all(caplog: pytest.LogCaptureFixture) -> None:
    assert read({"a": None}) == read({}) == {}
    assert read({"a": "[0,0]"}) == {}
