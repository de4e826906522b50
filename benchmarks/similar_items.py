"""How well similar items foresee the next item of the same visit, beside simpler orders.

    python -m benchmarks.similar_items [--cut 2017-11-06] [--days 28] [--encoder sentences]
    python -m benchmarks.similar_items --folder FOLDER --cut DATE [--days 28]

Without a folder the data are Complete Journey. FOLDER holds data of your own: events.parquet with user_id, item_id,
event_type and occurred_at (or ts), optionally session_id and order_id, and optionally items.parquet with columns of the
contract. Without sessions a pause of 30 minutes ends a visit.

Everything is fitted before the cut. A query is an item and the next distinct item of the same visit, after the cut,
whose anchor was known; hit@10 is the share of queries whose next item is among ten. Behaviour, content and blend are
beside implicit's item-item cosine over users, the same over visits, and content by TF-IDF alone. --encoder takes the
values of content.encoder, --popularity those of similar.popularity.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import scipy.sparse as sp

from benchmarks.combination_data import complete_journey, midnight
from recsys import schemas
from recsys.features.embeddings import text_hash
from recsys.features.encoders import load_encoder
from recsys.features.item_content import Content, content_of, content_view
from recsys.models.neighbours import ones
from recsys.recommendations.similar_content import content_pairs
from recsys.recommendations.similar_items import Catalogue, catalogue_of, coded_events, next_items, similar_rows
from recsys.settings.content import ContentSettings
from recsys.settings.similar import SimilarSettings

EVENT_TYPES = {"event_type": pl.String, "session_id": pl.String, "order_id": pl.String}
K = 10


def main() -> None:
    """Run the benchmark and print a line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--cut", type=date.fromisoformat, default=date(2017, 11, 6))
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--encoder", default=ContentSettings().encoder)
    parser.add_argument("--popularity", type=float, default=SimilarSettings().popularity)
    options = parser.parse_args()
    events, items = own_data(options.folder) if options.folder else journey()
    settings = SimilarSettings(variants="keep", active_days=10_000, per_kind=K, popularity=options.popularity)
    compare(events, content_before(items, options.cut, options.encoder), options.cut, options.days, settings)


def journey() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Complete Journey; a visit is a basket."""
    events, items = complete_journey()
    return _filled(events.with_columns(session_id="order_id"), EVENT_TYPES), items


def own_data(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events and items of a folder; ids become texts, visits are made where there are none."""
    events = pl.read_parquet(folder / "events.parquet")
    if "occurred_at" not in events.columns:
        events = events.rename({"ts": "occurred_at"})
    moment = pl.col("occurred_at").dt.replace_time_zone(None).dt.replace_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    events = _filled(events.with_columns(moment, pl.col("user_id", "item_id").cast(pl.String)), EVENT_TYPES)
    events = events.sort("user_id", "occurred_at", "item_id")
    pause = pl.col("occurred_at").diff().over("user_id") > pl.duration(minutes=30)
    made = pl.format("visit {}", pause.fill_null(True).cast(pl.Int32).cum_sum())
    events = events.with_columns(session_id=pl.coalesce("session_id", "order_id", made))
    told = folder / "items.parquet"
    items = pl.read_parquet(told) if told.exists() else events.select("item_id").unique()
    return events, items.with_columns(pl.col("item_id").cast(pl.String))


def _filled(frame: pl.DataFrame, columns: dict[str, type[pl.String]]) -> pl.DataFrame:
    return frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in columns.items() if name not in frame)


def compare(events: pl.DataFrame, content: Content, cut: date, days: int, settings: SimilarSettings) -> None:
    """Print hit@10 of every method for queries of the `days` days from `cut` on."""
    as_of = midnight(cut)
    coded = coded_events(
        events.lazy().sort("occurred_at", "user_id", "item_id"), content, as_of - timedelta(days=settings.days), "UTC"
    )
    past = coded.filter(pl.col("occurred_at") < as_of)
    later = coded.filter(pl.col("occurred_at").is_between(as_of, as_of + timedelta(days=days), closed="left"))
    queries = next_items(later).join(past.select("item").unique(), on="item", how="semi")
    catalogue = catalogue_of(content, pl.Series([], dtype=pl.String))
    started = time.process_time()
    rows, labels = similar_rows(past, catalogue, as_of, settings)
    told = {"queries": queries.height, "labels": labels, "cpu_seconds": round(time.process_time() - started, 1)}
    print(json.dumps({"cut": str(cut), **told}))
    for name in ("behaviour_rank", "content_rank", "rank"):
        _tell(name, rows.filter(pl.col(name) <= K), queries)
    _tell("implicit cosine over users", _implicit(past, "user", len(content.items)), queries)
    _tell("implicit cosine over visits", _implicit(past, "visit", len(content.items)), queries)
    words = dataclasses.replace(content, vectors=content.vectors[:, :0])
    _tell("content by TF-IDF alone", _content_alone(words, past), queries)


def content_before(items: pl.DataFrame, cut: date, encoder: str = "sentences") -> Content:
    """Content of all items, embedded in this process by the encoder of that name."""
    empty = pl.DataFrame(schemas.ITEMS.empty_table())
    missing = [pl.lit(None, kind).alias(name) for name, kind in empty.schema.items() if name not in items.columns]
    view = content_view(items.with_columns(missing).select(empty.columns), midnight(cut), 1_000)
    texts = view["item_text"].drop_nulls().unique().sort().to_list()
    model = load_encoder(ContentSettings(encoder=encoder))
    held: dict[str, bytes] = {}
    if model and texts:
        held = {text_hash(text): row.tobytes() for text, row in zip(texts, model.encode(texts), strict=True)}
    return content_of(view.with_columns(encoder=pl.lit(encoder)), held, 2)


def _implicit(past: pl.DataFrame, row: str, items: int) -> pl.DataFrame:
    from implicit.nearest_neighbours import CosineRecommender

    model = CosineRecommender(K=K + 1, num_threads=1)
    model.fit(sp.csr_matrix(ones(past[row], past["item"], items)), show_progress=False)
    near = model.similarity.tocoo()
    frame = pl.DataFrame({"item": near.row, "other": near.col, "score": near.data})
    frame = frame.filter(pl.col("item") != pl.col("other")).sort("item", "score", descending=[False, True])
    return frame.filter(pl.int_range(pl.len()).over("item") < K).with_columns(pl.col("item", "other").cast(pl.Int32))


def _content_alone(content: Content, past: pl.DataFrame) -> pl.DataFrame:
    catalogue: Catalogue = catalogue_of(content, pl.Series([], dtype=pl.String))
    anchors, pool = past["item"].unique().sort().to_numpy(), np.arange(len(content.items), dtype=np.int32)
    pairs = content_pairs(catalogue.traits, anchors, pool, SimilarSettings(pool=K))
    return pairs


def _tell(name: str, shown: pl.DataFrame, queries: pl.DataFrame) -> None:
    hits = queries.join(shown.select("item", "other", hit=pl.lit(1)), on=["item", "other"], how="left")
    value = hits["hit"].fill_null(0).mean()
    print(json.dumps({"order": name, "hit@10": round(float(value or 0.0), 4)}))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
