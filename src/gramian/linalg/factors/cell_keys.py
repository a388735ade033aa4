"""Cells of several factors as single integers, which sort as the cells do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.factors.unique_codes import stable_order
from gramian.typing import AnyCodes, Codes, Mask

MAX_KEY = 2.0**62  # number of possible cells up to which a key fits into 64 bits


def key_sizes(*tables: AnyCodes) -> list[int] | None:
    """Codes of each factor in tables of cells (., f), at most; None where a key of 64 bits does not suffice."""
    filled = [cells for cells in tables if len(cells)]
    # Column by column: NumPy is slow along a short axis.
    columns = [[cells[:, i] for cells in filled] for i in range(tables[0].shape[1])]
    sizes = [max((int(c.max()) + 1 for c in parts), default=1) for parts in columns]
    negative = any(c.min() < 0 for parts in columns for c in parts)
    return None if negative or float(np.prod(sizes, dtype=float)) >= MAX_KEY else sizes


def keys_of(columns: AnyCodes, sizes: Sequence[int]) -> Codes:
    """Keys (n,) of cells. columns : (f, n) codes of each factor."""
    if not len(columns):
        return np.zeros(columns.shape[1], np.int64)
    keys: Codes = columns[0].astype(np.int64)
    for column, size in zip(columns[1:], sizes[1:], strict=True):
        keys *= size
        keys += column
    return keys


def cells_of(keys: Codes, sizes: Sequence[int]) -> AnyCodes:
    """The cells (n, f) that keys stand for, as short integers; the codes of a factor are contiguous."""
    columns = np.empty((len(sizes), len(keys)), np.int32)
    for i in range(len(sizes) - 1, 0, -1):
        keys = _split(keys, sizes[i], columns[i])
    columns[:1] = keys
    return columns.T


def _split(keys: Codes, size: int, rest: NDArray[np.int32]) -> Codes:
    """The quotients of keys by a size, with the remainders written to `rest`."""
    if size & (size - 1):
        quotients = keys // size
        np.subtract(keys, quotients * size, out=rest, casting="same_kind")
    else:  # a power of two: no division, which takes ten times longer
        quotients = keys >> (size.bit_length() - 1)
        np.bitwise_and(keys, size - 1, out=rest, casting="same_kind")
    return quotients


def run_starts(keys: Codes) -> Mask:
    """Mask (n,) of the sorted keys that differ from the one before them."""
    starts = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=starts[1:])
    return starts


def merged(keys: Codes, others: Codes) -> tuple[Codes, Codes, Codes]:
    """The different keys of two sorted arrays without repetitions, and the places among them of each one's keys."""
    both = np.concatenate([keys, others])
    order = np.argsort(both, kind="stable")  # two sorted runs are merged, not sorted
    ordered = both[order]
    starts = run_starts(ordered)
    places = np.empty(len(both), np.int64)
    places[order] = np.cumsum(starts, dtype=np.int64) - 1
    return ordered[starts], places[: len(keys)], places[len(keys) :]


def sorted_runs(keys: Codes) -> tuple[Codes, Codes, Mask]:
    """The stable order of keys, the keys in it, and where runs of equal ones begin."""
    order = stable_order(keys)
    ordered = keys[order]
    return order, ordered, run_starts(ordered)
