"""The view of item content, and that a text is embedded once."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recsys import schemas
from recsys.config import Environment, Settings
from recsys.features import item_content
from recsys.features.embeddings import embed_missing, text_hash
from recsys.features.encoders import EncoderError, Vectors
from recsys.features.item_content import build_item_content, content_view, likeness, load_content
from recsys.run import RunContext
from recsys.storage import list_keys, read_partition, write_partition

DAY = date(2020, 5, 1)
AS_OF = datetime(2020, 5, 1, tzinfo=timezone.utc)


class Counting:
    """An encoder that remembers what it was given: (length, 1), made of length 1."""

    name, batch = "counting-1", 2

    def __init__(self, fail_after: int = 1 << 30) -> None:
        self.seen: list[str] = []
        self.fail_after = fail_after

    def encode(self, texts: list[str]) -> Vectors:
        if len(self.seen) + len(texts) > self.fail_after:
            raise EncoderError("out of order")
        self.seen += texts
        rows = np.array([[len(text), 1.0] for text in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def items(titles: dict[str, str | None], **columns: object) -> pl.DataFrame:
    empty = pl.DataFrame(schemas.ITEMS.arrow_schema.empty_table())
    rows = [{"item_id": name, "title": title, "snapshot_date": DAY} for name, title in titles.items()]
    frame = pl.DataFrame(rows, schema_overrides={"title": pl.String})
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in columns.items())
    missing = [pl.lit(None, kind).alias(name) for name, kind in empty.schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(empty.columns).cast(empty.schema)  # type: ignore[arg-type]


def context_of(folder: Path, day: date = DAY, encoder: str = "sentences") -> RunContext:
    settings = Settings()
    settings = replace(settings, content=replace(settings.content, encoder=encoder))
    return RunContext(day, Environment("", "", str(folder)), settings, "test")


def run(context: RunContext, titles: dict[str, str | None], monkeypatch: pytest.MonkeyPatch) -> Counting:
    encoder = Counting()
    monkeypatch.setattr(item_content, "load_encoder", lambda settings: encoder)
    write_partition(context.lake, schemas.ITEMS, items(titles), as_of_date=context.as_of_date)
    build_item_content(context)
    return encoder


def test_each_text_is_embedded_once_and_a_new_title_alone_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: dict[str, str | None] = {"a": "Milk", "b": "<b>Milk</b>", "c": "Bread", "d": None}
    assert run(context_of(tmp_path), titles, monkeypatch).seen == sorted(["Milk", "Bread"], key=text_hash)
    assert run(context_of(tmp_path), titles, monkeypatch).seen == []
    tomorrow = context_of(tmp_path, DAY + timedelta(days=1))
    assert run(tomorrow, titles, monkeypatch).seen == []
    assert run(tomorrow, titles | {"c": "Brown bread"}, monkeypatch).seen == ["Brown bread"]
    content = load_content(tomorrow)
    rows = dict(content.items.select("item_id", "text").iter_rows())
    assert rows["a"] == rows["b"] != rows["c"] and rows["d"] is None
    assert content.vectors[rows["c"]][0] == pytest.approx(11 / 122**0.5)


def test_partitions_hold_only_what_their_day_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(context_of(tmp_path), {"a": "Milk"}, monkeypatch)
    tomorrow = context_of(tmp_path, DAY + timedelta(days=1))
    run(tomorrow, {"a": "Milk", "b": "Bread"}, monkeypatch)
    table, key = schemas.TEXT_EMBEDDINGS, {"encoder": Counting.name}
    assert list_keys(tomorrow.lake, table, **key) == ["2020-05-01", "2020-05-02"]
    second = read_partition(tomorrow.lake, table, **key, as_of_date=tomorrow.as_of_date)
    assert second["text_hash"].to_list() == [text_hash("Bread")]


def test_progress_is_told_and_what_came_before_a_failure_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context, texts = context_of(tmp_path), ["one", "two", "three", "four", "five"]
    with caplog.at_level(logging.INFO):
        assert embed_missing(context, Counting(fail_after=4), texts) == 4
    assert "embedded 2 of 5 new texts" in caplog.text and "1 texts stay without an embedding" in caplog.text
    healed = Counting()
    assert embed_missing(context, healed, texts) == 1 and len(healed.seen) == 1


def test_a_machine_without_the_model_compares_by_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    context = context_of(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    titles: dict[str, str | None] = {"a": "oat milk", "b": "milk", "c": "milk and bread", "d": "bread"}
    write_partition(context.lake, schemas.ITEMS, items(titles), as_of_date=DAY)
    with caplog.at_level(logging.WARNING):
        assert build_item_content(context)["encoder"] == "none"
    assert "TF-IDF alone" in caplog.text
    content = load_content(context)
    row = dict(content.items.select("item_id", "text").iter_rows())
    near = likeness(content, np.array([row["b"]]), np.array([row["a"], row["d"]]))[0]
    assert content.vectors.shape == (4, 0) and near[0] > near[1]


def test_price_bands_compare_within_the_category() -> None:
    cheap = items({f"tea{n:02d}": "Tea" for n in range(10)}, category_path="FOOD > TEA")
    dear = items({f"tv{n:02d}": "Screen" for n in range(10)}, category_path="HOME > SCREENS")
    priced = pl.concat([cheap, dear]).with_columns(list_price=pl.Series([1.0 * n for n in range(1, 11)] * 2))
    priced = priced.with_columns(
        list_price=pl.when(pl.col("item_id").str.starts_with("tv")).then(pl.col("list_price") * 100).otherwise(
            pl.col("list_price")
        )
    )  # fmt: skip
    view = content_view(priced, AS_OF, 100)
    bands = dict(view.select("item_id", "price_band").iter_rows())
    assert [bands[f"tea{n:02d}"] for n in range(10)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert bands["tv00"] == 1 and bands["tv09"] == 5


def test_categories_age_and_items_that_tell_nothing() -> None:
    known = items({"a": "Tea"}, category_path="FOOD > TEA > GREEN", launched_at=AS_OF - timedelta(days=3), brand="B")
    view = content_view(pl.concat([known, items({"z": None})]), AS_OF, 100)
    first, last = view.to_dicts()
    assert (first["leaf"], first["parent"], first["brand"]) == ("FOOD > TEA > GREEN", "FOOD > TEA", "B")
    assert first["age_days"] == pytest.approx(3.0) and first["price_band"] is None
    assert (last["leaf"], last["parent"], last["item_text"], last["age_days"]) == ("", "", None, None)


@pytest.mark.parametrize("ids", [[], ["i2", "i1", "i2"]])
def test_a_shop_without_items_has_those_that_its_events_name(
    ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(tmp_path, encoder="none")
    write_partition(context.lake, schemas.ITEMS, items({}), as_of_date=DAY)
    events = pl.LazyFrame({"item_id": ids}, schema={"item_id": pl.String})
    monkeypatch.setattr(item_content, "read_events", lambda *_, **__: events)
    assert build_item_content(context)["items"] == len(set(ids))
    assert load_content(context).items["item_id"].to_list() == sorted(set(ids))
