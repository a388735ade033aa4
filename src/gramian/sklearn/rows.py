"""The rows of a 2-D array, dense or sparse, as a source of blocks; the array itself is never copied as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from gramian.batch import Batch, Input
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.self_products import STACK_ROWS
from gramian.schema import Field, Kind, Schema
from gramian.typing import Codes, Matrix, Vector

ROWS_PER_UNIT = 32_768  # rows that one thread takes at a time
CACHED_VALUES = 262_144  # values of a block whose products are formed in place: two megabytes
MATRIX = "X"


@dataclass(frozen=True)
class Rows:
    """A matrix with its column names, and vectors beside it (outcomes, weights) with theirs; read as often as wanted.

    X : (n, p), a NumPy array or a SciPy matrix of compressed rows. beside : name -> (n,).
    """

    X: Any
    columns: tuple[str, ...]
    vectors: Mapping[str, Vector]

    rereadable = True
    size = None

    @cached_property
    def schema(self) -> Schema:
        """All are numbers."""
        return schema_of((*self.columns, *self.vectors))

    @property
    def rows(self) -> int:
        """Rows of the matrix."""
        return int(self.X.shape[0])

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The matrix."""
        return (Input("matrix", None, self.rows),)

    @property
    def block(self) -> int:
        """Rows whose products are formed at once."""
        stacks = CACHED_VALUES // (max(int(self.X.shape[1]), 1) * STACK_ROWS)
        return min(max(stacks, 1) * STACK_ROWS, ROWS_PER_BLOCK)

    @property
    def units(self) -> tuple[RowsUnit, ...]:
        """Pieces of a fixed number of rows."""
        return tuple(
            RowsUnit(self, start, min(start + ROWS_PER_UNIT, self.rows))
            for start in range(0, max(self.rows, 1), ROWS_PER_UNIT)
        )

    def take(self, rows: slice | Codes) -> Any:
        """Some rows as they are; dense where the matrix is sparse."""
        block = self.X[rows]
        return block.toarray() if sparse.issparse(block) else block


@dataclass(frozen=True, slots=True)
class RowsUnit:
    """Rows `start` to `stop`."""

    source: Rows
    start: int
    stop: int

    @property
    def name(self) -> str:
        """For people."""
        return f"rows {self.start:,}-{max(self.stop - 1, self.start):,}"

    @property
    def rows(self) -> int:
        """How many."""
        return self.stop - self.start

    @property
    def size(self) -> int:
        """Unknown."""
        return 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """Blocks: with the columns that are named, or where none is named the matrix and all beside it."""
        step = ROWS_PER_BLOCK if columns else self.source.block
        for start in range(self.start, max(self.stop, self.start + 1), step):
            rows = slice(start, min(start + step, self.stop))
            vectors = {name: v[rows] for name, v in self.source.vectors.items() if not columns or name in columns}
            block = self.source.take(rows)
            if not columns:
                yield Batch(rows.stop - start, vectors, {MATRIX: block}, "X", start)
                continue
            transposed = np.asarray(block, np.float64).T
            if self.source.rows > ROWS_PER_UNIT:  # fewer rows are in the cache, where columns are read as they lie
                transposed = np.ascontiguousarray(transposed)
            inner = dict(zip(self.source.columns, transposed, strict=True))
            yield Batch(rows.stop - start, inner | vectors, {}, "X", start)


def schema_of(names: Sequence[str]) -> Schema:
    """A schema of numbers."""
    return Schema(tuple(Field(name, Kind.NUMBER, "double") for name in names))


def free_name(name: str, taken: Sequence[str]) -> str:
    """A name that no column has."""
    while name in taken:
        name += "_"
    return name


def rows_of(X: Any, Y: Matrix, weight: Vector | None, names: tuple[str, ...]) -> Rows:
    """A matrix, its outcomes (n, k) and their weights."""
    return Rows(X, names, dict(zip(outcome_names(names, Y.shape[1]), Y.T, strict=True)) | weights(weight, names))


def outcome_names(names: tuple[str, ...], outcomes: int) -> tuple[str, ...]:
    """What the outcomes are called: y, or y0, y1, ... of several."""
    preferred = ["y"] if outcomes == 1 else [f"y{i}" for i in range(outcomes)]
    return tuple(free_name(name, names) for name in preferred)


def weights(weight: Vector | None, names: tuple[str, ...]) -> dict[str, Vector]:
    """The weights under their name, nothing without any."""
    return {} if weight is None else {weight_name(names): weight}


def weight_name(names: tuple[str, ...]) -> str:
    """What the weights are called."""
    return free_name("sample_weight", names)
