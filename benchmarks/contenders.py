"""What takes turns in a race. Packages are imported where a race is made: each loads only what it needs, untimed.

Every contender reads what it needs and produces its full result: coefficients and standard errors for a regression.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
from problems import FLIGHTS, NUMERIC, WIDTH, Sizes, array, doubles, doubles_with_factor, flights
from runner import Answer, Bar, Contender, Race

import gramian as gm

COLUMNS = [*(f"x{i}" for i in range(WIDTH)), "y"]


def averages(sizes: Sizes) -> Race:
    file = doubles(sizes.parquet)
    return Race(
        "averages",
        f"{sizes.parquet:,} rows x {WIDTH} doubles and an outcome, Parquet",
        [
            Contender("gramian", lambda: fitted(NUMERIC, str(file))),
            Contender("DuckDB avg()", duckdb_averages(file)),
            Contender("bare pyarrow scan", lambda: scanned(file)),
        ],
        [Bar("gramian", "DuckDB avg()", 1.4), Bar("gramian", "bare pyarrow scan", 2.5)],
    )


def in_memory(sizes: Sizes) -> Race:
    X, y = array(sizes.array)
    data = {"X": X, "y": y}
    return Race(
        "array",
        f"{sizes.array:,} x {X.shape[1]} array in memory",
        [
            Contender("gramian", lambda: fitted("y ~ X", data)),
            Contender("numpy solve(X.T @ X, X.T @ y)", lambda: np.linalg.solve(X.T @ X, X.T @ y)),
        ],
        [Bar("gramian", "numpy solve(X.T @ X, X.T @ y)", 1.3)],
    )


def new_york(sizes: Sizes) -> Race:
    file = flights(sizes.flights_step)
    return Race(
        "flights",
        f"flights of 2013{', every ' + str(sizes.flights_step) + 'th' if sizes.flights_step > 1 else ''}, Parquet",
        [
            Contender("gramian", lambda: fitted(FLIGHTS, str(file))),
            Contender("statsmodels", statsmodels(file)),
            Contender("pyfixest", pyfixest(file)),
        ],
        [Bar("gramian", "statsmodels", 1 / 20), Bar("gramian", "pyfixest", 1 / 10)],
        alike=frozenset({"gramian", "statsmodels", "pyfixest"}),
    )


def text_factor(sizes: Sizes) -> Race:
    file = doubles_with_factor(sizes.factor)
    return Race(
        "factor",
        f"{sizes.factor:,} rows x {WIDTH} doubles and a text factor of 1,000 levels, Parquet",
        [
            Contender("with the factor", lambda: fitted(f"{NUMERIC} + g", str(file))),
            Contender("without it", lambda: fitted(NUMERIC, str(file))),
        ],
        [Bar("with the factor", "without it", 2.0)],
    )


RACES: dict[str, Callable[[Sizes], Race]] = {
    "averages": averages,
    "array": in_memory,
    "flights": new_york,
    "factor": text_factor,
}


def fitted(formula: str, data: object) -> Answer:
    fit = gm.ols(formula, data)
    return Answer(fit.coefficients, fit.std_errors)


def scanned(file: Path) -> int:
    return sum(batch.num_rows for batch in ds.dataset(file).to_batches(columns=COLUMNS))


def duckdb_averages(file: Path) -> Callable[[], object]:
    """DuckDB on its default number of threads, over a connection that is open already."""
    import duckdb

    connection = duckdb.connect()
    query = f"select {', '.join(f'avg({name})' for name in COLUMNS)} from read_parquet('{file}')"
    return lambda: connection.execute(query).fetchall()


def statsmodels(file: Path) -> Callable[[], Answer]:
    import pandas as pd
    from statsmodels.formula.api import ols

    def work() -> Answer:
        fit = ols(FLIGHTS.replace("factor(", "C("), pd.read_parquet(file)).fit()
        return Answer(fit.params.to_numpy(), fit.bse.to_numpy())

    return work


def pyfixest(file: Path) -> Callable[[], Answer]:
    import pandas as pd
    from pyfixest import feols

    def work() -> Answer:
        fit = feols(FLIGHTS.replace("factor(", "C("), pd.read_parquet(file), vcov="iid")
        return Answer(fit.coef().to_numpy(), fit.se().to_numpy())

    return work
