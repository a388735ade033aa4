"""How many passes a logistic regression takes, and how much memory: from Parquet, and where the outcome is rare."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import memory
import numpy as np
from findings import Finding, check
from problems import NUMERIC, Array, Sizes, binary_file
from scipy.optimize import brentq
from scipy.special import expit

import gramian as gm

FIT = """
import sys
import gramian as gm
fit = gm.glm(sys.argv[1], sys.argv[2], family="binomial")
print(fit.rows, fit.passes)
"""
IMPORTS = "from gramian import glm"
PARQUET_PASSES, RARE_PASSES = 4, 6
SHARE = 1e-3  # of rows with the rare outcome
OFFSET = 1e6
SLOPES = np.array([2.0, -1.5, 1.0])
NEAR = 1e-6  # standard errors
RARE = (
    (11, "random"),
    (12, "random"),
    (13, "random"),
    (11, "successes last"),
    (11, "successes first"),
)  # seeds, orders


def parquet(sizes: Sizes, rounds: int) -> Finding:
    """Passes, and peak private memory."""
    name = f"{sizes.parquet:,} rows"
    work = {memory.INTERPRETER: (IMPORTS,), name: (FIT, NUMERIC, str(binary_file(sizes.parquet)))}
    found = memory.peaks(work, rounds)
    passes = int(found[-1].printed.split()[1])
    return Finding(
        f"logistic, {sizes.parquet:,} x 20, Parquet: passes and memory",
        memory.COLUMNS,
        [peak.row for peak in found],
        [
            check("passes", passes, f"at most {PARQUET_PASSES}", passes <= PARQUET_PASSES),
            memory.below(found[1:]),
        ],
        memory.NOTE,
        details={"measure": "peak RssAnon", "passes": passes, "peaks": [asdict(p) for p in found]},
    )


def rare(sizes: Sizes, rounds: int) -> Finding:
    """Passes with one success in a thousand rows, in random order and with all successes at the end."""
    rows = []
    for seed, order in RARE:
        X, y = _rare(sizes.array, seed)
        if order != "random":
            by = np.argsort(y if order.endswith("last") else -y, kind="stable")
            X, y = X[by], y[by]
        fit = gm.glm("y ~ a + b + c", {"a": X[:, 0], "b": X[:, 1], "c": OFFSET + X[:, 2], "y": y})
        rows.append((order, int(y.sum()), fit.passes, _distance(fit, X, y)))
    passes, far = max(row[2] for row in rows), max(row[3] for row in rows)
    return Finding(
        f"logistic, {sizes.array:,} rows, outcome of {SHARE:.1%}, slopes {SLOPES.tolist()}, a column near {OFFSET:g}",
        ("order", "successes", "passes", "slopes from statsmodels on the column without its offset, standard errors"),
        [(order, f"{ones:,}", str(n), f"{distance:.1e}") for order, ones, n, distance in rows],
        [
            check("passes", passes, f"at most {RARE_PASSES}", passes <= RARE_PASSES),
            check("distance", f"{far:.1e}", f"at most {NEAR:g} standard errors", far <= NEAR),
        ],
    )


def _rare(rows: int, seed: int) -> tuple[Array, Array]:
    """Columns, the last of them to be moved by `OFFSET`, which it can be without rounding; and outcomes 0 and 1."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 3))
    X[:, 2] = (OFFSET + X[:, 2]) - OFFSET
    eta = X @ SLOPES
    base = brentq(lambda c: expit(eta + c).mean() - SHARE, -50.0, 0.0)
    return X, (rng.random(rows) < expit(eta + base)).astype(np.float64)


def _distance(fit: Any, X: Array, y: Array) -> float:
    """Largest difference of a slope from that of statsmodels, in standard errors."""
    import statsmodels.api as sm

    theirs = sm.GLM(y, sm.add_constant(X), family=sm.families.Binomial()).fit(tol=1e-14, maxiter=200)
    return float(np.max(np.abs(fit.coefficients - theirs.params)[1:] / theirs.bse[1:]))
