"""LinearRegression and Ridge: one pass over the rows, one factorization for all outcomes; rows may come in parts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gramian.engines.fold import one_thread
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
    """Base of least squares estimators, with or without a ridge penalty.

    Attributes
    ----------
    digits : float
        Decimal digits that the coefficients are to have. Where one pass certifies fewer, `fit` makes further passes.
    positive : bool
        Whether coefficients are constrained to be 0 or more.
    """

    digits: float
    positive = False

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to the rows of X and y.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Columns of the model, without a constant.
        y : array, (n,) or (n, k)
            One outcome, or several with the same columns.
        sample_weight : array, (n,), optional
            A row with weight w counts as w rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a value is not finite, or no row has a positive weight.
        NumericalError
            Where products overflow, or do not fit into memory.
        OptionError
            Where a parameter has a value without meaning.

        Warns
        -----
        AccuracyWarning
            Where not even further passes certify `digits` digits.
        """
        digits = self._requested_digits()
        rows = self._checked(X, y, sample_weight)
        with one_thread():
            self._sums = self._sum(rows)
            return self._refit(rows, digits)

    @property
    def inference_(self) -> LinearFit | tuple[LinearFit, ...]:
        """The regression with standard errors, tests, intervals and certified digits.

        Returns
        -------
        LinearFit or tuple of LinearFit
            One for each outcome; a tuple where y was (n, k).

        Raises
        ------
        OptionError
            With `positive=True`: constrained coefficients do not have the usual distributions.

        Notes
        -----
        Weights that are all integers are frequencies. Others are analytic weights (inverse variances up to a factor),
        as in R's `lm`.
        """
        check_is_fitted(self)
        check_signs(self.positive)
        fits = tuple(LinearFit(self._solved.get(j) or self._solved_from_sums(j)) for j in range(self._sums.outcomes))
        return fits[0] if self._flat else fits

    def _solved_from_sums(self, j: int) -> Solved:
        """Solution with all of its statistics for outcome number `j`, from the sums alone."""
        outcome = self._outcomes(self._sums.outcomes)[j]
        alpha = self._alphas(self._sums.outcomes)
        return solved_fit(
            self._sums.outcome(j), self._names, outcome, None if alpha is None else float(alpha[j]),
            self.digits, intercept=self.fit_intercept,
        )  # fmt: skip

    def _alphas(self, outcomes: int) -> Vector | None:
        """Ridge penalty of each outcome, (k,); None for least squares."""
        return None

    def _requested_digits(self) -> float:
        """The parameter `digits`, validated."""
        return with_accuracy(Options(), self.digits).digits

    def _refit(self, rows: Rows | None, digits: float) -> Self:
        """Set the coefficients from the sums; where these certify too few digits, from further passes over the rows.

        rows : None where the rows cannot be read again (`partial_fit`).
        """
        alpha = self._alphas(self._sums.outcomes)
        # Solutions of outcomes that needed further passes; inference_ computes the others from the sums.
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
        """Set coefficients that are constrained to be 0 or more, from the sums. alpha : (k,) ridge penalties."""
        sums, size = self._sums, self._sums.weight
        slopes = np.array(
            [
                # The elastic net's penalty is per row, that of ridge regression is not.
                slopes_at_penalty(system_of(sums, j, intercept=self.fit_intercept), float(a) / size, 0.0, positive=True)
                for j, a in enumerate(alpha)
            ]
        )
        self.rank_ = int((slopes != 0).any(axis=0).sum())
        return self._set_coefficients(slopes, intercepts_of(sums, slopes, intercept=self.fit_intercept))

    def _uncertain_outcomes(self, solution: LeastSquaresSolution, digits: float) -> Any:
        """Mask (k,) of outcomes that the sums do not settle.

        These have too few certified digits, a value that is not finite, or a rank below min(p, n - 1), so that only a
        closer look tells dependent columns from nearly dependent ones.
        """
        max_rank = min(self._sums.columns, max(self._sums.rows - self.fit_intercept, 0))
        return (solution.digits < digits) | (solution.rank < max_rank) | ~np.isfinite(solution.slopes).all(axis=1)

    def _escalated_fit(self, rows: Rows | None, j: int, alpha: float | None, digits: float) -> Solved | None:
        """Solution of outcome `j` in higher precision, by further passes over the rows.

        Returns None where columns are dependent: then the minimum-norm solution from the sums stays.
        """
        sums, name = self._sums.outcome(j), self._outcomes(self._sums.outcomes)[j]
        if rows is None:
            fit = solved_fit(sums, self._names, name, alpha, digits, intercept=self.fit_intercept)
            warn_of_few_digits(fit, digits)
        elif alpha is None and rows.rows <= self.n_features_in_:  # no more rows than columns: no unique solution
            return None
        else:
            fit = escalated_fit(sums, rows, name, alpha, digits, intercept=self.fit_intercept, jobs=self.n_jobs)
        return None if fit.aliased or not np.isfinite(fit.coefficients).all() else fit


class PartialFitRegressor(LeastSquaresRegressor):
    """Least squares estimator whose rows may come in parts, because sums can be added."""

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Add rows to those of earlier calls.

        The coefficients are those of a fit to all rows together, except that earlier rows cannot be read again for more
        digits.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Further rows; the same columns in every call.
        y : array, (n,) or (n, k)
            Their outcomes; as many in every call.
        sample_weight : array, (n,), optional
            A row with weight w counts as w rows.

        Returns
        -------
        self

        Raises
        ------
        OptionError
            Where y has another shape than before, or `fit_intercept` was changed between calls.

        Warns
        -----
        AccuracyWarning
            Where the sums certify fewer than `digits` digits.
        """
        digits, first = self._requested_digits(), not hasattr(self, "_sums")
        previous = None if first else self._sums
        # _checked sets _flat for the new rows, so the earlier value is read here.
        flat = None if first else self._flat
        rows = self._checked(X, y, sample_weight, reset=first)
        if previous is None:
            self._sums = self._sum(rows)
        else:
            _check_same_outcomes(previous, rows, flat == self._flat, intercept=self.fit_intercept)
            self._sums = previous + self._sum(rows, previous)
        return self._refit(None, digits)


class LinearRegression(PartialFitRegressor):
    """Ordinary least squares from one pass over X, with certified digits; interface of scikit-learn's LinearRegression.

    Parameters
    ----------
    fit_intercept : bool, default True
        Whether the model has an intercept.
    copy_X : bool, default True
        Ignored: X is never changed.
    n_jobs : int, optional
        Threads; None for one a core, -1 the same, -2 one fewer. The result has the same bits for any number.
    positive : bool, default False
        Constrain coefficients to be 0 or more. Their digits are then not certified.
    digits : float, default 8
        Decimal digits that each coefficient is to have, from 0 to 15. Where one pass certifies fewer, `fit` makes
        further passes in higher precision.
    tol : float, default 1e-6
        Accepted for compatibility with scikit-learn and validated; it has no effect.

    Attributes
    ----------
    coef_ : ndarray, (p,) or (k, p)
        Coefficients; of minimum norm where columns are linearly dependent.
    intercept_ : float or ndarray, (k,)
        Intercept, 0.0 without one.
    rank_ : int
        Number of linearly independent columns.
    n_features_in_ : int
        Number of columns, p.
    feature_names_in_ : ndarray of str, (p,)
        Names of the columns, where X has names.
    inference_ : LinearFit or tuple of LinearFit
        The regression with standard errors, tests and intervals.

    Notes
    -----
    The normal equations X'X b = X'y of centred columns are solved by Cholesky's method. Their error bound decides
    whether the coefficients have the requested digits.

    Examples
    --------
    >>> from gramian.sklearn import LinearRegression
    >>> model = LinearRegression().fit([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 5.0, 8.0])
    >>> model.coef_.round(12).tolist(), model.inference_.std_errors.round(6).tolist()
    ([1.9], [0.724569, 0.264575])
    """

    _ravels = False
    _like = "LinearRegression"
    _without_effect = ("tol",)

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
        digits: float = 8,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.digits = digits


class Ridge(PartialFitRegressor):
    """Ridge regression from one pass over X; interface of scikit-learn's Ridge.

    Minimizes ``|y - X b|^2 + alpha |b|^2``. The intercept is not penalised.

    Parameters
    ----------
    alpha : float or array, (k,), default 1.0
        Penalty, 0 or more; an array has one for each outcome.
    fit_intercept, copy_X, positive, digits
        As in `LinearRegression`.
    max_iter, tol, solver, random_state
        Accepted for compatibility with scikit-learn and validated; they have no effect.

    Attributes
    ----------
    coef_, intercept_, rank_, n_features_in_, feature_names_in_, inference_
        As in `LinearRegression`; `coef_` is (p,) also where y is (n, 1).

    References
    ----------
    Hoerl, A. E. and Kennard, R. W. (1970). Ridge regression: biased estimation for nonorthogonal problems.
    Technometrics 12, 55-67.

    Examples
    --------
    >>> from gramian.sklearn import Ridge
    >>> Ridge(alpha=5.0).fit([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 5.0, 8.0]).coef_.round(12).tolist()
    [0.95]
    """

    _like = "Ridge"
    _without_effect = ("max_iter", "tol", "solver", "random_state")
    n_iter_ = 1  # passes over X, after which nothing is iterated

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
        digits: float = 8,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.digits = digits

    def _alphas(self, outcomes: int) -> Vector | None:
        """Penalty of each outcome, (k,); None where all are 0, which is least squares."""
        values = np.asarray(self.alpha, np.float64)
        if values.ndim > 1 or (values.ndim == 1 and len(values) != outcomes):
            raise OptionError(
                f"alpha must be a number or one for each of {outcomes} outcomes, found {values.shape} of them"
            )
        each = np.array([penalty(a) for a in np.broadcast_to(values, outcomes).tolist()])
        return each if each.any() else None


def _slopes_and_intercept(fit: Solved, *, intercept: bool) -> tuple[Vector, float]:
    """Slopes (p,) and intercept of a solution whose first coefficient is the intercept, if there is one."""
    b = fit.coefficients
    return (b[1:], float(b[0])) if intercept else (b, 0.0)


def _check_same_outcomes(previous: Sums, rows: Rows, same_ndim: bool, *, intercept: bool) -> None:
    """Raise OptionError where further rows do not fit the sums of the earlier ones."""
    outcomes = len(rows.vectors) - (len(rows.vectors) > previous.outcomes)
    if not same_ndim or outcomes != previous.outcomes:
        raise OptionError(f"y has another shape than before; the rows so far have {previous.outcomes} outcomes")
    if previous.shift.any() and not intercept:
        raise OptionError("fit_intercept was True for the rows so far; their sums are about a shift: fit again")
