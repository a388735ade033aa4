"""Covariance of coefficients, by recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """What tests and intervals rest on.

    recipe : how it was made, "iid". matrix : (p, p), NaN where a coefficient is not identified. df : degrees of
    freedom of t and F with it. roots : (p,) those of the diagonal, where squaring them might leave float64's range.
    """

    recipe: str
    matrix: Matrix
    df: float
    roots: Vector | None = None

    @property
    def std_errors(self) -> Vector:
        """Square roots of the diagonal, (p,)."""
        if self.roots is not None:
            return self.roots
        return np.asarray(np.sqrt(np.maximum(self.matrix.diagonal(), 0.0)))


def iid(inverse: Matrix, sigma: float, df_residual: float) -> Covariance:
    """sigma^2 (X'WX)^-1: errors of equal variance, independent. NaN when no degree of freedom is left."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        roots = sigma * np.sqrt(np.maximum(inverse.diagonal(), 0.0))
        return Covariance("iid", sigma**2 * inverse, df_residual, roots)
