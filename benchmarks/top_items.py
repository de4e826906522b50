"""The 100 best of 50,000 items for every user, against the bare matrix product: `python -m benchmarks.top_items`.

The product alone (users x factors times factors x items, in the same blocks) is the physical limit: no exact method
that looks at every item can be faster. Measured are the ALS generator, whose scores the ranker reads too, so that they
are kept, and what users know is left out; and implicit's `topk`, which keeps no scores and leaves nothing out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp
from implicit.cpu.topk import topk
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recsys.models.als import Als

BLOCK = 250
"""Users at a time, as models.batch_users."""
THREADS = 2
TOP = 100
KNOWN = 50
"""Items a user has interacted with, which are left out."""


def main() -> None:
    """Print the median seconds of each and how many times the product's they are, taken in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    users = rng.standard_normal((args.users, args.factors), dtype=np.float32)
    items = rng.standard_normal((args.items, args.factors), dtype=np.float32)
    als = _generator(users, items, rng)
    seconds: dict[str, list[float]] = {}
    with threadpool_limits(1, "blas"):  # threads take blocks of users; BLAS must not start more of them
        for _ in range(args.rounds):
            for name, call in {
                "matrix product": lambda: _in_blocks(len(users), lambda block: len(users[block] @ items.T)),
                "implicit's topk": lambda: topk(items, users, TOP, num_threads=THREADS),
                "the ALS generator": lambda: _in_blocks(len(users), lambda block: len(als.propose(block, TOP))),
            }.items():
                seconds.setdefault(name, []).append(_seconds(call))
    base = float(np.median(seconds["matrix product"]))
    for name, taken in seconds.items():
        print(f"{name:<18}{np.median(taken):>8.2f} s{np.median(taken) / base:>8.2f} times the product")


def _generator(users: NDArray[np.float32], items: NDArray[np.float32], rng: np.random.Generator) -> Als:
    """The ALS generator with these factors; each user knows KNOWN items, or fewer where drawn twice."""
    row = np.repeat(np.arange(len(users)), KNOWN)
    column = rng.integers(0, len(items), len(row))
    known = sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), (len(users), len(items)))
    return Als(np.arange(len(items), dtype=np.int32), known, users, items, np.zeros(0))


def _in_blocks(users: int, call: Callable[[NDArray[np.int32]], int]) -> None:
    def block(start: int) -> int:
        return call(np.arange(start, min(start + BLOCK, users), dtype=np.int32))

    with ThreadPoolExecutor(THREADS) as executor:
        assert sum(executor.map(block, range(0, users, BLOCK))) >= users


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
