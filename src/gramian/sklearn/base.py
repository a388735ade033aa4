"""Base of the estimators that are computed from sums of products: validation, sums, predictions."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from gramian.errors import NumericalError
from gramian.fit.passes.memory import width_limit
from gramian.sklearn.compatible import Compatible, result_type
from gramian.sklearn.rows import Rows, outcome_names, rows_of, weight_name
from gramian.sklearn.sums import Sums, sums_of
from gramian.typing import Matrix, Vector

MAX_UNCHECKED_COLUMNS = 100  # products of 100 columns take 80 kB: no need to ask how much memory is free


class SumsRegressor(RegressorMixin, Compatible, BaseEstimator):  # type: ignore[misc]
    """Base of regressions whose coefficients come from sums of products.

    A subclass has a method `fit` that calls `_checked`, `_sum` and at the end `_set_coefficients`.

    Attributes
    ----------
    fit_intercept : bool
        Whether the model has an intercept.
    n_jobs : int or None
        Threads that read rows; None for one a core.
    _multi_output : bool
        Whether y may have several columns.
    _ravels : bool
        Whether `coef_` is (p,) where y is (n, 1), as in scikit-learn's `Ridge`; `LinearRegression` has (1, p).
    """

    fit_intercept: bool
    n_jobs: int | None = None
    _multi_output = True  # outcomes
    _ravels = True  # coefficients are (p,) for an outcome (n, 1)

    def predict(self, X: Any) -> Vector:
        """Predictions X b + intercept.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Rows with the columns of the fit.

        Returns
        -------
        ndarray, (n,) or (n, k)
            In the shape of y.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=("csr", "csc"), reset=False)
        return np.asarray(safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_)

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, reset: bool = True) -> Rows:
        """Validated rows with outcomes (n, k) and weights (n,).

        Values that are not finite are let through here and show in the sums: a test of every value would be a second
        pass.
        """
        self._check_parameters()
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=self._multi_output, y_numeric=True, ensure_all_finite=False,
            reset=reset,
        )  # fmt: skip
        check_width(X)
        self._dtype = result_type(X)
        weight = checked_weight(sample_weight, X)
        Y = np.asarray(y, np.float64)
        self._flat = Y.ndim == 1
        return rows_of(X, Y[:, None] if Y.ndim == 1 else Y, weight, self._names)

    def _sum(self, rows: Rows, like: Sums | None = None) -> Sums:
        """Sums of products of all rows. `like` : earlier sums, whose shift is used so that both can be added.

        Raises ValueError where a value is not finite, NumericalError where products overflow.
        """
        outcomes = tuple(name for name in rows.vectors if name != weight_name(rows.columns))
        weight = weight_name(rows.columns) if len(outcomes) < len(rows.vectors) else None
        sums = sums_of(rows, outcomes, weight, centred=self.fit_intercept, like=like, jobs=self.n_jobs)
        return check_finite(sums, rows, type(self).__name__)

    @property
    def _names(self) -> tuple[str, ...]:
        """Names of the columns of X, (p,)."""
        return column_names(self)

    def _outcomes(self, count: int) -> tuple[str, ...]:
        """Names of the columns of y."""
        return outcome_names(self._names, count)

    def _set_coefficients(self, slopes: Matrix, intercepts: Vector) -> Self:
        """Set `coef_` and `intercept_` in scikit-learn's shapes from slopes (k, p) and intercepts (k,)."""
        # scikit-learn's Ridge flattens the coefficients of y (n, 1), its LinearRegression does not.
        slopes, intercepts = slopes.astype(self._dtype), intercepts.astype(self._dtype)
        self.coef_ = slopes[0] if self._flat or (self._ravels and len(slopes) == 1) else slopes
        self.intercept_ = (intercepts[0] if self._flat else intercepts) if self.fit_intercept else 0.0
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = self._multi_output
        tags.target_tags.single_output = True
        return tags


def checked_weight(sample_weight: Any, X: Any) -> Vector | None:
    """Row weights (n,): finite, not negative, not all zero. None without weights."""
    if sample_weight is None:
        return None
    weight: Vector = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError("every sample_weight is zero, so no row is left to fit; give some row a positive weight")
    return weight


def check_finite(sums: Sums, rows: Rows, name: str) -> Sums:
    """The sums, if they are finite.

    Raises ValueError with scikit-learn's text if a value of X is not finite, else NumericalError: products overflow.
    """
    if np.isfinite(sums.dense).all():
        return sums
    # scikit-learn has checked y before; where X is finite too, the products have overflowed.
    assert_all_finite(rows.X, estimator_name=name, input_name="X")
    raise NumericalError("products of columns overflow float64; divide the columns by something near their size")


def check_width(X: Any) -> None:
    """Raise NumericalError where the products of the columns of X do not fit into memory."""
    check_columns(X.shape[1])


def check_columns(width: int) -> None:
    """Raise NumericalError where the products of `width` columns do not fit into memory."""
    if width > MAX_UNCHECKED_COLUMNS and width > (limit := width_limit()):
        raise NumericalError(
            f"{width:,} columns are too many: products of at most {limit:,} fit into memory; "
            "select or group columns first"
        )


def column_names(estimator: Any) -> tuple[str, ...]:
    """Names of the columns of X: those of the data frame that was fitted, else x0, x1, ..."""
    feature_names = getattr(estimator, "feature_names_in_", None)
    return (
        tuple(f"x{i}" for i in range(estimator.n_features_in_))
        if feature_names is None
        else tuple(map(str, feature_names))
    )
