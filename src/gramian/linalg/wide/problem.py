"""The wide least squares problem where columns are centred and of length one, without writing them so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gramian.linalg.certificate import EPS
from gramian.linalg.wide.kernels import Extents, Kernel, ProductKernel, Total, Totals
from gramian.typing import Mask, Matrix, Vector

Fold = Callable[[Sequence[Kernel[Any]]], list[Any]]
"""Sums of several kernels over all rows, in one pass."""

CANCELLED = 1e-6  # what centring may leave of a column's square before a second look is taken


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Minimise r'Wr + alpha b'b, r = y - X b (- a constant that is not penalised).

    fold : sums over the rows. mean, length : (p,) of the columns; length is the root of the centred square plus alpha,
    inverse one by it, 0 for columns that are not kept.
    kept : (p,) columns that are no multiple of the constant. constants : (p,) the value of those that are.
    origin : (p,) what was subtracted from the columns before, outcome : from the outcome.
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
        """Relative rounding error of a product with the matrix: amplified where centring takes much away.

        X v and X'(X v) each lose in proportion to the length of a column before centring: not to its square, for what
        the mean adds to X v is taken away before the second product.
        """
        full = float(self.totals.entries.max(initial=1.0))
        share = (self.totals.xx[self.usable] / self.length[self.usable] ** 2).max(initial=1.0)
        return (2.0 * float(np.sqrt(full)) + 10.0) * EPS * max(1.0, float(np.sqrt(share)))

    @property
    def entries(self) -> float:
        """How large entries are beside what centring leaves of them: what amplifies their rounding."""
        far = np.where(self.usable, self.totals.weight * (self.mean + self.origin) ** 2, 0.0) if self.centred else 0.0
        return float(np.sqrt(1.0 + np.multiply(far, self.inverse**2).max(initial=0.0)))

    @property
    def floor(self) -> float:
        """The least eigenvalue that the penalty alone makes sure of."""
        return self.alpha / float((self.length[self.usable] ** 2).max(initial=0.0)) if self.alpha else 0.0

    @property
    def constant_error(self) -> float:
        """What an error of norm 1 in scaled coefficients may add to the constant where all columns are zero."""
        return float(np.linalg.norm((self.mean + self.origin) * self.inverse))

    def unscale(self, z: Vector) -> Vector:
        """Coefficients of the columns from those of scaled ones."""
        return z * self.inverse

    def product_kernel(self, z: Vector) -> ProductKernel:
        """The kernel of a product with the scaled matrix."""
        v = self.unscale(z)
        return ProductKernel(v, float(self.mean @ v) if self.centred else 0.0)

    def product(self, z: Vector, sums: Any) -> Vector:
        """The scaled, centred matrix times z, from the kernel's sums."""
        t = sums.columns - self.mean * sums.constant if self.centred else sums.columns
        penalized: Vector = t + self.alpha * self.unscale(z) if self.alpha else t
        return penalized * self.inverse


def wide_problem(
    fold: Fold, alpha: float | None, *, centred: bool, origin: Vector | None = None, outcome: float = 0.0
) -> Problem:
    """One pass for lengths, and a look at columns that hardly vary."""
    (totals,) = fold([Total()])
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


def _exact_extent(
    fold: Fold, nearly_constant: Any, mean: Vector, square: Vector, totals: Totals
) -> tuple[Vector, Vector, Vector]:
    empty = totals.entries[nearly_constant] == 0
    if empty.all():
        return np.zeros(len(nearly_constant)), mean, np.zeros(len(nearly_constant))
    (extent,) = fold([Extents(nearly_constant, mean)])
    flat = extent.least == extent.greatest
    return np.where(flat, 0.0, extent.squares), np.where(flat, extent.least, mean), np.where(flat, extent.least, 0.0)


def dense_matrix(x: Any) -> Matrix:
    """A sparse or dense array as a dense one."""
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x)
