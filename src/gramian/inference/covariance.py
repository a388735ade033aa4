"""Covariance of coefficients, by recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.inference.recipes import IID, Recipe
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """What tests and intervals rest on.

    recipe : how it was made, "iid". matrix : (p, p), NaN where a coefficient is not identified. df : degrees of
    freedom of t and F with it, infinite for z. told : the recipe in one line. roots : (p,) those of the diagonal,
    where squaring them might leave float64's range.
    """

    recipe: str
    matrix: Matrix
    df: float
    told: str = IID
    roots: Vector | None = None

    @property
    def std_errors(self) -> Vector:
        """Square roots of the diagonal, (p,); NaN where several ways of clustering leave a negative variance."""
        if self.roots is not None:
            return self.roots
        variance = self.matrix.diagonal()
        return np.asarray(np.sqrt(np.where(variance < 0.0, np.nan, variance)))


def iid(inverse: Matrix, sigma: float, df_residual: float, roots: Vector | None = None) -> Covariance:
    """sigma^2 (X'WX)^-1: errors of equal variance, independent. NaN when no degree of freedom is left.

    roots : (p,) of the inverse's diagonal, where float64 may not hold that.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        own = np.sqrt(np.maximum(inverse.diagonal(), 0.0)) if roots is None else roots
        return Covariance(
            IID, sigma**2 * inverse, df_residual, roots=np.where(np.isnan(inverse.diagonal()), np.nan, sigma * own)
        )


def described(
    recipe: Recipe, matrix: Matrix, df: float, factor: float, groups: tuple[int, ...], negative: int
) -> Covariance:
    """A robust covariance with its recipe in one line."""
    parts = [" and ".join(f"{n:,}" for n in groups) + " clusters"] if groups else []
    parts += [f"factor {factor:.6g}"] if factor != 1.0 else []
    parts += ["z" if math.isinf(df) else f"t with {df:,.10g} degrees of freedom"]
    if negative:
        parts += [f"{negative} negative eigenvalue{'s'[: negative != 1]} set to zero"]
    parts += [f"as {recipe.like}"] if recipe.like else []
    return Covariance(recipe.name, matrix, df, f"{recipe.name}: {', '.join(parts)}")
