"""Different values of keys: by a table of flags where whole numbers lie close together, else by merging."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes

T = TypeVar("T", bound=np.generic)
CLOSE = 4  # places of a table for each key, up to which flags are quicker than sorting


def distinct(keys: NDArray[T]) -> tuple[NDArray[T], Codes]:
    """The different keys in order, and for each given key which of them it is."""
    if keys.dtype.kind != "i" or not len(keys):
        return _by_order(keys)
    low, high = int(keys.min()), int(keys.max())
    if high - low >= CLOSE * len(keys):
        return _by_order(keys)
    there = np.zeros(high - low + 1, np.bool_)
    near = keys - low
    there[near] = True
    rank = np.cumsum(there, dtype=np.int64) - 1
    return (np.flatnonzero(there) + low).astype(keys.dtype), rank[near]


def _by_order(keys: NDArray[T]) -> tuple[NDArray[T], Codes]:
    order = np.argsort(keys, kind="stable")  # runs that are in order already are only merged
    ordered = keys[order]
    fresh = np.ones(len(keys), np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    group = np.empty(len(keys), np.int64)
    group[order] = np.cumsum(fresh) - 1
    return ordered[fresh], group
