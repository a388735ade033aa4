"""Penalised problems in the model's columns, built from moments.

Products are centred in the solved columns, where numbers are small, and then mapped exactly to the model's columns,
whose coefficients the penalty applies to.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from gramian.errors import NumericalError, OptionError
from gramian.fit.leastsquares.outcome import check_lengths
from gramian.fit.leastsquares.system import products_in, squares_in
from gramian.fit.penalized.options import PathOptions, penalised_columns
from gramian.formula.coding import Levels, ModelColumn, highest_degree, levels_of
from gramian.formula.coordinates import Parametrization, parametrize
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.certificate import sum_rounding_error
from gramian.linalg.doubledouble import Pair, from_fraction, pair, total
from gramian.linalg.moments import Moments
from gramian.linalg.penalized.system import Penalty, System
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import centre
from gramian.linalg.subspace import Sparse, sandwich
from gramian.typing import Matrix, Vector


@dataclass(frozen=True, slots=True)
class SlopeBasis:
    """The columns of the slopes as combinations of the solved columns.

    Attributes
    ----------
    columns : tuple of Sparse
        (q,) combinations in double-double.
    scale : ndarray or None
        (q,) factors, where each column is a multiple of one solved column; else None.
    """

    columns: tuple[Sparse, ...]
    scale: Vector | None

    def products(self, C: Matrix) -> Matrix:
        """Products (q + 1, q + 1) of the slopes' columns, the outcome last. C : products of the solved columns."""
        if self.scale is not None:
            scale = np.append(self.scale, 1.0)
            return np.asarray(C * scale[:, None] * scale)
        outcome: Sparse = np.array([len(C) - 1]), np.ones(1), np.zeros(1)
        return sandwich([*self.columns, outcome], C).value

    def combine(self, values: Vector) -> Vector:
        """Sums over rows, (q,), of the slopes' columns from those of the solved columns."""
        if self.scale is not None:
            return values * self.scale
        return np.array([hi @ values[at] for at, hi, _ in self.columns], np.float64)

    def bound(self, lengths: Vector) -> Vector:
        """Upper bounds (q,) of the norms of the slopes' columns from norms of the solved columns."""
        if self.scale is not None:
            return lengths * np.abs(self.scale)
        return np.array([np.abs(hi) @ lengths[at] for at, hi, _ in self.columns], np.float64)


@dataclass(frozen=True, slots=True)
class PenalizedProblem:
    """Columns and penalties of a problem, and how to read its sums from moments.

    Attributes
    ----------
    design : Design
        Design with its coordinates.
    levels : Levels
        Levels and cells of factors.
    columns : tuple of ModelColumn
        The p model columns.
    slopes : tuple of int
        (q,) positions of the columns with a slope, all but the constant.
    parametrization : Parametrization
        Basis of the sums.
    penalty : Penalty
        Factors of the penalty, and its L1 share.
    basis : SlopeBasis or None
        Slopes' columns in the solved columns; None where both are the same.
    constants : tuple of Fraction
        (q,) multiple of the constant that each slope's column holds besides.
    shift : Fraction
        Shift of the outcome, which the intercept takes up.
    """

    design: Design
    levels: Levels
    columns: tuple[ModelColumn, ...]
    slopes: tuple[int, ...]
    parametrization: Parametrization
    penalty: Penalty
    basis: SlopeBasis | None
    constants: tuple[Fraction, ...]
    shift: Fraction

    @property
    def degree(self) -> int:
        """Number of factors of the highest monomial, which bounds the rounding error of its entries."""
        return highest_degree(self.columns)


@dataclass(frozen=True, slots=True)
class Sums:
    """Products of the solved columns and the outcome, which is last; they add.

    Attributes
    ----------
    products : Pair
        (p + 1, p + 1) in double-double.
    squares : ndarray
        (p + 1,) sums of squares as they were summed, shift included, for error bounds.
    rows : int
        Rows that entered.
    weight : float
        Sum of weights.
    stated_error : float
        As of `Moments`.
    """

    products: Pair
    squares: Vector
    rows: int
    weight: float
    stated_error: float = 0.0

    def __add__(self, other: Sums, /) -> Sums:
        """The sums of both sets of rows."""
        return Sums(
            self.products + other.products,
            self.squares + other.squares,
            self.rows + other.rows,
            self.weight + other.weight,
            max(self.stated_error, other.stated_error),
        )


def penalized_problem(design: Design, moments: Moments, options: PathOptions) -> PenalizedProblem:
    """The problem that options state for a design, with the levels of some moments.

    Raises
    ------
    NumericalError
        Where there are no rows.
    OptionError
        For penalties of terms that are not in the formula, and for absorbed factors.
    """
    if not moments.rows:
        raise NumericalError(f"no rows are left to fit '{design.formula}'")
    if design.terms.absorbed:
        name = design.terms.absorbed[0]
        raise OptionError(
            f"a path cannot absorb '{name}': write it as a term, unpenalised by penalties={{'{name}': 0.0}}"
        )
    levels = levels_of(moments, design.terms)
    columns, factors = penalised_columns(design, levels, moments, options)
    (response,) = design.outcome
    # as written: the penalty applies to these coefficients, so the columns may not be exchanged for others of equal
    # span
    parametrization = parametrize(columns, levels, response, design.coordinates, as_written=True)
    slopes = tuple(j for j in range(len(columns)) if j != parametrization.constant)
    basis, constants = _basis(parametrization, slopes)
    penalty = Penalty(factors[list(slopes)], options.standardize, options.l1_ratio)
    # as a fraction and added to the intercept at the end: in float64 a large shift would cost its digits
    shift = sum(parametrization.response_shift.values(), Fraction(0))
    return PenalizedProblem(design, levels, columns, slopes, parametrization, penalty, basis, constants, shift)


def _basis(parametrization: Parametrization, slopes: tuple[int, ...]) -> tuple[SlopeBasis | None, tuple[Fraction, ...]]:
    """The basis of the slopes' columns, None where these are the solved columns, and their constants."""
    if parametrization.to_solved is None:
        return None, (Fraction(0),) * len(slopes)
    position = {j: i for i, j in enumerate(slopes)}
    combinations = [{position[i]: c for i, c in parametrization.to_solved[j].items() if i in position} for j in slopes]
    # a column that is a multiple of one solved column, as all are without products of shifted columns, needs no matrix
    # product
    diagonal = all(column.keys() == {j} for j, column in enumerate(combinations))
    scale = np.array([float(column[j]) for j, column in enumerate(combinations)]) if diagonal else None
    constants = (
        parametrization.to_solved[j].get(
            -1 if parametrization.constant is None else parametrization.constant, Fraction(0)
        )
        for j in slopes
    )
    return SlopeBasis(tuple(map(maps.sparse, combinations)), scale), tuple(constants)


def sums_of(problem: PenalizedProblem, moments: Moments) -> Sums:
    """The products that a problem needs, from moments whose levels may be fewer, such as those of a fold."""
    # a fold may lack levels: they get cells without rows, so that the columns of all folds are the same
    moments = moments.with_levels(problem.levels.names)
    stored = gram_matrix(moments, problem.parametrization.groups)
    products, squares = products_in(stored, problem.parametrization), squares_in(stored, problem.parametrization)
    return Sums(products, squares, moments.rows, moments.weight, moments.stated_error)


@np.errstate(over="ignore", invalid="ignore")  # lengths are checked before anything is returned
def centred_system(problem: PenalizedProblem, sums: Sums) -> System:
    """Products about the means in the model's columns: centred in the solved columns, then mapped exactly."""
    parametrization, p = problem.parametrization, len(problem.columns)
    centred = centre(sums.products, parametrization.constant, sums.squares)
    # `centre` scales columns to about unit length: undo that before they are combined
    scale = np.append(centred.scale, centred.y_scale)
    C = centred.products / scale[:, None] / scale
    length, mean = np.sqrt(sums.squares[list(problem.slopes)]), centred.mean
    if problem.basis is not None:
        C, length, mean = problem.basis.products(C), problem.basis.bound(length), problem.basis.combine(mean)
    q, y = len(C) - 1, parametrization.scale
    names = [*(problem.columns[j].name for j in problem.slopes), *problem.design.outcome]
    check_lengths(np.append(length, np.sqrt(sums.squares[-1]) * y), names)
    # blocks are summed one by one: a sum has the rounding of one block plus that of adding the blocks
    own = sum_rounding_error(sums.rows, p, ROWS_PER_BLOCK + sums.rows // ROWS_PER_BLOCK, problem.degree)
    rounding_error = max(own, sums.stated_error)
    return System(
        C[:q, :q], C[:q, q] * y, float(C[q, q]) * y * y, sums.weight, length,
        float(sums.squares[-1]) ** 0.5 * y, rounding_error, mean, centred.y_mean * y,
        parametrization.constant is not None,
    )  # fmt: skip


def intercepts(problem: PenalizedProblem, system: System, B: Matrix) -> Vector:
    """The intercepts (n,) that go with slopes B, (n, q); in double-double, since means may be far from zero."""
    if not system.intercept:
        return np.zeros(len(B))
    # the exact mean of a model column is the mean of the solved one plus a fraction that the shift brought in
    high, low = np.array([from_fraction(c) for c in problem.constants]).reshape(-1, 2).T
    mean = Pair(high, low) + pair(system.mean)
    terms = Pair(mean.hi[:, None], mean.lo[:, None]) * pair(-np.ascontiguousarray(B.T))
    # the outcome's mean and its shift, added in double-double: their sum may round away what the slopes leave
    outcome = pair(np.full(len(B), system.y_mean)) + pair(np.full(len(B), float(problem.shift)))
    return (total(terms) + outcome).value
