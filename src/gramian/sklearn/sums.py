"""Sums of products of a matrix and its outcomes: one pass over blocks of rows, in place where nothing has to be done.

The columns are the constant, those of the matrix less a fixed shift, and the outcomes less theirs. With an intercept
the shift is chosen from the first rows, a round number near the mean where the mean is far from zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.errors import NumericalError
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.monomials import Coordinate, choose_coordinate
from gramian.linalg.self_products import self_products
from gramian.linalg.solve import sum_rounding_error
from gramian.sklearn.rows import MATRIX, Rows
from gramian.sklearn.threads import local
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Sums:
    """Weighted sums of products; they add.

    dense : (1 + p + k, 1 + p + k), constant, columns, outcomes. shift : (p + k,). rows : of weight above zero.
    log_weight : sum of the logarithms of their weights. whole : whether every weight is a whole number.
    """

    dense: Matrix
    shift: Vector
    outcomes: int
    rows: int = 0
    log_weight: float = 0.0
    integer_weights: bool = True

    def __add__(self, other: Sums, /) -> Sums:
        if not np.array_equal(self.shift, other.shift):
            raise NumericalError("sums about different shifts do not add")
        return replace(
            self,
            dense=self.dense + other.dense,
            rows=self.rows + other.rows,
            log_weight=self.log_weight + other.log_weight,
            integer_weights=self.integer_weights and other.integer_weights,
        )

    @property
    def columns(self) -> int:
        """Columns of the matrix."""
        return len(self.shift) - self.outcomes

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return float(self.dense[0, 0])

    @property
    def rounding_error(self) -> float:
        """Relative rounding error of a sum."""
        return sum_rounding_error(self.rows, self.columns + 1, ROWS_PER_BLOCK + self.rows // ROWS_PER_BLOCK)

    def outcome(self, index: int) -> Sums:
        """The same with one outcome."""
        positions = [*range(1 + self.columns), 1 + self.columns + index]
        return replace(
            self,
            dense=self.dense[np.ix_(positions, positions)],
            shift=self.shift[np.array(positions[1:]) - 1],
            outcomes=1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SumsPass:
    """The pass. outcomes, weight : names of the vectors beside the matrix."""

    shift: Vector
    outcomes: tuple[str, ...]
    weight: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """None by name: the whole matrix is read."""
        return ()

    @property
    def empty(self) -> Sums:
        """No rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Sums:
        """The sums of some blocks."""
        k, p = len(self.outcomes), len(self.shift) - len(self.outcomes)
        inner, cross, outcome_products = np.zeros((p, p)), np.zeros((1 + k, p)), np.zeros((1 + k, 1 + k))
        rows, log_weight, integer_weights = 0, 0.0, True
        shift = self.shift[:p] if self.shift[:p].any() else None
        scratch = Scratch()
        with np.errstate(all="ignore"):  # what is not finite shows in the sums
            for batch in batches:
                w = None if self.weight is None else batch.columns[self.weight]
                root_weights = None if w is None else np.sqrt(w)
                Z = self._outcome_rows(batch, root_weights)
                B = scratch.prepare(batch.matrices[MATRIX], shift, root_weights)
                inner += self_products(B)
                cross += np.dot(Z, B)
                outcome_products += np.dot(Z, Z.T)
                rows += batch.rows if w is None else int(np.count_nonzero(w))
                if w is not None:
                    log_weight += float(np.log(w[w > 0]).sum())
                    integer_weights = integer_weights and bool((w == np.floor(w)).all())
        return Sums(_assemble(inner, cross, outcome_products), self.shift, k, rows, log_weight, integer_weights)

    def _outcome_rows(self, batch: Batch, root_weights: Vector | None) -> Matrix:
        Z = np.ones((1 + len(self.outcomes), batch.rows))
        for row, name, shift in zip(Z[1:], self.outcomes, self.shift[-len(self.outcomes) :], strict=True):
            np.subtract(batch.columns[name], shift, out=row)
        return Z if root_weights is None else Z * root_weights


class Scratch:
    """A block of rows made ready for its product, in memory that is used again."""

    def __init__(self) -> None:
        self.buffer = np.empty((0, 0))

    def prepare(self, block: Any, shift: Vector | None, root_weights: Vector | None) -> Matrix:
        """The block itself, or where its numbers have to be converted, shifted or weighed, that."""
        if block.dtype == np.float64 and block.dtype.isnative and shift is None and root_weights is None:
            return np.asarray(block)
        if self.buffer.shape[0] < len(block):
            self.buffer = np.empty(block.shape)
        result = self.buffer[: len(block)]
        if shift is None:
            np.copyto(result, block)
        else:
            np.subtract(block, shift, out=result, dtype=np.float64)
        return result if root_weights is None else np.multiply(result, root_weights[:, None], out=result)


def _assemble(inner: Matrix, cross: Matrix, outcome_products: Matrix) -> Matrix:
    """[1, X, y]'[1, X, y] from X'X (p, p), [1, y]'X and [1, y]'[1, y]."""
    p, width = len(inner), len(inner) + len(outcome_products)
    x, outer = slice(1, 1 + p), np.array([0, *range(1 + p, width)])
    dense = np.empty((width, width))
    dense[x, x] = inner
    dense[outer, x] = cross
    dense[x, outer] = cross.T
    dense[np.ix_(outer, outer)] = outcome_products
    return dense


def sums_of(
    rows: Rows, outcomes: tuple[str, ...], weight: str | None, *, centred: bool, like: Sums | None, jobs: Any = None
) -> Sums:
    """The sums of all rows.

    centred : whether columns may be shifted. like : earlier sums, whose shift is taken. jobs : see `local`.
    """
    shift = like.shift if like is not None else first_shift(rows, outcomes, centred=centred)
    return local(rows.rows, jobs).fold(rows, SumsPass(shift, outcomes, weight))


def first_shift(rows: Rows, outcomes: tuple[str, ...], *, centred: bool) -> Vector:
    """A shift for every column and outcome from the first rows; zero for models about the origin."""
    if not centred:
        return np.zeros(rows.X.shape[1] + len(outcomes))
    first = slice(0, ROWS_PER_BLOCK)
    with np.errstate(all="ignore"):
        block = np.asarray(rows.take(first), np.float64)
        values = np.column_stack([block, *(rows.vectors[name][first] for name in outcomes)])
        return shifts(values)


def shifts(values: Matrix) -> Vector:
    """As `choose_coordinate` says of each column (n, m), which is asked only where |mean| exceeds the deviation."""
    mean, std = values.mean(axis=0), values.std(axis=0)
    chosen = np.zeros(values.shape[1])
    for j in np.flatnonzero(~(np.abs(mean) <= std)):
        chosen[j] = choose_coordinate(values[:, j], products=False).shift
    return chosen


def coordinates(sums: Sums, names: Iterable[str]) -> dict[str, Coordinate]:
    """The shifts by the names of columns and outcomes."""
    return {name: Coordinate(float(s)) for name, s in zip(names, sums.shift, strict=True)}
