"""Certified digits of a linear fit, from bounds of all rounding errors.

Errors of the solved columns (`linalg.certificate`) are carried to the model's columns by absolute values of the linear
map between them, |T| e; what aliased columns and columns made of power sums add is included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from gramian.fit.leastsquares.model_columns import ModelColumns
from gramian.fit.leastsquares.polynomial_errors import (
    polynomial_error,
    power_error,
    power_sum_variables,
    relative_length,
)
from gramian.fit.leastsquares.rounded_times import RoundedTimes
from gramian.formula.coding import ModelColumn
from gramian.formula.coordinates import Parametrization
from gramian.formula.terms import Terms
from gramian.linalg import maps
from gramian.linalg.certificate import (
    EPS,
    MAX_DIGITS,
    SUBNORMAL,
    Bounds,
    digits,
    required_std_error_digits,
    scaled_bounds,
)
from gramian.linalg.maps import apply_absolute
from gramian.linalg.solve import Solution
from gramian.typing import Codes, Mask, NotNegative, Vector

SMALLEST, LARGEST = 1e-290, 1e290  # outside, a standard error or one of its factors may leave the range of float64
NEGLIGIBLE = 1e-8  # share of its coefficient below which a standard error need not have the required digits
PRECISIONS = FAST, REFINED, EXACT = "fast", "refined", "exact"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Certified decimal digits of a fit.

    Attributes
    ----------
    precision : str
        "fast" (one pass), "refined" (more passes for the residual) or "exact" (exact sums).
    requested : float
        Digits that every coefficient should have.
    digits : ndarray of shape (p,)
        Digits of the coefficients, relative to the larger of a coefficient and its standard error; NaN where not
        identified. A column of zeros has all digits in the minimum-norm solution, where its coefficient is zero.
    std_error_digits : ndarray of shape (p,)
        Digits of the iid standard errors, NaN where not identified.
    rss_digits : float
        Digits of the residual sum of squares.
    low : ndarray of shape (p,)
        Low parts of the coefficients in double-double: exact value minus its rounding to float64, where known.
    reached : bool
        Whether every coefficient has the requested digits, and every standard error that is not negligible those of
        `required_std_error_digits`.
    doubtful : tuple of str
        Columns treated as dependent that float64 sums cannot distinguish from nearly dependent ones.
    """

    precision: Annotated[str, PRECISIONS]
    requested: NotNegative
    digits: Vector
    std_error_digits: Vector
    rss_digits: NotNegative
    low: Vector
    reached: bool
    doubtful: tuple[str, ...] = ()

    @property
    def fewest_digits(self) -> float:
        """The fewest digits of any coefficient; 0 where it is doubtful which columns are dependent."""
        return 0.0 if self.doubtful else float(np.nanmin(self.digits, initial=16.0))


@dataclass(frozen=True, slots=True)
class ErrorBounds:
    """Bounds of the rounding errors of a solution.

    Attributes
    ----------
    coefficients : ndarray of shape (p,)
        Absolute error bounds of the solved coefficients, in the scale of the solved columns.
    rss : float
        Absolute error bound of the residual sum of squares, in the same scale.
    """

    coefficients: Vector
    rss: float


@dataclass(frozen=True, slots=True)
class BoundedSolution:
    """A solution with bounds of its errors, and how it was reached.

    Attributes
    ----------
    solution : Solution
        Solution in the columns that are solved for.
    errors : ErrorBounds
        Bounds of its rounding errors.
    passes : int
        Number of passes over the rows.
    precision : str
        One of `PRECISIONS`.
    low : ndarray of shape (p,) or None
        Low parts of coefficients in double-double; None for a solution in float64.
    """

    solution: Solution
    errors: ErrorBounds
    passes: int
    precision: str = FAST
    low: Vector | None = None


def one_pass_errors(solution: Solution, gradient: Vector | float = 0.0) -> ErrorBounds:
    """Error bounds of a solution from one pass. gradient : (p,) half the gradient of the ridge penalty, P b."""
    bounds = _bounds(solution)
    b = solution.coefficients
    with np.errstate(all="ignore"):
        return ErrorBounds(scaled_bounds(bounds.sensitivity, bounds.error(b)), bounds.rss(b, gradient))


@np.errstate(all="ignore")  # numbers outside the range of float64 end with no certified digits
def certify(
    bounded: BoundedSolution,
    requested: float,
    parametrization: Parametrization,
    model_columns: ModelColumns,
    column_errors: ColumnErrors,
    df_residual: float,
    times: RoundedTimes | None = None,
) -> Accuracy:
    """Certified digits of a solution in the model's columns.

    Parameters
    ----------
    bounded : BoundedSolution
        The solution in the columns that were solved for, with bounds of its errors.
    requested : float
        Digits that every coefficient should have.
    parametrization : Parametrization
        Maps between solved columns and model columns.
    model_columns : ModelColumns
        The solution in the model's columns.
    column_errors : ColumnErrors
        Errors of columns that are computed from power sums, such as orthogonal polynomials.
    df_residual : float
        Residual degrees of freedom.
    times : RoundedTimes or None
        What the rounding of times to float64 changes.

    Notes
    -----
    A standard error is sqrt(rss / df) sqrt(V_ii); its relative error is half the sum of those of rss and V_ii. Digits
    of a coefficient are relative to max(|b|, s) with s a lower bound of its standard error: an estimate that is zero up
    to noise needs no digits of its own.
    """
    scale, roots = parametrization.scale, model_columns.inverse_roots
    rss = bounded.solution.rss * scale * scale  # in the outcome's units
    rss_error = bounded.errors.rss * scale * scale + (SUBNORMAL if bounded.solution.rss else 0.0)
    quantities = Quantities(
        model_columns.coefficients,
        _model_errors(bounded, parametrization, model_columns, column_errors),
        roots,
        _inverse_errors(bounded.solution, model_columns, column_errors, times),
        np.array([rss]),
        np.array([rss_error]),
        np.array([float(df_residual)]),
    )
    if times is not None:
        more = times.coefficient_errors(roots, quantities.coefficients, quantities.std_errors(1.0))
        quantities = replace(quantities, errors=quantities.errors + more)
    coefficient_digits, std_error_digits, rss_digits, enough = quantities.digits(requested)
    identified, of_empty = model_columns.identified, model_columns.empty & model_columns.minimum_norm
    return Accuracy(
        bounded.precision,
        requested,
        np.where(identified, coefficient_digits, np.where(of_empty, MAX_DIGITS, np.nan)),
        np.where(identified, std_error_digits, np.nan),
        float(rss_digits[0]),
        model_columns.low,
        bool(enough[identified].all()),
    )


def _model_errors(
    bounded: BoundedSolution, parametrization: Parametrization, model_columns: ModelColumns, column_errors: ColumnErrors
) -> Vector:
    """Error bounds (p,) of the model's coefficients, in units of the outcome.

    Those of the map, of the result's rounding to float64 and of the columns themselves add up.
    """
    solution, coefficients = bounded.solution, model_columns.coefficients
    solved_errors = bounded.errors.coefficients * parametrization.scale
    not_zero = apply_absolute(model_columns.map, np.abs(solution.coefficients)) > 0.0
    return np.asarray(
        _coefficient_errors(parametrization, solved_errors, _bounds(solution), model_columns)
        + np.where(model_columns.identified, EPS * np.abs(coefficients), 0.0)
        + np.where(not_zero, SUBNORMAL, 0.0)
        + column_errors.coefficient_errors(coefficients)
    )


def _inverse_errors(
    solution: Solution, model_columns: ModelColumns, column_errors: ColumnErrors, times: RoundedTimes | None
) -> Vector:
    """Relative error bounds (p,) of the diagonal of the inverse; infinite where it is outside the range of float64."""
    roots, bounds = model_columns.inverse_roots, _bounds(solution)
    solved_roots = np.sqrt(np.maximum(solution.inverse.diagonal(), 0.0))
    sensitivity, lengths = (
        _with_aliased(apply_absolute(model_columns.map, values), model_columns)
        for values in (bounds.sensitivity, solved_roots)
    )
    error = (
        bounds.inverse(sensitivity / roots)
        + 4.0 * EPS * (lengths / roots) ** 2
        + 2.0 * column_errors.coefficient_errors(roots) / roots
    )
    if times is not None:
        error = error + 2.0 * times.relative_error(roots)
    # beside aliased columns, roots are those of a diagonal that was formed, and with it lost its digits
    power = 2 if len(model_columns.positions) else 1
    return np.where((roots**power > SMALLEST) & (roots**power < LARGEST), error, np.inf)


@dataclass(frozen=True, slots=True)
class Quantities:
    """What digits are made of, for one fit or, with another axis before, for many.

    Attributes
    ----------
    coefficients, errors : (..., p)
        Coefficients, and bounds of their errors.
    inverse_roots, inverse_errors : (..., p)
        Roots of the diagonal of the inverse, and bounds of the relative errors of their squares.
    rss, rss_error, df_residual : (..., 1)
        Residual sum of squares, a bound of its error, and residual degrees of freedom.
    """

    coefficients: Vector
    errors: Vector
    inverse_roots: Vector
    inverse_errors: Vector
    rss: Vector
    rss_error: Vector
    df_residual: Vector

    def std_errors(self, sign: float) -> Vector:
        """Lower (sign -1) or upper (1) bounds of the standard errors (..., p)."""
        variance = np.maximum(self.rss + sign * self.rss_error, 0.0) / np.maximum(self.df_residual, 1.0)
        roots = np.sqrt(np.maximum(1.0 + sign * self.inverse_errors, 0.0))
        return np.asarray(np.sqrt(variance) * self.inverse_roots * roots)

    def digits(self, requested: float) -> tuple[Vector, Vector, Vector, Mask]:
        """Digits of coefficients, standard errors (..., p), and rss (..., 1); whether both are enough (..., p)."""
        sizes, p = np.abs(self.coefficients), self.coefficients.shape[-1]
        bound = 0.5 * self.inverse_errors + 0.5 * self.rss_error / self.rss + 4.0 * EPS
        size = np.fmax(sizes, np.where(self.df_residual > 0, self.std_errors(-1.0), 0.0))
        # an upper bound, so that no standard error counts as negligible because of its own rounding errors
        negligible = self.std_errors(1.0) <= NEGLIGIBLE * sizes
        # all at once: each is a few numbers
        errors = (self.errors, np.where(np.isnan(bound), np.inf, bound), self.rss_error)
        every = digits(np.concatenate(errors, axis=-1), np.concatenate((size, np.ones(size.shape), self.rss), axis=-1))
        own, std_errors = every[..., :p], every[..., p:-1]
        enough = negligible | (std_errors >= required_std_error_digits(requested)) | (self.df_residual <= 0)
        return own, std_errors, every[..., -1:], (own >= requested) & enough


def _bounds(solution: Solution) -> Bounds:
    """The error bounds of a solution, which every fit has that was not loaded from a file."""
    assert solution.bounds is not None
    return solution.bounds


def _with_aliased(values: Vector, model_columns: ModelColumns) -> Vector:
    """Bounds (p,) in the model's columns, for the solution in which aliased columns have coefficient zero.

    Setting coefficient j to zero adds its value times a null vector to the others, and its error with it.
    """
    if not len(model_columns.positions):
        return values
    return np.asarray(values + np.abs(model_columns.null) @ values[model_columns.positions])


def _coefficient_errors(
    parametrization: Parametrization, solved_errors: Vector, bounds: Bounds, model_columns: ModelColumns
) -> Vector:
    """Error bounds (p,) of the model's coefficients from those of the solved ones, both in units of the outcome.

    Null vectors are computed from the same products and have errors E of their own: they count where the coefficients
    of aliased columns were not zero before they were removed, and in the projection of the minimum-norm solution.
    """
    error = apply_absolute(model_columns.map, solved_errors)
    if not len(model_columns.positions):
        return error
    N = model_columns.null
    solved_null = N if parametrization.to_solved is None else maps.multiply(maps.map_of(parametrization.to_solved), N)
    if not model_columns.minimum_norm and not model_columns.before_dropping.any():
        return _with_aliased(error, model_columns)
    sensitivity = apply_absolute(model_columns.map, bounds.sensitivity)
    E = np.column_stack(
        [scaled_bounds(sensitivity, bounds.product_error(n) * bounds.amplification) for n in solved_null.T]
    )
    E = E + np.abs(N) @ E[model_columns.positions]
    b = np.nan_to_num(model_columns.coefficients)
    if not model_columns.minimum_norm:
        return np.asarray(_with_aliased(error, model_columns) + E @ np.abs(model_columns.before_dropping))
    # first-order perturbation of the projection I - N N^+ for an error E of N
    inverse = np.linalg.pinv(N)
    complement = np.eye(len(N)) - N @ inverse
    rotation_error = np.abs(complement) @ (E @ np.abs(inverse @ b)) + np.abs(inverse.T) @ (E.T @ np.abs(complement @ b))
    return np.asarray(np.abs(complement) @ error + rotation_error)


@dataclass(frozen=True, slots=True)
class ColumnErrors:
    """Errors of columns that are computed from power sums, as orthogonal polynomials are.

    Polynomials P are orthonormal, P H P' = I, for the moment matrix H of a variable. Rounded sums give (I + D) P
    instead, with |D| <= g |P| A |P'|, where A is the moment matrix of absolute values and g the relative rounding error
    of a sum. This is a change of basis within a term, by which its coefficients change by D'.

    Attributes
    ----------
    errors : ndarray of shape (p,)
        Bounds of |D|, row sums, of each column; zero for other columns.
    lengths : ndarray of shape (p,)
        Lengths of the columns relative to that of the constant.
    terms : integer ndarray of shape (p,)
        Position of the term of each column.
    constant : int or None
        Position of the intercept.
    """

    errors: Vector
    lengths: Vector
    terms: Codes
    constant: int | None

    def coefficient_errors(self, values: Vector) -> Vector:
        """Error bounds (p,) of coefficients with these values, those of the intercept included."""
        if not self.errors.any():
            return np.zeros(len(values))
        sizes = np.abs(np.nan_to_num(values))
        errors = np.zeros(len(values))
        for term in np.unique(self.terms[self.errors > 0.0]):
            at = self.terms == term
            errors[at] = self.errors[at] * sizes[at].max()
        if self.constant is not None:
            # columns have mean zero only up to their errors: the intercept takes up the difference
            errors[self.constant] += errors @ self.lengths
        return errors


def column_errors_of(
    terms: Terms, columns: Sequence[ModelColumn], sums: Mapping[str, Vector], blocks: int, constant: int | None
) -> ColumnErrors:
    """The errors of a model's columns.

    sums : variable -> (2d + 1,) sums of its powers. blocks : number of blocks of rows whose sums were added.
    """
    if not (tops := terms.power_sums):
        return ColumnErrors(np.zeros(len(columns)), np.ones(len(columns)), np.zeros(len(columns), np.int64), constant)
    error_of = {v: polynomial_error(sums[v], top // 2, power_error(blocks, top)) for v, top in tops.items()}
    errors = np.array(
        [max((error_of[v] for v in power_sum_variables(terms.terms[c.term])), default=0.0) for c in columns]
    )
    lengths = np.array([relative_length(terms.terms[c.term], sums) for c in columns])
    return ColumnErrors(errors, lengths, np.array([c.term for c in columns], np.int64), constant)
