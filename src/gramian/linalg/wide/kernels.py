"""What is summed over the rows of a wide problem: column sums, products, gradients. All results add."""

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

CAREFUL = 2.0**-80  # relative error of a sum in double-double, with a margin for long sums


class Adds(Protocol):
    """A partial sum, which can be added to another."""

    def __add__(self, other: Self, /) -> Self: ...


A_co = TypeVar("A_co", bound=Adds, covariant=True)


class Kernel(Protocol[A_co]):
    """A function of a block of rows whose results add; frozen and picklable."""

    def __call__(self, rows: Rows, /) -> A_co: ...


class _FieldwiseSum:
    """Base of sums that add field by field."""

    __slots__ = ()

    def __add__(self, other: Self, /) -> Self:
        """The sum, field by field."""
        own: Any = self
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(own)))


@dataclass(frozen=True, slots=True, eq=False)
class Totals(_FieldwiseSum):
    """Sums over rows, in float64.

    Attributes
    ----------
    rows : int
        Number of rows.
    weight : float
        Sum of weights.
    y, yy : float
        Weighted sums of the outcome and of its square.
    x, xx, xy : ndarray
        (p,) weighted sums of the columns, of their squares, and of their products with the outcome.
    entries : ndarray
        (p,) number of stored entries of each column, for error bounds.
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
    """Kernel of the sums of columns, of their squares and of their products with the outcome."""

    def __call__(self, rows: Rows, /) -> Totals:
        """The sums over a block."""
        y, w = rows.y.hi, np.ones(rows.rows) if rows.weight is None else rows.weight.hi
        x, xy = transposed(rows, w), transposed(rows, w * y)
        xx = [transpose(squared(part)) @ w for part in rows.parts]
        n = [entries(part) for part in rows.parts]
        squares, counts = (np.concatenate(v) if v else np.zeros(0) for v in (xx, n))
        return Totals(rows.rows, float(w.sum()), float(w @ y), float(w @ (y * y)), x, squares, xy, counts)


@dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """Range and squares of some columns.

    Attributes
    ----------
    least, greatest : ndarray
        (k,) smallest and largest value.
    squares : ndarray
        (k,) weighted sums of squares about given centres.
    """

    least: Vector
    greatest: Vector
    squares: Vector

    def __add__(self, other: Extent, /) -> Extent:
        """The extent over both sets of rows."""
        return Extent(
            np.minimum(self.least, other.least),
            np.maximum(self.greatest, other.greatest),
            self.squares + other.squares,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Extents:
    """Kernel of range and squares of columns that hardly vary.

    Attributes
    ----------
    places : ndarray of int
        (k,) positions of the columns.
    centres : ndarray
        (k,) numbers about which squares are summed.
    """

    places: Codes
    centres: Vector

    def __call__(self, rows: Rows, /) -> Extent:
        """The extent over a block."""
        k = len(self.places)
        out = Extent(np.full(k, np.inf), np.full(k, -np.inf), np.zeros(k))
        for cut, x in columns(rows, self.places):
            w = np.ones(len(x)) if rows.weight is None else rows.weight.hi[cut]
            out = out + Extent(x.min(axis=0), x.max(axis=0), w @ (x - self.centres) ** 2)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class ProductSums(_FieldwiseSum):
    """X'W q, 1'W q and q'W q for q = X v - c.

    Attributes
    ----------
    columns : ndarray
        (p,) X'W q.
    constant : float
        1'W q; zero where c is.
    square : float
        q'W q.
    """

    columns: Vector
    constant: float
    square: float

    def __iadd__(self, other: Self, /) -> Self:
        """The sum, in the array of the left operand: an iteration adds thousands of these."""
        columns = self.columns
        columns += other.columns
        return type(self)(columns, self.constant + other.constant, self.square + other.square)


@dataclass(frozen=True, slots=True, eq=False)
class ProductKernel:
    """Kernel of a product with the centred X'WX: what one step of an iteration needs.

    Attributes
    ----------
    v : ndarray
        (p,) vector to multiply with.
    c : float
        mean'v, which centres the product.
    """

    v: Vector
    c: float = 0.0

    def __call__(self, rows: Rows, /) -> ProductSums:
        """The sums over a block."""
        q = product(rows, self.v)
        if self.c:
            q -= self.c
        wq = rows.weighed(q)
        return ProductSums(transposed(rows, wq), float(wq.sum()) if self.c else 0.0, float(q @ wq))


@dataclass(frozen=True, slots=True, eq=False)
class GradientSums(_FieldwiseSum):
    """X'W r, 1'W r and r'W r of the residuals at given coefficients, with bounds of their rounding errors.

    Attributes
    ----------
    columns, constant, square : Pair
        The sums, (p,), (1,) and (1,).
    by_row, by_column : ndarray
        (p,) |X|'(errors of W r), and |X|'|W r|, by which the errors of the sums themselves are bounded.
    constant_error, residual_size : float
        The same two for 1'W r.
    drift : float
        Effect of the errors of residuals on half of r'W r.
    magnitude_square : float
        Sum of W (|y| + |constant| + |X| |b|)^2: errors of predictions are relative to its root.
    """

    columns: Pair
    constant: Pair
    square: Pair
    by_row: Vector
    by_column: Vector
    constant_error: float
    residual_size: float
    drift: float
    magnitude_square: float


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """Kernel of the residual pass, in float64 or in double-double.

    Attributes
    ----------
    b : Pair
        (p,) coefficients.
    constant : tuple of float
        hi, lo.
    careful : bool
        Whether residuals and sums are in double-double.
    """

    b: Pair
    constant: tuple[float, float]
    careful: bool

    def __call__(self, rows: Rows, /) -> GradientSums:
        """The sums over a block."""
        sums, r = self._careful(rows) if self.careful else self._float64(rows)
        size, w = np.abs(r), np.ones(rows.rows) if rows.weight is None else rows.weight.hi
        magnitude = np.abs(rows.y.hi) + abs(self.constant[0])
        absolutes = [absolute(part) for part in rows.parts]
        transposes = [transpose(part) for part in absolutes]
        for part, cut in zip(absolutes, rows.cuts, strict=True):
            magnitude = magnitude + part @ np.abs(self.b.hi[cut])
        # rounding errors of a sum of n terms grow like sqrt(n) in practice; the factor 2 and the constant 6 are margins
        rounding_error = CAREFUL if self.careful else (2.0 * np.sqrt(longest(rows)) + 6.0) * EPS
        residual_error = w * magnitude * rounding_error
        by_row = np.concatenate([part @ residual_error for part in transposes]) if transposes else np.zeros(0)
        by_column = np.concatenate([part @ (w * size) for part in transposes]) if transposes else np.zeros(0)
        drift, far = float(residual_error @ size), float(w @ magnitude**2)
        return GradientSums(*sums, by_row, by_column, float(residual_error.sum()), float(w @ size), drift, far)

    def _float64(self, rows: Rows) -> tuple[tuple[Pair, Pair, Pair], Vector]:
        """The three sums in float64, and the residuals (n,)."""
        r = rows.y.hi - product(rows, self.b.hi) - self.constant[0]
        wr = rows.weighed(r)
        constant, square = (pair(np.array([v])) for v in (float(wr.sum()), float(r @ wr)))
        return (pair(transposed(rows, wr)), constant, square), r

    def _careful(self, rows: Rows) -> tuple[tuple[Pair, Pair, Pair], Vector]:
        """The three sums in double-double, and the residuals (n,) rounded to float64."""
        r = exactly.residuals(rows, self.b, self.constant)
        wr = r if rows.weight is None else r * rows.weight
        return (exactly.transposed(rows, wr), exactly.total(wr), exactly.square(r, wr)), r.hi
