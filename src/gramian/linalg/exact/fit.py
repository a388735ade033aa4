"""Exact linear fit: the numbers of a model from exact products of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np

from gramian.linalg.aliasing import explain
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.exact.products import ExactGram
from gramian.linalg.exact.solve import ExactSolution, exact_solve
from gramian.linalg.exact.to_float64 import nearest, square_root
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True, eq=False)
class ExactFit:
    """An exact linear fit, in the columns of the model.

    names, coefficients, low : (p,), each rounded once, and what the rounding left; NaN where aliased. digits : (p,)
    proved decimal digits, 16 for a correct rounding. inverse : (p, p) of the products, NaN where aliased. aliased :
    name -> what it equals. rss, tss, r_squared, mean : rounded once, tss about the mean when there is an intercept.
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
        """Square roots of rss / (rows - rank) times the diagonal of the inverse; infinite without a row to spare."""
        df_residual = self.rows - self.rank
        if df_residual <= 0:
            return np.where(self.solution.identified, np.inf, np.nan)
        errors = [square_root(self.solution.rss / df_residual * v) for v in self.solution.diagonal]
        return np.where(self.solution.identified, errors, np.nan)


def exact_fit(gram: ExactGram, constant: int | None, names: tuple[str, ...], moments: ExactMoments) -> ExactFit:
    """Solve for the columns of `gram` (the response last), which are called `names`."""
    solution = exact_solve(gram, constant)
    identified = solution.identified
    hi, lo = (np.where(identified, v, np.nan) for v in solution.rounded)
    norms = np.array([square_root(gram.fraction(i, i)) for i in range(len(names))])
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
