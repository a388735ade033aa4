"""Solved: the numbers of a linear fit, as its results, predictions and files use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

import numpy as np

from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.accuracy import Accuracy
from gramian.formula.coding import Levels
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.inference.covariance import ClusterPairs
from gramian.inference.vcov_spec import VcovSpec
from gramian.linalg import maps
from gramian.linalg.doubledouble import Pair, pair
from gramian.linalg.solve import Solution
from gramian.typing import Mask, Matrix, Name, NotNegative, Size, Vector


@dataclass(frozen=True, slots=True)
class RobustCovariance:
    """A robust covariance of the coefficients.

    Attributes
    ----------
    vcov : VcovSpec
        The estimator.
    solved_covariance : ndarray of shape (p, p)
        Covariance in the columns that were solved for, in units of the outcome.
    covariance : ndarray of shape (p, p)
        Covariance in the model's columns, NaN where not identified.
    factor : float
        Small-sample factor, that of the first column of clusters where there are several.
    df : float
        Degrees of freedom of t tests, infinite for z tests.
    groups : tuple of int
        Number of clusters of each column of clusters.
    negative : int
        Number of negative eigenvalues that were raised.
    std_error_digits : ndarray of shape (p,) or None
        Certified digits of the standard errors, NaN where not identified; None where they are not certified.
    solved_root : ndarray of shape (p, p) or None
        F with FF' the covariance in the columns that were solved for, where it was computed so.
    coefficient_df : ndarray of shape (p,) or None
        Degrees of freedom of each coefficient, NaN where not identified; None where they are the same.
    joint : ClusterPairs or None
        What the degrees of freedom of joint tests follow from; None where these are `df`.
    """

    vcov: VcovSpec
    solved_covariance: Matrix
    covariance: Matrix
    factor: float
    df: float
    groups: tuple[Annotated[int, range(2, 2**63)], ...] = ()
    negative: Size = 0
    std_error_digits: Vector | None = None
    solved_root: Matrix | None = None
    coefficient_df: Vector | None = None
    joint: ClusterPairs | None = None


@dataclass(frozen=True, slots=True)
class Solved:
    """A linear fit with p columns.

    Attributes
    ----------
    formula : str
        The formula as it was given.
    design : Design
        Terms, levels, and the shift and scale of every variable.
    levels : Levels
        Levels of the factors, and combinations of levels that have rows.
    parametrization : Parametrization
        Maps between the columns that were solved for and the model's columns.
    solution : Solution
        Solution in the columns that were solved for.
    names : tuple of str
        Names of the model's columns.
    terms : tuple of int
        Position of the term of each column.
    coefficients : ndarray of shape (p,)
        In units of the outcome, NaN where aliased (unless the solution is that of minimum norm).
    inverse : ndarray of shape (p, p)
        (X'WX)^-1 in the model's columns, NaN where not identified.
    identified : ndarray of bool, shape (p,)
        Whether the data determine the coefficient.
    aliased : mapping of str to str
        Name of a dependent column -> the combination of others that it equals.
    empty_cells : mapping of str to int
        Interaction -> number of combinations of levels without rows.
    intercept : bool
        Whether the columns span a constant.
    rows : int
        Rows that entered; with frequency weights their sum.
    weight, log_weight : float
        Sums of the weights and of their logarithms.
    rss, tss : float
        Residual and total sum of squares; the total is about the mean if there is an intercept.
    mean : float
        Weighted mean of the outcome.
    rank : int
        Number of independent columns.
    leverage : float
        Trace of the hat matrix: the rank (less under a penalty) plus the rank of absorbed factors.
    condition : float
        Estimated condition number of the scaled columns.
    passes : int
        Passes over the rows.
    dropped_rows : DroppedRows
        Rows that did not enter, by cause and by column.
    alpha : float or None
        Ridge penalty.
    accuracy : Accuracy or None
        Certified digits; None for a fit that was saved without them.
    robust : RobustCovariance or None
        The robust covariance in force; None for iid errors.
    absorbed : Absorbed or None
        Estimates of absorbed factors; None without any.
    inverse_roots : ndarray of shape (p,) or None
        Square roots of the diagonal of the inverse, finite even where that overflows.
    first_moments : ndarray of shape (q,) or None
        Weighted sums of the stored columns, of which averages of predictions are made without the rows, in the order of
        `linalg.moments.first_moments`; None for exact sums, for a generalized linear fit, and for a fit that was saved
        without them.
    """

    formula: str
    design: Design
    levels: Levels
    parametrization: Parametrization
    solution: Solution
    names: tuple[Name, ...]
    terms: tuple[int, ...]
    coefficients: Vector
    inverse: Matrix
    identified: Mask
    aliased: Mapping[str, str]
    empty_cells: Mapping[str, int]
    intercept: bool
    rows: int
    weight: float
    log_weight: float
    rss: float
    tss: float
    mean: float
    rank: int
    leverage: float
    condition: float
    passes: Size
    dropped_rows: DroppedRows
    alpha: NotNegative | None = None
    accuracy: Accuracy | None = None
    robust: RobustCovariance | None = None

    @property
    def effective(self) -> float:
        """Effective number of columns: the rank plus that of absorbed factors, or the leverage under a penalty."""
        if self.alpha is not None:
            return self.leverage
        return self.rank + (self.absorbed.rank if self.absorbed else 0)

    absorbed: Absorbed | None = None
    inverse_roots: Vector | None = None
    first_moments: Vector | None = None


def stored_coefficients(
    parametrization: Parametrization, solution: Solution, coefficients: Vector, aliased: Mapping[str, str]
) -> Vector:
    """Coefficients (q - 1,) of the stored columns but the response, in units of the outcome.

    coefficients : (p,) of the model's columns. aliased : name -> combination, of the columns with coefficient zero. If
    there are any, the model's coefficients are mapped back, for the solved ones are those of another solution.
    """
    b = solution.coefficients
    if aliased:
        model = np.nan_to_num(coefficients)
        for i, c in parametrization.response_shift.items():
            model[i] -= float(c)
        b = (
            model if parametrization.to_solved is None else maps.apply(parametrization.to_solved, model)
        ) / parametrization.scale
    if parametrization.subspace is not None:
        return maps.apply(parametrization.subspace[:-1], b, sum(len(g.positions) for g in parametrization.groups) - 1)
    return b * parametrization.scale


def precise_coefficients(solved: Solved) -> Pair:
    """As `stored_coefficients`, in double-double: with the low parts that a refined or an exact solution has."""
    parametrization, solution = solved.parametrization, solved.solution
    b = Pair(solution.coefficients, np.zeros(len(solution.coefficients)) if solution.low is None else solution.low)
    if solved.aliased:
        low = np.zeros(len(b.hi)) if solved.accuracy is None or solution.low is None else solved.accuracy.low
        model = Pair(np.nan_to_num(solved.coefficients), np.nan_to_num(low))
        shift = parametrization.response_shift
        model = model - maps.pairs_of([shift.get(j, Fraction(0)) for j in range(len(b.hi))])
        solved_b = maps.pairs_of(maps.apply_exactly(parametrization.to_solved or _identity(len(b.hi)), model))
        b = Pair(solved_b.hi / parametrization.scale, solved_b.lo / parametrization.scale)
    if parametrization.subspace is not None:
        width = sum(len(g.positions) for g in parametrization.groups) - 1
        return maps.pairs_of(maps.apply_exactly(parametrization.subspace[:-1], b, width))
    return Pair(b.hi * parametrization.scale, b.lo * parametrization.scale)


def stored_combinations(parametrization: Parametrization, W: Matrix) -> Matrix:
    """Combinations W (p, m) of the solved columns as combinations (q - 1, m) of stored ones, each rounded once."""
    if parametrization.subspace is None:
        return W
    width = sum(len(g.positions) for g in parametrization.groups) - 1
    total = Pair(np.zeros((width, W.shape[1])), np.zeros((width, W.shape[1])))
    for column, row in zip(parametrization.subspace[:-1], W, strict=True):
        at, hi, lo = maps.sparse(column)
        part = Pair(total.hi[at], total.lo[at]) + Pair(hi[:, None], lo[:, None]) * pair(row[None, :])
        total.hi[at], total.lo[at] = part.hi, part.lo
    return total.value


def _identity(width: int) -> list[dict[int, Fraction]]:
    """The identity as an exact map."""
    return [{j: Fraction(1)} for j in range(width)]
