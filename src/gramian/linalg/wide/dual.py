"""The dual form for few rows and many columns: products of rows replace products of columns.

(A'A + alpha I)^-1 = (I - A'(A A' + alpha I)^-1 A) / alpha (the Woodbury identity), and the solution of least norm is
A'(A A')^-1 y.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from gramian.linalg.certificate import EPS, MAX_DIGITS, digits
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.triangular import solve_triangular
from gramian.linalg.wide import careful
from gramian.linalg.wide.predictions import Bounds, prediction_digits
from gramian.linalg.wide.problem import Problem, dense_matrix
from gramian.linalg.wide.refine import Point, Refined, refine
from gramian.linalg.wide.rows import ENTRIES, Rows, absolute, product, transposed
from gramian.typing import Mask, Matrix, Vector

STEPS = 4  # of iterative refinement


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """A ridge solution.

    Attributes
    ----------
    refined : Refined
        Coefficients with their error estimate.
    variances : ndarray
        (p + 1,) variances of the coefficients divided by sigma^2, the constant's first (NaN without one).
    leverage : float
        Trace of the hat matrix without the constant's share.
    condition : float
        sqrt(1 + largest eigenvalue of A A' / alpha), an upper bound of the condition number of the penalised problem.
    """

    refined: Refined
    variances: Vector
    leverage: float
    condition: float


def ridge(problem: Problem, rows: Rows, requested_digits: float) -> Dual:
    """Ridge regression by a Cholesky factor of A A' + alpha I, (n, n), with iterative refinement.

    Raises LinAlgError where the matrix is not positive definite, or so but for rounding.
    """
    sqrt_weight, mean = _sqrt_weights(rows), problem.mean if problem.centred else np.zeros(len(problem.mean))
    mean = np.where(problem.usable, mean, 0.0)
    usable, alpha = problem.usable, problem.alpha
    K = _products(rows, mean, usable) * sqrt_weight[:, None] * sqrt_weight
    largest = float(np.linalg.norm(K, 2)) if len(K) else 0.0
    # the products of centred rows have an eigenvalue of zero, which the penalty alone keeps from rounding
    if not alpha > _noise(rows, largest):
        raise np.linalg.LinAlgError("the penalty is below the rounding of the products")
    L = cho_factor(K + alpha * np.eye(len(K)), lower=True)

    # Woodbury: two products with the rows and a solve with the (n, n) factor, no (p, p) matrix
    def inverse(g: Vector) -> Vector:
        """(A'A + alpha I)^-1 g, (p,)."""
        g = np.where(usable, g, 0.0)
        forward = sqrt_weight * (product(rows, g) - float(mean @ g))
        u = sqrt_weight * cho_solve(L, forward)
        return np.asarray(np.where(usable, (g - transposed(rows, u) + mean * u.sum()) / alpha, 0.0))

    def correct(point: Point, bold: bool) -> Vector:
        """The correction (p,) of scaled coefficients; exact but for rounding, so that a bold one is no different."""
        return inverse(point.gradient * problem.length) * problem.length

    refined = refine(problem, correct, lambda: Bounds(problem.floor), requested_digits)
    V = _variances(rows, mean, usable, sqrt_weight, L)
    at = np.where(usable, mean + problem.origin, 0.0)
    whitened = cho_solve(L, sqrt_weight * (product(rows, at) - float(mean @ at)))
    # variance of the constant over sigma^2: 1 / n + m'V A'A V m, with m the way from zero columns to their means
    first = 1.0 / problem.totals.weight + float(whitened @ whitened) if problem.centred else np.nan
    leverage = len(K) - alpha * _trace(L[0])
    return Dual(refined, np.append(first, V), leverage, float(np.sqrt(1.0 + largest / alpha)))


def _sqrt_weights(rows: Rows) -> Vector:
    """Square roots of the weights, (n,)."""
    return np.ones(rows.rows) if rows.weight is None else np.sqrt(rows.weight.hi)


def _products(rows: Rows, mean: Vector, usable: Mask) -> Matrix:
    """Products of the centred rows with each other, (n, n). mean : (p,). usable : (p,) columns that count."""
    K = np.zeros((rows.rows, rows.rows))
    for part, cut in zip(rows.parts, rows.cuts, strict=True):
        columns = part if usable[cut].all() else part[:, np.flatnonzero(usable[cut])]
        K += dense_matrix(columns @ columns.T)
    # centre after the product: subtracting means from a sparse matrix would fill it
    if mean.any():
        mean_products = product(rows, mean)
        K += float(mean @ mean) - mean_products[:, None] - mean_products
    return K


def _variances(rows: Rows, mean: Vector, usable: Mask, sqrt_weight: Vector, L: tuple[Matrix, bool]) -> Vector:
    """Diagonal of V A'A V, V = (A'A + alpha I)^-1, (p,); NaN for columns that do not count.

    It is the squared length of each column of (A A' + alpha I)^-1 A, computed for some columns at a time.
    """
    out = np.empty(len(mean))
    for cut, x in _blocks(rows):
        Z = cho_solve(L, sqrt_weight[:, None] * (x - mean[cut]))
        out[cut] = (Z * Z).sum(axis=0)
    return np.where(usable, out, np.nan)


def _blocks(rows: Rows) -> Iterator[tuple[slice, Matrix]]:
    """Some columns at a time as dense matrices (n, k), with their positions."""
    step = max(1, 4 * ENTRIES // max(rows.rows, 1))
    for part, where in zip(rows.parts, rows.cuts, strict=True):
        part = part.tocsc() if hasattr(part, "tocsc") else part
        for start in range(0, part.shape[1], step):
            stop = min(start + step, part.shape[1])
            yield slice(where.start + start, where.start + stop), dense_matrix(part[:, start:stop])


def _trace(L: Matrix) -> float:
    """Trace of (L L')^-1, the squared Frobenius norm of L^-1."""
    Z = solve_triangular(L, np.eye(len(L)), lower=True)
    return float((Z * Z).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Shortest:
    """The solution of least norm; the coefficient of the constant counts in the norm.

    Attributes
    ----------
    b : Pair
        (p,) in double-double.
    constant : tuple of float
        hi, lo.
    digits : ndarray
        (p,) estimated digits; zero where rows depend on each other.
    constant_digits : float
        The same for the constant.
    rss : float
        Residual sum of squares; rounding where the rows are independent.
    rank : int
        Rank of the rows.
    condition : float
        Condition number of the independent rows.
    predictions : float
        Digits of the predictions where rows depend on each other; NaN where all are independent.
    """

    b: Pair
    constant: tuple[float, float]
    digits: Vector
    constant_digits: float
    rss: float
    rank: int
    condition: float
    predictions: float = float("nan")


def shortest(rows: Rows, *, constant: bool) -> Shortest:
    """pinv(X) y for fewer rows than columns; weights have no influence where the rows are independent.

    Where rows depend on each other in float64, the digits of coefficients are unknown and reported as zero.
    """
    sqrt_weight = _sqrt_weights(rows)
    K = _products(rows, np.zeros(sum(p.shape[1] for p in rows.parts)), np.ones(_width(rows), bool))
    K = (K + float(constant)) * sqrt_weight[:, None] * sqrt_weight
    values, vectors = np.linalg.eigh(K)
    noise = _noise(rows, float(values[-1]))
    good = values > noise
    b, first = pair(np.zeros(_width(rows))), (0.0, 0.0)
    dual, V, D = np.zeros(rows.rows), vectors[:, good], values[good]
    # refinement: the first steps correct the residual, later ones only its part within reach of independent rows
    for step in range(STEPS if good.all() else 2 * STEPS):
        r = careful.residuals(rows, b, first)
        share = (
            V.T @ (sqrt_weight * r.hi)
            if step < STEPS
            else V.T @ (sqrt_weight * _reachable(rows, r, constant=constant)) / D
        )
        u = sqrt_weight * (V @ (share / D))
        b, dual = b + pair(transposed(rows, u)), dual + u
        if constant:
            updated = Pair(*(np.array([v]) for v in first)) + pair(np.array([u.sum()]))
            first = float(updated.hi[0]), float(updated.lo[0])
    r = careful.residuals(rows, b, first)
    rss, condition = (
        float((sqrt_weight * r.hi) @ (sqrt_weight * r.hi)),
        float(np.sqrt(values[-1] / values[good].min(initial=np.inf))),
    )
    if not good.all():
        predictions = _prediction_digits(rows, r, b, first, values[good], constant=constant)
        return Shortest(b, first, np.zeros(len(b.hi)), 0.0, rss, int(good.sum()), condition, predictions)
    error = float(np.sqrt(rss / (values[0] - noise / 4.0)))
    rounding_error = (2.0 * np.sqrt(rows.rows) + 6.0) * EPS
    sizes, dual_sizes = (_absolute_products(rows, v) for v in (np.ones(rows.rows), np.abs(dual)))
    errors = np.where(
        sizes > 0.0, error + rounding_error * dual_sizes, 0.0
    )  # the coefficient of a column of zeros is zero
    constant_error = error + rounding_error * float(np.abs(dual).sum())
    constant_digits = digits(np.array([constant_error]), np.abs(np.array([first[0]])))[0] if constant else MAX_DIGITS
    return Shortest(b, first, digits(errors, np.abs(b.hi)), float(constant_digits), rss, len(K), condition)


def _gradient(rows: Rows, r: Pair, *, constant: bool) -> tuple[Vector, float]:
    """X'W r, (p,), and 1'W r (0 without a constant)."""
    wr = r if rows.weight is None else r * rows.weight
    return careful.transposed(rows, wr).value, float(careful.total(wr).value[0]) if constant else 0.0


def _reachable(rows: Rows, r: Pair, *, constant: bool) -> Vector:
    """X X'W r, (n,): the part of the residuals that the columns can reach, unaffected by errors of the eigenvectors."""
    g, first = _gradient(rows, r, constant=constant)
    return product(rows, g) + first


def _prediction_digits(
    rows: Rows, r: Pair, b: Pair, first: tuple[float, float], values: Vector, *, constant: bool
) -> float:
    """Digits of the predictions where rows depend on each other. values : eigenvalues above the noise, rising."""
    g, one = _gradient(rows, r, constant=constant)
    w = np.ones(rows.rows) if rows.weight is None else rows.weight.hi
    terms = abs(first[0]) + sum(
        (absolute(part) @ np.abs(b.hi[cut]) for part, cut in zip(rows.parts, rows.cuts, strict=True)),
        np.zeros(rows.rows),
    )
    residual, fitted = (float(np.sqrt(w @ v**2)) for v in (r.hi, rows.y.hi - r.hi))
    bounds = Bounds(0.0, float(values[0]), float(values[-1]))
    size = max(fitted, residual / float(np.sqrt(max(rows.rows, 1))))
    rounding = EPS * float(np.sqrt(w @ terms**2))
    return prediction_digits(bounds, float(np.hypot(np.linalg.norm(g), one)), residual, 1.0, rounding, size)


def _absolute_products(rows: Rows, v: Vector) -> Vector:
    """|X|'v, (p,): for bounds of rounding errors."""
    return np.concatenate([absolute(part).T @ v for part in rows.parts])


def _noise(rows: Rows, largest: float) -> float:
    """Error bound of eigenvalues of products of rows: rounding of products and algorithm, with a margin."""
    return 4.0 * (2.0 * float(np.sqrt(_width(rows))) + rows.rows) * EPS * largest


def _width(rows: Rows) -> int:
    """Number of columns, p."""
    return sum(part.shape[1] for part in rows.parts)
