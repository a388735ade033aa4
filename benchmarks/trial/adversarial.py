"""Problems made to break the bounds of the certificate, each for the line of the formulas that it leans on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from trial import draw
from trial.problem import CONSTANT, Array, Column, Problem, cells, linear, powers, variables
from trial.shaped import reweighted


def adversarial(rng: Generator) -> Problem:
    """One of the kinds below."""
    kind = KINDS[int(rng.integers(len(KINDS)))]
    problem = kind(rng)
    return replace(problem, what=f"{kind.__name__.replace('_', ' ')}: {problem.what}")


def _plain(X: Array, y: Array, what: str, *, intercept: bool = True) -> Problem:
    formula, columns = linear(draw.names(X.shape[1]), intercept=intercept)
    return Problem(formula, columns, draw.table(X, y), what)


def cancelling_intercept(rng: Generator) -> Problem:
    """Means near zero by cancellation, well-determined slopes, hardly any noise, an intercept that is next to nothing.

    The error of the sums of the columns enters the intercept through the slopes, though `mean x error` vanishes.
    """
    p, m = int(rng.integers(1, 4)), draw.between(rng, 10, 400)
    X = rng.standard_normal((m, p)) * draw.magnitude(rng, 0, 6)
    X = np.concatenate([X, -X])
    noise, b0 = draw.magnitude(rng, -14, -6), draw.magnitude(rng, -12, -2)
    y = draw.outcome(rng, X, noise, b0)
    return _plain(X, y, f"intercept {b0:.0e}, noise {noise:.0e}")


def far_intercept(rng: Generator) -> Problem:
    """An intercept that is the difference of large numbers: columns of one sign, far away."""
    p, m = int(rng.integers(2, 7)), draw.size(rng, 8)
    far = draw.magnitude(rng, 3, 12)
    X = rng.standard_normal((m, p)) + far
    b = rng.standard_normal(p)
    b[-1] = -draw.total(list(b[:-1]))
    noise = draw.magnitude(rng, -8, 0)
    y = draw.total([(X[:, j] - far) * b[j] for j in range(p)]) + noise * rng.standard_normal(m)
    return _plain(X, y, f"{p} columns at {far:.0e}, noise {noise:.0e}")


def all_amplified(rng: Generator) -> Problem:
    """Many columns and the outcome, all with large and similar amplification: coordinates from the first rows."""
    p, m = int(rng.integers(3, 11)), draw.FIRST + draw.between(rng, 100, 2_000)
    far = draw.magnitude(rng, 1, 7)
    X = draw.conditioned(rng, m, p, draw.magnitude(rng, 0, 2)) * draw.magnitude(rng, -3, 3)
    size = np.abs(X).max()
    y = draw.outcome(rng, X, draw.magnitude(rng, -6, 0))
    X[: draw.FIRST] = rng.choice([-1.0, 1.0], p) * size * (1.0 + 1e-3 * rng.random((draw.FIRST, 1)))
    X[draw.FIRST :] += far * size
    y[draw.FIRST :] += far * draw.sign(rng)
    return _plain(X, y, f"{p} columns, {far:.0e} times their spread away")


def told_back(rng: Generator) -> Problem:
    """Powers in coordinates of first rows that lie far from the rest: told coefficients cancel."""
    k, m = int(rng.integers(2, 5)), draw.FIRST + draw.between(rng, 50, 1_000)
    far = draw.magnitude(rng, 0, 4)
    x = rng.uniform(-1.0, 1.0, m)
    few = rng.integers(1, 40)
    x[: draw.FIRST] = far
    x[:few] = rng.uniform(-1.0, 1.0, few)
    y = draw.outcome(rng, np.stack([x**j for j in range(1, k + 1)], axis=1), draw.magnitude(rng, -9, 0), 1.0)
    return Problem(f"y ~ poly(x, {k}, raw=True)", (CONSTANT, *powers("x", k)), {"x": x, "y": y}, f"first at {far:.0e}")


def few_rows_high_powers(rng: Generator) -> Problem:
    """As few rows as a polynomial of the tenth degree allows: rounding of the powers themselves, not of the sums."""
    k = int(rng.integers(5, 11))
    m, noise = k + 1 + int(rng.integers(1, 5)), draw.magnitude(rng, -12, 0)
    low = draw.sign(rng) * draw.magnitude(rng, -1, 4)
    x = low + np.abs(low) * draw.magnitude(rng, -2, 0.5) * rng.random(m)
    t = (x - x.min()) / (x.max() - x.min())
    y = draw.outcome(rng, np.stack([t**j for j in range(1, k + 1)], axis=1), noise, 1.0)
    what = f"{m} rows, degree {k}, from {x.min():.6g} to {x.max():.6g}, noise {noise:.0e}"
    return Problem(f"y ~ poly(x, {k}, raw=True)", (CONSTANT, *powers("x", k)), {"x": x, "y": y}, what)


def two_variables(rng: Generator) -> Problem:
    """A full quadratic in two variables far from zero: |T| is large and full."""
    m, far = draw.size(rng, 8), draw.magnitude(rng, 0, 5)
    a, b = far + rng.standard_normal(m), -far * rng.uniform(0.1, 2.0) + rng.standard_normal(m)
    columns = (
        *variables(["a", "b"]),
        Column("I(a^2)", (("a", 2),)),
        Column("I(b^2)", (("b", 2),)),
        Column("a:b", (("a", 1), ("b", 1))),
    )
    X = np.stack([a - far, b, (a - far) ** 2, (b + far) ** 2, (a - far) * b], axis=1)
    y = draw.outcome(rng, X, draw.noise_of(rng))
    return Problem("y ~ a + b + I(a^2) + I(b^2) + a:b", (CONSTANT, *columns), {"a": a, "b": b, "y": y}, f"at {far:.0e}")


def tiny_residuals(rng: Generator) -> Problem:
    """A residual sum of squares of the order of the rounding of the outcome."""
    p, m = int(rng.integers(1, 6)), draw.size(rng, 8)
    X = draw.conditioned(rng, m, p, draw.magnitude(rng, 0, 6)) + rng.standard_normal(p) * draw.magnitude(rng, -2, 6)
    y = draw.outcome(rng, X, 0.0, draw.magnitude(rng, -2, 6))
    units = draw.magnitude(rng, -1, 3)
    return _plain(X, y + np.spacing(np.abs(y).max()) * units * rng.standard_normal(m), f"{units:.0e} last places")


def saturated(rng: Generator) -> Problem:
    """No or one degree of freedom left, tiny sums: every rounding counts, none averages out."""
    p = int(rng.integers(1, 6))
    m, far = p + 1 + int(rng.integers(0, 3)), draw.magnitude(rng, -3, 8)
    X = draw.conditioned(rng, m, p, draw.magnitude(rng, 0, 5)) + far * rng.standard_normal(p)
    return _plain(X, rng.standard_normal(m) + far, f"{m} rows, {p} columns, at {far:.0e}")


def one_heavy_row(rng: Generator) -> Problem:
    """One row outweighs all others, by its weight or by its size."""
    p, m, heavy = int(rng.integers(1, 5)), draw.size(rng, 8), draw.magnitude(rng, 3, 16)
    X = rng.standard_normal((m, p)) + rng.standard_normal(p) * draw.magnitude(rng, -1, 4)
    at = int(rng.integers(m))
    y = draw.outcome(rng, X, draw.noise_of(rng), 1.0)
    if rng.random() < 0.5:
        X[at] *= heavy
        return _plain(X, y, f"one row {heavy:.0e} as large")
    w = rng.uniform(0.5, 2.0, m)
    w[at] *= heavy
    return reweighted(_plain(X, y, ""), w, f"one weight {heavy:.0e} as large")


def heavy_tails(rng: Generator) -> Problem:
    """Cauchy columns and weights that grow with them."""
    p, m = int(rng.integers(1, 6)), draw.size(rng, 8, 1_000)
    X = rng.standard_cauchy((m, p)) ** int(rng.integers(1, 4)) + rng.standard_normal(p)
    problem = _plain(X, draw.outcome(rng, X, draw.noise_of(rng), 1.0), "tails")
    return problem if rng.random() < 0.5 else reweighted(problem, np.abs(X[:, 0]) ** rng.uniform(-2, 2), "weights, too")


def nearly_absorbed(rng: Generator) -> Problem:
    """A number that hardly varies within the levels of a factor: most of it goes when the factor is eliminated."""
    levels = [f"l{i:02}" for i in range(int(rng.integers(3, 40)))]
    m, within = len(levels) * int(rng.integers(2, 8)), draw.magnitude(rng, -9, 0)
    at = rng.integers(0, len(levels), m)
    at[: len(levels)] = np.arange(len(levels))
    x = (rng.standard_normal(len(levels)) * draw.magnitude(rng, 0, 6))[at] + within * rng.standard_normal(m)
    z, g = rng.standard_normal(m), np.array(levels)[at]
    y = rng.standard_normal(len(levels))[at] + x * rng.normal() + z + draw.noise_of(rng) * rng.standard_normal(m)
    columns = (CONSTANT, *cells({"g": levels[1:]}), *variables(["x", "z"]))
    what = f"{len(levels)} levels, {within:.0e} within them"
    return Problem("y ~ g + x + z", columns, {"g": g, "x": x, "z": z, "y": y}, what)


def lone_rows(rng: Generator) -> Problem:
    """Levels of a single row and columns that are zero but in one row: leverages of one, residuals of zero."""
    m, p = draw.between(rng, 12, 60), int(rng.integers(1, 4))
    X = np.zeros((m, p + 1))
    X[np.arange(p), np.arange(p)] = draw.magnitude(rng, -8, 8)
    X[:, p] = rng.standard_normal(m) + draw.magnitude(rng, -1, 6)
    noise = draw.noise_of(rng)
    return _plain(X, rng.standard_normal(m) * noise + X[:, p] - X[0, p], f"{p} columns of one row, noise {noise:.0e}")


def large_opposite(rng: Generator) -> Problem:
    """Nearly equal columns with huge opposite slopes: the prediction cancels, the last correction may look small."""
    distance, m = draw.magnitude(rng, -9, -3), draw.size(rng, 6)
    a, d = rng.standard_normal(m) + draw.magnitude(rng, -1, 3), rng.standard_normal(m)
    X = np.stack([a, a + distance * d, rng.standard_normal(m)], axis=1)
    noise = draw.magnitude(rng, -9, 0)
    y = d + X[:, 2] + noise * rng.standard_normal(m)
    return _plain(X, y, f"{distance:.0e} apart, slopes {1 / distance:.0e}, noise {noise:.0e}")


def repeated_rows(rng: Generator) -> Problem:
    """Thousands of equal rows: adding the same number again and again rounds to the same side, not at random."""
    p, m = int(rng.integers(1, 11)), int(rng.choice([4_096, 6_000, 8_192, 12_000]))
    kinds = p + int(rng.integers(3, 9))
    few = rng.standard_normal((kinds, p)) + rng.standard_normal(p) * draw.magnitude(rng, -1, 2)
    y = draw.outcome(rng, few, draw.magnitude(rng, -9, 0), rng.normal())
    share = rng.dirichlet(np.full(kinds, 0.3))
    at = np.append(np.arange(kinds), rng.choice(kinds, m, p=share))
    at = np.sort(at) if rng.random() < 0.6 else at
    problem = _plain(few[at], y[at], f"{m} rows of {kinds} kinds")
    return problem if rng.random() < 0.6 else _stacked(problem, "C" if rng.random() < 0.5 else "F")


def _stacked(problem: Problem, order: str) -> Problem:
    """The same columns as one array."""
    known = {c.name: f"X[{i}]" for i, c in enumerate(problem.columns[1:])}
    data = {known.get(name, name): values for name, values in problem.data.items()}
    columns = (CONSTANT, *variables(list(known.values())))
    what = f"{problem.what}, a 2-D array in {order} order"
    return replace(problem, formula="y ~ X", columns=columns, data=data, stacked=order, what=what)


def nearly_repeated(rng: Generator) -> Problem:
    """A block of equal rows far from the few that tell the slopes."""
    p, m, far = int(rng.integers(1, 4)), draw.between(rng, 4_096, 10_000), draw.magnitude(rng, -1, 4)
    X = rng.standard_normal((m, p))
    few = draw.between(rng, 20, 400)
    X[few:] = far * rng.standard_normal(p)
    X = X if rng.random() < 0.5 else X[::-1]
    return _plain(
        np.ascontiguousarray(X), draw.outcome(rng, X, draw.noise_of(rng), 1.0), f"{far:.0e} away, {few} others"
    )


def edge_of_range(rng: Generator) -> Problem:
    """Columns whose squares leave the range of float64, and columns of denormal numbers."""
    p, m = int(rng.integers(1, 4)), draw.size(rng, 6, 60)
    X = rng.standard_normal((m, p)) + rng.standard_normal(p)
    y = draw.outcome(rng, X, draw.magnitude(rng, -3, 0), 1.0)
    scale = draw.magnitude(rng, 155, 300) if rng.random() < 0.5 else draw.magnitude(rng, -318, -155)
    X[:, 0] *= scale
    return _plain(X, y, f"scale {scale:.0e}")


def outcome_apart(rng: Generator) -> Problem:
    """An outcome that its first rows place wrongly, or that lies off by 1e12 of its spread."""
    p, far = int(rng.integers(1, 4)), draw.magnitude(rng, 4, 14)
    m = draw.size(rng, p) if rng.random() < 0.6 else 9_000
    X = rng.standard_normal((m, p))
    y = draw.outcome(rng, X, draw.magnitude(rng, -2, 0)) + far
    y[: draw.FIRST] -= far if m > draw.FIRST else 0.0
    return _plain(X, y, f"{m} rows, {far:.0e} away")


def short_weights(rng: Generator) -> Problem:
    """Weights that leave hardly more rows than columns in effect."""
    p, m = int(rng.integers(2, 5)), draw.size(rng, 12)
    X = rng.standard_normal((m, p)) + rng.standard_normal(p) * draw.magnitude(rng, 0, 5)
    low = draw.magnitude(rng, -20, -4)
    w = np.where(np.arange(m) < p + 1, 1.0, low) * rng.uniform(0.5, 2.0, m)
    problem = _plain(X, draw.outcome(rng, X, draw.noise_of(rng), 1.0), "", intercept=bool(rng.random() < 0.7))
    return reweighted(problem, rng.permutation(w), f"{p + 1} rows of weight one, the others {low:.0e}")


def unbalanced_no_intercept(rng: Generator) -> Problem:
    """No constant: an outcome far from zero that the columns make up nearly alone."""
    p, m, far = int(rng.integers(2, 6)), draw.size(rng, 8), draw.magnitude(rng, 1, 9)
    X = rng.standard_normal((m, p)) + far
    y = draw.total([X[:, j] for j in range(p)]) + rng.standard_normal(m) * draw.magnitude(rng, -6, 0)
    return _plain(X, y, f"{p} columns at {far:.0e}", intercept=False)


def equally_spaced(rng: Generator) -> Problem:
    """Times in seconds since 1970 or years with months: long mantissas, a small step, a line and its square."""
    m, step = draw.size(rng, 6), draw.magnitude(rng, -3, 4)
    x = 1.7e9 + step * np.arange(m)
    t = np.arange(m) / m
    y = 3.0 * t + 2.0 * t * t + draw.magnitude(rng, -6, 0) * rng.standard_normal(m)
    return Problem("y ~ poly(x, 2, raw=True)", (CONSTANT, *powers("x", 2)), {"x": x, "y": y}, f"step {step:.0e}")


KINDS: tuple[Callable[[Generator], Problem], ...] = (
    cancelling_intercept,
    far_intercept,
    all_amplified,
    told_back,
    few_rows_high_powers,
    two_variables,
    tiny_residuals,
    saturated,
    one_heavy_row,
    heavy_tails,
    nearly_absorbed,
    lone_rows,
    large_opposite,
    repeated_rows,
    nearly_repeated,
    edge_of_range,
    outcome_apart,
    short_weights,
    unbalanced_no_intercept,
    equally_spaced,
)
