"""What every candidate generator must do, whatever it knows: one function a rule, called by tests/models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from recsys.features.history import History
from recsys.models.generator import PROPOSALS, CandidateGenerator, DenseGenerator

Fit = Callable[[History], CandidateGenerator]


def all_users(history: History) -> np.ndarray:
    return np.arange(len(history.users), dtype=np.int32)


def proposes_in_order_and_within_k(generator: CandidateGenerator, history: History) -> None:
    for k in (1, 3, 10):
        rows = generator.propose(all_users(history), k)
        assert rows.schema == PROPOSALS
        assert rows.group_by("user").len()["len"].max() <= k  # type: ignore[operator]
        assert rows.equals(rows.sort("user", "score", "item", descending=[False, True, False]))
        assert not rows.select("user", "item").is_duplicated().any()


def proposes_known_items_with_finite_scores(generator: CandidateGenerator, history: History) -> None:
    rows = generator.propose(all_users(history), 10)
    assert len(rows) > 0
    assert rows["item"].is_between(0, len(history.items) - 1).all()
    assert rows["score"].is_finite().all()
    assert rows["anchor"].drop_nulls().is_between(0, len(history.items) - 1).all()


def is_deterministic(fit: Fit, history: History) -> None:
    first, second = (fit(history).propose(all_users(history), 10) for _ in range(2))
    assert first.equals(second)


def knows_no_future(fit: Fit, history: History, cut: object) -> None:
    """Fitted at a cut, it proposes the same whether or not the history goes on after it."""
    past = history.before(cut)  # type: ignore[arg-type]
    altered = History(
        pl.concat([past.events, history.events.filter(pl.col("at") >= cut).head(50)]),
        history.users,
        history.items,
        history.tree,
        history.as_of,
    ).before(cut)  # type: ignore[arg-type]
    users = all_users(history)
    assert fit(past).propose(users, 10).equals(fit(altered).propose(users, 10))


def gives_nothing_to_users_without_history(generator: CandidateGenerator, user: int) -> None:
    assert generator.propose(np.array([user], dtype=np.int32), 10).is_empty()


def answers_no_users(generator: CandidateGenerator) -> None:
    assert generator.propose(np.array([], dtype=np.int32), 10).is_empty()


def survives_the_registry(generator: CandidateGenerator, history: History) -> None:
    copy = type(generator).from_arrays(generator.arrays())  # type: ignore[attr-defined]
    assert copy.propose(all_users(history), 10).equals(generator.propose(all_users(history), 10))


def scores_pairs_as_it_proposes(generator: CandidateGenerator, history: History) -> None:
    """A generator that scores every item proposes with those very scores."""
    if isinstance(generator, DenseGenerator):
        users = all_users(history)
        dense = generator.dense(users)
        rows = generator.propose_from(users, dense, 5)
        column = np.searchsorted(generator.columns, rows["item"].to_numpy())
        np.testing.assert_array_equal(dense[rows["user"].to_numpy(), column], rows["score"].to_numpy())
