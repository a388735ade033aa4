"""Exact linear fit: coefficients and sums of squares from exact products, each rounded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np

from gramian.linalg.aliasing import explain
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.solve import LONGEST, ExactSolution, exact_solve
from gramian.linalg.exact.to_float64 import nearest, square_root
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class ExactFit:
    """An exact linear fit, in the columns of the model.

    Attributes
    ----------
    names : (p,)
        Names of the columns.
    coefficients, low : (p,)
        Coefficients rounded to float64, and their rounding errors; NaN where aliased.
    digits : (p,)
        Proved decimal digits, 16 for a correct rounding.
    inverse : (p, p)
        Inverse of the products, NaN where aliased.
    aliased : mapping
        Name -> its combination of other columns.
    rank : int
        Columns that are not aliased.
    rows : int
        Number of rows.
    weight : float
        Sum of weights.
    rss : float
        Residual sum of squares.
    tss : float
        Total sum of squares, about the mean when there is an intercept.
    r_squared : float
        1 - rss / tss.
    mean : float
        Weighted mean of the response.
    solution : ExactSolution
        Unrounded results.
    """

    names: tuple[str, ...]
    coefficients: Vector
    low: Vector
    digits: Vector
    inverse: Matrix
    aliased: Mapping[str, str]
    rank: int
    rows: int
    weight: float
    rss: float
    tss: float
    r_squared: float
    mean: float
    solution: ExactSolution

    @property
    def std_errors(self) -> Vector:
        """Square roots of rss / (rows - rank) times the diagonal of the inverse, (p,); infinite without residual df."""
        df_residual = self.rows - self.rank
        if df_residual <= 0:
            return np.where(self.solution.identified, np.inf, np.nan)
        errors = [square_root(self.solution.rss / df_residual * v) for v in self.solution.diagonal]
        return np.where(self.solution.identified, errors, np.nan)


def exact_fit(
    gram: ExactGram,
    constant: int | None,
    names: tuple[str, ...],
    moments: ExactMoments,
    longest: float = LONGEST,
) -> ExactFit:
    """Solve the normal equations of exact products.

    Parameters
    ----------
    gram : ExactGram
        Products of the p columns and the response, which is last.
    constant : int or None
        Position of the constant column.
    names : tuple of p str
        Names of the columns.
    moments : ExactMoments
        For the rows, the weight and the sums of the response.
    longest : float
        As of `exact_solve`.
    """
    solution = exact_solve(gram, constant, longest)
    identified = solution.identified
    hi, lo = (np.where(identified, v, np.nan) for v in solution.rounded)
    norms = np.array([square_root(gram.fraction(i, i)) for i in range(len(names))])
    # For the printed explanation only; the null vectors themselves stay exact.
    null = solution.null.astype(np.float64)
    aliased = {names[j]: explain(null[:, r], norms, names, int(j)) for r, j in enumerate(np.flatnonzero(~identified))}
    inverse = np.where(np.logical_and.outer(identified, identified), solution.inverse, np.nan)
    weight, first, second = moments.weight, moments.outcome(0), moments.outcome(1)
    total = second if constant is None else second - first * first / weight
    return ExactFit(
        names, hi, lo, solution.digits, inverse, aliased, int(identified.sum()), moments.rows, nearest(weight),
        nearest(solution.rss), nearest(total), nearest(1 - solution.rss / total) if total else nan,
        nearest(first / weight), solution,
    )  # fmt: skip
