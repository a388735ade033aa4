"""Rows that are kept from a stream of any length: evenly spread ones, and the most extreme."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gramian.typing import Codes, Matrix, Vector

MAX_POINTS = 5_000  # more of them only blacken a picture
GOLDEN = np.uint64(11400714819323198485)  # 2^64 / golden ratio: multiples of it, modulo 2^64, are evenly spread


class Sample:
    """At most `most` rows: those whose number times the golden ratio has the smallest fractional parts.

    For every length of the stream these are spread evenly, and no rhythm of the rows falls in step with them.
    """

    def __init__(self, max_rows: int = MAX_POINTS) -> None:
        self.max_rows, self.rows = max_rows, 0
        self.keys: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.columns: Matrix | None = None

    def add(self, *columns: Vector) -> None:
        """More rows: vectors (n,), the same ones each time."""
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
        return len(self.keys)

    @property
    def is_complete(self) -> bool:
        """Whether no row is left out."""
        return self.rows == len(self)

    @property
    def description(self) -> str:
        """What the points are, in words."""
        if self.is_complete:
            return f"{self.rows:,} row{'s'[: self.rows != 1]}"
        return f"{len(self):,} of {self.rows:,} rows, drawn evenly"

    def __getitem__(self, index: int) -> Vector:
        return np.zeros(0) if self.columns is None else self.columns[index]


class Extremes:
    """The rows with the largest keys: their keys, numbers and columns."""

    def __init__(self, max_rows: int = 3) -> None:
        self.max_rows, self.rows = max_rows, 0
        self.keys: Vector = np.zeros(0)
        self.numbers: Codes = np.zeros(0, np.int64)
        self.columns: Matrix | None = None

    def add(self, keys: Vector, numbers: Codes, *columns: Vector) -> None:
        """More rows; those whose key is NaN are none."""
        new, defined = np.stack(columns), np.isfinite(keys)
        keys, numbers, new = keys[defined], numbers[defined], new[:, defined]
        if self.columns is not None:
            keys, numbers = np.concatenate([self.keys, keys]), np.concatenate([self.numbers, numbers])
            new = np.concatenate([self.columns, new], axis=1)
        first = np.argsort(-keys, kind="stable")[: self.max_rows]
        self.keys, self.numbers, self.columns = keys[first], numbers[first], new[:, first]

    def __getitem__(self, index: int) -> Vector:
        return np.zeros(0) if self.columns is None else self.columns[index]
