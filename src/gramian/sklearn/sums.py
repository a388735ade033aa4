"""Weighted sums of products of a matrix and its outcomes, in one pass over blocks of rows.

The columns are the constant, the columns of X minus a fixed shift, and the outcomes minus theirs. With an intercept
the shift of a column is chosen from the first rows: a round number near its mean, where the mean is large against the
standard deviation. Products of shifted columns lose fewer digits when the mean is removed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gramian.batch import Batch
from gramian.errors import NumericalError
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.monomials import Coordinate, choose_coordinate
from gramian.linalg.self_products import self_products
from gramian.sklearn.rows import MATRIX, Rows
from gramian.sklearn.threads import local
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class Sums:
    """Weighted sums of products about a fixed shift; sums with the same shift can be added.

    Attributes
    ----------
    dense : ndarray, (1 + p + k, 1 + p + k)
        Sum of w z z' with z = (1, x - shift, y - shift).
    shift : ndarray, (p + k,)
        Number subtracted from each column and outcome.
    outcomes : int
        Number of outcomes, k.
    rows : int
        Number of rows with positive weight.
    log_weight : float
        Sum of log w over these rows, for the log likelihood.
    integer_weights : bool
        Whether all weights are integers, so that they are frequencies.
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
        """Number of columns of X, p."""
        return len(self.shift) - self.outcomes

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return float(self.dense[0, 0])

    @property
    def rounding_error(self) -> float:
        """Bound of the relative rounding error of a sum."""
        # Sums of a block are added block by block: so many additions in a block, and one for each block.
        return sum_rounding_error(self.rows, self.columns + 1, ROWS_PER_BLOCK + self.rows // ROWS_PER_BLOCK)

    def outcome(self, index: int) -> Sums:
        """The sums for outcome number `index` alone."""
        positions = [*range(1 + self.columns), 1 + self.columns + index]
        return replace(
            self,
            dense=self.dense[np.ix_(positions, positions)],
            shift=self.shift[np.array(positions[1:]) - 1],
            outcomes=1,
        )


@dataclass(frozen=True, slots=True, eq=False)
class SumsPass:
    """The pass that accumulates `Sums`.

    Attributes
    ----------
    shift : ndarray, (p + k,)
        Number subtracted from each column and outcome.
    outcomes : tuple of str, (k,)
        Names of the outcomes.
    weight : str or None
        Name of the column of weights.
    """

    shift: Vector
    outcomes: tuple[str, ...]
    weight: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """No column names: batches have the matrix as one block."""
        return ()

    @property
    def empty(self) -> Sums:
        """Sums of no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> Sums:
        """Sums of all rows of the batches."""
        k, p = len(self.outcomes), len(self.shift) - len(self.outcomes)
        inner, cross, outcome_products = np.zeros((p, p)), np.zeros((1 + k, p)), np.zeros((1 + k, 1 + k))
        rows, log_weight, integer_weights = 0, 0.0, True
        shift = self.shift[:p] if self.shift[:p].any() else None
        scratch = Scratch()
        with np.errstate(all="ignore"):  # what is not finite shows in the sums
            for batch in batches:
                w = None if self.weight is None else batch.columns[self.weight]
                root_weights = None if w is None else np.sqrt(w)
                # Rows are multiplied by sqrt(w): each product has w, and B'B stays symmetric, which halves its cost.
                Z = self._outcome_rows(batch, root_weights)
                B = scratch.prepare(batch.matrices[MATRIX], shift, root_weights)
                # X'X is most of the work and has a routine that computes one half only.
                inner += self_products(B)
                cross += np.dot(Z, B)
                outcome_products += np.dot(Z, Z.T)
                rows += batch.rows if w is None else int(np.count_nonzero(w))
                if w is not None:
                    log_weight += float(np.log(w[w > 0]).sum())
                    integer_weights = integer_weights and bool((w == np.floor(w)).all())
        return Sums(_assemble(inner, cross, outcome_products), self.shift, k, rows, log_weight, integer_weights)

    def _outcome_rows(self, batch: Batch, root_weights: Vector | None) -> Matrix:
        """Constant and shifted outcomes times sqrt(w), (1 + k, n): as rows, the order that the product with B needs."""
        Z = np.ones((1 + len(self.outcomes), batch.rows))
        for row, name, shift in zip(Z[1:], self.outcomes, self.shift[-len(self.outcomes) :], strict=True):
            np.subtract(batch.columns[name], shift, out=row)
        return Z if root_weights is None else Z * root_weights


class Scratch:
    """Memory for a converted, shifted or weighted block, used again for every block."""

    def __init__(self) -> None:
        self.buffer = np.empty((0, 0))

    def prepare(self, block: Any, shift: Vector | None, root_weights: Vector | None) -> Matrix:
        """The block as float64, minus `shift` (p,), times `root_weights` (n,); the same block where nothing changes."""
        if block.dtype == np.float64 and block.dtype.isnative and shift is None and root_weights is None:
            return np.asarray(block)
        if self.buffer.shape[0] < len(block):
            self.buffer = np.empty(block.shape)
        result = self.buffer[: len(block)]
        if shift is None:
            np.copyto(result, block)
        else:
            # Subtracted in float64 also where X is float32: the difference is what the shift is for.
            np.subtract(block, shift, out=result, dtype=np.float64)
        return result if root_weights is None else np.multiply(result, root_weights[:, None], out=result)


def _assemble(inner: Matrix, cross: Matrix, outcome_products: Matrix) -> Matrix:
    """Products of all columns, (1 + p + k, 1 + p + k), from X'X (p, p), [1, y]'X (1 + k, p) and [1, y]'[1, y]."""
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
    """Sums of all rows of a source.

    Parameters
    ----------
    rows : Rows
        The source.
    outcomes : tuple of str
        Names of the outcomes.
    weight : str or None
        Name of the column of weights.
    centred : bool
        Whether columns may be shifted; not in a model without intercept.
    like : Sums or None
        Earlier sums, whose shift is used.
    jobs : int or None
        Threads, as `n_jobs` in `local`.
    """
    shift = like.shift if like is not None else first_shift(rows, outcomes, centred=centred)
    return local(rows.rows, jobs).fold(rows, SumsPass(shift, outcomes, weight))


def first_shift(rows: Rows, outcomes: tuple[str, ...], *, centred: bool) -> Vector:
    """Shift of every column and outcome, (p + k,), from the first rows; zeros unless `centred`."""
    if not centred:
        return np.zeros(rows.X.shape[1] + len(outcomes))
    first = slice(0, ROWS_PER_BLOCK)
    with np.errstate(all="ignore"):
        block = np.asarray(rows.take(first), np.float64)
        values = np.column_stack([block, *(rows.vectors[name][first] for name in outcomes)])
        return shifts(values)


def shifts(values: Matrix) -> Vector:
    """Shift of each column of `values` (n, m), as `choose_coordinate` gives it; 0 where |mean| is at most one std."""
    mean, std = values.mean(axis=0), values.std(axis=0)
    chosen = np.zeros(values.shape[1])
    # Not "mean > std": a column with values that are not finite has to be looked at too.
    for j in np.flatnonzero(~(np.abs(mean) <= std)):
        chosen[j] = choose_coordinate(values[:, j], products=False).shift
    return chosen


def coordinates(sums: Sums, names: Iterable[str]) -> dict[str, Coordinate]:
    """Shifts by the names of columns and outcomes."""
    return {name: Coordinate(float(s)) for name, s in zip(names, sums.shift, strict=True)}
