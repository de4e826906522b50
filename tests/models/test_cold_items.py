"""New items: found in the snapshot, wanted by who bought their like, and kept by the registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from recsys import schemas
from recsys.features.history import History, encode
from recsys.features.item_content import content_of, content_view
from recsys.features.item_traits import Traits, traits_of
from recsys.features.new_items import new_items
from recsys.models.als import Als
from recsys.models.cold_candidates import ColdCandidates, fit_cold_candidates
from recsys.models.cold_items import ColdItems, fit_cold_items, map_factors
from recsys.settings.new_items import NewItemSettings
from tests import conformance

AS_OF = datetime(2024, 6, 1, tzinfo=timezone.utc)
SETTINGS = NewItemSettings(min_users=1, neighbours=2)
ITEMS = {
    "apple": ("Red apple", "FOOD > FRUIT", 400),
    "pear": ("Green pear", "FOOD > FRUIT", 400),
    "drill": ("Cordless drill", "TOOLS > DRILLS", 400),
    "saw": ("Hand saw", "TOOLS > SAWS", 400),
    "plum": ("Ripe red apple plum", "FOOD > FRUIT", 3),
    "bit": ("Cordless drill bit", "TOOLS > DRILLS", 5),
}
"""Title, category, age in days."""
BOUGHT = [("ann", "apple"), ("ann", "pear"), ("bob", "drill"), ("bob", "saw"), ("cat", "apple"), ("cat", "drill")]


def snapshot() -> pl.DataFrame:
    rows = [
        {"item_id": name, "title": title, "category_path": path, "launched_at": AS_OF - timedelta(days=age)}
        for name, (title, path, age) in ITEMS.items()
    ]
    frame, empty = pl.DataFrame(rows), pl.DataFrame(schemas.ITEMS.empty_table())
    lacking = [pl.lit(None, kind).alias(name) for name, kind in empty.schema.items() if name not in frame.columns]
    return frame.with_columns(lacking).select(empty.columns).cast(empty.schema)


def history(new: pl.Series | None = None) -> History:
    rows = pl.DataFrame(BOUGHT, schema=["user_id", "item_id"], orient="row").with_columns(
        event_type=pl.lit("purchase"),
        quantity=pl.lit(1.0),
        unit_price=pl.lit(1.0),
        order_id=pl.lit(None, pl.String),
        store_id=pl.lit(None, pl.String),
        occurred_at=pl.lit(AS_OF - timedelta(days=10)).cast(pl.Datetime("us", "UTC")),
    )
    return encode(rows, snapshot(), AS_OF, "UTC", new)


def traits(pictures: dict[str, list[float]] | None = None) -> Traits:
    view = content_view(snapshot(), AS_OF, 200).with_columns(encoder=pl.lit("none"))
    held = {name: np.array(vector, "<f4").tobytes() for name, vector in (pictures or {}).items()}
    return traits_of(content_of(view, {}, 1, held))


def als_of(past: History) -> Als:
    """Two factors, fruit and tools; users by what they bought, items by what they are."""
    fruit = np.array([name in ("apple", "pear") for name in past.items])
    items = np.column_stack([fruit, ~fruit]).astype(np.float32)
    pairs = past.events.select("user", "item").unique(maintain_order=True)
    place, shape = (pairs["user"].to_numpy(), pairs["item"].to_numpy()), (len(past.users), len(past.items))
    known = sp.csr_matrix((np.ones(len(pairs), np.float32), place), shape)
    return Als(np.arange(len(past.items), dtype=np.int32), known, (known @ items) / 2, items, np.zeros(0))


def fitted(**changes: float) -> ColdItems:
    past = history()
    new = new_items(snapshot(), AS_OF, SETTINGS)
    return fit_cold_items(past, traits(), als_of(past), new, replace(SETTINGS, **changes))  # type: ignore[arg-type]


def test_new_are_the_newest_that_were_launched_lately() -> None:
    assert new_items(snapshot(), AS_OF, SETTINGS).to_list() == ["bit", "plum"]
    assert new_items(snapshot(), AS_OF, replace(SETTINGS, max_items=1)).to_list() == ["plum"]
    assert new_items(snapshot(), AS_OF - timedelta(days=4), SETTINGS).to_list() == ["bit"]
    assert new_items(snapshot(), AS_OF - timedelta(days=300), SETTINGS).to_list() == []


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_new_item_is_wanted_by_who_bought_its_like(weight: float) -> None:
    past = history()
    als = als_of(past)
    scores = fitted(map_weight=weight).scores(als.known, als.user_factors)
    wanted = dict(zip(past.users, scores, strict=True))
    assert wanted["ann"][1] > wanted["ann"][0]
    assert wanted["bob"][0] > wanted["bob"][1]
    assert (wanted["cat"] > 0).all()


def test_the_map_puts_new_items_beside_their_category() -> None:
    """Without embeddings the mean of the category, shrunken to the mean of all; more prior, more of the latter."""
    near, far = fitted(map_prior=0.01).factors, fitted(map_prior=1e9).factors
    assert near[1] == pytest.approx([1.0, 0.0], abs=0.02)
    assert far[1] == pytest.approx([0.5, 0.5], abs=0.15)


def test_the_map_reads_pictures() -> None:
    """The plum looks like tools: its category says fruit, its picture pulls it over."""
    looks = {"apple": [1.0, 0.0], "pear": [1.0, 0.0], "drill": [0.0, 1.0], "saw": [0.0, 1.0], "plum": [0.0, 1.0]}
    past, new = history(), new_items(snapshot(), AS_OF, SETTINGS)
    settings = replace(SETTINGS, map_ridge=0.1, map_prior=10.0)
    blind, seeing = (fit_cold_items(past, traits(held), als_of(past), new, settings) for held in ({}, looks))
    assert seeing.factors[1, 1] > blind.factors[1, 1] + 0.1
    assert seeing.prior[list(past.items).index("drill"), 1] > blind.prior[list(past.items).index("drill"), 1]


def test_nothing_known_maps_to_nothing() -> None:
    none = np.zeros(0, np.int32)
    young = np.array([0], np.int32)
    assert not map_factors(traits(), none, np.zeros((0, 2), np.float32), np.zeros(0), young, SETTINGS).any()


def test_no_neighbour_is_new_itself() -> None:
    model = fitted(neighbours=10)
    assert model.prior.shape == (4, 2)
    assert (np.diff(model.prior.tocsc().indptr) <= 4).all()


def test_a_copy_scores_the_same() -> None:
    model, als = fitted(), als_of(history())
    copy = ColdItems.from_arrays(model.arrays(), model.settings)
    assert copy.item_ids == ["bit", "plum"]
    assert np.array_equal(copy.scores(als.known, als.user_factors), model.scores(als.known, als.user_factors))


def candidates(past: History) -> ColdCandidates:
    new = new_items(snapshot(), AS_OF, SETTINGS)
    als = als_of(past)
    return fit_cold_candidates(past, fit_cold_items(past, traits(), als, new, SETTINGS), als, 2)


def coded() -> History:
    return history(new_items(snapshot(), AS_OF, SETTINGS))


def test_items_that_nobody_touched_have_codes() -> None:
    assert coded().items.to_list() == sorted(ITEMS)
    assert candidates(history()).best.is_empty()


def test_new_items_are_candidates_of_who_bought_their_like_and_name_it() -> None:
    past = coded()
    rows = candidates(past).propose(np.array([0, 1], np.int32), 1)
    told = [(past.users[u], past.items[i], past.items[a]) for u, i, a in rows.select("user", "item", "anchor").rows()]
    assert told == [("ann", "plum", "apple"), ("bob", "bit", "drill")]


def test_candidates_keep_the_rules_of_generators() -> None:
    past = coded()
    generator = candidates(past)
    conformance.proposes_in_order_and_within_k(generator, past)
    conformance.proposes_known_items_with_finite_scores(generator, past)
    conformance.is_deterministic(candidates, past)
    conformance.answers_no_users(generator)
    conformance.survives_the_registry(generator, past)
    owned = past.events.select("user", "item").unique()
    assert generator.best.join(owned, on=["user", "item"], how="semi").is_empty()
    conformance.gives_nothing_to_users_without_history(candidates(past.before(AS_OF - timedelta(days=20))), 0)


def test_new_items_are_compared_with_items_that_als_knows() -> None:
    """ALS has no factors of items with few users; those of another item must not stand in for them."""
    past, new = history(), new_items(snapshot(), AS_OF, SETTINGS)
    whole = als_of(past)
    for left in (["apple", "drill"], ["drill", "pear"], ["pear", "saw"], []):
        columns = np.flatnonzero(past.items.is_in(left)).astype(np.int32)
        few = replace(whole, columns=columns, item_factors=whole.item_factors[columns])
        model = fit_cold_items(past, traits(), few, new, replace(SETTINGS, map_prior=0.01))
        assert set(past.items.gather(np.unique(model.prior.nonzero()[0]))) <= set(left)
        if left:
            assert model.factors[1] == pytest.approx([1.0, 0.0], abs=0.02)
