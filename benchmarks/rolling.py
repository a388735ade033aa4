"""Windows of time from one pass, beside a fit of the rows of every window, and RollingOLS of statsmodels.

python benchmarks/rolling.py [--rows N] [--columns K] [--periods M] [--span W]
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
from statsmodels.regression.rolling import RollingOLS

import gramian as gm

STATSMODELS = 10  # windows of RollingOLS
REFITTED = 10  # windows that are fitted by themselves; the time of all is estimated from theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("rows", 1_000_000), ("columns", 10), ("periods", 299), ("span", 50)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    X = rng.standard_normal((given.rows, given.columns))
    y = X.sum(axis=1) + rng.standard_normal(given.rows)
    t = np.arange(given.rows) * given.periods // given.rows
    data = {f"x{i}": X[:, i] for i in range(given.columns)} | {"t": t, "y": y}
    formula = "y ~ " + " + ".join(f"x{i}" for i in range(given.columns))

    begin = perf_counter()
    fits = gm.rolling(formula, data, given.span, on="t")
    ours = perf_counter() - begin
    print(f"{len(fits)} windows of {given.rows:,} rows x {given.columns} columns, one pass: {ours:.2f} s")

    ends, largest = list(fits), 0.0
    begin = perf_counter()
    for end in ends[:: max(1, len(ends) // REFITTED)]:
        first, last = np.searchsorted(t, [end - given.span + 1, end + 1])
        refit = gm.ols(formula, {name: values[first:last] for name, values in data.items()})
        change = np.abs(refit.coefficients - fits[end].coefficients) / np.abs(refit.coefficients)
        largest = max(largest, float(change.max()))
    count = len(ends[:: max(1, len(ends) // REFITTED)])
    each = (perf_counter() - begin) / count * len(ends)
    print(f"a fit of every window: {each:.2f} s (from {count} of them), largest relative difference {largest:.1e}")

    # RollingOLS makes a window for every row: the time of as many as there are ends is estimated from a short series
    window = given.rows // given.periods * given.span
    rows = window + STATSMODELS - 1
    begin = perf_counter()
    RollingOLS(y[:rows], np.column_stack([np.ones(rows), X[:rows]]), window).fit()
    theirs = (perf_counter() - begin) / STATSMODELS * len(ends)
    print(f"RollingOLS of statsmodels, as many windows of {window:,} rows: {theirs:.2f} s (from {STATSMODELS} of them)")


if __name__ == "__main__":
    main()
