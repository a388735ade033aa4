"""Scores of ridge penalties: those that sums of squared errors determine, and any scorer of predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring

from gramian.errors import OptionError
from gramian.sklearn.lasso import system_of
from gramian.sklearn.sums import Sums
from gramian.typing import Matrix, Vector

Scorer: TypeAlias = Callable[..., float]


@dataclass(frozen=True, slots=True)
class Measure:
    """A score that follows from mean squared errors (a,) and the variance of the outcome; largest is best."""

    score: Callable[[Vector, float], Vector]


class Identity(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator whose predictions are what it is given, so that scorers can judge predictions."""

    def fit(self, X: Any, y: Any) -> Identity:
        """Learn nothing."""
        return self

    def predict(self, X: Any) -> Any:
        """The predictions themselves."""
        return X


def scorer_of(scoring: Any) -> Scorer:
    """scikit-learn's scorer of that name, or the callable itself. Raises OptionError for anything else."""
    if isinstance(scoring, list | tuple | set | dict):
        raise OptionError(f"scoring must be one scorer, found {scoring!r}")
    try:
        return check_scoring(Identity(), scoring)  # type: ignore[no-any-return]
    except (ValueError, TypeError) as error:
        raise OptionError(
            f"scoring: {scoring!r} is no scorer; give a callable, or a name of sklearn.metrics.get_scorer_names()"
        ) from error


def scores_of_predictions(
    scorer: Scorer, predictions: NDArray[Any], y: Matrix, weight: Vector | None, *, flat: bool, each: bool
) -> Matrix:
    """Scores of the predictions (n, k, a) of outcomes (n, k) for every penalty: (1, a), or (k, a) with `each`.

    flat : whether y is given to the scorer as (n,). each : whether every outcome is scored by itself.
    """
    options = {} if weight is None else {"sample_weight": weight}
    parts: list[Any] = list(range(y.shape[1])) if each else [0 if flat else slice(None)]
    return np.array(
        [
            [scorer(Identity(), predictions[:, part, i], y[:, part], **options) for i in range(predictions.shape[2])]
            for part in parts
        ]
    )


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


MEASURES = {
    "r2": Measure(r_squared),
    "neg_mean_squared_error": Measure(negative_mse),
    "neg_root_mean_squared_error": Measure(negative_rmse),
}
