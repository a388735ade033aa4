"""A 2-D array, dense or sparse, as a source of batches; only blocks of its rows are ever copied."""

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
    """A source that reads a matrix with its outcomes and weights in batches of rows; it can be read again.

    Attributes
    ----------
    X : ndarray or SciPy sparse matrix, (n, p)
        Sparse matrices are in compressed row format, so that a block of rows is quick to extract.
    columns : tuple of str, (p,)
        Names of the columns of X.
    vectors : mapping of str to ndarray, (n,)
        Outcomes and weights by name.
    """

    X: Any
    columns: tuple[str, ...]
    vectors: Mapping[str, Vector]

    rereadable = True
    size = None

    @cached_property
    def schema(self) -> Schema:
        """All columns are numbers."""
        return schema_of((*self.columns, *self.vectors))

    @property
    def rows(self) -> int:
        """Number of rows, n."""
        return int(self.X.shape[0])

    @property
    def inputs(self) -> tuple[Input, ...]:
        """One input: the matrix."""
        return (Input("matrix", None, self.rows),)

    @property
    def block(self) -> int:
        """Number of rows whose products are formed at once: as many as stay in the processor's cache."""
        stacks = CACHED_VALUES // (max(int(self.X.shape[1]), 1) * STACK_ROWS)
        return min(max(stacks, 1) * STACK_ROWS, ROWS_PER_BLOCK)

    @property
    def units(self) -> tuple[RowsUnit, ...]:
        """Units of `ROWS_PER_UNIT` rows; at least one, though it may have no rows."""
        return tuple(
            RowsUnit(self, start, min(start + ROWS_PER_UNIT, self.rows))
            for start in range(0, max(self.rows, 1), ROWS_PER_UNIT)
        )

    def take(self, rows: slice | Codes) -> Any:
        """A block of rows, made dense where X is sparse."""
        block = self.X[rows]
        return block.toarray() if sparse.issparse(block) else block


@dataclass(frozen=True, slots=True)
class RowsUnit:
    """The unit of the rows from `start` up to `stop`, without `stop`."""

    source: Rows
    start: int
    stop: int

    @property
    def name(self) -> str:
        """Name of the unit in messages."""
        return f"rows {self.start:,}-{max(self.stop - 1, self.start):,}"

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.stop - self.start

    @property
    def size(self) -> int:
        """0: an array in memory has no bytes to read."""
        return 0

    def batches(self, columns: Sequence[str], *, parallel: bool = False) -> Iterator[Batch]:
        """Batches of the named columns; without names, of the matrix as one block with all outcomes and weights."""
        step = ROWS_PER_BLOCK if columns else self.source.block
        for start in range(self.start, max(self.stop, self.start + 1), step):
            rows = slice(start, min(start + step, self.stop))
            vectors = {name: v[rows] for name, v in self.source.vectors.items() if not columns or name in columns}
            block = self.source.take(rows)
            if not columns:
                yield Batch(rows.stop - start, vectors, {MATRIX: block}, "X", start)
                continue
            transposed = np.asarray(block, np.float64).T
            # A column of a row-major block is strided: the transposed copy makes each contiguous, which pays once
            # the rows no longer fit into the cache.
            if self.source.rows > ROWS_PER_UNIT:
                transposed = np.ascontiguousarray(transposed)
            inner = dict(zip(self.source.columns, transposed, strict=True))
            yield Batch(rows.stop - start, inner | vectors, {}, "X", start)


def schema_of(names: Sequence[str]) -> Schema:
    """Schema of columns that are all numbers."""
    return Schema(tuple(Field(name, Kind.NUMBER, "double") for name in names))


def free_name(name: str, taken: Sequence[str]) -> str:
    """`name`, with as many underscores at its end as make it differ from all names in `taken`."""
    while name in taken:
        name += "_"
    return name


def rows_of(X: Any, Y: Matrix, weight: Vector | None, names: tuple[str, ...]) -> Rows:
    """Source of a matrix X (n, p), its outcomes Y (n, k) and their weights (n,)."""
    return Rows(X, names, dict(zip(outcome_names(names, Y.shape[1]), Y.T, strict=True)) | weights(weight, names))


def outcome_names(names: tuple[str, ...], outcomes: int) -> tuple[str, ...]:
    """Names of the outcomes: y, or y0, y1, ... where there are several; none is the name of a column."""
    preferred = ["y"] if outcomes == 1 else [f"y{i}" for i in range(outcomes)]
    return tuple(free_name(name, names) for name in preferred)


def weights(weight: Vector | None, names: tuple[str, ...]) -> dict[str, Vector]:
    """The weights under their name; empty without weights."""
    return {} if weight is None else {weight_name(names): weight}


def weight_name(names: tuple[str, ...]) -> str:
    """Name of the column of weights; no column of X has it."""
    return free_name("sample_weight", names)
