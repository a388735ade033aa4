"""What is summed over the rows of a wide problem: column sums, products with S, gradients. All of them add."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from gramian.linalg.certificate import EPS
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.wide import careful as exactly
from gramian.linalg.wide.compressed import transpose
from gramian.linalg.wide.rows import Rows, absolute, columns, entries, longest, product, squared, transposed
from gramian.typing import Codes, Vector

CAREFUL = 2.0**-80  # relative error of a sum in double-double, generously


class Adds(Protocol):
    """A partial sum."""

    def __add__(self, other: Self, /) -> Self: ...


A_co = TypeVar("A_co", bound=Adds, covariant=True)


class Kernel(Protocol[A_co]):
    """What a block of rows adds; frozen and picklable."""

    def __call__(self, rows: Rows, /) -> A_co: ...


class _FieldwiseSum:
    __slots__ = ()

    def __add__(self, other: Self, /) -> Self:
        """Field by field."""
        own: Any = self
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(own)))


@dataclass(frozen=True, slots=True, eq=False)
class Totals(_FieldwiseSum):
    """Sums over rows. x, xx, xy, entries : (p,) weighted sums of columns, of their squares and their products with the
    outcome, and how many entries they store.
    """

    rows: int
    weight: float
    y: float
    yy: float
    x: Vector
    xx: Vector
    xy: Vector
    entries: Vector


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of columns and of their squares."""

    def __call__(self, rows: Rows, /) -> Totals:
        y, w = rows.y.hi, np.ones(rows.rows) if rows.weight is None else rows.weight.hi
        x, xy = transposed(rows, w), transposed(rows, w * y)
        xx = [transpose(squared(part)) @ w for part in rows.parts]
        n = [entries(part) for part in rows.parts]
        squares, counts = (np.concatenate(v) if v else np.zeros(0) for v in (xx, n))
        return Totals(rows.rows, float(w.sum()), float(w @ y), float(w @ (y * y)), x, squares, xy, counts)


@dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """Of some columns: least and greatest value, (k,), and sums of squares about given centres."""

    least: Vector
    greatest: Vector
    squares: Vector

    def __add__(self, other: Extent, /) -> Extent:
        return Extent(
            np.minimum(self.least, other.least),
            np.maximum(self.greatest, other.greatest),
            self.squares + other.squares,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Extents:
    """A closer look at some columns. places, centres : (k,)."""

    places: Codes
    centres: Vector

    def __call__(self, rows: Rows, /) -> Extent:
        k = len(self.places)
        out = Extent(np.full(k, np.inf), np.full(k, -np.inf), np.zeros(k))
        for cut, x in columns(rows, self.places):
            w = np.ones(len(x)) if rows.weight is None else rows.weight.hi[cut]
            out = out + Extent(x.min(axis=0), x.max(axis=0), w @ (x - self.centres) ** 2)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class ProductSums(_FieldwiseSum):
    """X'W q, 1'W q and q'W q for q = X v - c."""

    columns: Vector
    constant: float
    square: float

    def __iadd__(self, other: Self, /) -> Self:
        """The same sum in the array that is there: what a step of an iteration adds again and again."""
        columns = self.columns
        columns += other.columns
        return type(self)(columns, self.constant + other.constant, self.square + other.square)


@dataclass(frozen=True, slots=True, eq=False)
class ProductKernel:
    """Products with X'WX about a centre: what one step of an iteration asks of the rows. v : (p,)."""

    v: Vector
    c: float = 0.0

    def __call__(self, rows: Rows, /) -> ProductSums:
        q = product(rows, self.v)
        if self.c:
            q -= self.c
        wq = rows.weighed(q)
        return ProductSums(transposed(rows, wq), float(wq.sum()) if self.c else 0.0, float(q @ wq))


@dataclass(frozen=True, slots=True, eq=False)
class GradientSums(_FieldwiseSum):
    """X'W r, 1'W r and r'W r of the residuals at some coefficients, and what rounding may have done to them.

    columns, constant, square : hi + lo. by_row, by_column : (p,) bounds of what errors of the residuals, and of the
    sums of so many terms, make of X'W r; off, size : the same for 1'W r; drift : what errors of the residuals make of
    half of r'W r. reach : sum of W (|y| + |constant| + |X| |b|)^2, what errors of a prediction are relative to.
    """

    columns: Pair
    constant: Pair
    square: Pair
    by_row: Vector
    by_column: Vector
    constant_error: float
    residual_size: float
    drift: float
    reach: float


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """The residual pass of wide rows, in float64 or (careful) in double-double. b : (p,) hi + lo; constant : hi, lo."""

    b: Pair
    constant: tuple[float, float]
    careful: bool

    def __call__(self, rows: Rows, /) -> GradientSums:
        sums, r = self._careful(rows) if self.careful else self._float64(rows)
        size, w = np.abs(r), np.ones(rows.rows) if rows.weight is None else rows.weight.hi
        magnitude = np.abs(rows.y.hi) + abs(self.constant[0])
        absolutes = [absolute(part) for part in rows.parts]
        transposes = [transpose(part) for part in absolutes]
        for part, cut in zip(absolutes, rows.cuts, strict=True):
            magnitude = magnitude + part @ np.abs(self.b.hi[cut])
        rounding_error = CAREFUL if self.careful else (2.0 * np.sqrt(longest(rows)) + 6.0) * EPS
        residual_error = w * magnitude * rounding_error
        by_row = np.concatenate([part @ residual_error for part in transposes]) if transposes else np.zeros(0)
        by_column = np.concatenate([part @ (w * size) for part in transposes]) if transposes else np.zeros(0)
        drift, far = float(residual_error @ size), float(w @ magnitude**2)
        return GradientSums(*sums, by_row, by_column, float(residual_error.sum()), float(w @ size), drift, far)

    def _float64(self, rows: Rows) -> tuple[tuple[Pair, Pair, Pair], Vector]:
        r = rows.y.hi - product(rows, self.b.hi) - self.constant[0]
        wr = rows.weighed(r)
        constant, square = (pair(np.array([v])) for v in (float(wr.sum()), float(r @ wr)))
        return (pair(transposed(rows, wr)), constant, square), r

    def _careful(self, rows: Rows) -> tuple[tuple[Pair, Pair, Pair], Vector]:
        r = exactly.residuals(rows, self.b, self.constant)
        wr = r if rows.weight is None else r * rows.weight
        return (exactly.transposed(rows, wr), exactly.total(wr), exactly.square(r, wr)), r.hi
