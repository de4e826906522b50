"""Exact contributions of boosted trees for many rows at once: what LightGBM's pred_contrib gives, many times faster.

S. Lundberg and others, "From local explanations to global understanding with explainable AI for trees", 2020, define
what a feature is worth to a tree (path-dependent TreeSHAP). For one leaf of value v, let o_j be 1 where a row meets
the leaf's conditions on feature j and 0 where not, and z_j the share of training rows that go the leaf's way there. The
leaf then is a game of products, whose Shapley value follows from its multilinear extension (G. Owen, 1972):

    share of j = v (o_j - z_j) * integral over t in [0, 1] of  product over k != j of (t o_k + (1 - t) z_k)

The integrand is a polynomial, so a few nodes of Gauss and Legendre give it exactly. A row comes in only by its pattern
of o's, so that a branch of few conditions has a small table of patterns, made once, and rows are looked up in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_BITS = 9
"""A branch that so many conditions decide has one table for all of its leaves."""
_ROWS = 20_000
"""Rows at once, so that their columns stay in the processor's cache."""
_LEAF_BITS = 12
"""Up to so many conditions a leaf alone has a table; beyond it only the patterns that rows have are worked out."""


_Condition = frozenset[tuple[int, bool]]
"""Bit of a pattern: whether a row goes the way of all these steps (node, whether to the left)."""


@dataclass(frozen=True)
class _Leaf:
    """A leaf: its value, and for each feature on its path the bits that must all be as told, and z."""

    value: float
    features: list[int]
    bits: list[list[tuple[int, bool]]]
    shares: Floats


@dataclass(frozen=True)
class _Branch:
    """Leaves below one node: their conditions in the order of the bits, and what each pattern is worth.

    table: patterns x `groups`, or None where a single leaf has too many conditions; then `leaf` is worked out.
    """

    conditions: list[_Condition]
    groups: NDArray[np.int64]
    table: Floats | None
    leaf: _Leaf | None


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


@dataclass(frozen=True)
class TreeTables:
    """A tree as the tables of its branches, for `group_shares`."""

    tree: Tree
    branches: list[_Branch]


def tree_tables(trees: list[Tree], group_of: NDArray[np.int64]) -> list[TreeTables]:
    """The tables of `trees` for features in groups; `group_of` is the group of each feature, from 0."""
    return [TreeTables(tree, list(_branches(tree, tree.root, {}, group_of))) for tree in trees]


def group_shares(tables: list[TreeTables], values: NDArray[np.float32], group_of: NDArray[np.int64]) -> Floats:
    """Rows x groups contributions of the trees of `tables`, summed by group of features.

    `values` are rows x features, NaN where unknown; `group_of` is that of `tree_tables`.
    """
    out = np.zeros((int(group_of.max(initial=-1)) + 1, values.shape[0]))
    for start in range(0, len(values), _ROWS):
        columns = np.ascontiguousarray(values[start : start + _ROWS].T.astype(np.float64))
        unknown = np.isnan(columns)
        for told in tables:
            _add(told, columns, unknown, group_of, out[:, start : start + _ROWS])
    return out.T


def expected_value(trees: list[Tree]) -> float:
    """Mean prediction over the rows that the trees were fitted on: what contributions are counted from."""
    return sum(float(np.average(tree.leaf_value, weights=tree.leaf_rows)) for tree in trees)


def _branches(
    tree: Tree, node: int, path: dict[int, tuple[_Condition, float]], group_of: NDArray[np.int64]
) -> Iterator[_Branch]:
    """The branches below `node`, as large as their tables may be. `path`: condition and z of each feature above it."""
    inner = list(_inner_nodes(tree, node))
    if node >= 0 and len(path) + len(inner) > _BITS:
        feature = tree.feature[node]
        held, share = path.get(feature, (_Condition(), 1.0))
        for child, is_left in zip(tree.children[node], (True, False), strict=True):
            longer = held | {(node, is_left)}, share * tree.rows(child) / tree.rows(node)
            yield from _branches(tree, child, path | {feature: longer}, group_of)
        return
    conditions = [condition for condition, _ in path.values()]
    conditions += [_Condition({(below, True)}) for below in inner]
    bit_of = {below: len(path) + place for place, below in enumerate(inner)}
    above = {feature: ([(bit, True)], share) for bit, (feature, (_, share)) in enumerate(path.items())}
    leaves = list(_leaves(tree, node, bit_of, above))
    groups = np.unique(group_of[sorted({feature for leaf in leaves for feature in leaf.features})])
    if not conditions:
        return
    if len(conditions) > _LEAF_BITS:
        yield _Branch(conditions, groups, None, leaves[0])
        return
    patterns = np.arange(1 << len(conditions))
    worth = [_worth(leaf, patterns, groups, group_of) for leaf in leaves]
    yield _Branch(conditions, groups, np.sum(worth, axis=0), None)


def _inner_nodes(tree: Tree, node: int) -> Iterator[int]:
    if node >= 0:
        yield node
        for child in tree.children[node]:
            yield from _inner_nodes(tree, child)


def _leaves(
    tree: Tree, node: int, bit_of: dict[int, int], path: dict[int, tuple[list[tuple[int, bool]], float]]
) -> Iterator[_Leaf]:
    """The leaves below `node`. `path`: bits and z of each feature above it."""
    if node < 0:
        bits = [told for told, _ in path.values()]
        yield _Leaf(tree.leaf_value[~node], list(path), bits, np.array([share for _, share in path.values()]))
        return
    feature = tree.feature[node]
    held, share = path.get(feature, ([], 1.0))
    for child, is_left in zip(tree.children[node], (True, False), strict=True):
        longer = [*held, (bit_of[node], is_left)], share * tree.rows(child) / tree.rows(node)
        yield from _leaves(tree, child, bit_of, path | {feature: longer})


def _worth(leaf: _Leaf, patterns: NDArray[np.int64], groups: NDArray[np.int64], group_of: NDArray[np.int64]) -> Floats:
    """Patterns x groups: what each pattern of conditions gets of the leaf's value."""
    code = np.zeros_like(patterns)
    for feature, bits in enumerate(leaf.bits):
        met = np.ones(len(patterns), dtype=bool)
        for bit, expected in bits:
            met &= (patterns >> bit & 1) == expected
        code |= met.astype(np.int64) << feature
    # Patterns that differ in what the leaf does not look at are one to it.
    own, place = np.arange(1 << len(leaf.features)), code
    if len(own) > len(patterns):
        own, place = np.unique(code, return_inverse=True)
    known = (own[:, None] >> np.arange(len(leaf.features)) & 1).astype(np.float64)
    shares = leaf.value * _shapley(known, leaf.shares)
    member = (group_of[leaf.features][:, None] == groups[None, :]).astype(np.float64)
    return np.asarray((shares @ member)[place])


def _add(told: TreeTables, columns: Floats, unknown: Flags, group_of: NDArray[np.int64], out: Floats) -> None:
    left = _goes_left(told.tree, columns, unknown)
    for branch in told.branches:
        rows = np.zeros(columns.shape[1], dtype=np.int64)
        for bit, condition in enumerate(branch.conditions):
            rows |= _met(condition, left).astype(np.int64) << bit
        table = branch.table
        if table is None and branch.leaf is not None:
            patterns, rows = np.unique(rows, return_inverse=True)
            table = _worth(branch.leaf, patterns, branch.groups, group_of)
        for group, worth in zip(branch.groups, np.asarray(table).T, strict=True):
            out[group] += worth.take(rows)


def _goes_left(tree: Tree, columns: Floats, unknown: Flags) -> Flags:
    """Nodes x rows."""
    left = np.empty((len(tree.feature), columns.shape[1]), dtype=bool)
    for node, (feature, threshold) in enumerate(zip(tree.feature, tree.threshold, strict=True)):
        np.less_equal(columns[feature], threshold, out=left[node])
        if tree.default_left[node] if tree.missing[node] == 2 else threshold >= 0:
            left[node] |= unknown[feature]
    return left


def _met(condition: _Condition, left: Flags) -> Flags:
    """Whether each row meets the condition."""
    met = None
    for node, is_left in condition:
        one = left[node] if is_left else ~left[node]
        met = one if met is None else met & one
    return np.asarray(met)


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
