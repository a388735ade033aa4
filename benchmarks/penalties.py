"""Penalised paths and cross-validations from moments against scikit-learn's from arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from findings import Finding, check
from numpy.typing import NDArray
from problems import Sizes, array
from runner import Bar, Contender, Race
from sklearn.linear_model import Ridge, lars_path_gram

import gramian as gm
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import prepare
from gramian.fit.passes.options import Options
from gramian.fit.penalized.options import PathOptions
from gramian.fit.penalized.path import solve_path
from gramian.fit.penalized.problem import centred_system, penalized_problem, sums_of
from gramian.fit.penalized.result_cv import cross_validation_of
from gramian.linalg.moments import Moments
from gramian.linalg.penalized.paths import lasso
from gramian.linalg.penalized.system import Penalty

COLUMNS = 200
FOLDS, ALPHAS = 10, 100
SAME = 1e-10  # relative to the largest coefficient, and to the largest alpha
ROUND = 1e-12  # alphas nearer than this share of the largest are one knot

Array = NDArray[np.float64]


class Knots(NamedTuple):
    """Alphas, falling, and coefficients there, one row each."""

    alphas: Array
    coefficients: Array


def lasso_path(sizes: Sizes) -> Race:
    design, done = _correlated(sizes)
    posed = penalized_problem(design, done.moments, PathOptions())
    system = centred_system(posed, sums_of(posed, done.moments))
    penalty, rows = Penalty(np.ones(COLUMNS)), done.moments.rows
    S, c = system.S.copy(), system.c.copy()
    return Race(
        "lasso-path",
        f"lasso path of {COLUMNS} correlated columns, all knots, from one Gram",
        [
            Contender("gramian", lambda: lasso(system, penalty)),
            Contender("gramian, from moments", lambda: solve_path(design, done, PathOptions())),
            Contender("lars_path_gram", lambda: _lars(S, c, rows)),
        ],
        [Bar("gramian", "lars_path_gram", 1.0), Bar("gramian, from moments", "lars_path_gram", 1.5)],
    )


def cross_validation(sizes: Sizes) -> Race:
    """The arithmetic alone: the moments of the folds are there."""
    X, y = array(sizes.array)
    design, folds = _folds(X, y)
    train, outcome = X[len(X) // FOLDS :], y[len(X) // FOLDS :]
    alphas = np.logspace(-3, 4, 5)
    return Race(
        "cross-validation",
        f"{FOLDS}-fold cross-validation over {ALPHAS} ridge penalties, {X.shape[1]} columns, from moments of folds",
        [
            Contender("gramian", lambda: cross_validation_of(design, folds)),
            Contender("5 of the 1,000 fits of Ridge", lambda: [Ridge(a).fit(train, outcome) for a in alphas]),
            Contender("one gramian fit of the array", lambda: gm.ols("y ~ X", {"X": X, "y": y})),
        ],
        [Bar("gramian", "5 of the 1,000 fits of Ridge", 1.0), Bar("gramian", "one gramian fit of the array", 0.3)],
    )


def lasso_digits(sizes: Sizes, rounds: int) -> Finding:
    """How far the knots are from scikit-learn's."""
    del rounds
    design, done = _correlated(sizes)
    posed = penalized_problem(design, done.moments, PathOptions())
    system = centred_system(posed, sums_of(posed, done.moments))
    mine = lasso(system, Penalty(np.ones(COLUMNS)))
    theirs = _distinct(_lars(system.S.copy(), system.c.copy(), done.moments.rows))
    ours = _distinct(Knots(mine.alphas, mine.coefficients))
    same = len(ours.alphas) == len(theirs.alphas)
    off = _off(ours, theirs) if same else (float("inf"), float("inf"))
    return Finding(
        f"Knots of the lasso path of {COLUMNS} columns",
        ["knots", "lars_path_gram's", "alphas off by", "coefficients off by", "largest violation of the conditions"],
        [[str(len(ours.alphas)), str(len(theirs.alphas)), *(f"{v:.1e}" for v in off), f"{mine.certificate.max():.1e}"]],
        [check("largest difference", f"{max(off):.1e}", f"at most {SAME:g}, relative", max(off) <= SAME)],
        note="relative to the largest alpha, and to the largest coefficient; violations as correlations.",
    )


RACES: dict[str, Callable[[Sizes], Race]] = {"lasso-path": lasso_path, "cross-validation": cross_validation}
FINDINGS: dict[str, Callable[[Sizes, int], Finding]] = {"lasso-digits": lasso_digits}


def _correlated(sizes: Sizes) -> tuple[Any, Any]:
    """A design and what a pass leaves: columns that are neither orthogonal nor nearly dependent."""
    rng = np.random.default_rng(11)
    rows = max(sizes.array // 50, 5 * COLUMNS)
    mixed = np.eye(COLUMNS) + 0.05 * rng.standard_normal((COLUMNS, COLUMNS))
    X = rng.standard_normal((rows, COLUMNS)) @ mixed
    y = X @ rng.standard_normal(COLUMNS) + 10.0 * rng.standard_normal(rows)
    source = source_of({"X": X, "y": y})
    design, source = prepare("y ~ X", source, Options())
    return design, Local(1).fold(source, Accumulate(design))


def _folds(X: Array, y: Array) -> tuple[Any, list[Moments]]:
    """A design, and the moments of the rows i % 10."""
    design, _ = prepare("y ~ X", source_of({"X": X, "y": y}), Options())
    task = Accumulate(design)
    parts = (source_of({"X": np.ascontiguousarray(X[k::FOLDS]), "y": y[k::FOLDS].copy()}) for k in range(FOLDS))
    return design, [Local(1).fold(part, task).moments for part in parts]


def _lars(S: Array, c: Array, rows: int) -> Knots:
    alphas, _, coefficients = lars_path_gram(c, S, n_samples=rows, method="lasso", max_iter=100 * COLUMNS)
    return Knots(alphas, coefficients.T)


def _distinct(knots: Knots) -> Knots:
    """Without knots that differ by rounding, the last of them kept."""
    keep = np.append(knots.alphas[:-1] - knots.alphas[1:] > ROUND * knots.alphas[0], True)
    return Knots(knots.alphas[keep], knots.coefficients[keep])


def _off(a: Knots, b: Knots) -> tuple[float, float]:
    return (
        float(np.abs(a.alphas - b.alphas).max() / b.alphas[0]),
        float(np.abs(a.coefficients - b.coefficients).max() / np.abs(b.coefficients).max()),
    )
