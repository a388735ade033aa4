"""The least squares problem that the methods minimize: with columns as they are, or standardised."""

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
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.iterative.quadratic import Quadratic, quadratic
from gramian.linalg.moments import Moments
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import solve
from gramian.linalg.subspace import sandwich
from gramian.typing import Mask, Vector

MAX_COLUMNS = 2000  # an eigenvalue decomposition for more columns takes minutes
ZERO_VARIANCE = 1e-28  # largest variance of a constant column over its mean square, which is in double-double


@dataclass(frozen=True, slots=True)
class Problem:
    """Minimize ||y - Zb||^2 / n over b, for the columns z = (x - mean) / std.

    Attributes
    ----------
    scaled : bool
        Whether columns are standardised.
    quadratic : Quadratic
        A = Z'WZ / sum(w), (q, q), and c = Z'Wy / sum(w), (q,), rounded once.
    square : float
        y'Wy / sum(w).
    constant : int or None
        Position of the column of ones, which is never changed.
    mean, std : ndarray, (q,)
        Zeros and ones for columns as they are.
    """

    scaled: bool
    quadratic: Quadratic
    square: float
    constant: int | None
    mean: Vector
    std: Vector

    @property
    def width(self) -> int:
        """Number of coefficients, q."""
        return len(self.mean)

    @property
    def rank(self) -> int:
        """Number of nonzero eigenvalues of A."""
        return len(self.quadratic.values)

    def direct(self) -> Vector:
        """Solution of the normal equations A b = c, of minimum norm where there are several.

        By Cholesky's method after centring and scaling.
        """
        A, c = self.quadratic.A, self.quadratic.c
        products = np.block([[A, c[:, None]], [c[None, :], np.array([[self.square]])]])
        # The products were rounded once: the error of a single addition, not of a sum.
        solution = solve(pair(products), self.constant, sum_rounding_error(1, self.width, 1))
        return minimum_norm(solution.coefficients, solution.null) if solution.null.size else solution.coefficients


def products_of(moments: Moments, parametrization: Parametrization, width: int) -> Pair:
    """Mean products of the q model columns and the outcome (last), (q + 1, q + 1), in double-double.

    Parameters
    ----------
    moments : Moments
        Sums of products of stored columns.
    parametrization : Parametrization
        Model columns in terms of stored ones.
    width : int
        Number of model columns, q.

    Raises
    ------
    OptionError
        Where there are no columns, or more than `MAX_COLUMNS`.
    """
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
    """The outcome in its own units: the summed one, scaled back, plus its shift, a combination of model columns."""
    outcome = {width: Fraction(parametrization.scale)}
    for j, weight in parametrization.response_shift.items():
        for i, c in combinations[j].items():
            outcome[i] = outcome.get(i, Fraction(0)) + weight * c
    return {i: c for i, c in outcome.items() if c}


def raw(solved: Solved, products: Pair) -> Problem:
    """The problem with columns as they are, the column of ones included."""
    P, q = products.value, len(solved.names)
    # A is X'WX / sum(w), so its inverse is that of X'WX times sum(w).
    inverse = solved.inverse * solved.weight if solved.rank == q else None
    problem = quadratic(P[:q, :q], P[:q, q], solved.coefficients, solved.rank, inverse)
    return Problem(False, problem, float(P[q, q]), solved.parametrization.constant, np.zeros(q), np.ones(q))


def scaled(solved: Solved, products: Pair) -> Problem:
    """The problem with columns of mean 0 and standard deviation 1, next to the column of ones.

    Without that column, columns are not centred, for the model could not represent the means; they have mean square 1.
    """
    q, constant = len(solved.names), solved.parametrization.constant
    mean, std = _moments(products, constant)
    m, square = mean.value[:q], float(products.value[q, q])
    # In double-double: of columns far from zero the difference has few digits in float64.
    centred = (products - _outer(mean)).value
    A = centred[:q, :q] / std / std[:, None]
    c = centred[:q, q] / std
    flat = _constant_columns(products, mean)[:q]
    # Constant columns are zero after centring, exactly; what rounding leaves of them is not divided by a tiny std.
    A[flat], A[:, flat], c[flat] = 0.0, 0.0, 0.0
    np.fill_diagonal(A, np.where(flat, 0.0, 1.0))
    solution = solved.coefficients * std
    inverse = solved.inverse * solved.weight * std * std[:, None] if solved.rank == q else None
    if constant is not None:
        # Next to centred columns the intercept is the mean of the outcome.
        A[constant, constant], c[constant], solution[constant] = 1.0, mean.value[q], mean.value[q]
        m = np.where(np.arange(q) == constant, 0.0, m)
        if inverse is not None:
            inverse[constant], inverse[:, constant] = 0.0, 0.0
            inverse[constant, constant] = 1.0
    return Problem(True, quadratic(A, c, solution, solved.rank, inverse), square, constant, m, std)


def _moments(products: Pair, constant: int | None) -> tuple[Pair, Vector]:
    """Means of columns and outcome, (q + 1,), zeros without a constant, and standard deviations of columns, (q,)."""
    mean = pair(np.zeros(len(products.hi)))
    if constant is not None:
        mean = Pair(products.hi[constant], products.lo[constant])
    variance = (products - _outer(mean)).value.diagonal()
    std = np.sqrt(np.where(_constant_columns(products, mean), 1.0, variance))
    return mean, std[:-1]


def _constant_columns(products: Pair, mean: Pair) -> Mask:
    """Mask of columns that do not vary, (q + 1,)."""
    return np.asarray((products - _outer(mean)).value.diagonal() <= ZERO_VARIANCE * products.value.diagonal())


def _outer(mean: Pair) -> Pair:
    """mean mean', in double-double."""
    return Pair(mean.hi[:, None], mean.lo[:, None]) * Pair(mean.hi[None, :], mean.lo[None, :])
