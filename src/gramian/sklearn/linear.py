"""LinearRegression and Ridge: one pass, one factor for all outcomes; sums add, so rows may come in parts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gramian.engines.blas import one_thread
from gramian.errors import OptionError
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.linear.result import LinearFit
from gramian.fit.passes.options import Options, penalty, with_accuracy
from gramian.sklearn.base import SumsRegressor
from gramian.sklearn.inference import escalated_fit, solved_fit
from gramian.sklearn.lasso import check_signs, slopes_at_penalty, system_of
from gramian.sklearn.normal_equations import LeastSquaresSolution, solved
from gramian.sklearn.normal_equations import intercepts as intercepts_of
from gramian.sklearn.partial_fit_warning import warn_of_few_digits
from gramian.sklearn.rows import Rows
from gramian.sklearn.sums import Sums
from gramian.typing import Vector


class LeastSquaresRegressor(SumsRegressor):
    """Least squares, with or without a ridge penalty; digits : how many are wanted of the coefficients."""

    digits: float
    positive = False

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to X (n, p), dense or sparse, and y (n,) or (n, k); a weight counts as so many rows."""
        digits = self._requested_digits()
        rows = self._checked(X, y, sample_weight)
        with one_thread():
            self._sums = self._sum(rows)
            return self._refit(rows, digits)

    @property
    def inference_(self) -> LinearFit | tuple[LinearFit, ...]:
        """The regression with standard errors, tests, intervals and certified digits; one for each outcome.

        Weights that are whole numbers count rows; others are analytic weights, as those of R's `lm`.
        """
        check_is_fitted(self)
        check_signs(self.positive)
        fits = tuple(LinearFit(self._solved.get(j) or self._solved_from_sums(j)) for j in range(self._sums.outcomes))
        return fits[0] if self._flat else fits

    def _solved_from_sums(self, j: int) -> Solved:
        outcome = self._outcomes(self._sums.outcomes)[j]
        alpha = self._alphas(self._sums.outcomes)
        return solved_fit(
            self._sums.outcome(j), self._names, outcome, None if alpha is None else float(alpha[j]),
            self.digits, intercept=self.fit_intercept,
        )  # fmt: skip

    def _alphas(self, outcomes: int) -> Vector | None:
        """Penalties (k,), None for none."""
        return None

    def _requested_digits(self) -> float:
        return with_accuracy(Options(), self.digits).digits

    def _refit(self, rows: Rows | None, digits: float) -> Self:
        """Coefficients from the sums; from further passes over the rows where there are too few digits."""
        alpha = self._alphas(self._sums.outcomes)
        self._solved: dict[int, Solved] = {}
        if self.positive:
            return self._fit_nonnegative(np.zeros(self._sums.outcomes) if alpha is None else alpha)
        solution = solved(self._sums, alpha, intercept=self.fit_intercept)
        slopes, intercepts = solution.slopes.copy(), solution.intercepts.copy()
        for j in np.flatnonzero(self._uncertain_outcomes(solution, digits)).tolist():
            fit = self._escalated_fit(rows, j, None if alpha is None else float(alpha[j]), digits)
            if fit is not None:
                self._solved[j] = fit
                slopes[j], intercepts[j] = _slopes_and_intercept(fit, intercept=self.fit_intercept)
        self.rank_ = solution.rank
        return self._set_coefficients(slopes, intercepts)

    def _fit_nonnegative(self, alpha: Vector) -> Self:
        """Coefficients of which none is below 0, from the sums."""
        sums, size = self._sums, self._sums.weight
        slopes = np.array(
            [
                slopes_at_penalty(system_of(sums, j, intercept=self.fit_intercept), float(a) / size, 0.0, positive=True)
                for j, a in enumerate(alpha)
            ]
        )
        self.rank_ = int((slopes != 0).any(axis=0).sum())
        return self._set_coefficients(slopes, intercepts_of(sums, slopes, intercept=self.fit_intercept))

    def _uncertain_outcomes(self, solution: LeastSquaresSolution, digits: float) -> Any:
        """Outcomes whose sums do not settle them: too few digits, or a rank that neither columns nor rows explain."""
        max_rank = min(self._sums.columns, max(self._sums.rows - self.fit_intercept, 0))
        return (solution.digits < digits) | (solution.rank < max_rank) | ~np.isfinite(solution.slopes).all(axis=1)

    def _escalated_fit(self, rows: Rows | None, j: int, alpha: float | None, digits: float) -> Solved | None:
        """The fit by the ladder; None where columns depend on each other, so that the shortest solution is meant."""
        sums, name = self._sums.outcome(j), self._outcomes(self._sums.outcomes)[j]
        if rows is None:
            fit = solved_fit(sums, self._names, name, alpha, digits, intercept=self.fit_intercept)
            warn_of_few_digits(fit, digits)
        elif alpha is None and rows.rows <= self.n_features_in_:  # so many coefficients have many answers
            return None
        else:
            fit = escalated_fit(sums, rows, name, alpha, digits, intercept=self.fit_intercept, jobs=self.n_jobs)
        return None if fit.aliased or not np.isfinite(fit.coefficients).all() else fit


class PartialFitRegressor(LeastSquaresRegressor):
    """Least squares of rows that may come in parts: sums add."""

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to those that have been seen; the result is that of all of them together."""
        digits, first = self._requested_digits(), not hasattr(self, "_sums")
        previous = None if first else self._sums
        flat = None if first else self._flat
        rows = self._checked(X, y, sample_weight, reset=first)
        if previous is None:
            self._sums = self._sum(rows)
        else:
            _check_same_outcomes(previous, rows, flat == self._flat, intercept=self.fit_intercept)
            self._sums = previous + self._sum(rows, previous)
        return self._refit(None, digits)


class LinearRegression(PartialFitRegressor):
    """Ordinary least squares by one pass over X; as scikit-learn's, many times quicker, with certified digits.

    fit_intercept : whether there is a constant. copy_X : X is never changed, whatever it says. n_jobs : threads, by
    default one a core. digits : wanted of the coefficients; where one pass has fewer,
    `fit` makes further ones. Of dependent columns the shortest solution is given. positive : no
    coefficient below 0; then without a certificate.
    Attributes: coef_, intercept_, rank_, n_features_in_, feature_names_in_, inference_ (a `LinearFit`).

    >>> from gramian.sklearn import LinearRegression
    >>> model = LinearRegression().fit([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 5.0, 8.0])
    >>> model.coef_.round(12).tolist(), model.inference_.std_errors.round(6).tolist()
    ([1.9], [0.724569, 0.264575])
    """

    _ravels = False

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        n_jobs: int | None = None,
        positive: bool = False,
        digits: float = 8,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.n_jobs = n_jobs
        self.positive = positive
        self.digits = digits


class Ridge(PartialFitRegressor):
    """Ridge regression, |y - X b|^2 + alpha |b|^2, by one pass over X; the intercept is not penalised.

    alpha : a number, or one for each outcome. Other parameters and attributes as in `LinearRegression`.

    >>> from gramian.sklearn import Ridge
    >>> Ridge(alpha=5.0).fit([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 5.0, 8.0]).coef_.round(12).tolist()
    [0.95]
    """

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        positive: bool = False,
        digits: float = 8,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.positive = positive
        self.digits = digits

    def _alphas(self, outcomes: int) -> Vector | None:
        values = np.asarray(self.alpha, np.float64)
        if values.ndim > 1 or (values.ndim == 1 and len(values) != outcomes):
            raise OptionError(
                f"alpha must be a number or one for each of {outcomes} outcomes, found {values.shape} of them"
            )
        each = np.array([penalty(a) for a in np.broadcast_to(values, outcomes).tolist()])
        return each if each.any() else None


def _slopes_and_intercept(fit: Solved, *, intercept: bool) -> tuple[Vector, float]:
    b = fit.coefficients
    return (b[1:], float(b[0])) if intercept else (b, 0.0)


def _check_same_outcomes(previous: Sums, rows: Rows, same_ndim: bool, *, intercept: bool) -> None:
    outcomes = len(rows.vectors) - (len(rows.vectors) > previous.outcomes)
    if not same_ndim or outcomes != previous.outcomes:
        raise OptionError(f"y has another shape than before; the rows so far have {previous.outcomes} outcomes")
    if previous.shift.any() and not intercept:
        raise OptionError("fit_intercept was True for the rows so far; their sums are about a shift: fit again")
