"""Different values of keys: by a table of flags where integers lie close together, else by sorting."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes

T = TypeVar("T", bound=np.generic)
MAX_PLACES_PER_KEY = 4  # range of the keys per key, up to which flags are faster than sorting


def unique_codes(keys: NDArray[T]) -> tuple[NDArray[T], Codes]:
    """The different keys in order, and for each given key its index among them. As `np.unique`, but faster."""
    if keys.dtype.kind != "i" or not len(keys):
        return _by_sorting(keys)
    low, high = int(keys.min()), int(keys.max())
    if high - low >= MAX_PLACES_PER_KEY * len(keys):
        return _by_sorting(keys)
    present = np.zeros(high - low + 1, np.bool_)
    offsets = keys - low
    present[offsets] = True
    if present.all():
        return np.arange(low, high + 1, dtype=keys.dtype), offsets.astype(np.int64, copy=False)
    # The rank of a key among the different ones is the number of flags before it.
    rank = np.cumsum(present, dtype=np.int64) - 1
    return (np.flatnonzero(present) + low).astype(keys.dtype), rank[offsets]


def _by_sorting(keys: NDArray[T]) -> tuple[NDArray[T], Codes]:
    """As `unique_codes`, by a stable sort."""
    order = stable_order(keys)
    ordered = keys[order]
    starts_run = np.ones(len(keys), np.bool_)
    starts_run[1:] = ordered[1:] != ordered[:-1]
    group = np.empty(len(keys), np.int64)
    group[order] = np.cumsum(starts_run) - 1
    return ordered[starts_run], group


def stable_order(keys: NDArray[T]) -> Codes:
    """The stable order that sorts keys, (n,).

    Integers that are not too large are sorted together with their places, as one number each: NumPy sorts numbers some
    times faster than it finds an order, and numbers that are all different have one order only.
    """
    bits = max(len(keys) - 1, 0).bit_length()
    if keys.dtype != np.int64 or not len(keys) or keys.min() < 0 or int(keys.max()) >> (63 - bits):
        return np.argsort(keys, kind="stable")
    joined = (keys.astype(np.int64) << bits) | np.arange(len(keys))
    if (joined[1:] > joined[:-1]).all():
        return np.arange(len(keys))
    joined.sort()
    return joined & ((1 << bits) - 1)
