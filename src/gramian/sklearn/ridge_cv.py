"""RidgeCV: the ridge penalty by cross-validation, from the sums of the folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from gramian.engines.fold import one_thread
from gramian.errors import OptionError
from gramian.fit.penalized.cross_validation import squared_errors
from gramian.linalg.penalized.ridge import ridge
from gramian.linalg.penalized.system import Penalty
from gramian.sklearn.cross_validated import CrossValidated, penalties_of
from gramian.sklearn.folds import Split
from gramian.sklearn.lasso import system_of
from gramian.sklearn.leave_one_out import leave_one_out_errors, leave_one_out_errors_of_rows
from gramian.sklearn.linear import LeastSquaresRegressor
from gramian.sklearn.normal_equations import intercepts as intercepts_of
from gramian.sklearn.rows import Rows, weight_name
from gramian.sklearn.scores import MEASURES, Measure, Scorer, outcome_variance, scorer_of, scores_of_predictions
from gramian.sklearn.sums import Sums
from gramian.typing import Matrix, Vector

MIN_TEST_ROWS = 2  # one test row has no variance, so no R squared


class RidgeCV(CrossValidated, LeastSquaresRegressor):
    """Ridge regression whose penalty is chosen by cross-validation; interface of scikit-learn's RidgeCV.

    Parameters
    ----------
    alphas : array, (a,), default (0.1, 1.0, 10.0)
        Penalties to try. Above 0, or with `cv` also 0.
    fit_intercept : bool, default True
        Whether the model has an intercept.
    scoring : str or callable, optional
        A scorer of scikit-learn. "r2" (default with `cv`), "neg_mean_squared_error" (default without) and
        "neg_root_mean_squared_error" come from sums; others need the predictions of all rows for all penalties in
        memory.
    cv : int, splitter or iterable of splits, optional
        None leaves out one row at a time, in one more pass. Otherwise each row is read once for all folds where the
        test sets are a partition of the rows.
    gcv_mode : str, optional
        Accepted for compatibility with scikit-learn and validated; it has no effect.
    store_cv_results : bool, default False
        Without `cv`: whether `cv_results_` is kept.
    alpha_per_target : bool, default False
        Without `cv`: whether each outcome has a penalty of its own.
    digits : float, default 8
        As in `LinearRegression`.

    Attributes
    ----------
    alpha_ : float or ndarray, (k,)
        The chosen penalty.
    best_score_ : float or ndarray, (k,)
        Its score. Weights count in it, also with `cv`.
    cv_results_ : ndarray, (n, a) or (n, k, a)
        Of every row left out the squared error, or with `scoring` the prediction; with `store_cv_results`.
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

    _like = "RidgeCV"
    _without_effect = ("gcv_mode",)

    def __init__(
        self,
        alphas: Any = (0.1, 1.0, 10.0),
        *,
        fit_intercept: bool = True,
        scoring: Any = None,
        cv: Any = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        digits: float = 8,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
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
            Where a parameter has a value without meaning.
        ValueError
            Where a value is not finite, or a split has no training or no test rows.
        """
        self._check_options()
        digits, alphas = self._requested_digits(), penalties_of(self.alphas, least=0.0 if self.cv is not None else None)
        split_params, rows = self._routed(params), self._checked(X, y, sample_weight)
        self._sums = sums = self._sum(rows)
        measure = self._measure()
        if self.cv is not None:
            scores = self._scores(rows, self._splits(rows, y, split_params), alphas, measure)
        elif self.store_cv_results or not isinstance(measure, Measure):
            scores = self._scores_of_rows(rows, alphas, measure)
        else:
            errors = leave_one_out_errors(
                rows, sums, alphas, self._outcomes(sums.outcomes), intercept=self.fit_intercept
            )
            scores = np.array([measure.score(e, outcome_variance(sums, j)) for j, e in enumerate(errors)])
        if self.cv is None and self.scoring is None:
            scores = scores * (sums.weight / rows.rows)  # scikit-learn's mean of weighted squares is over the rows
        if self.alpha_per_target and len(scores) > 1:
            # Of equal scores the first penalty is taken.
            best_index = np.argmax(scores, axis=1)
            self.alpha_, self.best_score_ = alphas[best_index], scores[np.arange(len(best_index)), best_index]
        else:
            scores = scores.mean(axis=0)
            self.alpha_, self.best_score_ = float(alphas[np.argmax(scores)]), scores.max()
        return self._refit(rows, digits)

    def _check_options(self) -> None:
        """Raise OptionError for options that contradict each other."""
        if self.alpha_per_target and self.cv is not None:
            raise OptionError("alpha_per_target goes with cv=None, where rows are left out one at a time")
        if self.store_cv_results and self.cv is not None:
            raise OptionError("store_cv_results goes with cv=None, where rows are left out one at a time")

    def _measure(self) -> Measure | Scorer:
        """What is largest for the best penalty: a measure of mean squared errors, or a scorer of predictions."""
        name = self.scoring or ("neg_mean_squared_error" if self.cv is None else "r2")
        return MEASURES[name] if isinstance(name, str) and name in MEASURES else scorer_of(name)

    def _scores_of_rows(self, rows: Rows, alphas: Vector, measure: Measure | Scorer) -> Matrix:
        """Scores of the leave-one-out predictions of all rows, which are kept: (1, a), or (k, a) by outcome."""
        names, flat = self._outcomes(self._sums.outcomes), self._flat
        errors = leave_one_out_errors_of_rows(rows, self._sums, alphas, names, intercept=self.fit_intercept)
        y, weight = np.column_stack([rows.vectors[n] for n in names]), rows.vectors.get(weight_name(rows.columns))
        if self.scoring is None:
            results = errors**2 if weight is None else errors**2 * weight[:, None, None]
            mean = results.mean(axis=0) * (rows.rows / self._sums.weight)
            scores = -mean
        else:
            scorer, results = scorer_of(self.scoring), y[:, :, None] - errors
            scores = scores_of_predictions(scorer, results, y, weight, flat=flat, each=self.alpha_per_target)
        if self.store_cv_results:
            self.cv_results_ = (results[:, 0] if flat else results).astype(self._dtype)
        return np.asarray(scores)

    def _scores(self, rows: Rows, splits: Sequence[Split], alphas: Vector, measure: Measure | Scorer) -> Matrix:
        """Mean scores over the folds, (k, a), or (1, a) for a scorer.

        A fold of one test row has no R squared; then minus the squared error is the score of all folds.
        """
        # All folds are scored by the same measure, since their scores are averaged.
        if min(len(test) for _, test in splits) < MIN_TEST_ROWS and measure is MEASURES["r2"]:
            measure = MEASURES["neg_mean_squared_error"]
        fold_scores = []
        for (_, positions), (train, test) in zip(splits, self._folds(rows, splits, self._sums), strict=True):
            fits = [_slopes(train, j, alphas, intercept=self.fit_intercept) for j in range(train.outcomes)]
            fold_scores.append(
                [measure.score(*_errors(train, test, j, b, intercept=self.fit_intercept)) for j, b in enumerate(fits)]
                if isinstance(measure, Measure)
                else self._scores_of_test_rows(rows, positions, train, fits, measure)
            )
        return np.asarray(np.mean(fold_scores, axis=0))

    def _scores_of_test_rows(
        self, rows: Rows, positions: Any, train: Sums, fits: list[Matrix], scorer: Scorer
    ) -> Matrix:
        """Scores of the predictions of the test rows, (1, a). fits : slopes (a, p) for each outcome."""
        X, names = np.asarray(rows.take(positions), np.float64), self._outcomes(train.outcomes)
        slopes = np.stack(fits, axis=1)  # (a, k, p)
        predictions = np.stack(
            [X @ b.T + intercepts_of(train, b, intercept=self.fit_intercept) for b in slopes], axis=2
        )
        y, weight = (
            np.column_stack([rows.vectors[n][positions] for n in names]),
            rows.vectors.get(weight_name(rows.columns)),
        )
        weight = None if weight is None else weight[positions]
        return scores_of_predictions(scorer, predictions, y, weight, flat=self._flat, each=False)

    def _alphas(self, outcomes: int) -> Vector | None:
        each = np.broadcast_to(np.asarray(self.alpha_), outcomes)
        return each if each.any() else None


def _slopes(train: Sums, j: int, alphas: Vector, *, intercept: bool) -> Matrix:
    """Slopes (a, p) of ridge fits to outcome number `j` of the training rows. alphas : (a,) penalties."""
    system = system_of(train, j, intercept=intercept)
    with one_thread():
        return ridge(system, Penalty(np.ones(len(system.c)), l1_ratio=0.0), alphas).coefficients


def _errors(train: Sums, test: Sums, j: int, slopes: Matrix, *, intercept: bool) -> tuple[Vector, float]:
    """Mean squared errors on the test rows of fits to the training rows, (a,), and the variance of the test y.

    train, test : sums of the rows. j : number of the outcome. slopes : (a, p), one row for each penalty.
    """
    a, b = system_of(train, j, intercept=intercept), system_of(test, j, intercept=intercept)
    return squared_errors(a, b, slopes), outcome_variance(test, j)
