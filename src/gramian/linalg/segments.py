"""Products of many small groups of rows: rows wait until there are enough of each, then sums run over sorted rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gramian.typing import Codes, Matrix

CELLS = 2**22  # numbers that wait at most (32 MB)
BLOCK = 8192  # sorted rows that are multiplied together


@dataclass(slots=True)
class Waiting:
    """Rows (m, n) and the keys (n,) of their columns that are still to be added."""

    blocks: list[Matrix] = field(default_factory=list)
    keys: list[Codes] = field(default_factory=list)
    cells: int = 0

    def put(self, values: Matrix, keys: Codes) -> bool:
        """Let a copy of a block wait; whether it is time to add what waits."""
        self.blocks.append(values.copy())
        self.keys.append(keys.copy())
        self.cells += values.size
        return self.cells >= CELLS

    def flush(self, into: Matrix) -> None:
        """Add the products of each key's rows to its place in (g, m, m)."""
        if not self.blocks:
            return
        values, keys = np.concatenate(self.blocks, axis=1), np.concatenate(self.keys)
        self.blocks, self.keys, self.cells = [], [], 0
        order = sorted_by(keys)
        keys = keys[order]
        for row in values:  # one after another, so that a row stays in the cache while it is sorted
            row[:] = row[order]
        for at in range(0, len(order), BLOCK):
            here = keys[at : at + BLOCK]
            starts = np.flatnonzero(np.diff(here, prepend=-1))
            _add(into, here[starts], segmented(values[:, at : at + BLOCK], starts))


def _add(into: Matrix, keys: Codes, products: Matrix) -> None:
    first, last = int(keys[0]), int(keys[-1]) + 1
    if last - first == len(keys):
        into[first:last] += products
    else:
        into[keys] += products


def segmented(values: Matrix, starts: Codes) -> Matrix:
    """Products (g, m, m) of the g runs of columns of (m, n) that begin at `starts`."""
    out = np.empty((len(values), len(values), len(starts)))
    for i, value in enumerate(values):
        out[i, i:] = out[i:, i] = np.add.reduceat(values[i:] * value, starts, axis=1)
    return out.transpose(2, 0, 1)


def sorted_by(keys: Codes) -> Codes:
    """Rows in the order of their keys, those of one key in their own order; small numbers are sorted by digits."""
    small = keys.astype(np.uint16) if len(keys) and keys.max() < 2**16 else keys
    return np.argsort(small, kind="stable")
