"""Rows that are selected from a stream of any length: an evenly spread sample, and the most extreme ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes, Matrix, Vector

MAX_POINTS = 5_000  # more points only blacken a picture
GOLDEN = np.uint64(11400714819323198485)  # 2^64 / golden ratio: multiples of it, modulo 2^64, are evenly spread


class Sample:
    """At most `max_rows` rows of a stream, spread evenly over it, the same in every run.

    Attributes
    ----------
    max_rows : int
        Largest number of rows in the sample.
    rows : int
        Rows of the stream so far.
    keys : ndarray of uint64, (m,)
        Keys of the rows in the sample.
    columns : ndarray, (c, m), or None
        Their values; None before the first row.

    Notes
    -----
    The rows with the smallest fractional parts of i times the golden ratio are selected. For every length of the stream
    these are spread evenly (a low-discrepancy sequence), and no period in the order of the rows is in step with them.
    """

    def __init__(self, max_rows: int = MAX_POINTS) -> None:
        self.max_rows, self.rows = max_rows, 0
        self.keys: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.columns: Matrix | None = None

    def add(self, *columns: Vector) -> None:
        """Add rows: the same number of vectors (n,) in each call."""
        new = np.stack(columns)
        keys = np.arange(self.rows, self.rows + new.shape[1], dtype=np.uint64) * GOLDEN
        self.rows += new.shape[1]
        if len(self.keys) == self.max_rows:
            smaller = keys < self.keys.max()
            keys, new = keys[smaller], new[:, smaller]
        self.keys = np.concatenate([self.keys, keys])
        self.columns = new if self.columns is None else np.concatenate([self.columns, new], axis=1)
        if len(self.keys) > self.max_rows:
            chosen = np.sort(np.argpartition(self.keys, self.max_rows - 1)[: self.max_rows])
            self.keys, self.columns = self.keys[chosen], self.columns[:, chosen]

    def __len__(self) -> int:
        """Number of rows in the sample."""
        return len(self.keys)

    @property
    def is_complete(self) -> bool:
        """Whether the sample has all rows."""
        return self.rows == len(self)

    @property
    def description(self) -> str:
        """The rows in words, for a legend."""
        if self.is_complete:
            return f"{self.rows:,} row{'s'[: self.rows != 1]}"
        return f"{len(self):,} of {self.rows:,} rows, drawn evenly"

    def __getitem__(self, index: int) -> Vector:
        """Vector number `index` of those that were added, for the rows in the sample, (m,)."""
        return np.zeros(0) if self.columns is None else self.columns[index]


class Extremes:
    """The rows of a stream with the largest keys.

    Attributes
    ----------
    keys : ndarray, (m,)
        Largest keys, in falling order.
    numbers : ndarray of int, (m,)
        Positions of the rows in the data.
    columns : ndarray, (c, m), or None
        Their values.
    """

    def __init__(self, max_rows: int = 3) -> None:
        self.max_rows, self.rows = max_rows, 0
        self.keys: Vector = np.zeros(0)
        self.numbers: Codes = np.zeros(0, np.int64)
        self.columns: Matrix | None = None

    def add(self, keys: Vector, numbers: Codes, *columns: Vector) -> None:
        """Add rows: keys and numbers (n,), and the same number of vectors (n,) in each call; NaN keys are skipped."""
        new, defined = np.stack(columns), np.isfinite(keys)
        keys, numbers, new = keys[defined], numbers[defined], new[:, defined]
        if self.columns is not None:
            keys, numbers = np.concatenate([self.keys, keys]), np.concatenate([self.numbers, numbers])
            new = np.concatenate([self.columns, new], axis=1)
        first = np.argsort(-keys, kind="stable")[: self.max_rows]
        self.keys, self.numbers, self.columns = keys[first], numbers[first], new[:, first]

    def __getitem__(self, index: int) -> Vector:
        """Vector number `index` of those that were added, for the selected rows, (m,)."""
        return np.zeros(0) if self.columns is None else self.columns[index]
