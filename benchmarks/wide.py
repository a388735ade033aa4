"""Sparse least squares: gramian's iterative solver against SciPy's lsmr at the accuracy that it reaches.

python benchmarks/wide.py                     200,000 x 50,000, 20 entries a row
python benchmarks/wide.py --scale 0.1         a tenth of rows and columns
"""

from __future__ import annotations

import argparse
import json
import sys
from time import perf_counter, process_time
from typing import Any

import numpy as np
from machine import as_shipped, facts
from scipy.sparse import csr_array, hstack
from scipy.sparse.linalg import lsmr

import gramian as gm

ROWS, COLUMNS, EACH = 200_000, 50_000, 20
DIGITS = 8
TOLERANCES = [10.0 ** (-k / 2) for k in range(12, 31)]


def problem(scale: float, seed: int = 1) -> tuple[csr_array, np.ndarray]:
    rng = np.random.default_rng(seed)
    m, p = round(ROWS * scale), round(COLUMNS * scale)
    places = rng.integers(0, p, m * EACH)
    X = csr_array((rng.standard_normal(m * EACH), places, np.arange(0, m * EACH + 1, EACH)), shape=(m, p))
    X.sum_duplicates()
    return X, 3.0 + X @ rng.standard_normal(p) + rng.standard_normal(m)


def race(runs: list[Any], rounds: int) -> list[dict[str, float]]:
    """Least seconds of each, by the clock and of all cores; one after the other in every round."""
    times = [[_timed(run) for run in runs] for _ in range(rounds)]
    return [
        dict(zip(("seconds", "core seconds"), map(min, zip(*each, strict=True)), strict=True))
        for each in zip(*times, strict=True)
    ]


def _timed(run: Any) -> tuple[float, float]:
    start, busy = perf_counter(), process_time()
    run()
    return perf_counter() - start, process_time() - busy


def main() -> int:
    as_shipped()
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    X, y = problem(given.scale)
    data = {"X": X, "y": y}

    def ours() -> Any:
        return gm.ols("y ~ X", data, digits=DIGITS, solver="iterative")

    fit = ours()
    truth = gm.ols("y ~ X", data, digits=13, solver="iterative").coefficients  # residual in double-double
    lengths = np.sqrt(np.asarray(X.power(2).sum(axis=0)).ravel() - np.asarray(X.sum(axis=0)).ravel() ** 2 / X.shape[0])
    sizes = np.fmax(np.abs(truth), fit.sigma / np.append(np.sqrt(X.shape[0]), lengths))
    right = -np.log10(np.maximum(np.abs(fit.coefficients - truth) / sizes, 2.0**-53))
    holds = bool((fit.digits <= right + 1e-9).all())  # the truth itself is good to 13 digits
    A = csr_array(hstack([csr_array(np.ones((X.shape[0], 1))), X], format="csr"))
    told = float(fit.digits.min())
    for tolerance in TOLERANCES:  # the first that gives the digits that are told of ours
        b = lsmr(A, y, atol=tolerance, btol=tolerance, conlim=0, maxiter=10_000)
        reached = float(-np.log10((np.abs(b[0] - truth) / sizes).max()))
        if reached >= told:
            break

    def theirs() -> Any:
        return lsmr(A, y, atol=tolerance, btol=tolerance, conlim=0, maxiter=10_000)

    us, them = race([ours, theirs], given.rounds)
    no_slower = us["seconds"] <= them["seconds"]
    found = {
        "problem": f"{X.shape[0]:,} x {X.shape[1]:,}, {EACH} a row",
        "gramian": {**us, "steps": fit.steps, "least digits told": told},
        "least digits there": float(right.min()),
        "told digits hold": holds,
        "lsmr": {**them, "steps": int(b[2]), "tolerance": tolerance, "least digits there": reached},
        "no slower": no_slower,
        "share of its time": us["seconds"] / them["seconds"],
        "machine": facts(),
    }
    print(json.dumps(found, indent=2))
    return 0 if holds and no_slower else 1


if __name__ == "__main__":
    sys.exit(main())
