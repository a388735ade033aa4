"""The normal system of a penalised fit, and its reduction to the penalised columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.linalg.penalized.triangle import Triangle
from gramian.linalg.solve import SAFETY
from gramian.linalg.triangular import solve_triangular
from gramian.typing import Codes, Mask, Matrix, Vector

RESIDUAL_ROUNDINGS = 32.0  # rounding errors of a sum that a backward stable solve may add to an element of c - S b


@dataclass(frozen=True, slots=True)
class System:
    """Products of a model's columns, about their means with an intercept, about zero without.

    Attributes
    ----------
    S : (q, q)
        Products of the columns.
    c : (q,)
        Products with the outcome.
    yy : float
        Square of the outcome.
    weight : float
        Sum of weights.
    length : (q,)
        Square roots of the squares as they were summed, shift included.
    y_length : float
        The same for the outcome.
    rounding_error : float
        Relative rounding error of these squares.
    mean : (q,)
        Means of the columns up to constants that all systems of one model share; zero without an intercept.
    y_mean : float
        The same for the outcome.
    intercept : bool
        Whether the model has an intercept.
    """

    S: Matrix
    c: Vector
    yy: float
    weight: float
    length: Vector
    y_length: float
    rounding_error: float
    mean: Vector
    y_mean: float
    intercept: bool

    @property
    def noise(self) -> Vector:
        """Squares below which a column is rounding error, (q,)."""
        return np.asarray(SAFETY * self.rounding_error * self.length**2)


@dataclass(frozen=True, slots=True)
class Penalty:
    """Which coefficients are penalised, and how.

    Attributes
    ----------
    factors : (q,)
        Factor >= 0 of each column's penalty; 0 leaves it unpenalised.
    standardize : bool
        Penalise the coefficients of columns divided by their standard deviation (their root mean square without an
        intercept).
    l1_ratio : float
        0 for ridge, 1 for the lasso, between for the elastic net.
    """

    factors: Vector
    standardize: bool = False
    l1_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Solutions:
    """Coefficients for a sequence of penalties.

    Attributes
    ----------
    alphas : (n,)
        Penalties, falling.
    coefficients : (n, q)
        Slopes for each penalty.
    rss : (n,)
        Residual sums of squares.
    df : (n,)
        Degrees of freedom, that of the intercept included.
    certificate : (n,)
        Distance from the optimum: the largest violation of the optimality conditions as a correlation (homotopy,
        ridge), or the duality gap as a share of the outcome's square (descent).
    exact : int
        Leading rows by homotopy, linear between knots; the others are by descent.
    passed : int array
        Columns that never entered, being linear combinations of others.
    knots : bool
        Whether the alphas are the knots of the path.
    """

    alphas: Vector
    coefficients: Matrix
    rss: Vector
    df: Vector
    certificate: Vector
    exact: int
    passed: Codes
    knots: bool = False


@dataclass(frozen=True, slots=True)
class Reduced:
    """The system of the m penalised columns, scaled, with the f unpenalised ones partialled out.

    Attributes
    ----------
    S, c : (m, m), (m,)
        Products of the columns, and with the outcome.
    yy : float
        Square of the outcome that the unpenalised columns do not explain.
    noise : (m,)
        Squares below which a column is rounding error.
    length : (m,)
        Square roots of the squares that were summed, those partialled out included.
    y_length : float
        The same for the outcome.
    rounding_error : float
        Relative rounding error of a sum.
    columns, unpenalized : (m,), (f,) int
        Positions of the penalised and the unpenalised columns.
    scale : (m,)
        Coefficient of a column for a coefficient of one of its scaled form.
    factors : (m,)
        Factors of the penalty.
    base : (f,)
        Coefficients of the unpenalised columns when all others are zero.
    share : (f, m)
        Coefficients of the penalised columns regressed on the unpenalised ones.
    passed : int array
        Unpenalised columns that depend on others, and penalised ones without length.
    """

    S: Matrix
    c: Vector
    yy: float
    noise: Vector
    length: Vector
    y_length: float
    rounding_error: float
    columns: Codes
    unpenalized: Codes
    scale: Vector
    factors: Vector
    base: Vector
    share: Matrix
    passed: Codes

    def rescaled(self, divisors: Vector) -> Reduced:
        """The same system with columns divided by `divisors` : (m,)."""
        share = 1.0 / divisors
        return replace(
            self,
            S=self.S * share[:, None] * share,
            c=self.c * share,
            noise=self.noise * share**2,
            length=self.length * share,
            scale=self.scale * share,
        )

    def rounding(self, B: Matrix) -> Matrix:
        """Bounds of the rounding errors of c - S b, (n, m), for n rows of coefficients (n, m)."""
        return np.asarray(
            RESIDUAL_ROUNDINGS * self.rounding_error * np.outer(self.y_length + np.abs(B) @ self.length, self.length)
        )

    def relative(self, residual_products: Matrix) -> Vector:
        """Largest correlation |r_j| / (length_j y_length) in each row of residual products r : (n, m), (n,)."""
        size = self.length * self.y_length
        return np.asarray(
            np.max(
                np.divide(np.abs(residual_products), size, out=np.zeros_like(residual_products), where=size > 0),
                axis=1,
                initial=0.0,
            )
        )


def reduced(system: System, penalty: Penalty) -> Reduced:
    """Partial out the unpenalised columns, then scale the others if they are to be standardised."""
    columns = np.flatnonzero(penalty.factors > 0)
    candidates = np.flatnonzero(penalty.factors == 0)
    unpenalized, R = _independent(system, candidates)
    # Regression on the unpenalised columns by their Cholesky factor R: H'H is what they explain, without an inverse.
    H = (
        solve_triangular(R, system.S[np.ix_(unpenalized, columns)], trans="T")
        if len(unpenalized)
        else np.zeros((0, len(columns)))
    )
    h = solve_triangular(R, system.c[unpenalized], trans="T") if len(unpenalized) else np.zeros(0)
    base, share = (solve_triangular(R, h), solve_triangular(R, H)) if len(unpenalized) else (h, H)
    length = system.length[columns] + np.abs(share).T @ system.length[unpenalized]
    y_length = system.y_length + float(np.abs(base) @ system.length[unpenalized])
    noise = SAFETY * system.rounding_error * length**2
    S = system.S[np.ix_(columns, columns)] - H.T @ H
    c, yy = system.c[columns] - H.T @ h, max(system.yy - float(h @ h), 0.0)
    flat = S.diagonal() <= noise
    # What is left of such columns is rounding error: they are set to zero, which no path selects.
    S[flat], S[:, flat], c[flat] = 0.0, 0.0, 0.0
    c[np.abs(c) <= RESIDUAL_ROUNDINGS * system.rounding_error * length * y_length] = 0.0
    scale = _scale(system, columns, flat) if penalty.standardize else np.ones(len(columns))
    return Reduced(
        S * scale[:, None] * scale,
        c * scale,
        yy,
        np.where(flat, 1.0, noise * scale**2),
        length * scale,
        y_length,
        system.rounding_error,
        columns,
        unpenalized,
        scale,
        penalty.factors[columns],
        base,
        share,
        np.union1d(np.setdiff1d(candidates, unpenalized), columns[flat]),
    )


def _independent(system: System, candidates: Codes) -> tuple[Codes, Matrix]:
    """The unpenalised columns that do not depend on earlier ones, and the upper Cholesky factor of their products."""
    triangle, columns, noise = Triangle(len(candidates)), list[int](), system.noise
    for j in candidates.tolist():
        if triangle.add(system.S[j, columns], float(system.S[j, j]), noise[columns], float(noise[j])):
            columns.append(j)
    return np.array(columns, np.int64), triangle.full()


def _scale(system: System, columns: Codes, flat: Mask) -> Vector:
    """Inverse standard deviations (m,) of the columns, one for those without length."""
    square = system.S.diagonal()[columns] / system.weight
    return np.asarray(1.0 / np.sqrt(np.where(flat, 1.0, square)))


def restored(part: Reduced, B: Matrix, width: int) -> Matrix:
    """Coefficients of all columns in their own units, (n, q), from those of the scaled penalised ones, (n, m)."""
    out = np.zeros((len(B), width))
    coefficients = B * part.scale
    out[:, part.columns] = coefficients
    out[:, part.unpenalized] = part.base - coefficients @ part.share.T
    return out


def squares(system: System, B: Matrix) -> Vector:
    """Residual sums of squares, (n,), of coefficients (n, q) with the best intercept: (-b, 1)' C (-b, 1)."""
    residual_products = system.c - B @ system.S
    return np.asarray(np.maximum(system.yy - B @ system.c - np.einsum("ij,ij->i", B, residual_products), 0.0))
