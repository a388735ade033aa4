"""Certified digits of robust standard errors, from bounds of all rounding errors.

A robust variance is a sum of squares of what rows or clusters add to a coefficient, s x'v with v a row of the bread.
Bounds of its root follow from those of the bread (`linalg.certificate`: |dV x| <= g sensitivity R'|V x|), of the sums
of scores, and of the residuals, each a bound of the norm of what is added to these terms.
"""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np

from gramian.errors import AccuracyWarning, NumericalError
from gramian.fit.leastsquares.accuracy import LARGEST, NEGLIGIBLE, SMALLEST
from gramian.fit.leastsquares.identified import aliased_positions, null_vectors
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.vcov.sandwich import model_covariance
from gramian.fit.vcov.sum_errors import SumErrors, certifiable, column_norms, row_roundings
from gramian.linalg import maps
from gramian.linalg.certificate import EPS, digits, required_std_error_digits
from gramian.typing import Matrix, Vector

NAMED = 5  # columns that a warning names
MAX_ZERO = 1e-8  # of the iid standard error: a noise below it is small enough to say that what is below the noise is 0


@np.errstate(all="ignore")  # numbers outside the range of float64 end with no certified digits
def certified_digits(solved: Solved, robust: RobustCovariance, errors: SumErrors) -> Vector | None:
    """Certified digits (p,) of the standard errors of a robust covariance; None without bounds of the solution."""
    bounds, scale = solved.solution.bounds, solved.parametrization.scale
    if bounds is None or solved.inverse_roots is None or not certifiable(solved):
        return None
    V, norms, b = solved.solution.inverse, column_norms(solved), solved.solution.coefficients
    summed = robust.solved_covariance if errors.absolute is None else errors.absolute
    roots = np.sqrt(np.maximum(summed.diagonal(), 0.0))
    std_errors = np.sqrt(np.maximum(model_covariance(solved, summed).diagonal(), 0.0))
    by_bread = (
        bounds.rounding_error
        * bounds.amplification
        * _spread(solved, bounds.sensitivity)
        * (bounds.summed_norms @ roots)
    )
    by_sums = np.sqrt(robust.factor) * _spread(solved, np.abs(V) @ errors.scores)
    if errors.squared:
        by_sums = by_sums**2 / std_errors / 2.0
    number = bounds.error(b) if bounds.refined_error is None else bounds.refined_error
    evaluation = row_roundings(solved) * EPS * (norms @ np.abs(b) + bounds.response_norm)
    residual_error = scale * (evaluation + number * np.sqrt(bounds.summed_norms @ bounds.sensitivity))
    by_residuals = np.sqrt(robust.factor) * residual_error * errors.amplification * solved.inverse_roots
    by_products = errors.terms * solved.inverse_roots
    by_map = 2.0 * len(b) * EPS * _spread(solved, roots) ** 2 / std_errors
    error = (
        by_bread + by_sums + by_residuals + by_products + by_map + errors.relative * std_errors + 4.0 * EPS * std_errors
    )
    # eigenvalues that were set to zero change what is left by more than rounding: the digits are those before that
    final = std_errors if robust.negative else np.sqrt(np.maximum(robust.covariance.diagonal(), 0.0))
    found = _digits(solved, error * np.maximum(std_errors / final, 1.0), final)
    # a difference of variances may be negative by more than its error: then there is no standard error
    return np.where(-robust.covariance.diagonal() > 2.0 * error * std_errors, np.nan, found)


def _spread(solved: Solved, values: Vector) -> Vector:
    """Bounds (p,) for the model's columns from those of the solved ones."""
    return sizes_of_model_coefficients(solved, values[:, None])[:, 0]


def _digits(solved: Solved, error: Vector, std_errors: Vector) -> Vector:
    """Digits (p,) of standard errors, none where the error or the standard error is not finite."""
    found = digits(np.where(np.isfinite(error), error, np.inf), std_errors)
    return np.where(solved.identified, np.where(std_errors > 0.0, found, 0.0), np.nan)


def check_digits(solved: Solved, advice: str) -> None:
    """Warn with AccuracyWarning where robust standard errors have fewer digits than wanted. advice : what to do."""
    robust = solved.robust
    if robust is None or robust.std_error_digits is None or solved.accuracy is None or suffices(solved, robust):
        return
    lowest = [i for i in np.argsort(robust.std_error_digits)[:NAMED] if solved.identified[i]]
    named = ", ".join(f"{solved.names[i]} has {np.floor(10 * robust.std_error_digits[i]) / 10:.1f}" for i in lowest)
    wanted = required_std_error_digits(solved.accuracy.requested)
    message = f"certified digits of standard errors ({robust.vcov.name}): {named}, fewer than {wanted:g}; {advice}"
    warnings.warn(AccuracyWarning(message), stacklevel=6)


def suffices(solved: Solved, robust: RobustCovariance) -> bool:
    """Whether every robust standard error has the digits that iid ones should have; of a perfect fit none needs any."""
    if solved.accuracy is None or robust.std_error_digits is None:
        return False
    perfect = iid_std_errors(solved) <= NEGLIGIBLE * np.abs(solved.coefficients)
    short = robust.std_error_digits < required_std_error_digits(solved.accuracy.requested)  # not where there is none
    return not bool((short & ~perfect)[solved.identified].any())


@np.errstate(all="ignore")
def check_representable(solved: Solved, robust: RobustCovariance) -> None:
    """Raise NumericalError, naming a coefficient, where its variance is beyond what float64 can hold.

    Its standard error need not be: but as a root of what is zero or infinite it would be wrong without a sign of it.
    """
    to_model = solved.parametrization.to_model
    T = None if to_model is None else maps.map_of(to_model)
    own = [maps.congruence_std(T, robust.solved_covariance)]
    own += [] if solved.inverse_roots is None else [solved.inverse_roots]
    for roots in own:
        beyond = solved.identified & (roots > 0.0) & ~((roots**2 > SMALLEST) & (roots**2 < LARGEST))
        for i in np.flatnonzero(beyond):
            raise NumericalError(
                f"the variance of the coefficient of '{solved.names[i]}' is about 1e{2.0 * np.log10(roots[i]):.0f}, "
                f"and {robust.vcov.name} keeps its digits between {SMALLEST:g} and {LARGEST:g} only; give this column "
                "in other units, so that its numbers are nearer to 1"
            )


def stated(robust: RobustCovariance) -> RobustCovariance:
    """The covariance with the digits that can be stated: none where negative eigenvalues were set to zero."""
    return replace(robust, std_error_digits=None) if robust.negative else robust


@np.errstate(all="ignore")
def iid_std_errors(solved: Solved) -> Vector:
    """Standard errors (p,) under equal variances; NaN where they are beyond float64."""
    roots = np.sqrt(solved.inverse.diagonal()) if solved.inverse_roots is None else solved.inverse_roots
    return np.asarray(np.sqrt(solved.rss / max(solved.rows - solved.leverage, 1.0)) * roots)


@np.errstate(all="ignore")
def noise(solved: Solved, W: Matrix, size: float, root_norm: float) -> Vector:
    """Bounds (p,) of the errors of standard errors that were computed in an orthonormal basis.

    Parameters
    ----------
    solved : Solved
        The fit.
    W : Matrix
        (p, k) the basis in the columns that were solved for.
    size : float
        Bound of the norm of the errors of the terms in the basis.
    root_norm : float
        Norm of these terms.
    """
    lengths = np.linalg.norm(model_coefficients(solved, W), axis=1)
    rounded = np.linalg.norm(sizes_of_model_coefficients(solved, np.abs(W)), axis=1)
    return np.asarray(size * lengths + len(W) * EPS * root_norm * rounded)


def with_zeros(solved: Solved, robust: RobustCovariance, noise: Vector) -> RobustCovariance:
    """The covariance with its digits, and with zero where a standard error is not above its noise.

    Zero is what the variance of a coefficient is that rests on rows without residuals, such as a level of one row.

    noise : (p,) bounds of the errors of standard errors.
    """
    iid = iid_std_errors(solved)  # the size of what is summed
    variances = robust.covariance.diagonal()
    std_errors = np.sqrt(np.maximum(variances, 0.0))
    zero = solved.identified & (variances <= noise**2) & (variances >= -(noise**2)) & (noise <= MAX_ZERO * iid)
    covariance = np.where(np.logical_or.outer(zero, zero) & ~np.isnan(robust.covariance), 0.0, robust.covariance)
    found = np.where(zero, digits(noise, iid), _digits(solved, noise, std_errors))
    found = np.where(variances < -(noise**2), np.nan, found)
    return replace(robust, covariance=covariance, std_error_digits=found)


def model_coefficients(solved: Solved, W: Matrix) -> Matrix:
    """W (p, k) in the model's columns, without what aliased columns are left out of."""
    rows = W
    if solved.parametrization.to_model is not None:
        rows = maps.multiply(maps.map_of(solved.parametrization.to_model), W)
    if not solved.aliased:
        return rows
    return np.asarray(rows - null_vectors(solved) @ rows[aliased_positions(solved)])


def sizes_of_model_coefficients(solved: Solved, sizes: Matrix) -> Matrix:
    """Bounds (p, k) of `model_coefficients` of matrices with elements of at most these sizes, cancellation left out."""
    rows = sizes
    if solved.parametrization.to_model is not None:
        T = maps.map_of(solved.parametrization.to_model)
        rows = np.column_stack([maps.apply_absolute(T, column) for column in sizes.T]).reshape(sizes.shape)
    if not solved.aliased:
        return rows
    return np.asarray(rows + np.abs(null_vectors(solved)) @ rows[aliased_positions(solved)])
