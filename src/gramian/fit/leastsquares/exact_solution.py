"""The solution of exact normal equations in the columns that a float64 fit would solve for.

Predictions, robust covariances and tests of terms are computed in these columns, which are shifted and scaled: numbers
are small there, and what is computed keeps its digits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gramian.fit.leastsquares.exact_system import ExactSystem
from gramian.linalg import maps
from gramian.linalg.aliasing import dependent_columns
from gramian.linalg.certificate import EPS, Bounds
from gramian.linalg.doubledouble import Pair
from gramian.linalg.exact.fit import ExactFit
from gramian.linalg.exact.near_collinear import subset
from gramian.linalg.exact.products import ExactGram, pairs
from gramian.linalg.exact.solve import LONGEST, exact_solve
from gramian.linalg.exact.to_float64 import nearest, square_root
from gramian.linalg.orthonormal import inverse_root
from gramian.linalg.solve import Solution, solve
from gramian.typing import Codes, Matrix, Vector

WEIGHT_ROUNDING = 4.0 * EPS  # relative error of a weight: rows are multiplied by its rounded square root
MAX_ROOT_COLUMNS = 128  # up to which the root of the inverse is computed: columns^3 in double-double, half a second


def solve_exactly(
    system: ExactSystem, used: Codes, fit: ExactFit, products_of_fit: ExactGram, null: Matrix, longest: float = LONGEST
) -> Solution:
    """The fit in the columns that a float64 fit would solve for, every number of it rounded once.

    used : positions of the columns of `fit` among the model's. products_of_fit : those that `fit` is of. null : (p, r)
    null vectors of the model's columns. longest : as of `exact_solve`.
    """
    p, constant, to_solved = len(system.names), system.parametrization.constant, system.parametrization.to_solved
    columns, full_gram = used[fit.solution.identified], system.solved_gram()
    if to_solved is not None and null.shape[1]:  # which columns are dependent differs between the two bases
        null = maps.multiply(maps.map_of(to_solved), null)
        norms = np.array([square_root(full_gram.fraction(i, i)) for i in range(p)])
        columns = np.setdiff1d(np.arange(p), dependent_columns(null, norms)[0])
    gram = subset(full_gram, np.append(columns, p))
    position = None if constant is None or constant not in columns else int(np.flatnonzero(columns == constant)[0])
    # products of a float64 solution would lose twice the digits of the condition number
    # where no column is shifted, these are the products that were solved before
    exact = fit.solution if gram.equals(products_of_fit) else exact_solve(gram, position, longest)
    hi, lo = exact.rounded
    products = pairs(gram)
    columns_products = Pair(products.hi[:-1, :-1], products.lo[:-1, :-1])
    root = inverse_root(columns_products) if len(columns) <= MAX_ROOT_COLUMNS else None
    float_solution = solve(products, position, (len(columns) + 10) * EPS)
    independent = np.zeros(p, bool)
    independent[columns] = True
    return Solution(
        _padded(hi, columns, p),
        _padded_square(exact.inverse, columns, p),
        independent,
        null,
        nearest(fit.solution.rss) / system.parametrization.scale / system.parametrization.scale,
        float_solution.condition,
        float(len(columns)),
        _bounds(float_solution, columns, p),
        _padded(lo, columns, p),
        None if root is None else _padded_square(root.W, columns, p),
    )


def _bounds(float_solution: Solution, columns: Codes, p: int) -> Bounds | None:
    """Bounds of the errors that remain where the products are exact: those of the rounding of weights."""
    bounds = float_solution.bounds
    if bounds is None:
        return None
    return replace(
        bounds,
        rounding_error=WEIGHT_ROUNDING,
        rho=0.0,
        refined_error=0.0,
        sensitivity=_padded(bounds.sensitivity, columns, p),
        summed_norms=_padded(bounds.summed_norms, columns, p),
        centred_norms=_padded(bounds.centred_norms, columns, p),
    )


def _padded(values: Vector, columns: Codes, p: int) -> Vector:
    """Values at these positions of a vector (p,), zero elsewhere."""
    padded = np.zeros(p)
    padded[columns] = values
    return padded


def _padded_square(values: Matrix, columns: Codes, p: int) -> Matrix:
    """Values at these positions of a matrix (p, p), zero elsewhere."""
    padded = np.zeros((p, p))
    padded[np.ix_(columns, columns)] = values
    return padded
