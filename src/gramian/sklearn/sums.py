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
from gramian.linalg.gather import BLOCK
from gramian.linalg.monomials import Coordinate, choose_coordinate
from gramian.linalg.panels import self_products
from gramian.linalg.solve import error_unit
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
    whole: bool = True

    def __add__(self, other: Sums, /) -> Sums:
        if not np.array_equal(self.shift, other.shift):
            raise NumericalError("sums about different shifts do not add")
        return replace(
            self,
            dense=self.dense + other.dense,
            rows=self.rows + other.rows,
            log_weight=self.log_weight + other.log_weight,
            whole=self.whole and other.whole,
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
    def unit(self) -> float:
        """Relative rounding error of a sum."""
        return error_unit(self.rows, self.columns + 1, BLOCK + self.rows // BLOCK)

    def outcome(self, index: int) -> Sums:
        """The same with one outcome."""
        keep = [*range(1 + self.columns), 1 + self.columns + index]
        return replace(self, dense=self.dense[np.ix_(keep, keep)], shift=self.shift[np.array(keep[1:]) - 1], outcomes=1)


@dataclass(frozen=True, slots=True, eq=False)
class Add:
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
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> Sums:
        """The sums of some blocks."""
        k, p = len(self.outcomes), len(self.shift) - len(self.outcomes)
        inner, cross, own = np.zeros((p, p)), np.zeros((1 + k, p)), np.zeros((1 + k, 1 + k))
        rows, logs, whole = 0, 0.0, True
        shift = self.shift[:p] if self.shift[:p].any() else None
        scratch = Scratch()
        with np.errstate(all="ignore"):  # what is not finite shows in the sums
            for batch in batches:
                w = None if self.weight is None else batch.columns[self.weight]
                root = None if w is None else np.sqrt(w)
                Z = self._beside(batch, root)
                B = scratch.changed(batch.matrices[MATRIX], shift, root)
                inner += self_products(B)
                cross += np.dot(Z, B)
                own += np.dot(Z, Z.T)
                rows += batch.rows if w is None else int(np.count_nonzero(w))
                if w is not None:
                    logs += float(np.log(w[w > 0]).sum())
                    whole = whole and bool((w == np.floor(w)).all())
        return Sums(_together(inner, cross, own), self.shift, k, rows, logs, whole)

    def _beside(self, batch: Batch, root: Vector | None) -> Matrix:
        Z = np.ones((1 + len(self.outcomes), batch.rows))
        for out, name, shift in zip(Z[1:], self.outcomes, self.shift[-len(self.outcomes) :], strict=True):
            np.subtract(batch.columns[name], shift, out=out)
        return Z if root is None else Z * root


class Scratch:
    """A block of rows made ready for its product, in memory that is used again."""

    def __init__(self) -> None:
        self.held = np.empty((0, 0))

    def changed(self, part: Any, shift: Vector | None, root: Vector | None) -> Matrix:
        """The block itself, or where its numbers have to be converted, shifted or weighed, that."""
        if part.dtype == np.float64 and part.dtype.isnative and shift is None and root is None:
            return np.asarray(part)
        if self.held.shape[0] < len(part):
            self.held = np.empty(part.shape)
        out = self.held[: len(part)]
        if shift is None:
            np.copyto(out, part)
        else:
            np.subtract(part, shift, out=out, dtype=np.float64)
        return out if root is None else np.multiply(out, root[:, None], out=out)


def _together(inner: Matrix, cross: Matrix, own: Matrix) -> Matrix:
    """[1, X, y]'[1, X, y] from X'X (p, p), [1, y]'X and [1, y]'[1, y]."""
    p, width = len(inner), len(inner) + len(own)
    x, rest = slice(1, 1 + p), np.array([0, *range(1 + p, width)])
    dense = np.empty((width, width))
    dense[x, x] = inner
    dense[rest, x] = cross
    dense[x, rest] = cross.T
    dense[np.ix_(rest, rest)] = own
    return dense


def sums_of(
    rows: Rows, outcomes: tuple[str, ...], weight: str | None, *, centred: bool, like: Sums | None, jobs: Any = None
) -> Sums:
    """The sums of all rows.

    centred : whether columns may be shifted. like : earlier sums, whose shift is taken. jobs : see `local`.
    """
    shift = like.shift if like is not None else first_shift(rows, outcomes, centred=centred)
    return local(rows.rows, jobs).fold(rows, Add(shift, outcomes, weight))


def first_shift(rows: Rows, outcomes: tuple[str, ...], *, centred: bool) -> Vector:
    """A shift for every column and outcome from the first rows; zero for models about the origin."""
    if not centred:
        return np.zeros(rows.X.shape[1] + len(outcomes))
    first = slice(0, BLOCK)
    with np.errstate(all="ignore"):
        block = np.asarray(rows.part(first), np.float64)
        whole = np.column_stack([block, *(rows.beside[name][first] for name in outcomes)])
        return shifts(whole)


def shifts(values: Matrix) -> Vector:
    """As `choose_coordinate` says of each column (n, m), which is asked only where |mean| exceeds the deviation."""
    mean, spread = values.mean(axis=0), values.std(axis=0)
    out = np.zeros(values.shape[1])
    for j in np.flatnonzero(~(np.abs(mean) <= spread)):
        out[j] = choose_coordinate(values[:, j], products=False).shift
    return out


def coordinates(sums: Sums, names: Iterable[str]) -> dict[str, Coordinate]:
    """The shifts by the names of columns and outcomes."""
    return {name: Coordinate(float(s)) for name, s in zip(names, sums.shift, strict=True)}
