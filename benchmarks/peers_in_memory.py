"""Other packages that do the work of `range.py`; each is None where it is not installed."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc
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


def polars_online(X: Array, y: Array) -> Peer:
    """The ridge without a penalty of polars-online, in the interpreter that POLARS_ONLINE_PYTHON names.

    The process has the columns in memory before the first fit; a fit costs a line to it and a line back.
    """
    interpreter = os.environ.get("POLARS_ONLINE_PYTHON")
    if not interpreter:
        return None
    table = pa.table({**{f"x{i}": X[:, i] for i in range(X.shape[1])}, "y": y})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "columns.arrow"
        with ipc.new_file(path, table.schema) as file:
            file.write_table(table)
        command = [interpreter, str(Path(__file__).with_name("polars_online_worker.py")), str(path)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, encoding="utf-8"
        )
        weakref.finalize(worker, worker.kill)
        requests, answers = worker.stdin, worker.stdout
        assert requests is not None
        assert answers is not None

        def fit() -> Answer:
            print(file=requests, flush=True)
            return Answer(np.array(json.loads(answers.readline())), np.zeros(0))

        fit()  # the file is read
    return fit


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
