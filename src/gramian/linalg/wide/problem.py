"""The wide least squares problem with columns centred and of length one, without writing such columns.

Centring a sparse matrix would fill it, so means and lengths are applied to vectors before and after each product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.certificate import EPS
from gramian.linalg.wide.kernels import Extents, Kernel, ProductKernel, Total, Totals
from gramian.typing import Mask, Matrix, Vector

LARGEST_SQUARE = 1e289  # and its inverse the smallest: beyond, sums of squares overflow or lose their digits

Fold = Callable[[Sequence[Kernel[Any]]], list[Any]]
"""Sums of several kernels over all rows, in one pass."""

CANCELLED = 1e-6  # share of a column's square that centring leaves, below which it is summed again about the mean


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Minimise r'Wr + alpha b'b for r = y - X b - constant; the constant, if there is one, is not penalised.

    Attributes
    ----------
    fold : callable
        Sums of kernels over all rows.
    totals : Totals
        Sums of the first pass.
    mean : ndarray
        (p,) means of the columns, zero where not centred.
    length : ndarray
        (p,) square roots of centred square + alpha.
    usable : ndarray of bool
        (p,) columns that are no multiple of the constant.
    constants : ndarray
        (p,) the value of columns that are constant, else 0.
    alpha : float
        Ridge penalty, 0 without one.
    centred : bool
        Whether there is a constant.
    origin : ndarray
        (p,) shifts that were subtracted from the columns before.
    outcome : float
        The same for the outcome.
    inverse : ndarray
        (p,) 1 / length, 0 for columns that are not usable.
    """

    fold: Fold
    totals: Totals
    mean: Vector
    length: Vector
    usable: Mask
    constants: Vector
    alpha: float
    centred: bool
    origin: Vector
    outcome: float
    inverse: Vector = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inverse", np.where(self.usable, 1.0 / self.length, 0.0))

    @property
    def noise(self) -> float:
        """Relative rounding error of a product with the scaled matrix, amplified where centring cancels much.

        X v and X'(X v) each lose accuracy in proportion to the length of a column before centring, not to its square:
        what the mean adds to X v is subtracted before the second product.
        """
        full = float(self.totals.entries.max(initial=1.0))
        share = (self.totals.xx[self.usable] / self.length[self.usable] ** 2).max(initial=1.0)
        return (2.0 * float(np.sqrt(full)) + 10.0) * EPS * max(1.0, float(np.sqrt(share)))

    @property
    def entries(self) -> float:
        """Largest ratio of a column's length about zero to its length about the mean.

        Rounding of its entries is amplified by this factor.
        """
        far = np.where(self.usable, self.totals.weight * (self.mean + self.origin) ** 2, 0.0) if self.centred else 0.0
        return float(np.sqrt(1.0 + np.multiply(far, self.inverse**2).max(initial=0.0)))

    @property
    def floor(self) -> float:
        """Lower bound of the smallest eigenvalue that the penalty alone guarantees."""
        return self.alpha / float((self.length[self.usable] ** 2).max(initial=0.0)) if self.alpha else 0.0

    @property
    def constant_error(self) -> float:
        """Largest error of the constant where all columns are zero, for an error of norm 1 in scaled coefficients."""
        return float(np.linalg.norm((self.mean + self.origin) * self.inverse))

    def unscale(self, z: Vector) -> Vector:
        """Coefficients of the columns (p,) from those of the scaled columns."""
        return z * self.inverse

    def product_kernel(self, z: Vector) -> ProductKernel:
        """Kernel of the product with the scaled matrix. z : (p,)."""
        v = self.unscale(z)
        return ProductKernel(v, float(self.mean @ v) if self.centred else 0.0)

    def product(self, z: Vector, sums: Any) -> Vector:
        """The scaled, centred matrix times z, (p,), from the sums of its kernel."""
        t = sums.columns - self.mean * sums.constant if self.centred else sums.columns
        penalized: Vector = t + self.alpha * self.unscale(z) if self.alpha else t
        return penalized * self.inverse


def wide_problem(
    fold: Fold, alpha: float | None, *, centred: bool, origin: Vector | None = None, outcome: float = 0.0
) -> Problem:
    """The problem, after one pass for means and lengths, and another for columns that hardly vary.

    alpha : ridge penalty or None. centred : with a constant. origin : (p,) shifts of the columns. outcome : its shift.
    """
    (totals,) = fold([Total()])
    _check_range(totals)
    weight = totals.weight if totals.weight > 0.0 else 1.0
    mean = totals.x / weight if centred else np.zeros(len(totals.x))
    square = np.maximum(totals.xx - weight * mean**2, 0.0) if centred else totals.xx.copy()
    constants = np.zeros(len(mean))
    if centred and (nearly_constant := np.flatnonzero(square <= CANCELLED * totals.xx)).size:
        square[nearly_constant], mean[nearly_constant], constants[nearly_constant] = _exact_extent(
            fold, nearly_constant, mean[nearly_constant], square[nearly_constant], totals
        )
    usable = square > 0.0
    penalty = alpha or 0.0
    length, at = np.sqrt(np.where(usable, square + penalty, 1.0)), np.zeros(len(mean)) if origin is None else origin
    return Problem(fold, totals, mean, length, usable, constants, penalty, centred, at, outcome)


def _check_range(totals: Totals) -> None:
    """Raise NumericalError where a sum of squares leaves the range of float64."""
    squares, sums = np.append(totals.xx, totals.yy), np.append(totals.x, totals.y)
    lost = ~np.isfinite(squares) | (squares > LARGEST_SQUARE) | ((squares < 1.0 / LARGEST_SQUARE) & (sums != 0.0))
    if lost.any():
        at = int(np.argmax(lost))
        what = f"column {at + 1}" if at < len(totals.xx) else "the outcome"
        raise NumericalError(f"squares of {what} leave the range of float64: multiply it by a power of ten")


def _exact_extent(
    fold: Fold, nearly_constant: Any, mean: Vector, square: Vector, totals: Totals
) -> tuple[Vector, Vector, Vector]:
    """Squares, means and constant values (k,) of nearly constant columns, summed again about their means.

    A column is constant only where its smallest and largest value agree: no tolerance decides.
    """
    empty = totals.entries[nearly_constant] == 0
    # columns without stored entries are zero: that needs no pass
    if empty.all():
        return np.zeros(len(nearly_constant)), mean, np.zeros(len(nearly_constant))
    (extent,) = fold([Extents(nearly_constant, mean)])
    flat = extent.least == extent.greatest
    return np.where(flat, 0.0, extent.squares), np.where(flat, extent.least, mean), np.where(flat, extent.least, 0.0)


def dense_matrix(x: Any) -> Matrix:
    """A dense copy of a sparse array, or the dense array itself."""
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)
