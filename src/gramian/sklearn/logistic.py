"""LogisticRegression: two classes, by iteratively reweighted least squares in a few passes over X."""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

from gramian.errors import OptionError
from gramian.fit.passes.options import penalty
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.sklearn.base import checked_weight
from gramian.sklearn.glm import GlmEstimator
from gramian.typing import Matrix, Vector

PENALTIES = ("l2", "elasticnet", "deprecated")  # of squares, with l1_ratio=0
LOGIT = GLM(family_named("binomial"), link_named("logit"))


class LogisticRegression(ClassifierMixin, GlmEstimator):  # type: ignore[misc]
    """Logistic regression of two classes; interface of scikit-learn's LogisticRegression.

    Minimizes ``|b|^2 / 2 + C * (negative log likelihood)``. The intercept is not penalised.

    Parameters
    ----------
    C : float, default 1.0
        Inverse of the penalty, above 0; infinite for maximum likelihood.
    fit_intercept : bool, default True
        Whether the model has an intercept.
    class_weight : dict or "balanced", optional
        Weights of the classes, which multiply those of the rows.
    max_iter : int, default 100
        Largest number of passes over X.
    n_jobs : int, optional
        Threads; None for one a core, -1 the same, -2 one fewer. The result has the same bits for any number.
    penalty : "l2" or None, optional
        None is C=inf. The default is the one of scikit-learn 1.8 and later, where `C` and `l1_ratio` say it all.
    l1_ratio : float, default 0
        0: there is no penalty of absolute values.
    dual, tol, intercept_scaling, random_state, solver, verbose, warm_start
        Accepted for compatibility with scikit-learn and validated; they have no effect.

    Attributes
    ----------
    classes_ : ndarray, (2,)
        The classes in order; the second is the one whose log odds are modelled.
    coef_ : ndarray, (1, p)
        Coefficients; of minimum norm where columns are linearly dependent and there is no penalty.
    intercept_ : ndarray, (1,)
        Intercept, 0 without one.
    n_iter_ : ndarray of int, (1,)
        Passes over X.
    n_features_in_ : int
        Number of columns, p.
    feature_names_in_ : ndarray of str, (p,)
        Names of the columns, where X has names.
    inference_ : GlmFit
        The fit with standard errors, tests and intervals.

    Notes
    -----
    Newton's method, with a start from a sample of the rows: usually two to five passes. It stops when the error that is
    left is far below the standard errors, whatever `tol` is; there is one solver, whatever `solver` says.

    References
    ----------
    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed. Chapman and Hall.

    Examples
    --------
    >>> from gramian.sklearn import LogisticRegression
    >>> X, y = [[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]], ["no", "no", "yes", "no", "yes", "yes"]
    >>> LogisticRegression(C=float("inf")).fit(X, y).coef_.round(6).tolist()
    [[1.214028]]
    """

    _like = "LogisticRegression"
    _without_effect = ("dual", "tol", "intercept_scaling", "random_state", "solver", "verbose", "warm_start")

    def __init__(
        self,
        C: float = 1.0,
        *,
        fit_intercept: bool = True,
        class_weight: Any = None,
        max_iter: int = 100,
        n_jobs: int | None = None,
        penalty: Any = "deprecated",
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        intercept_scaling: float = 1,
        random_state: Any = None,
        solver: str = "lbfgs",
        verbose: int = 0,
        warm_start: bool = False,
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.penalty = penalty
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.solver = solver
        self.verbose = verbose
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to the rows of X and y.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Columns of the model, without a constant.
        y : array, (n,)
            Classes, of which there are two.
        sample_weight : array, (n,), optional
            A row with weight w counts as w rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where a value is not finite, or there are not two classes among the rows with positive weight.
        SeparationError
            Where columns separate the classes, so that no finite coefficients are best; only without penalty.
        ConvergenceError
            Where `max_iter` passes are too few.
        OptionError
            Where a parameter has a value without meaning.
        """
        self._check_parameters()
        alpha = _inverse(self._inverse_penalty())
        X, y = validate_data(self, X, y, accept_sparse="csr")
        weight = checked_weight(sample_weight, X)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            check_classification_targets(y)
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_ = _two_classes(y)
        # A class whose rows all have weight zero is not in the data.
        classes = self.classes_ if weight is None else np.unique(y[weight > 0])
        if len(classes) < 2:
            raise ValueError(f"LogisticRegression needs rows of two classes; there is only one class: {classes[0]!r}")
        success = np.asarray(y == self.classes_[1])
        weight = _class_weighted(self.class_weight, self.classes_, y, success, weight)
        b, intercept = self._fitted("binomial", X, success.astype(np.float64), weight, alpha)
        self.coef_, self.intercept_ = b[None, :], np.array([intercept], b.dtype)
        self.n_iter_ = np.array([self.n_iter_], np.int32)
        return self

    def _inverse_penalty(self) -> Any:
        """`C`, infinite with penalty=None. Raises OptionError for a penalty of absolute values."""
        if self.penalty is None:
            if self.C != 1.0:
                warnings.warn("Setting penalty=None will ignore the C parameter: C=inf says the same", stacklevel=3)
            return math.inf
        unknown = self.penalty not in PENALTIES or (self.penalty == "elasticnet" and self.l1_ratio is None)
        if unknown or self.l1_ratio not in (None, 0):
            raise OptionError(
                "LogisticRegression has the penalty of squares, or none with C=inf; found "
                f"penalty={self.penalty!r}, l1_ratio={self.l1_ratio!r}"
            )
        return self.C

    def decision_function(self, X: Any) -> Vector:
        """Log odds of the second class.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.

        Returns
        -------
        ndarray, (n,)
            X b + intercept.
        """
        return self._eta(X)

    def predict_proba(self, X: Any) -> Matrix:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.

        Returns
        -------
        ndarray, (n, 2)
            In the order of `classes_`.
        """
        eta = self._eta(X)
        # Not 1 - p: a small probability of the first class would lose its digits.
        return np.column_stack([LOGIT.mean(-eta), LOGIT.mean(eta)])

    def predict_log_proba(self, X: Any) -> Matrix:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.

        Returns
        -------
        ndarray, (n, 2)
            In the order of `classes_`; finite also where a probability underflows.
        """
        eta = self._eta(X)
        return -np.column_stack([np.logaddexp(0.0, eta), np.logaddexp(0.0, -eta)])

    def predict(self, X: Any) -> NDArray[Any]:
        """The more probable class of each row.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.

        Returns
        -------
        ndarray, (n,)
            Values of `classes_`.
        """
        second = self._eta(X) > 0
        return np.asarray(self.classes_[second.astype(int)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _two_classes(y: NDArray[Any]) -> NDArray[Any]:
    """Smallest and largest value of y in order; all values where y is not numeric.

    `type_of_target` has made sure that there are at most two.
    """
    # The values of millions of numbers are not sorted to learn two of them.
    return np.unique(y if y.dtype.kind not in "iuf" else np.array([y.min(), y.max()]))


def _inverse(C: Any) -> float:
    """Ridge penalty 1 / C, 0 for an infinite C. Raises OptionError unless C is a number above 0."""
    if isinstance(C, bool) or not isinstance(C, int | float) or not C > 0.0 or math.isnan(C):
        raise OptionError(f"C must be a number above 0, infinite for no penalty, found {C!r}")
    return penalty(1.0 / C)


def _class_weighted(
    class_weight: Any, classes: NDArray[Any], y: NDArray[Any], success: NDArray[np.bool_], weight: Vector | None
) -> Vector | None:
    """Weights of the rows times those of their classes, (n,); None where there are neither."""
    if class_weight is None:
        return weight
    class_weights = compute_class_weight(class_weight, classes=classes, y=y, sample_weight=weight)
    row_weights = np.where(success, class_weights[1], class_weights[0])
    return np.asarray(row_weights if weight is None else row_weights * weight)
