"""scikit-learn's own checks, every one of them, none expected to fail."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from gramian import sklearn as estimators

EVERY = [getattr(estimators, name)() for name in estimators.__all__]
MORE = [
    estimators.LinearRegression(fit_intercept=False),
    estimators.LinearRegression(positive=True),
    estimators.Ridge(fit_intercept=False),
    estimators.Ridge(positive=True),
    estimators.RidgeCV(cv=3),
    estimators.ElasticNet(l1_ratio=0.0),
    estimators.Lasso(alpha=0.01, fit_intercept=False),
    estimators.ElasticNet(positive=True),
    estimators.LassoCV(positive=True),
    estimators.LogisticRegression(C=10.0, class_weight="balanced"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(EVERY + MORE)
def test_scikit_learn_check(estimator, check):
    check(estimator)
