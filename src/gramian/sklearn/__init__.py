"""Estimators with scikit-learn's interface that are computed from sums of products, with tables of inference.

Names, parameters and shapes are scikit-learn's, so that pipelines, grid searches and clones work. In addition every
estimator has a property `inference_`, with the standard errors, tests and criteria that scikit-learn does not give.
"""

from __future__ import annotations

from importlib.util import find_spec

from gramian.errors import MissingExtraError

if find_spec("sklearn") is None:
    raise MissingExtraError("scikit-learn", "sklearn")

from gramian.sklearn.lasso import ElasticNet as ElasticNet
from gramian.sklearn.lasso import Lasso as Lasso
from gramian.sklearn.lasso_cv import LassoCV as LassoCV
from gramian.sklearn.linear import LinearRegression as LinearRegression
from gramian.sklearn.linear import Ridge as Ridge
from gramian.sklearn.logistic import LogisticRegression as LogisticRegression
from gramian.sklearn.poisson import PoissonRegressor as PoissonRegressor
from gramian.sklearn.polynomial import PolynomialRegression as PolynomialRegression
from gramian.sklearn.ridge_cv import RidgeCV as RidgeCV

__all__ = [
    "ElasticNet",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "LogisticRegression",
    "PoissonRegressor",
    "PolynomialRegression",
    "Ridge",
    "RidgeCV",
]
