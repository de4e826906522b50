"""Every generator keeps the rules of tests/conformance.py, and finds what a small shop's users obviously want."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from recsys.features.history import History, encode, weight_matrix, weights
from recsys.models.als import fit_als
from recsys.models.bought_together import fit_bought_together
from recsys.models.buy_again import fit_buy_again
from recsys.models.category_popular import fit_category_popular
from recsys.models.ease import fit_ease
from recsys.models.generator import CandidateGenerator, Known
from recsys.models.item_knn import fit_item_knn
from recsys.models.similar_users import fit_similar_users
from recsys.models.trending import fit_trending
from tests import conformance
from tests import known_answer_shop as shop

AS_OF = shop.instant(shop.AS_OF_DATE)
CUT = AS_OF - timedelta(days=30)
ONLY_LATER = "newcomer"


@pytest.fixture(scope="module")
def history() -> History:
    """The small shop's events, and one user whose first event lies after CUT."""
    events = shop.events()
    late = events.head(1).with_columns(user_id=pl.lit(ONLY_LATER), occurred_at=pl.lit(AS_OF - timedelta(days=2)))
    return encode(pl.concat([events, late.cast(events.schema)]), shop.items(), AS_OF, "UTC")  # type: ignore[arg-type]


def fit(name: str, history: History) -> CandidateGenerator:
    settings = shop.SETTINGS
    pairs = weights(history, settings.interactions, 180.0)
    recent = weights(history, settings.interactions, 14.0)
    known = Known(weight_matrix(pairs, history))
    fits = {
        "als": lambda: fit_als(known, settings.models, 1),
        "ease": lambda: fit_ease(known, settings.models),
        "item_knn": lambda: fit_item_knn(known, settings.models),
        "bought_together": lambda: fit_bought_together(history, recent, known, settings.models),
        "buy_again": lambda: fit_buy_again(history, pairs),
        "category_popular": lambda: fit_category_popular(pairs, recent, history.tree),
        "similar_users": lambda: fit_similar_users(known, settings.models),
        "trending": lambda: fit_trending(history, pairs),
    }
    return fits[name]()


NAMES = ("als", "ease", "item_knn", "bought_together", "buy_again", "category_popular", "similar_users", "trending")


@pytest.mark.parametrize("name", NAMES)
def test_generators_conform(name: str, history: History) -> None:
    generator = fit(name, history)
    assert generator.name == name
    conformance.proposes_in_order_and_within_k(generator, history)
    conformance.proposes_known_items_with_finite_scores(generator, history)
    conformance.is_deterministic(lambda past: fit(name, past), history)
    conformance.knows_no_future(lambda past: fit(name, past), history, CUT)
    conformance.answers_no_users(generator)
    conformance.survives_the_registry(generator, history)
    conformance.scores_pairs_as_it_proposes(generator, history)


@pytest.mark.parametrize("name", NAMES)
def test_users_without_history_get_nothing(name: str, history: History) -> None:
    late = history.users.to_list().index(ONLY_LATER)
    conformance.gives_nothing_to_users_without_history(fit(name, history.before(CUT)), late)


@pytest.mark.parametrize(
    "name", ("als", "ease", "item_knn", "bought_together", "category_popular", "similar_users", "trending")
)
def test_nothing_the_user_has_is_proposed_as_new(name: str, history: History) -> None:
    rows = fit(name, history).propose(conformance.all_users(history), 20)
    owned = history.events.select("user", "item").unique()
    assert rows.join(owned, on=["user", "item"], how="semi").is_empty()


def test_buy_again_puts_staples_first(history: History) -> None:
    user = history.users.to_list().index("coffee_lover_1")
    best = fit("buy_again", history).propose(np.array([user], dtype=np.int32), 2)
    assert {history.items[i] for i in best["item"]} == {"coffee", "filters"}


def test_als_loss_falls_with_every_iteration(history: History) -> None:
    losses = fit("als", history).losses  # type: ignore[attr-defined]
    assert len(losses) == shop.SETTINGS.models.als_iterations
    assert (np.diff(losses) < 1e-6).all()
    # Threads add them up in any order; the last digits would make another version of the same model.
    assert losses.tolist() == losses.round(9).tolist()


def test_the_own_groups_treat_comes_before_the_others(history: History) -> None:
    """Cat owners' neighbours bought the toy; a cat owner who did not gets it before the families' cake."""
    user = history.users.to_list().index("cat_owner_0")
    rows = fit("item_knn", history).propose(np.array([user], dtype=np.int32), 20)
    items = [history.items[i] for i in rows["item"]]
    assert "cat_toy" in items
    assert "cake" not in items or items.index("cat_toy") < items.index("cake")
