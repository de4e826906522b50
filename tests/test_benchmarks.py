"""Each benchmark can be called, is listed, and has its figure in docs/measurements.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def named(page: str) -> set[str]:
    """Benchmarks whose command stands in `page`."""
    return set(re.findall(r"`python -m benchmarks\.([a-z_]+)", (ROOT / page).read_text()))


def test_each_benchmark_is_listed_and_was_measured() -> None:
    files = (ROOT / "benchmarks").glob("*.py")
    callable_ = {path.stem for path in files if '__name__ == "__main__"' in path.read_text()}
    assert len(callable_) > 20
    assert named("benchmarks/README.md") == callable_
    assert named("docs/measurements.md") == callable_
