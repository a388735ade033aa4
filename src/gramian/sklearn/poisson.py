"""PoissonRegressor: counts, by iteratively reweighted least squares in a few passes over X."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_tweedie_score
from sklearn.utils.validation import validate_data

from gramian.fit.passes.options import penalty
from gramian.sklearn.base import checked_weight
from gramian.sklearn.glm import GlmEstimator
from gramian.typing import Vector


class PoissonRegressor(RegressorMixin, GlmEstimator):  # type: ignore[misc]
    """Poisson regression with log link; interface of scikit-learn's PoissonRegressor.

    Minimizes ``(mean deviance) / 2 + alpha |b|^2 / 2``, the mean being over rows or weights. The intercept is not
    penalised.

    Parameters
    ----------
    alpha : float, default 1.0
        Penalty, 0 or more.
    fit_intercept : bool, default True
        Whether the model has an intercept.
    max_iter : int, default 100
        Largest number of passes over X.
    solver, tol, warm_start, verbose
        Accepted for compatibility with scikit-learn and validated; they have no effect.

    Attributes
    ----------
    coef_ : ndarray, (p,)
        Coefficients.
    intercept_ : float
        Intercept, 0.0 without one.
    n_iter_ : int
        Passes over X.
    n_features_in_, feature_names_in_, inference_
        As in `LogisticRegression`.

    Notes
    -----
    Newton's method, as in `LogisticRegression`.

    Examples
    --------
    >>> from gramian.sklearn import PoissonRegressor
    >>> model = PoissonRegressor(alpha=0.0).fit([[0.0], [0.0], [1.0], [1.0]], [1.0, 3.0, 4.0, 8.0])
    >>> round(float(model.coef_[0]), 9)
    1.098612289
    """

    _like = "PoissonRegressor"
    _without_effect = ("solver", "tol", "verbose", "warm_start")

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        solver: str = "lbfgs",
        max_iter: int = 100,
        tol: float = 1e-4,
        warm_start: bool = False,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to the rows of X and y.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Columns of the model, without a constant.
        y : array, (n,)
            Outcomes, 0 or more.
        sample_weight : array, (n,), optional
            A row with weight w counts as w rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a value is not finite, or an outcome is negative.
        SeparationError
            Where columns separate rows whose outcomes are all 0 from the others; only without penalty.
        ConvergenceError
            Where `max_iter` passes are too few.
        OptionError
            Where a parameter has a value without meaning.
        """
        self._check_parameters()
        alpha = penalty(self.alpha)
        X, y = validate_data(self, X, y, accept_sparse="csr", y_numeric=True)
        weight = checked_weight(sample_weight, X)
        y = np.asarray(y, np.float64)
        if (y < 0).any():
            raise ValueError(f"PoissonRegressor needs outcomes that are not negative, found {y.min():g}")
        total = float(len(y)) if weight is None else float(weight.sum())
        # scikit-learn's penalty is that of the mean deviance, ours that of the sum.
        self.coef_, self.intercept_ = self._fitted("poisson", X, y, weight, alpha * total)
        return self

    def predict(self, X: Any) -> Vector:
        """Predicted means exp(X b + intercept).

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.

        Returns
        -------
        ndarray, (n,)
            Means of the outcome.
        """
        return np.exp(self._eta(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Explained share of the deviance, D squared.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.
        y : array, (n,)
            Their outcomes.
        sample_weight : array, (n,), optional
            Weights of the rows.

        Returns
        -------
        float
            1 - deviance / deviance of the mean; at most 1.
        """
        return float(d2_tweedie_score(y, self.predict(X), sample_weight=sample_weight, power=1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags
