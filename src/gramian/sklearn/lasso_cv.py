"""LassoCV: the lasso penalty by cross-validation, from the sums of the folds."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from gramian.engines.fold import one_thread
from gramian.errors import OptionError
from gramian.fit.penalized.cross_validation import squared_errors
from gramian.fit.penalized.result import PenalizedFit
from gramian.linalg.penalized.paths import lasso
from gramian.linalg.penalized.system import Penalty, System
from gramian.sklearn.cross_validated import CrossValidated, penalties_of
from gramian.sklearn.lasso import check_signs, penalized_fit, slopes_at_penalty, system_of
from gramian.sklearn.normal_equations import intercepts
from gramian.sklearn.sums import Sums
from gramian.typing import Matrix, Vector


class LassoCV(CrossValidated):
    """Lasso whose penalty is chosen by cross-validation; interface of scikit-learn's LassoCV.

    Parameters
    ----------
    eps : float, default 1e-3
        Smallest penalty as a fraction of the largest, where `alphas` is a number.
    alphas : int or array, (a,), default 100
        Number of penalties, in geometric steps down from the smallest one at which all coefficients are 0; or the
        penalties to try.
    fit_intercept : bool, default True
        Whether the model has an intercept.
    copy_X : bool, default True
        Ignored: X is never changed.
    cv : int, splitter or iterable of splits, optional
        As in scikit-learn; None for 5 folds.
    n_jobs : int, optional
        Threads, as in `LinearRegression`.
    positive : bool, default False
        Constrain coefficients to be 0 or more.
    precompute, max_iter, tol, verbose, random_state, selection
        Accepted for compatibility with scikit-learn and validated; they have no effect.

    Attributes
    ----------
    alpha_ : float
        The chosen penalty.
    alphas_ : ndarray, (a,)
        Penalties that were tried, from large to small.
    mse_path_ : ndarray, (a, folds)
        Mean squared errors on the test rows.
    coef_, intercept_, n_features_in_, feature_names_in_
        As in `Lasso`.
    inference_ : PenalizedFit
        The fit with its degrees of freedom and information criteria.

    Notes
    -----
    The path of each fold is computed from its sums of products; rows are read once for all folds where the
    test sets are a partition of the rows.

    Examples
    --------
    >>> from gramian.sklearn import LassoCV
    >>> X, y = [[float(i)] for i in range(10)], [2.0 * i for i in range(10)]
    >>> LassoCV().fit(X, y).coef_.round(6).tolist()
    [1.998]
    """

    _multi_output = False
    _like = "LassoCV"
    _without_effect = ("precompute", "max_iter", "tol", "verbose", "random_state", "selection")
    n_iter_ = 1  # passes over X, after which nothing is iterated over rows

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: Any = 100,
        fit_intercept: bool = True,
        precompute: Any = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: Any = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose the penalty, and fit to all rows with it.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Columns of the model, without a constant.
        y : array, (n,)
            The outcome.
        sample_weight : array, (n,), optional
            A row with weight w counts as w rows, which are all in the same fold.
        **params
            For the splitter (such as groups), where metadata routing is enabled.

        Returns
        -------
        self

        Raises
        ------
        OptionError
            Where a parameter has a value without meaning.
        ValueError
            Where a value is not finite, or a split has no training or no test rows.
        """
        split_params, rows = self._routed(params), self._checked(X, y, sample_weight)
        self._sums = sums = self._sum(rows)
        system = system_of(sums, 0, intercept=self.fit_intercept)
        self.alphas_ = self._grid(system)
        fold_errors = [
            _lasso_errors(train, test, self.alphas_, intercept=self.fit_intercept, positive=self.positive)
            for train, test in self._folds(rows, self._splits(rows, y, split_params), sums)
        ]
        self.mse_path_: Matrix = np.array(fold_errors).T
        self.alpha_ = float(self.alphas_[np.argmin(self.mse_path_.mean(axis=1))])
        slopes = slopes_at_penalty(system, self.alpha_, 1.0, positive=self.positive)[None, :]
        return self._set_coefficients(slopes, intercepts(sums, slopes, intercept=self.fit_intercept))

    @property
    def inference_(self) -> PenalizedFit:
        """The fit with its degrees of freedom and information criteria; it has no standard errors.

        Raises
        ------
        OptionError
            With `positive=True`: the degrees of freedom of constrained coefficients are others.
        """
        check_is_fitted(self)
        check_signs(self.positive)
        (outcome,) = self._outcomes(1)
        return penalized_fit(self._sums, self._names, outcome, self.alpha_, 1.0, intercept=self.fit_intercept)

    def _grid(self, system: System) -> Vector:
        """Penalties to try, (a,), from large to small."""
        if not np.isscalar(self.alphas):
            return np.sort(penalties_of(self.alphas, least=0.0))[::-1]
        if isinstance(self.alphas, bool) or not isinstance(self.alphas, int | np.integer) or self.alphas < 1:
            raise OptionError(f"alphas must be a whole number above 0, or the penalties, found {self.alphas!r}")
        if not 0.0 < self.eps < 1.0:
            raise OptionError(f"eps must be between 0 and 1, found {self.eps!r}")
        # The lasso is 0 exactly where alpha n >= max |x_j'y|; with positive=True only positive x_j'y can enter.
        gradients = system.c if self.positive else np.abs(system.c)
        top = float(gradients.max(initial=0.0)) / system.weight
        least = float(np.finfo(float).resolution)
        # an outcome without variance: all slopes are 0 for every penalty, and these are the ones of scikit-learn
        return np.full(self.alphas, least) if top <= least else np.geomspace(top, top * self.eps, self.alphas)


def _lasso_errors(train: Sums, test: Sums, alphas: Vector, *, intercept: bool, positive: bool) -> Vector:
    """Mean squared errors on the test rows of lasso fits to the training rows, one for each penalty, (a,)."""
    a, b = system_of(train, 0, intercept=intercept), system_of(test, 0, intercept=intercept)
    with one_thread():
        slopes = _slopes(a, alphas, positive=positive)
    return squared_errors(a, b, slopes)


def _slopes(system: System, alphas: Vector, *, positive: bool) -> Matrix:
    """Lasso coefficients for falling penalties, (a, p)."""
    if positive:
        return np.array([slopes_at_penalty(system, float(a), 1.0, positive=True) for a in alphas])
    return lasso(system, Penalty(np.ones(len(system.c))), alphas).coefficients
