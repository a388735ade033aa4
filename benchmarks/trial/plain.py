"""Families of problems with plain columns: condition, offsets, scales, dependence, order, width."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from trial import draw
from trial.problem import Array, Problem, linear


def _problem(X: Array, y: Array, what: str, *, intercept: bool = True) -> Problem:
    formula, columns = linear(draw.names(X.shape[1]), intercept=intercept)
    return Problem(formula, columns, draw.table(X, y), what)


def condition(rng: Generator) -> Problem:
    """Condition 1e0 to 1e14."""
    p, kappa, noise = int(rng.integers(1, 9)), draw.magnitude(rng, 0.0, 14.0), draw.noise_of(rng)
    X = draw.conditioned(rng, draw.size(rng, p), p, kappa) * np.array([draw.magnitude(rng, -3, 3) for _ in range(p)])
    return _problem(X, draw.outcome(rng, X, noise, rng.normal()), f"condition {kappa:.0e}, noise {noise:.0e}")


def offsets(rng: Generator) -> Problem:
    """Offsets to 1e12 of columns and outcome."""
    p, kappa, noise = int(rng.integers(1, 7)), draw.magnitude(rng, 0.0, 4.0), draw.noise_of(rng)
    X = draw.conditioned(rng, draw.size(rng, p), p, kappa)
    y = draw.outcome(rng, X, noise) + draw.sign(rng) * draw.magnitude(rng, -2, 12)
    far = np.array([draw.sign(rng) * draw.magnitude(rng, 0, 12) for _ in range(p)])
    return _problem(X + far, y, f"offsets to {np.abs(far).max():.0e}, condition {kappa:.0e}, noise {noise:.0e}")


def scales(rng: Generator) -> Problem:
    """Scales 1e-150 to 1e150, each column's own, the outcome's too."""
    p, kappa, noise = int(rng.integers(1, 9)), draw.magnitude(rng, 0.0, 7.0), draw.noise_of(rng)
    X = draw.conditioned(rng, draw.size(rng, p), p, kappa) + rng.standard_normal(p)
    y = draw.outcome(rng, X, noise, rng.normal()) * draw.magnitude(rng, -150, 150)
    by = np.array([draw.magnitude(rng, -150, 150) for _ in range(p)])
    return _problem(X * by, y, f"scales {by.min():.0e} to {by.max():.0e}, condition {kappa:.0e}, noise {noise:.0e}")


def dependent(rng: Generator) -> Problem:
    """Duplicates, multiples and whole-number combinations, exactly dependent."""
    p = int(rng.integers(2, 6))
    m = draw.size(rng, p + 2)
    X = np.rint(rng.standard_normal((m, p)) * 1000.0) + np.rint(rng.standard_normal(p) * draw.magnitude(rng, 0, 8))
    kinds = {
        "a duplicate": X[:, 0],
        "a multiple": X[:, 0] * 2.0 ** rng.integers(-40, 40),
        "a sum": X[:, 0] + X[:, 1],
        "a shifted copy": X[:, 0] + 7.0,
        "a combination": 3.0 * X[:, 0] - 5.0 * X[:, p - 1] + 11.0,
    }
    what = str(rng.choice(list(kinds)))
    at = int(rng.integers(1, p + 1))
    y = draw.outcome(rng, X, draw.noise_of(rng), 10.0)
    return _problem(np.insert(X, at, kinds[what], axis=1), y, f"{what} at {at + 1}")


def near(rng: Generator) -> Problem:
    """Columns 1e-4 to 1e-15 apart, or single units in the last place."""
    p, noise = int(rng.integers(1, 6)), draw.noise_of(rng)
    X = rng.standard_normal((draw.size(rng, p + 1), p)) + rng.standard_normal(p) * draw.magnitude(rng, 0, 3)
    distance = 0.0 if rng.random() < 0.25 else draw.magnitude(rng, -15, -4)
    base = X[:, 0] if p == 1 or rng.random() < 0.5 else X[:, 0] + X[:, 1]
    whole = np.column_stack([X, draw.apart(rng, base, distance)])
    how = f"{distance:.0e}" if distance else "single units in the last place"
    return _problem(whole, draw.outcome(rng, X, noise, rng.normal()), f"columns {how} apart, noise {noise:.0e}")


def ordered(rng: Generator) -> Problem:
    """The first rows, which fix the coordinates, far from the rest."""
    p, m, noise = int(rng.integers(1, 4)), draw.between(rng, 8_300, 12_000), draw.noise_of(rng)
    X = draw.conditioned(rng, m, p, draw.magnitude(rng, 0.0, 3.0))
    far = draw.magnitude(rng, 0, 6)
    if rng.random() < 0.5:
        X[:, 0] = np.sort(draw.sign(rng) * np.abs(rng.standard_cauchy(m)) * far)
        what = f"sorted, tail {far:.0e}"
    else:
        first = int(rng.choice([draw.FIRST, draw.FIRST + 1, m - 50]))
        X[:first] += far * rng.standard_normal(p)
        what = f"the first {first} rows {far:.0e} away"
    return _problem(X, draw.outcome(rng, X, noise, rng.normal()), f"{what}, noise {noise:.0e}")


def unshifted(rng: Generator) -> Problem:
    """First rows whose means are below their spread, so that nothing is shifted; then offsets of 1e7."""
    p, noise, far = int(rng.integers(1, 4)), draw.noise_of(rng), 1e7 * rng.uniform(0.1, 3.0)
    X = draw.conditioned(rng, draw.between(rng, 8_300, 12_000), p, draw.magnitude(rng, 0.0, 2.0))
    first = int(rng.choice([draw.FIRST, draw.FIRST + 4, draw.FIRST + 100]))
    spread = draw.magnitude(rng, -1, 2)
    X[:first] = X[:first] * spread if rng.random() < 0.7 else 0.0
    X[first:] += far
    if rng.random() < 0.6:  # the first rows are few beside the rest in what they say
        X[:first] += np.where(rng.random((first, 1)) < 0.5, far, -far)
    return _problem(X, draw.outcome(rng, X, noise, rng.normal()), f"{far:.0e} after row {first}, noise {noise:.0e}")


def many(rng: Generator) -> Problem:
    """Ten to forty columns, up to 2,000 rows."""
    p, noise, kappa = draw.between(rng, 10, 40), draw.noise_of(rng), draw.magnitude(rng, 0.0, 8.0)
    m = draw.between(rng, max(60, 2 * p), 2_000)
    X = draw.conditioned(rng, m, p, kappa) + rng.standard_normal(p) * draw.magnitude(rng, -2, 4)
    return _problem(X, draw.outcome(rng, X, noise, rng.normal()), f"{m} x {p}, condition {kappa:.0e}")


def wide(rng: Generator) -> Problem:
    """More columns than rows, or as many."""
    m = int(rng.integers(3, 9))
    p = m + int(rng.integers(-1, 5))
    X = rng.standard_normal((m, p)) * draw.magnitude(rng, -4, 4) + rng.standard_normal(p) * draw.magnitude(rng, -2, 4)
    return _problem(X, rng.standard_normal(m), f"{m} rows, {p} columns", intercept=bool(rng.random() < 0.7))


def degenerate(rng: Generator) -> Problem:
    """Columns that are constant, zero, or differ from a constant in one row; outcomes that are constant or zero."""
    p = int(rng.integers(1, 5))
    X = rng.standard_normal((draw.size(rng, p + 1), p))
    c = draw.magnitude(rng, -3, 9)
    once = np.full(len(X), c)
    once[int(rng.integers(len(X)))] = np.nextafter(c, np.inf) if rng.random() < 0.5 else c + 1.0
    kinds = {
        "a constant column": np.full(len(X), c),
        "a column of zeros": np.zeros(len(X)),
        "a column that differs in one row": once,
        "a constant outcome": X[:, 0] ** 2,
        "an outcome of zeros": X[:, 0] ** 2,
    }
    what = str(rng.choice(list(kinds)))
    y = {"a constant outcome": np.full(len(X), c), "an outcome of zeros": np.zeros(len(X))}.get(what)
    whole = np.insert(X, int(rng.integers(0, p + 1)), kinds[what], axis=1)
    y = draw.outcome(rng, X, draw.noise_of(rng), 1.0) if y is None else y
    return _problem(whole, y, what, intercept=bool(rng.random() < 0.8))


def subtracted(rng: Generator) -> Problem:
    """Sums from which most has been taken out again."""
    p, m, noise = int(rng.integers(1, 5)), draw.between(rng, 8, 100), draw.noise_of(rng)
    gone = draw.between(rng, 50, 2_000)
    X = draw.conditioned(rng, m + gone, p, draw.magnitude(rng, 0.0, 3.0)) + rng.standard_normal(p)
    size, far = draw.magnitude(rng, 0, 4), draw.magnitude(rng, -1, 4)
    X[m:] = X[m:] * size + far * rng.standard_normal(p)
    y = draw.outcome(rng, X, noise, rng.normal())
    data = draw.table(X, y)
    whole = _problem(X, y, f"{gone} rows taken out, {size:.0e} as large, {far:.0e} away, noise {noise:.0e}")
    return replace(
        whole,
        data={name: values[:m] for name, values in data.items()},
        removed={name: values[m:] for name, values in data.items()},
        removed_first=bool(rng.random() < 0.5),
    )
