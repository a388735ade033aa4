"""Products of many small groups of rows: rows are collected, sorted by key, and summed in segments."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gramian.typing import Codes, Matrix

MAX_PENDING = 2**22  # numbers that are collected before they are summed (32 MB)
ROWS_PER_BLOCK = 8192  # sorted rows that are multiplied together


@dataclass(slots=True)
class PendingRows:
    """Rows that were collected but not yet summed.

    Attributes
    ----------
    blocks : list of (m, n)
        Values of m columns.
    keys : list of (n,)
        The key of each row.
    cells : int
        Numbers in `blocks`.
    """

    blocks: list[Matrix] = field(default_factory=list)
    keys: list[Codes] = field(default_factory=list)
    cells: int = 0

    def add(self, values: Matrix, keys: Codes) -> bool:
        """Collect a copy of a block; True when it is time to call `flush`."""
        self.blocks.append(values.copy())
        self.keys.append(keys.copy())
        self.cells += values.size
        return self.cells >= MAX_PENDING

    def flush(self, sums: Matrix) -> None:
        """Add the products of each key's rows to its place in sums : (g, m, m)."""
        if not self.blocks:
            return
        values, keys = np.concatenate(self.blocks, axis=1), np.concatenate(self.keys)
        self.blocks, self.keys, self.cells = [], [], 0
        order = sorted_by(keys)
        keys = keys[order]
        for row in values:  # one at a time, so that a row stays in the cache while it is permuted
            row[:] = row[order]
        for at in range(0, len(order), ROWS_PER_BLOCK):
            here = keys[at : at + ROWS_PER_BLOCK]
            starts = np.flatnonzero(np.diff(here, prepend=-1))
            _add_products(sums, here[starts], segmented_products(values[:, at : at + ROWS_PER_BLOCK], starts))


def _add_products(sums: Matrix, keys: Codes, products: Matrix) -> None:
    """Add the products of these keys; by a slice, which is faster, where the keys are consecutive."""
    first, last = int(keys[0]), int(keys[-1]) + 1
    if last - first == len(keys):
        sums[first:last] += products
    else:
        sums[keys] += products


def segmented_products(values: Matrix, starts: Codes) -> Matrix:
    """Products (g, m, m) of the g segments of values : (m, n) that begin at `starts`.

    One vectorized product and segmented sum for each column, m^2 n / 2 multiplications in all.
    """
    out = np.empty((len(values), len(values), len(starts)))
    for i, value in enumerate(values):
        # reduceat sums whole segments at C speed; a sparse indicator would need the outer product of each row.
        out[i, i:] = out[i:, i] = np.add.reduceat(values[i:] * value, starts, axis=1)
    return out.transpose(2, 0, 1)


def sorted_by(keys: Codes) -> Codes:
    """Stable order of rows by their keys."""
    # NumPy sorts 16-bit integers by radix.
    small = keys.astype(np.uint16) if len(keys) and keys.max() < 2**16 else keys
    return np.argsort(small, kind="stable")
