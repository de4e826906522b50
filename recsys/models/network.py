"""A small neural network beside the boosted trees: scikit-learn's multilayer perceptron on the same features.

Trees cut each feature at thresholds, a network weighs all of them smoothly: the two err in different places, so that
their mean orders better than either. Counts, ages and prices are skewed, so inputs are logarithms, standardised; a
feature that is not known is zero, and one more input for each group of features tells whether it is known.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recsys.settings.models import ModelSettings

FURTHEST = 4.0
"""Inputs end at so many standard deviations: what lies further out was hardly learnt from."""
_LARGEST = 1e6
_BLOCK_ROWS = 10_000
"""Rows at once, so that layers of a million rows never stand in memory."""
_SAMPLE_ROWS = 50_000
_RATE = 1e-3
_ALPHA = 1e-3
_BATCH_ROWS = 2_048
_STEPS = 300
"""Steps of an epoch, at least, where rows are few."""

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Scaling:
    """From features to inputs: (logarithm - `centre`) / `scale` of those at `columns`, and whether those at `told` are
    unknown."""

    columns: NDArray[np.int64]
    centre: Values
    scale: Values
    told: NDArray[np.int64]

    def inputs(self, values: Values) -> Values:
        """Rows x inputs, of rows x features (NaN: unknown)."""
        out = np.empty((len(values), len(self.columns) + len(self.told)), np.float32)
        for start in range(0, len(values), _BLOCK_ROWS):
            block = values[start : start + _BLOCK_ROWS]
            known = (_logarithms(block[:, self.columns]) - self.centre) / self.scale
            known = np.nan_to_num(np.clip(known, -FURTHEST, FURTHEST), copy=False, nan=0.0)
            out[start : start + _BLOCK_ROWS] = np.concatenate([known, np.isnan(block[:, self.told])], axis=1)
        return out


@dataclass(frozen=True)
class Network:
    """Layers of `weights` (inputs x units) and `biases`, rectified between them, with one output; `mean` and
    `deviation` of its raw scores in training make it comparable with other parts of the ranker."""

    scaling: Scaling
    weights: tuple[Values, ...]
    biases: tuple[Values, ...]
    mean: float = 0.0
    deviation: float = 1.0

    def predict(self, values: Values) -> NDArray[np.float64]:
        """Standardised raw scores of the rows of `values` (rows x features, NaN: unknown)."""
        raw = np.empty(len(values))
        for start in range(0, len(values), _BLOCK_ROWS):
            # In double precision the rows beside a row change no digit of its score that is kept.
            layer: NDArray[Any] = self.scaling.inputs(values[start : start + _BLOCK_ROWS]).astype(np.float64)
            for depth, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
                layer = (np.maximum(layer, 0.0) if depth else layer) @ weights + biases
            raw[start : start + _BLOCK_ROWS] = layer[:, 0]
        return (raw - self.mean) / self.deviation

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads back to the last bit."""
        scaling = {name: getattr(self.scaling, name).tolist() for name in _KINDS}
        layers = {name: [layer.tolist() for layer in getattr(self, name)] for name in ("weights", "biases")}
        return {"scaling": scaling, **layers, "mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Network:
        """The network that `as_json` described."""
        scaling = Scaling(**{name: np.array(told["scaling"][name], kind) for name, kind in _KINDS.items()})
        weights, biases = (tuple(np.array(layer, np.float32) for layer in told[name]) for name in ("weights", "biases"))
        return cls(scaling, weights, biases, told["mean"], told["deviation"])


_KINDS: dict[str, type] = {"columns": np.int64, "centre": np.float32, "scale": np.float32, "told": np.int64}


def fit_network(values: Values, labels: NDArray[np.int8], settings: ModelSettings, seed: int) -> Network:
    """Learn `labels` (0 or 1) of the rows of `values` (rows x features, NaN: unknown) by log loss and Adam: all rows
    `network_epochs` times, each time at a smaller rate."""
    # It loads seconds of imports that only training should pay.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    sample = sample_of(values)
    scaling = learn_scaling(sample)
    inputs = scaling.inputs(values)
    model = MLPClassifier(
        hidden_layer_sizes=settings.network_units,
        alpha=_ALPHA,
        batch_size=max(1, min(_BATCH_ROWS, len(inputs) // _STEPS)),
        max_iter=1,
        warm_start=True,
        random_state=np.random.RandomState(seed % (1 << 31)),
    )
    # On layers this small a second thread saves a quarter of the time, and costs more than it saves beside other work.
    with threadpool_limits(1, "blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for epoch in range(settings.network_epochs):
            model.set_params(learning_rate_init=_RATE * (1 - epoch / settings.network_epochs)).fit(inputs, labels)
    weights, biases = (
        tuple(np.asarray(layer, np.float32) for layer in layers) for layers in (model.coefs_, model.intercepts_)
    )
    network = Network(scaling, weights, biases)
    raw = network.predict(sample)
    return replace(network, mean=float(raw.mean()), deviation=float(raw.std()) or 1.0)


def sample_of(values: Values) -> Values:
    """Rows of `values` from all over, enough for means and deviations; predicting all takes as long as ten trees."""
    return values[:: max(1, len(values) // _SAMPLE_ROWS)]


def learn_scaling(sample: Values) -> Scaling:
    """The scaling of rows x features; a feature that never differs is left out."""
    values = _logarithms(sample).astype(np.float64)
    unknown = np.isnan(values)
    count = np.maximum((~unknown).sum(axis=0), 1)
    centre = np.nansum(values, axis=0) / count
    scale = np.sqrt(np.nansum((values - centre) ** 2, axis=0) / count)
    columns = np.flatnonzero(scale > 1e-6)
    share, first = unknown.mean(axis=0), np.unique(unknown, axis=1, return_index=True)[1]
    told = np.sort(first[(share[first] > 0.001) & (share[first] < 0.999)])
    return Scaling(columns, centre[columns].astype(np.float32), scale[columns].astype(np.float32), told)


def _logarithms(values: Values) -> Values:
    """Logarithm of 1 + the magnitude, with the value's sign."""
    clipped = np.clip(values, -_LARGEST, _LARGEST)
    return np.copysign(np.log1p(np.abs(clipped)), clipped)
