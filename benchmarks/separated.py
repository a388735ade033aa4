"""Separation: whether it is named where it is there, and only there.

Whether an outcome is separated is told by a linear program, which knows nothing of the fit: some direction d has
x'd >= 0 for every success and x'd <= 0 for every failure, not all of them zero (Albert and Anderson 1984).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from findings import Finding, check
from numpy.random import Generator
from problems import Array, Sizes
from scipy.optimize import linprog
from scipy.special import expit

import gramian as gm

CASES, CLEAR = 50, 200
TOUCHES = 1e-7  # of a direction whose parts are at most 1: a sum of x'd above it is not rounding
LEVELS = "abcde"


class Problem(NamedTuple):
    """Data with the columns y, numbers x0, x1, ... and perhaps a factor g. guilty : what has to be named."""

    formula: str
    data: dict[str, Array]
    family: str = "binomial"
    guilty: frozenset[str] = frozenset()


def separation(sizes: Sizes, rounds: int) -> Finding:
    """Counts over random problems of each kind."""
    rows = [(kind, *_named(make)) for kind, make in KINDS.items()]
    clear, separated, alarms, failures, caught = _random()
    named = sum(row[1] for row in rows)
    told = [(kind, str(CASES), f"{n} named", f"{exact} nothing else") for kind, n, exact in rows]
    told.append(("random, overlapping", str(clear), f"{alarms} false alarms", f"{failures} other failures"))
    told.append(("random, separated by chance", str(separated), f"{caught} found", ""))
    return Finding(
        "separation: problems of each kind",
        ("kind", "problems", "", ""),
        told,
        [
            check("separation named", f"{named} of {CASES * len(KINDS)}", "all", named == CASES * len(KINDS)),
            check("found where it is there by chance", f"{caught} of {separated}", "all", caught == separated),
            check(f"false alarms on {clear} random problems", alarms, "none", alarms == 0),
            check("other failures on them", failures, "none", failures == 0),
        ],
        "random problems are sorted by a linear program.",
    )


def complete(rng: Generator) -> Problem:
    """A threshold in one column."""
    formula, data, X = _numbers(rng, factor=False)
    y = X[:, 0] > np.median(X[:, 0])
    return Problem(formula, {**data, "y": y.astype(float)}, guilty=frozenset({"x0"}))


def quasi_complete(rng: Generator) -> Problem:
    """A threshold in one column, on which both outcomes occur."""
    formula, data, X = _numbers(rng, factor=False)
    x = np.rint(X[:, 0])
    tied = np.flatnonzero(x == 0.0)
    y = (x > 0.0).astype(float)
    y[tied] = expit(X[tied, 1]) > rng.random(len(tied))
    y[tied[:8]] = [0.0, 1.0] * (len(tied[:8]) // 2)
    return Problem(formula, {**data, "x0": x, "y": y}, guilty=frozenset({"x0"}))


def one_level(rng: Generator) -> Problem:
    """A level of a factor with one outcome only."""
    formula, data, X = _numbers(rng, factor=True)
    level = rng.choice(list(LEVELS))
    y = (rng.random(len(X)) < expit(X[:, 0])).astype(float)
    y[data["g"] == level] = float(rng.integers(0, 2))
    return Problem(formula, {**data, "y": y}, guilty=frozenset({f"g[{level}]"}))


def zero_counts(rng: Generator) -> Problem:
    """A level of a factor in which every count is zero."""
    formula, data, X = _numbers(rng, factor=True)
    level = rng.choice(list(LEVELS))
    y = rng.poisson(np.exp(0.5 + 0.3 * X[:, 0])).astype(float)
    y[data["g"] == level] = 0.0
    return Problem(formula, {**data, "y": y}, "poisson", frozenset({f"g[{level}]"}))


KINDS: dict[str, Callable[[Generator], Problem]] = {
    "complete": complete,
    "quasi-complete": quasi_complete,
    "one level of a factor": one_level,
    "one level of a factor, counts": zero_counts,
}


def _numbers(rng: Generator, *, factor: bool) -> tuple[str, dict[str, Array], Array]:
    rows, width = int(rng.integers(150, 1500)), int(rng.integers(2, 6))
    X = rng.standard_normal((rows, width))
    data = {f"x{i}": X[:, i] for i in range(width)}
    formula = "y ~ " + " + ".join(data)
    if not factor:
        return formula, data, X
    return f"{formula} + g", {**data, "g": rng.choice(list(LEVELS), rows)}, X


def _named(make: Callable[[Generator], Problem]) -> tuple[int, int]:
    """How often the guilty are named, and how often nobody else is."""
    named = exact = 0
    for seed in range(CASES):
        problem = make(np.random.default_rng(seed))
        try:
            gm.glm(problem.formula, problem.data, family=problem.family)
        except gm.errors.SeparationError as error:
            named += problem.guilty <= set(error.columns)
            exact += problem.guilty == set(error.columns)
        except gm.errors.GramianError:
            pass
    return named, exact


def _random() -> tuple[int, int, int, int, int]:
    """Overlapping problems, separated ones, false alarms and other failures on the former, finds on the latter."""
    clear = separated = alarms = failures = caught = 0
    seed = 0
    while clear < CLEAR:
        problem, full = _by_chance(np.random.default_rng(1000 + seed))
        seed += 1
        apart = _is_separated(full, problem.data["y"])
        clear, separated = clear + (not apart), separated + apart
        try:
            gm.glm(problem.formula, problem.data)
        except gm.errors.SeparationError:
            alarms, caught = alarms + (not apart), caught + apart
        except gm.errors.GramianError:
            failures += not apart
    return clear, separated, alarms, failures, caught


def _by_chance(rng: Generator) -> tuple[Problem, Array]:
    """A random problem, small and steep enough to be separated now and then, and its model matrix."""
    rows, width = int(rng.integers(20, 300)), int(rng.integers(1, 5))
    X, g = rng.standard_normal((rows, width)), rng.integers(0, 3, rows)
    g[:3] = 0, 1, 2
    eta = X @ rng.normal(0.0, rng.choice([0.5, 1.0, 3.0]), width) + rng.normal(0.0, 1.5) + 0.5 * g
    y = (rng.random(rows) < expit(eta)).astype(float)
    y[3:5] = 0.0, 1.0
    data = {f"x{i}": X[:, i] for i in range(width)} | {"g": np.array(list(LEVELS))[g], "y": y}
    full = np.column_stack([np.ones(rows), X, g == 1, g == 2]).astype(float)
    return Problem("y ~ " + " + ".join(f"x{i}" for i in range(width)) + " + g", data), full


def _is_separated(full: Array, y: Array) -> bool:
    signed = full * np.where(y == 1.0, 1.0, -1.0)[:, None]
    best = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(y)), bounds=(-1.0, 1.0))
    if best.status != 0:
        raise RuntimeError(f"the linear program ended with: {best.message}")
    return -best.fun > TOUCHES
