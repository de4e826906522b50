"""Layers import downwards only, and nothing in recsys knows the scheduler, the demonstration or a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("data", "features", "models", "recommendations")
"""Lowest first: each may use those before it, and the modules at the top of recsys."""
ABOVE = {"recsys.steps", "recsys.backtest", "recsys.__main__"}
"""Modules at the top of recsys that put the layers together."""
MODULES = sorted((ROOT / "recsys").rglob("*.py"))
CLOCKS = {"now", "utcnow", "today"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    importer = _module(path)
    if importer in ABOVE:
        return
    rank = _rank(importer)
    for imported in _imports(path):
        if imported.startswith("recsys"):
            assert imported not in ABOVE, f"{importer} imports {imported}"
            assert _rank(imported) <= rank, f"{importer} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_recsys_stands_alone_and_reads_no_clock(path: Path) -> None:
    strangers = {"airflow", "demo", "dags", "plugins", "benchmarks", "pickle", "joblib"}
    assert strangers.isdisjoint(name.split(".")[0] for name in _imports(path))
    called = {node.attr for node in ast.walk(_parse(path)) if isinstance(node, ast.Attribute)}
    assert CLOCKS.isdisjoint(called)


def test_the_rule_can_fail() -> None:
    assert _rank("recsys.recommendations.publish") > _rank("recsys.models.training") > _rank("recsys.data.extract")
    assert _rank("recsys.data.extract") > _rank("recsys.storage")


@pytest.mark.parametrize("folder", ["dags", "plugins", "sql"])
def test_nothing_deployed_uses_the_demonstration(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert "demo" not in {name.split(".")[0] for name in _imports(path)}, path


def test_dags_are_wiring_of_at_most_seventy_lines() -> None:
    for path in (ROOT / "dags").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 70, path


def _rank(module: str) -> int:
    """0 for the modules at the top of recsys, then 1, 2 … for the layers."""
    parts = module.split(".")
    return LAYERS.index(parts[1]) + 1 if len(parts) > 1 and parts[1] in LAYERS else 0


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
