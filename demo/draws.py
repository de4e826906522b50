"""Random numbers that cannot know the future: each is a function of what it is for, not of how many are drawn."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

SEED = 20170101

_WEYL = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def in_order(count: int, purpose: str) -> npt.NDArray[np.float64]:
    """`count` numbers in [0, 1), one a row; the first k of them are the same for every count of at least k."""
    return np.random.default_rng([SEED, zlib.crc32(purpose.encode())]).random(count)


def uniform(first: npt.ArrayLike, second: npt.ArrayLike, purpose: str) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) that hang on two whole numbers and a purpose alone, such as an item and a day.

    Arguments broadcast. The mixer is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014), applied twice.
    """
    seed = np.uint64(SEED ^ zlib.crc32(purpose.encode()))
    with np.errstate(over="ignore"):
        mixed = _mix(np.asarray(first).astype(np.uint64) * _WEYL + seed)
        mixed = _mix(mixed + np.asarray(second).astype(np.uint64) * _WEYL)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return np.asarray(values ^ (values >> np.uint64(31)), dtype=np.uint64)
