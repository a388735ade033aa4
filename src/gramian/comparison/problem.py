"""The least squares problem as an iterative method meets it: raw columns, or standardised ones."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gramian.errors import OptionError
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.leastsquares.system import solved_products
from gramian.formula.coordinates import Combination, Parametrization
from gramian.linalg import maps
from gramian.linalg.aliasing import minimum_norm
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.iterative.quadratic import Quadratic, quadratic
from gramian.linalg.moments import Moments
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import solve, sum_rounding_error
from gramian.linalg.subspace import sandwich
from gramian.typing import Mask, Vector

MAX_COLUMNS = 2000  # columns: an eigenvalue decomposition of more takes minutes
ZERO_VARIANCE = 1e-28  # variance relative to the square, in double-double: a column that does not vary


@dataclass(frozen=True, slots=True)
class Problem:
    """Minimise ||y - Zb||^2 / n over b, for the columns z = (x - mean) / spread.

    quadratic : A = Z'WZ / sum(w) and c = Z'Wy / sum(w), rounded once. square : y'Wy / sum(w). constant : position of
    the column of ones, which stays as it is, or None. mean, spread : (q,), 0 and 1 for columns as they are.
    """

    scaled: bool
    quadratic: Quadratic
    square: float
    constant: int | None
    mean: Vector
    std: Vector

    @property
    def width(self) -> int:
        """Coefficients."""
        return len(self.mean)

    @property
    def rank(self) -> int:
        """Eigenvalues that are not zero."""
        return len(self.quadratic.values)

    def direct(self) -> Vector:
        """The normal equation, solved: Cholesky after centring and scaling; the shortest of several solutions."""
        A, c = self.quadratic.A, self.quadratic.c
        products = np.block([[A, c[:, None]], [c[None, :], np.array([[self.square]])]])
        solution = solve(pair(products), self.constant, sum_rounding_error(1, self.width, 1))
        return minimum_norm(solution.coefficients, solution.null) if solution.null.size else solution.coefficients


def products_of(moments: Moments, parametrization: Parametrization, width: int) -> Pair:
    """Mean products of the model's own columns and the outcome, last, in double-double."""
    if width > MAX_COLUMNS:
        raise OptionError(f"{width:,} columns are too many to compare methods on; take at most {MAX_COLUMNS:,}")
    if not width:
        raise OptionError("the formula has no coefficients, so there is nothing to compare")
    if parametrization.subspace is not None:
        products = solved_products(moments, parametrization)
    else:
        combinations = parametrization.to_solved or [{j: Fraction(1)} for j in range(width)]
        columns = [*combinations, _outcome(combinations, parametrization, width)]
        products = sandwich([maps.sparse(c) for c in columns], gram_matrix(moments, parametrization.groups))
    return products / pair(np.full_like(products.hi, moments.weight))


def _outcome(combinations: list[Combination], parametrization: Parametrization, width: int) -> Combination:
    """The outcome in its own units: what was summed, scaled back, and its shift, made of model columns."""
    outcome = {width: Fraction(parametrization.scale)}
    for j, weight in parametrization.response_shift.items():
        for i, c in combinations[j].items():
            outcome[i] = outcome.get(i, Fraction(0)) + weight * c
    return {i: c for i, c in outcome.items() if c}


def raw(solved: Solved, products: Pair) -> Problem:
    """The model's own columns, the column of ones among them."""
    P, q = products.value, len(solved.names)
    inverse = solved.inverse * solved.weight if solved.rank == q else None
    problem = quadratic(P[:q, :q], P[:q, q], solved.coefficients, solved.rank, inverse)
    return Problem(False, problem, float(P[q, q]), solved.parametrization.constant, np.zeros(q), np.ones(q))


def scaled(solved: Solved, products: Pair) -> Problem:
    """Columns with mean 0 and standard deviation 1 beside the column of ones.

    Without that column they are not centred, for nothing could take the means up, and have mean square 1.
    """
    q, constant = len(solved.names), solved.parametrization.constant
    mean, std = _moments(products, constant)
    m, square = mean.value[:q], float(products.value[q, q])
    centred = (products - _outer(mean)).value
    A = centred[:q, :q] / std / std[:, None]
    c = centred[:q, q] / std
    flat = _constant_columns(products, mean)[:q]
    A[flat], A[:, flat], c[flat] = 0.0, 0.0, 0.0
    np.fill_diagonal(A, np.where(flat, 0.0, 1.0))
    solution = solved.coefficients * std
    inverse = solved.inverse * solved.weight * std * std[:, None] if solved.rank == q else None
    if constant is not None:
        A[constant, constant], c[constant], solution[constant] = 1.0, mean.value[q], mean.value[q]
        m = np.where(np.arange(q) == constant, 0.0, m)
        if inverse is not None:
            inverse[constant], inverse[:, constant] = 0.0, 0.0
            inverse[constant, constant] = 1.0
    return Problem(True, quadratic(A, c, solution, solved.rank, inverse), square, constant, m, std)


def _moments(products: Pair, constant: int | None) -> tuple[Pair, Vector]:
    """Means of all columns and of the outcome (zero without a constant), and the columns' standard deviations."""
    mean = pair(np.zeros(len(products.hi)))
    if constant is not None:
        mean = Pair(products.hi[constant], products.lo[constant])
    variance = (products - _outer(mean)).value.diagonal()
    std = np.sqrt(np.where(_constant_columns(products, mean), 1.0, variance))
    return mean, std[:-1]


def _constant_columns(products: Pair, mean: Pair) -> Mask:
    """Columns that do not vary, the column of ones among them."""
    return np.asarray((products - _outer(mean)).value.diagonal() <= ZERO_VARIANCE * products.value.diagonal())


def _outer(mean: Pair) -> Pair:
    return Pair(mean.hi[:, None], mean.lo[:, None]) * Pair(mean.hi[None, :], mean.lo[None, :])
