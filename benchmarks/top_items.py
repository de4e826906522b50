"""The 100 best of 50,000 items for every user, against the bare matrix product: `python -m benchmarks.top_items`.

The product alone (users x factors times factors x items, in the same blocks) is the physical limit: no exact method
that looks at every item can be faster. What is measured is what the ALS generator calls for its candidates.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from implicit.cpu.topk import topk
from threadpoolctl import threadpool_limits

BLOCK = 500
THREADS = 2


def main() -> None:
    """Print the median seconds of both and their ratio, taken in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    users = rng.standard_normal((args.users, args.factors), dtype=np.float32)
    items = rng.standard_normal((args.items, args.factors), dtype=np.float32)
    product, ours = [], []
    with threadpool_limits(1, "blas"):  # threads take blocks of users; BLAS must not start more of them
        for _ in range(args.rounds):
            product.append(_seconds(lambda: _product(users, items)))
            ours.append(_seconds(lambda: topk(items, users, 100, num_threads=THREADS)))
    base, top = float(np.median(product)), float(np.median(ours))
    print(f"matrix product {base:.2f} s; top 100 {top:.2f} s; ratio {top / base:.2f}")


def _product(users: np.ndarray, items: np.ndarray) -> None:
    def block(start: int) -> int:
        return (users[start : start + BLOCK] @ items.T).shape[0]

    with ThreadPoolExecutor(THREADS) as executor:
        assert sum(executor.map(block, range(0, len(users), BLOCK))) == len(users)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
