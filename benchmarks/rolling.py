"""Windows of time from one pass, beside a fit of the rows of every window, RollingOLS of statsmodels, and polars_ols.

python benchmarks/rolling.py [--rows N] [--columns K] [--periods M] [--span W] [--repeats R] [--polars-ols PYTHON]

All times are of processors, in turns, so that other work of the machine matters little.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from statsmodels.regression.rolling import RollingOLS

import gramian as gm

STATSMODELS = 10  # windows of RollingOLS
REFITTED = 10  # windows that are fitted by themselves in a round; the time of all is estimated from theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (("rows", 1_000_000), ("columns", 10), ("periods", 299), ("span", 50), ("repeats", 7)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--polars-ols", help="a Python that has polars_ols")
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    X = rng.standard_normal((given.rows, given.columns))
    y = X.sum(axis=1) + rng.standard_normal(given.rows)
    t = np.arange(given.rows) * given.periods // given.rows
    data = {f"x{i}": X[:, i] for i in range(given.columns)} | {"t": t, "y": y}
    formula = "y ~ " + " + ".join(f"x{i}" for i in range(given.columns))
    order = rng.permutation(given.rows)
    shuffled = {name: values[order] for name, values in data.items()}

    fits = gm.rolling(formula, data, given.span, on="t")
    chosen = list(fits)[:: max(1, len(fits) // REFITTED)]
    parts = [np.searchsorted(t, [end - given.span + 1, end + 1]) for end in chosen]
    pieces = [{name: values[first:last] for name, values in data.items()} for first, last in parts]
    times = in_turns(
        given.repeats,
        lambda: gm.rolling(formula, data, given.span, on="t"),
        lambda: gm.rolling(formula, shuffled, given.span, on="t"),
        lambda: [gm.ols(formula, piece) for piece in pieces],
    )
    ours, unsorted, refits = times[0], times[1], times[2] / len(pieces) * len(fits)
    changes = [
        np.abs(gm.ols(formula, piece).coefficients / fits[end].coefficients - 1.0).max()
        for end, piece in zip(chosen, pieces, strict=True)
    ]
    print(f"{len(fits)} windows of {given.rows:,} rows x {given.columns} columns, one pass: {ours:.3f} s")
    print(f"rows in any order: {unsorted:.3f} s")
    print(f"a fit of every window: {refits:.2f} s (from {len(pieces)}), largest relative difference {max(changes):.1e}")
    print(f"that is 1/{refits / ours:.1f} of the fits, and 1/{refits / unsorted:.1f} with rows in any order")

    # RollingOLS makes a window for every row: the time of as many as there are ends is estimated from a short series
    window = given.rows // given.periods * given.span
    rows = window + STATSMODELS - 1
    begin = process_time()
    RollingOLS(y[:rows], np.column_stack([np.ones(rows), X[:rows]]), window).fit()
    theirs = (process_time() - begin) / STATSMODELS * len(fits)
    print(f"RollingOLS of statsmodels, as many windows of {window:,} rows: {theirs:.2f} s (from {STATSMODELS} of them)")
    if given.polars_ols:
        worker = Path(__file__).with_name("polars_ols_worker.py")
        command = [given.polars_ols, str(worker), *map(str, (given.rows, given.columns, window))]
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        last = gm.ols(formula, {name: values[-window:] for name, values in data.items()}).coefficients
        change = np.abs(np.array(found["last"]) / last - 1.0).max()
        print(
            f"polars_ols, a window of {window:,} rows at every row: {found['seconds']:.2f} s, differs by {change:.1e}"
        )


def in_turns(repeats: int, *calls: Callable[[], Any]) -> list[float]:
    """Median seconds of processors of each call."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for own, call in zip(times, calls, strict=True):
            begin = process_time()
            call()
            own.append(process_time() - begin)
    return list(map(median, times))


if __name__ == "__main__":
    main()
