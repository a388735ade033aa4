"""Covariance of coefficients, by recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.inference.recipes import IID, VcovSpec
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """What tests and intervals rest on.

    recipe : how it was made, "iid". matrix : (p, p), NaN where a coefficient is not identified. df : degrees of
    freedom of t and F with it, infinite for z. told : the recipe in one line. roots : (p,) those of the diagonal,
    where squaring them might leave float64's range.
    """

    name: str
    matrix: Matrix
    df: float
    description: str = IID
    diagonal_roots: Vector | None = None

    @property
    def std_errors(self) -> Vector:
        """Square roots of the diagonal, (p,); NaN where several ways of clustering leave a negative variance."""
        if self.diagonal_roots is not None:
            return self.diagonal_roots
        variance = self.matrix.diagonal()
        return np.asarray(np.sqrt(np.where(variance < 0.0, np.nan, variance)))


def iid(inverse: Matrix, sigma: float, df_residual: float, diagonal_roots: Vector | None = None) -> Covariance:
    """sigma^2 (X'WX)^-1: errors of equal variance, independent. NaN when no degree of freedom is left.

    roots : (p,) of the inverse's diagonal, where float64 may not hold that.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        inverse_roots = np.sqrt(np.maximum(inverse.diagonal(), 0.0)) if diagonal_roots is None else diagonal_roots
        return Covariance(
            IID,
            sigma**2 * inverse,
            df_residual,
            diagonal_roots=np.where(np.isnan(inverse.diagonal()), np.nan, sigma * inverse_roots),
        )


def robust_covariance(
    vcov: VcovSpec, matrix: Matrix, df: float, factor: float, clusters: tuple[int, ...], negative: int
) -> Covariance:
    """A robust covariance with its recipe in one line."""
    details = [" and ".join(f"{n:,}" for n in clusters) + " clusters"] if clusters else []
    details += [f"factor {factor:.6g}"] if factor != 1.0 else []
    details += ["z" if math.isinf(df) else f"t with {df:,.10g} degrees of freedom"]
    if negative:
        details += [f"{negative} negative eigenvalue{'s'[: negative != 1]} set to zero"]
    details += [f"as {vcov.like}"] if vcov.like else []
    return Covariance(vcov.name, matrix, df, f"{vcov.name}: {', '.join(details)}")
