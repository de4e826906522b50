"""Exact contributions of boosted trees for many rows at once: what LightGBM's pred_contrib gives, many times faster.

S. Lundberg and others, "From local explanations to global understanding with explainable AI for trees", 2020, define
what a feature is worth to a tree (path-dependent TreeSHAP). For one leaf of value v, let o_j be 1 where a row meets
the leaf's conditions on feature j and 0 where not, and z_j the share of training rows that go the leaf's way there. The
leaf then is a game of products, whose Shapley value follows from its multilinear extension (G. Owen, 1972):

    share of j = v (o_j - z_j) * integral over t in [0, 1] of  product over k != j of (t o_k + (1 - t) z_k)

The integrand is a polynomial, so a few nodes of Gauss and Legendre give it exactly. A row comes in only by its pattern
of o's, so that each leaf has a small table of patterns, and rows are looked up in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_WHOLE_TABLE = 9
"""Up to so many features on a path, every pattern is worked out; beyond it only those that rows have."""


@dataclass(frozen=True)
class _Leaf:
    """A leaf: its value, the features on its path, z of each, and each row's pattern: bit j tells o of feature j."""

    value: float
    features: list[int]
    shares: Floats
    patterns: NDArray[np.int32]


@dataclass(frozen=True)
class Tree:
    """Arrays of one tree as LightGBM's text holds them: a child below 0 is the leaf ~child, the root is node 0.

    missing: 2 where training met unknown values, which then go the default way; else an unknown value counts as 0.
    """

    feature: list[int]
    threshold: list[float]
    default_left: list[bool]
    missing: list[int]
    children: list[tuple[int, int]]
    node_rows: list[int]
    leaf_value: list[float]
    leaf_rows: list[int]

    @property
    def root(self) -> int:
        """Where a row begins: node 0, or leaf 0 of a tree that never splits."""
        return 0 if self.feature else -1

    def rows(self, node: int) -> int:
        """Training rows that reached a node or a leaf."""
        return self.node_rows[node] if node >= 0 else self.leaf_rows[~node]


def read_trees(text: str) -> list[Tree]:
    """The trees of a model's text, with every digit of its thresholds (Booster.dump_model rounds them)."""
    blocks = text.split("\nTree=")[1:]
    return [_read_tree(dict(line.split("=", 1) for line in block.splitlines() if "=" in line)) for block in blocks]


def _read_tree(held: dict[str, str]) -> Tree:
    def numbers(name: str) -> list[int]:
        return [int(value) for value in held.get(name, "").split()]

    kinds, values = numbers("decision_type"), [float(value) for value in held["leaf_value"].split()]
    return Tree(
        feature=numbers("split_feature"),
        threshold=[float(value) for value in held.get("threshold", "").split()],
        default_left=[bool(kind & 2) for kind in kinds],
        missing=[kind >> 2 & 3 for kind in kinds],
        children=list(zip(numbers("left_child"), numbers("right_child"), strict=True)),
        node_rows=numbers("internal_count"),
        leaf_value=values,
        leaf_rows=numbers("leaf_count") or [1] * len(values),
    )


def group_shares(trees: list[Tree], values: NDArray[np.float32], group_of: NDArray[np.int64]) -> Floats:
    """Rows x groups contributions of `trees`, summed by group of features.

    `values` are rows x features, NaN where unknown; `group_of` is the group of each feature, from 0.
    """
    columns = np.ascontiguousarray(values.T.astype(np.float64))
    out = np.zeros((int(group_of.max(initial=-1)) + 1, values.shape[0]))
    nowhere = _Leaf(0.0, [], np.ones(0), np.zeros(values.shape[0], dtype=np.int32))
    for tree in trees:
        for leaf in _leaves(tree, tree.root, columns, nowhere):
            _add(leaf, group_of, out)
    return out.T


def expected_value(trees: list[Tree]) -> float:
    """Mean prediction over the rows that the trees were fitted on: what contributions are counted from."""
    return sum(float(np.average(tree.leaf_value, weights=tree.leaf_rows)) for tree in trees)


def _leaves(tree: Tree, node: int, columns: Floats, path: _Leaf) -> Iterator[_Leaf]:
    if node < 0:
        yield _Leaf(tree.leaf_value[~node], path.features, path.shares, path.patterns)
        return
    left = _goes_left(tree, node, columns[tree.feature[node]])
    for child, met in zip(tree.children[node], (left, ~left), strict=True):
        share = tree.rows(child) / tree.rows(node)
        yield from _leaves(tree, child, columns, _longer(path, tree.feature[node], share, met))


def _goes_left(tree: Tree, node: int, values: Floats) -> Flags:
    threshold = tree.threshold[node]
    otherwise = tree.default_left[node] if tree.missing[node] == 2 else threshold >= 0
    return np.where(np.isnan(values), otherwise, values <= threshold)


def _longer(path: _Leaf, feature: int, share: float, met: Flags) -> _Leaf:
    """`path` with one more condition; conditions on one feature are one."""
    if feature not in path.features:
        bit = met.astype(np.int32) << len(path.features)
        return _Leaf(path.value, [*path.features, feature], np.append(path.shares, share), path.patterns + bit)
    place, shares = path.features.index(feature), path.shares.copy()
    shares[place] *= share
    return _Leaf(path.value, path.features, shares, np.where(met, path.patterns, path.patterns & ~(1 << place)))


def _add(leaf: _Leaf, group_of: NDArray[np.int64], out: Floats) -> None:
    depth = len(leaf.features)
    rows: NDArray[np.integer] = leaf.patterns
    if not depth:
        return
    patterns = np.arange(1 << min(depth, _WHOLE_TABLE))
    if depth > _WHOLE_TABLE:
        patterns, rows = np.unique(rows, return_inverse=True)
    known = (patterns[:, None] >> np.arange(depth)) & 1
    table = leaf.value * _shapley(known.astype(np.float64), leaf.shares)
    groups = group_of[leaf.features]
    for group in set(groups.tolist()):
        out[group] += table[:, groups == group].sum(axis=1)[rows]


def _shapley(known: Floats, shares: Floats) -> Floats:
    """Patterns x features Shapley values of the product game of a leaf of value 1."""
    total = np.zeros_like(known)
    for node, weight in _quadrature((len(shares) + 1) // 2):
        factors = node * known + (1 - node) * shares
        total += weight * factors.prod(axis=1, keepdims=True) / factors
    return (known - shares) * total


@cache
def _quadrature(count: int) -> list[tuple[float, float]]:
    """Nodes of [0, 1] and weights that integrate polynomials up to degree 2 * count - 1 exactly."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return [((float(node) + 1) / 2, float(weight) / 2) for node, weight in zip(nodes, weights, strict=True)]
