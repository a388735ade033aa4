"""The normal system of a penalised fit, and what is left of it for the penalised columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from gramian.linalg.penalized.triangle import Triangle
from gramian.linalg.solve import SAFETY
from gramian.typing import Codes, Mask, Matrix, Vector

STEPS = 32.0  # rounding errors of a sum that a solve may carry into an element of a residual


@dataclass(frozen=True, slots=True)
class System:
    """Products of a model's own columns, about their means when there is an intercept, about zero otherwise.

    S : (q, q), c : (q,) with the outcome, yy : its square. weight : sum of weights. length : (q,) and y_length, roots
    of the squares as they were summed, shift included; unit : their relative rounding error. mean : (q,) and y_mean, up
    to constants that all systems of one model share; zero without an intercept.
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
        """Squares below which a column is rounding, (q,)."""
        return np.asarray(SAFETY * self.rounding_error * self.length**2)


@dataclass(frozen=True, slots=True)
class Penalty:
    """What is penalised.

    factors : (q,) >= 0 by which the penalty of each column is multiplied, 0 leaves it unpenalised. standardize :
    penalise the coefficients of columns divided by their standard deviation (their root mean square without an
    intercept). l1_ratio : 0 for ridge, 1 for the lasso.
    """

    factors: Vector
    standardize: bool = False
    l1_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Solutions:
    """Coefficients for a row of penalties.

    alphas : (n,) falling. coefficients : (n, q). rss : (n,) residual sums of squares. df : (n,) degrees of freedom,
    the intercept's included. certificate : (n,) how far from optimal: the largest violation of the optimality
    conditions as a correlation, or the duality gap as a share of the outcome's square. exact : rows that homotopy
    found, the others are by descent; straight lines join them. passed : columns that were passed over. knots : whether
    the alphas are where the path bends.
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
    """The system of the penalised columns, scaled, the unpenalised ones partialled out.

    S : (m, m), c : (m,), noise, unit as in a System; yy : square of the outcome that the unpenalised columns leave.
    length : (m,) and y_length, what was added up in absolute values, the parts that were taken out included. columns,
    free : positions of penalised and unpenalised ones. scale : (m,) coefficient of a column as it is for one of its
    scaled form. factors : (m,) of the penalty. base : (f,) coefficients of the unpenalised columns alone, share :
    (f, m) what they lose for each unit of others. passed : unpenalised columns that are combinations of others, and
    penalised ones without length.
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

    def weighed(self, divisors: Vector) -> Reduced:
        """The same with columns divided by (m,) numbers."""
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
        """What rounding may do to c - S b, (n, m), for coefficients (n, m)."""
        return np.asarray(STEPS * self.rounding_error * np.outer(self.y_length + np.abs(B) @ self.length, self.length))

    def relative(self, rest: Matrix) -> Vector:
        """The largest of products with the outcome, (n, m), relative to the lengths of column and outcome, (n,)."""
        size = self.length * self.y_length
        return np.asarray(
            np.max(np.divide(np.abs(rest), size, out=np.zeros_like(rest), where=size > 0), axis=1, initial=0.0)
        )


def reduced(system: System, penalty: Penalty) -> Reduced:
    """Partial the unpenalised columns out, then scale the others if they are to be standardised."""
    columns = np.flatnonzero(penalty.factors > 0)
    candidates = np.flatnonzero(penalty.factors == 0)
    unpenalized, R = _independent(system, candidates)
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
    S[flat], S[:, flat], c[flat] = 0.0, 0.0, 0.0
    c[np.abs(c) <= STEPS * system.rounding_error * length * y_length] = 0.0
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
    """Those of the wanted columns that are no combination of earlier ones, and their Cholesky factor."""
    triangle, columns, noise = Triangle(len(candidates)), list[int](), system.noise
    for j in candidates.tolist():
        if triangle.add(system.S[j, columns], float(system.S[j, j]), noise[columns], float(noise[j])):
            columns.append(j)
    return np.array(columns, np.int64), triangle.full()


def _scale(system: System, columns: Codes, flat: Mask) -> Vector:
    square = system.S.diagonal()[columns] / system.weight
    return np.asarray(1.0 / np.sqrt(np.where(flat, 1.0, square)))


def restored(part: Reduced, B: Matrix, width: int) -> Matrix:
    """Coefficients of all columns as they are, (n, q), from those of the scaled penalised ones, (n, m)."""
    out = np.zeros((len(B), width))
    coefficients = B * part.scale
    out[:, part.columns] = coefficients
    out[:, part.unpenalized] = part.base - coefficients @ part.share.T
    return out


def squares(system: System, B: Matrix) -> Vector:
    """Residual sums of squares, (n,), of coefficients (n, q) with the best intercept: (-b, 1)' C (-b, 1)."""
    rest = system.c - B @ system.S
    return np.asarray(np.maximum(system.yy - B @ system.c - np.einsum("ij,ij->i", B, rest), 0.0))
