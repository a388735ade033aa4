"""Other packages that do the work of `range.py`; each is None where it is not installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from runner import Answer

Array = NDArray[np.float64]
Peer = Callable[[], Answer] | None


def intelex(X: Array, y: Array) -> Peer:
    """LinearRegression of scikit-learn-intelex."""
    try:
        from sklearnex.linear_model import LinearRegression
    except ImportError:
        return None

    def fit() -> Answer:
        model = LinearRegression().fit(X, y)
        return Answer(np.append(model.intercept_, model.coef_), np.zeros(0))

    return fit


def glum(X: Array, y: Array) -> Peer:
    """The normal family of glum without a penalty."""
    try:
        from glum import GeneralizedLinearRegressor
    except ImportError:
        return None

    def fit() -> Answer:
        model = GeneralizedLinearRegressor(family="normal", alpha=0.0, gradient_tol=1e-10).fit(X, y)
        return Answer(np.append(model.intercept_, model.coef_), np.zeros(0))

    return fit


def duckdb_averages(X: Array, y: Array) -> Callable[[], object] | None:
    """The averages of all columns by DuckDB, from a table that it holds in memory: the least that any fit can do."""
    try:
        import duckdb
    except ImportError:
        return None
    connection = duckdb.connect()
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(y=y)
    connection.register("frame", frame)
    connection.execute("create table numbers as select * from frame")
    query = f"select {', '.join(f'avg({name})' for name in frame)} from numbers"
    return lambda: connection.execute(query).fetchall()


def fereg(formula: str, frame: pd.DataFrame) -> Peer:
    """`fereg.feols`."""
    try:
        from fereg import feols
    except ImportError:
        return None
    return partial(_answer, feols, formula, frame)


def pyfixest(formula: str, frame: pd.DataFrame) -> Peer:
    """`pyfixest.feols`."""
    try:
        from pyfixest import feols
    except ImportError:
        return None
    return partial(_answer, feols, formula, frame)


def _answer(feols: Callable[..., object], formula: str, frame: pd.DataFrame) -> Answer:
    fit = feols(formula, frame, vcov="iid", fixef_rm="none")
    fit.se()  # type: ignore[attr-defined]
    return Answer(np.asarray(fit.coef()), np.zeros(0))  # type: ignore[attr-defined]
