"""Rolling windows by polars_ols, for `rolling.py --polars-ols PYTHON`: that package needs a polars of its own.

python polars_ols_worker.py ROWS COLUMNS WINDOW   prints its processor time, and the last window's coefficients
"""

from __future__ import annotations

import json
import sys
from time import process_time

import numpy as np
import polars as pl
import polars_ols  # noqa: F401  registers the namespace `least_squares`


def main(rows: int, columns: int, window: int) -> None:
    rng = np.random.default_rng(1)
    X = rng.standard_normal((rows, columns))
    y = X.sum(axis=1) + rng.standard_normal(rows)
    names = [f"x{i}" for i in range(columns)]
    frame = pl.DataFrame({**{name: X[:, i] for i, name in enumerate(names)}, "y": y, "Intercept": np.ones(rows)})
    features = [pl.col(name) for name in ("Intercept", *names)]
    fits = pl.col("y").least_squares.rolling_ols(*features, window_size=window, min_periods=window, mode="coefficients")
    begin = process_time()
    fitted = frame.select(fits)
    print(json.dumps({"seconds": process_time() - begin, "last": list(fitted[-1, 0].values())}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
