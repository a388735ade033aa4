"""Lasso and ElasticNet at one penalty, from centred products."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from gramian.engines.fold import one_thread
from gramian.errors import OptionError
from gramian.fit.passes.options import penalty
from gramian.fit.penalized.result import PenalizedFit
from gramian.fit.penalized.result_path import path_of
from gramian.linalg.penalized.nonnegative import nonnegative
from gramian.linalg.penalized.paths import elastic_net, lasso
from gramian.linalg.penalized.ridge import ridge
from gramian.linalg.penalized.system import Penalty, System
from gramian.sklearn.base import SumsRegressor
from gramian.sklearn.inference import design_and_moments
from gramian.sklearn.normal_equations import centred_products, intercepts
from gramian.sklearn.sums import Sums
from gramian.typing import Vector


class ElasticNet(SumsRegressor):
    """Elastic net from one pass over X; interface of scikit-learn's ElasticNet.

    Minimizes ``|y - X b|^2 / (2 n) + alpha (l1_ratio |b|_1 + (1 - l1_ratio) |b|^2 / 2)``, with n the number of rows or
    the sum of weights. The intercept is not penalised.

    Parameters
    ----------
    alpha : float, default 1.0
        Penalty, 0 or more.
    l1_ratio : float, default 0.5
        Share of the penalty on absolute values, from 0 (ridge) to 1 (lasso).
    fit_intercept : bool, default True
        Whether the model has an intercept.
    copy_X : bool, default True
        Ignored: X is never changed.
    positive : bool, default False
        Constrain coefficients to be 0 or more.
    precompute, max_iter, tol, warm_start, random_state, selection
        Accepted for compatibility with scikit-learn and validated; they have no effect.

    Attributes
    ----------
    coef_ : ndarray, (p,) or (k, p)
        Coefficients.
    sparse_coef_ : sparse array, (k, p)
        The same, without the zeros.
    intercept_ : float or ndarray, (k,)
        Intercept, 0.0 without one.
    n_iter_ : int or list of int, (k,)
        Passes over X for each outcome: 1.
    n_features_in_ : int
        Number of columns, p.
    feature_names_in_ : ndarray of str, (p,)
        Names of the columns, where X has names.
    inference_ : PenalizedFit or tuple of PenalizedFit
        The fit with its degrees of freedom and information criteria.

    Notes
    -----
    After one pass over the rows everything is computed from the (p, p) products, until the optimality conditions hold,
    whatever `max_iter` and `tol` are.

    References
    ----------
    Zou, H. and Hastie, T. (2005). Regularization and variable selection via the elastic net. Journal of the Royal
    Statistical Society B 67, 301-320.

    Examples
    --------
    >>> from gramian.sklearn import ElasticNet
    >>> model = ElasticNet(0.5).fit([[1.0, 1.0], [2.0, 0.0], [3.0, 1.0], [4.0, 0.0]], [2.0, 4.0, 5.0, 8.0])
    >>> model.coef_.round(9).tolist()
    [1.409090909, -0.045454545]
    """

    _like = "ElasticNet"
    _without_effect = ("precompute", "max_iter", "tol", "warm_start", "random_state", "selection")

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        copy_X: bool = True,
        positive: bool = False,
        precompute: Any = False,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.positive = positive
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection

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
        """
        alpha, l1_ratio = penalty(plain_number(self.alpha)), checked_l1_ratio(self.l1_ratio)
        self._sums = sums = self._sum(self._checked(X, y, sample_weight))
        slopes = np.array(
            [
                slopes_at_penalty(
                    system_of(sums, j, intercept=self.fit_intercept), alpha, l1_ratio, positive=self.positive
                )
                for j in range(sums.outcomes)
            ]
        )
        self.n_iter_ = 1 if len(slopes) == 1 else [1] * len(slopes)
        intercept_values = intercepts(sums, slopes, intercept=self.fit_intercept)
        return self._set_coefficients(slopes, intercept_values)

    @property
    def sparse_coef_(self) -> Any:
        """The coefficients as a sparse array, (k, p), in compressed row format."""
        check_is_fitted(self)
        return sparse.csr_array(np.atleast_2d(self.coef_))

    @property
    def inference_(self) -> PenalizedFit | tuple[PenalizedFit, ...]:
        """The fit with its degrees of freedom and information criteria, for each outcome; it has no standard errors.

        Raises
        ------
        OptionError
            With `positive=True`: the degrees of freedom of constrained coefficients are others.
        """
        check_is_fitted(self)
        check_signs(self.positive)
        fits = tuple(self._penalized_fit(j) for j in range(self._sums.outcomes))
        return fits[0] if len(fits) == 1 else fits

    def _penalized_fit(self, j: int) -> PenalizedFit:
        """The fit to outcome number `j` with its statistics."""
        sums, outcome = self._sums.outcome(j), self._outcomes(self._sums.outcomes)[j]
        return penalized_fit(sums, self._names, outcome, self.alpha, self.l1_ratio, intercept=self.fit_intercept)


class Lasso(ElasticNet):
    """Lasso from one pass over X; interface of scikit-learn's Lasso.

    Minimizes ``|y - X b|^2 / (2 n) + alpha |b|_1``, with n the number of rows or the sum of weights.

    Parameters
    ----------
    alpha : float, default 1.0
        Penalty, 0 or more.
    fit_intercept, copy_X, positive, precompute, max_iter, tol, warm_start, random_state, selection
        As in `ElasticNet`.

    Attributes
    ----------
    coef_, sparse_coef_, intercept_, n_iter_, n_features_in_, feature_names_in_, inference_
        As in `ElasticNet`.

    References
    ----------
    Tibshirani, R. (1996). Regression shrinkage and selection via the lasso. Journal of the Royal Statistical Society B
    58, 267-288.

    Examples
    --------
    >>> from gramian.sklearn import Lasso
    >>> Lasso(alpha=0.5).fit([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 5.0, 8.0]).coef_.round(12).tolist()
    [1.5]
    """

    l1_ratio = 1.0
    _like = "Lasso"

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        positive: bool = False,
        precompute: Any = False,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.positive = positive
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection


def check_signs(positive: bool) -> None:
    """Raise OptionError for the statistics of coefficients that were constrained to be 0 or more."""
    if positive:
        raise OptionError("coefficients with positive=True have no table: their distribution is not that of others")


def penalized_fit(
    sums: Sums, names: tuple[str, ...], outcome: str, alpha: float, l1_ratio: float, *, intercept: bool
) -> PenalizedFit:
    """The fit to one outcome at one penalty, with its statistics; alpha and l1_ratio as in scikit-learn."""
    design, accumulated = design_and_moments(sums, names, outcome, intercept=intercept)
    # Paths of ridge regression have penalties of the sum of squares, all others of half the mean square.
    path_alpha = alpha * (sums.weight if l1_ratio == 0 else 1.0)
    return path_of(design, accumulated, l1_ratio=l1_ratio, alphas=[path_alpha])[0]


def checked_l1_ratio(l1_ratio: Any) -> float:
    """l1_ratio as a float. Raises OptionError unless it is a number from 0 to 1."""
    if not isinstance(l1_ratio, int | float | np.integer | np.floating) or not 0.0 <= l1_ratio <= 1.0:
        raise OptionError(f"l1_ratio must be a number from 0 to 1, found {l1_ratio!r}")
    return float(l1_ratio)


def system_of(sums: Sums, j: int, *, intercept: bool) -> System:
    """Centred normal equations of outcome number `j`, in the scale of the data."""
    centred = centred_products(sums, intercept=intercept)
    unscale = 1.0 / centred.scale
    return System(
        S=centred.S * unscale[:, None] * unscale,
        c=centred.C[:, j] * unscale / centred.y_scale[j],
        yy=float(centred.yy[j] / centred.y_scale[j] ** 2),
        weight=sums.weight,
        length=np.sqrt(centred.summed_squares) * unscale,
        y_length=float(np.sqrt(centred.y_summed_squares[j]) / centred.y_scale[j]),
        rounding_error=sums.rounding_error,
        mean=centred.mean,
        y_mean=float(centred.y_mean[j]),
        intercept=intercept,
    )


def slopes_at_penalty(system: System, alpha: float, l1_ratio: float, *, positive: bool = False) -> Vector:
    """Slopes (p,) at one penalty, with alpha and l1_ratio as in scikit-learn's ElasticNet.

    positive : whether slopes are constrained to be 0 or more.
    """
    if positive:
        size = alpha * system.weight
        with one_thread():
            # For b >= 0 |b| is b itself: this penalty shifts c, and that of the squares goes to the diagonal of S.
            S = system.S + np.diag(np.full(len(system.c), size * (1.0 - l1_ratio)))
            return nonnegative(S, system.c - size * l1_ratio, system.rounding_error)
    alphas, width = np.array([alpha]), len(system.c)
    with one_thread():
        if alpha == 0:
            solution = lasso(system, Penalty(np.ones(width)), alphas)
        elif l1_ratio == 0:
            solution = ridge(system, Penalty(np.ones(width), l1_ratio=0.0), alphas * system.weight)
        else:
            solution = elastic_net(system, Penalty(np.ones(width), l1_ratio=l1_ratio), alphas)
    return np.asarray(solution.coefficients[0])


def plain_number(value: Any) -> Any:
    """A NumPy scalar as a number of Python; anything else as it is."""
    return value.item() if isinstance(value, np.integer | np.floating) else value
