"""Both forms of EASE give the textbook's scores."""

import dataclasses

import numpy as np
import scipy.sparse as sp

from recsys.models.ease import fit_ease
from recsys.models.generator import Known
from recsys.settings.models import ModelSettings


def textbook(x: np.ndarray, regularization: float) -> np.ndarray:
    inverse = np.linalg.inv(x.T @ x + regularization * np.eye(x.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return x @ weights


def test_dual_and_primal_forms_agree_with_the_textbook() -> None:
    x = (np.random.default_rng(0).random((6, 9)) < 0.5).astype(np.float32)
    x[5] = 0.0
    x[:2] = 1.0
    plain = ModelSettings(min_item_users=1, ease_norm_power=0.0, ease_regularization=2.0)
    users = np.arange(6, dtype=np.int32)
    wide = fit_ease(Known(sp.csr_matrix(x)), plain)
    assert wide.diagonal.size == 9
    np.testing.assert_allclose(wide.dense(users), textbook(x, 2.0), atol=1e-4)
    tall = fit_ease(Known(sp.csr_matrix(np.vstack([x, x]))), plain)
    assert tall.diagonal.size == 0
    np.testing.assert_allclose(tall.dense(users), textbook(np.vstack([x, x]), 2.0)[:6], atol=1e-4)


def test_the_primal_form_keeps_the_most_supported_items() -> None:
    x = np.triu(np.ones((8, 4), dtype=np.float32))
    settings = dataclasses.replace(ModelSettings(), min_item_users=1, ease_max_side=2)
    assert fit_ease(Known(sp.csr_matrix(x)), settings).columns.tolist() == [2, 3]
