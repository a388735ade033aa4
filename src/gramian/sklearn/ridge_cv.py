"""RidgeCV: the ridge penalty by cross-validation, from the sums of the folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias

import numpy as np

from gramian.engines.blas import one_thread
from gramian.errors import OptionError
from gramian.fit.penalized.cross_validation import squared_errors
from gramian.linalg.penalized.ridge import ridge
from gramian.linalg.penalized.system import Penalty
from gramian.sklearn.cross_validated import CrossValidated, penalties_of
from gramian.sklearn.folds import Split
from gramian.sklearn.lasso import system_of
from gramian.sklearn.leave_one_out import leave_one_out_errors
from gramian.sklearn.linear import LeastSquaresRegressor
from gramian.sklearn.rows import Rows
from gramian.sklearn.sums import Sums
from gramian.typing import Matrix, Vector

Score: TypeAlias = Callable[[Vector, float], Vector]

MIN_TEST_ROWS = 2  # one test row has no variance, so no R squared


class RidgeCV(CrossValidated, LeastSquaresRegressor):
    """Ridge regression whose penalty is chosen by cross-validation; interface of scikit-learn's RidgeCV.

    Parameters
    ----------
    alphas : array, (a,), default (0.1, 1.0, 10.0)
        Penalties to try. Above 0, or with `cv` also 0.
    fit_intercept : bool, default True
        Whether the model has an intercept.
    scoring : str, optional
        "r2" (default with `cv`), "neg_mean_squared_error" (default without) or "neg_root_mean_squared_error": the
        scores that sums determine.
    cv : int, splitter or iterable of splits, optional
        None leaves out one row at a time, in one more pass. Otherwise each row is read once for all folds where the
        test sets are a partition of the rows.
    alpha_per_target : bool, default False
        Without `cv`: whether each outcome has a penalty of its own.
    digits : float, default 8
        As in `LinearRegression`.

    Attributes
    ----------
    alpha_ : float or ndarray, (k,)
        The chosen penalty.
    best_score_ : float or ndarray, (k,)
        Its score.
    coef_, intercept_, rank_, n_features_in_, feature_names_in_, inference_
        As in `Ridge`.

    Notes
    -----
    The training sums of a fold are the total of the other folds' sums. Leave-one-out errors are r_i / (1 - h_i), with
    the leverage h_i, so that nothing is fitted again.

    References
    ----------
    Golub, G. H., Heath, M. and Wahba, G. (1979). Generalized cross-validation as a method for choosing a good ridge
    parameter. Technometrics 21, 215-223.

    Examples
    --------
    >>> from gramian.sklearn import RidgeCV
    >>> RidgeCV(alphas=(0.1, 1.0)).fit([[1.0], [2.0], [3.0], [4.0]], [2.0, 4.0, 5.0, 8.0]).alpha_
    0.1
    """

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: str | None = None,
        cv: Any = None,
        alpha_per_target: bool = False,
        digits: float = 8,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.alpha_per_target = alpha_per_target
        self.digits = digits

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **params: Any) -> Self:
        """Choose the penalty, and fit to all rows with it.

        Parameters
        ----------
        X : array or sparse matrix, (n, p)
            Columns of the model, without a constant.
        y : array, (n,) or (n, k)
            One outcome, or several with the same columns.
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
            Where a parameter has a value without meaning; also for scores that need predictions of every row.
        ValueError
            Where a value is not finite, or a split has no training or no test rows.
        """
        digits, alphas = self._requested_digits(), penalties_of(self.alphas, least=0.0 if self.cv is not None else None)
        split_params, rows = self._routed(params), self._checked(X, y, sample_weight)
        self._sums = sums = self._sum(rows)
        measure = self._measure()
        if self.cv is None:
            errors = leave_one_out_errors(
                rows, sums, alphas, self._outcomes(sums.outcomes), intercept=self.fit_intercept
            )
            scores = np.array([measure(e, outcome_variance(sums, j)) for j, e in enumerate(errors)])
        else:
            scores = self._scores(rows, self._splits(rows, y, split_params), alphas, measure)
        if self.alpha_per_target and len(scores) > 1:
            # Of equal scores the first penalty is taken.
            best_index = np.argmax(scores, axis=1)
            self.alpha_, self.best_score_ = alphas[best_index], scores[np.arange(len(best_index)), best_index]
        else:
            scores = scores.mean(axis=0)
            self.alpha_, self.best_score_ = float(alphas[np.argmax(scores)]), float(scores.max())
        return self._refit(rows, digits)

    def _measure(self) -> Score:
        """Function of mean squared errors that is largest for the best penalty."""
        if self.alpha_per_target and self.cv is not None:
            raise OptionError("alpha_per_target goes with cv=None, where rows are left out one at a time")
        name = self.scoring or ("neg_mean_squared_error" if self.cv is None else "r2")
        if not isinstance(name, str) or name not in SCORES:
            raise OptionError(
                f"scoring must be one of {', '.join(map(repr, SCORES))}, or None, found {self.scoring!r}; others need "
                "predictions of every row: use GridSearchCV with Ridge"
            )
        return SCORES[name]

    def _scores(self, rows: Rows, splits: Sequence[Split], alphas: Vector, measure: Score) -> Matrix:
        """Mean scores over the folds, (k, a).

        A fold of one test row has no R squared; then minus the squared error is the score of all folds.
        """
        # All folds are scored by the same measure, since their scores are averaged.
        if min(len(test) for _, test in splits) < MIN_TEST_ROWS and measure is r_squared:
            measure = negative_mse
        fold_scores = [
            [
                measure(*_ridge_errors(train, test, j, alphas, intercept=self.fit_intercept))
                for j in range(train.outcomes)
            ]
            for train, test in self._folds(rows, splits, self._sums)
        ]
        return np.asarray(np.mean(fold_scores, axis=0))

    def _alphas(self, outcomes: int) -> Vector | None:
        each = np.broadcast_to(np.asarray(self.alpha_), outcomes)
        return each if each.any() else None


def _ridge_errors(train: Sums, test: Sums, j: int, alphas: Vector, *, intercept: bool) -> tuple[Vector, float]:
    """Mean squared errors on the test rows of ridge fits to the training rows, (a,), and the variance of the test y.

    train, test : sums of the rows. j : number of the outcome. alphas : (a,) penalties.
    """
    a, b = system_of(train, j, intercept=intercept), system_of(test, j, intercept=intercept)
    with one_thread():
        slopes = ridge(a, Penalty(np.ones(len(a.c)), l1_ratio=0.0), alphas).coefficients
    return squared_errors(a, b, slopes), outcome_variance(test, j)


def outcome_variance(sums: Sums, j: int) -> float:
    """Variance of outcome number `j`, with the sum of weights as divisor."""
    return system_of(sums, j, intercept=True).yy / sums.weight


def negative_mse(errors: Vector, variance: float) -> Vector:
    """Minus the mean squared error, (a,)."""
    return -errors


def negative_rmse(errors: Vector, variance: float) -> Vector:
    """Minus the root mean squared error, (a,)."""
    return -np.sqrt(errors)


def r_squared(errors: Vector, variance: float) -> Vector:
    """R squared, (a,); 0 where the outcome does not vary."""
    return 1.0 - errors / variance if variance else np.zeros(len(errors))


SCORES: dict[str, Score] = {
    "r2": r_squared,
    "neg_mean_squared_error": negative_mse,
    "neg_root_mean_squared_error": negative_rmse,
}
