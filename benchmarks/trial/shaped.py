"""Families of problems whose columns are made: polynomials, products, factors, weights; and exact fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from trial import draw
from trial.problem import CONSTANT, Array, Column, Problem, cells, linear, powers, variables

RANGES = (
    (-1.0, 1.0),
    (0.0, 1.0),
    (1.0, 2.0),
    (-9.0, -3.0),
    (0.0, 20.0),
    (1900.0, 2020.0),
    (1e3, 1e3 + 1.0),
    (0.0, 1e6),
)


def polynomials(rng: Generator) -> Problem:
    """Raw powers up to the eighth on awkward ranges, evenly spaced or not."""
    low, high = RANGES[int(rng.integers(len(RANGES)))]
    k, noise = int(rng.integers(2, 9)), draw.noise_of(rng)
    m = draw.size(rng, k, 120)
    x = np.linspace(low, high, m) if rng.random() < 0.4 else rng.uniform(low, high, m)
    t = (2.0 * x - low - high) / (high - low)
    y = draw.outcome(rng, np.stack([t**j for j in range(1, k + 1)], axis=1), noise, rng.normal())
    written = rng.random() < 0.3
    columns = tuple(Column(f"I(x^{j})" if j > 1 else "x", (("x", j),)) for j in range(1, k + 1))
    text = " + ".join(c.name for c in columns) if written else f"poly(x, {k}, raw=True)"
    what = f"degree {k} in [{low:g}, {high:g}], noise {noise:.0e}"
    return Problem(f"y ~ {text}", (CONSTANT, *(columns if written else powers("x", k))), {"x": x, "y": y}, what)


def no_intercept(rng: Generator) -> Problem:
    """Plain columns without a constant, from near zero to far from it."""
    p, noise, kappa = int(rng.integers(1, 7)), draw.noise_of(rng), draw.magnitude(rng, 0.0, 5.0)
    far = draw.magnitude(rng, -3, 6) if rng.random() < 0.7 else 0.0
    X = draw.conditioned(rng, draw.size(rng, p), p, kappa) + rng.standard_normal(p) * far
    formula, columns = linear(draw.names(p), intercept=False)
    y = draw.outcome(rng, X, noise) + (0.0 if rng.random() < 0.5 else draw.magnitude(rng, -2, 6))
    return Problem(formula, columns, draw.table(X, y), f"offsets {far:.0e}, condition {kappa:.0e}, noise {noise:.0e}")


def unclosed(rng: Generator) -> Problem:
    """Models that a shift leads out of: a power without lower ones, a product without its factors."""
    m, noise = draw.size(rng, 4), draw.noise_of(rng)
    low, width = draw.sign(rng) * draw.magnitude(rng, -1, 3), draw.magnitude(rng, -2, 1)
    a, b, c = (low + width * rng.random(m) for _ in range(3))
    if rng.random() < 0.25:
        a, low, width = rng.uniform(5.0, 9.0, m), 5.0, 4.0
    kinds: dict[str, tuple[Column, ...]] = {
        "I(a^2)": (CONSTANT, Column("I(a^2)", (("a", 2),))),
        "I(a^3) + b": (CONSTANT, Column("I(a^3)", (("a", 3),)), *variables(["b"])),
        "a:b": (CONSTANT, Column("a:b", (("a", 1), ("b", 1)))),
        "c + a:b": (CONSTANT, *variables(["c"]), Column("a:b", (("a", 1), ("b", 1)))),
        "0 + a + I(a^2)": (*variables(["a"]), Column("I(a^2)", (("a", 2),))),
        "0 + I(a^2) + a:b": (Column("I(a^2)", (("a", 2),)), Column("a:b", (("a", 1), ("b", 1)))),
    }
    text = str(rng.choice(list(kinds)))
    X = np.stack([a, b, c, a * a, a * b], axis=1)
    y = draw.outcome(rng, X - X.mean(axis=0), noise, rng.normal())
    return Problem(f"y ~ {text}", kinds[text], {"a": a, "b": b, "c": c, "y": y}, f"{width:.0e} wide at {low:.0e}")


def factors(rng: Generator) -> Problem:
    """Factors, crossed with each other and with numbers; some cells have few rows or none."""
    m, noise = draw.between(rng, 20, 200), draw.noise_of(rng)
    first, second = (sorted(rng.choice(list("abcdefgh"), int(rng.integers(2, 6)), replace=False)) for _ in range(2))
    g, h = (np.array(v)[np.append(np.arange(len(v)), rng.integers(0, len(v), m - len(v)))] for v in (first, second))
    h = rng.permutation(h)
    x = rng.standard_normal(m) * draw.magnitude(rng, -3, 3) + draw.magnitude(rng, -3, 6)
    by, (X,) = (g == first[0]) * 1.0 + (h == second[-1]) * 2.0, variables(["x"])
    y = by + draw.outcome(rng, (x - x.mean())[:, None], noise)
    G, H, r = {"g": list(map(str, first))}, {"h": list(map(str, second))}, slice(1, None)
    G1, H1 = {"g": G["g"][r]}, {"h": H["h"][r]}
    kinds = {
        "g + x": (CONSTANT, *cells(G1), X),
        "g + h + x": (CONSTANT, *cells(G1), *cells(H1), X),
        "g * x": (CONSTANT, *cells(G1), X, *cells(G1, X)),
        "g * h": (CONSTANT, *cells(G1), *cells(H1), *cells({**G1, **H1})),
        "g:h": (CONSTANT, *cells({**G, **H})),
        "0 + g + g:x": (*cells(G), *cells(G, X)),
        "g:x": (CONSTANT, *cells(G, X)),
    }
    text = str(rng.choice(list(kinds)))
    what = f"{len(first)} and {len(second)} levels, noise {noise:.0e}"
    return Problem(f"y ~ {text}", kinds[text], {"g": g, "h": h, "x": x, "y": y}, what)


def weights(rng: Generator) -> Problem:
    """Weights over up to thirty orders of magnitude; some rows without any."""
    p, noise, span = int(rng.integers(1, 6)), draw.noise_of(rng), rng.uniform(0.5, 15.0)
    m = draw.size(rng, 2 * p)
    X = draw.conditioned(rng, m, p, draw.magnitude(rng, 0.0, 5.0)) + rng.standard_normal(p) * draw.magnitude(rng, -2, 5)
    w = 10.0 ** rng.uniform(-span, span, m)
    if rng.random() < 0.3:
        w[rng.random(m) < 0.1] = 0.0
    formula, columns = linear(draw.names(p), intercept=bool(rng.random() < 0.8))
    data = {**draw.table(X, draw.outcome(rng, X - X.mean(axis=0), noise, rng.normal())), "w": w}
    return Problem(formula, columns, data, f"weights 1e-{span:.0f} to 1e{span:.0f}, noise {noise:.0e}", weights="w")


def counts(rng: Generator) -> Problem:
    """Rows that stand for up to a million rows, with weights now and then."""
    p, noise = int(rng.integers(1, 5)), draw.noise_of(rng)
    m = draw.size(rng, p)
    X = draw.conditioned(rng, m, p, draw.magnitude(rng, 0.0, 4.0)) + rng.standard_normal(p) * draw.magnitude(rng, -2, 4)
    formula, columns = linear(draw.names(p))
    data = draw.table(X, draw.outcome(rng, X, noise, rng.normal()))
    most = draw.between(rng, 2, 10**6)
    data["k"] = rng.integers(0 if m > 30 else 1, most, m).astype(np.float64)
    weighted = rng.random() < 0.3
    if weighted:
        data["w"] = 10.0 ** rng.uniform(-3, 3, m)
    what = f"counts to {most}, noise {noise:.0e}"
    return Problem(formula, columns, data, what, weights="w" if weighted else None, counts="k")


def exact_fits(rng: Generator) -> Problem:
    """Nothing or hardly anything left over; slopes that are exactly zero."""
    p = int(rng.integers(1, 6))
    m = draw.size(rng, p)
    X = np.rint(rng.standard_normal((m, p)) * 2.0 ** rng.integers(1, 12)) / 2.0 ** rng.integers(0, 12)
    X = X + np.rint(rng.standard_normal(p) * 2.0 ** rng.integers(0, 24))
    slopes = rng.integers(-9, 10, p).astype(np.float64)
    slopes[int(rng.integers(p))] = 0.0
    y = draw.total([X[:, j] * slopes[j] for j in range(p)]) + float(rng.integers(-99, 100))
    what = "exact, one slope zero"
    kind = rng.random()
    if kind < 0.25:
        y, what = y + np.spacing(np.abs(y).max()) * rng.integers(-1, 2, m), "off by single units in the last place"
    elif kind < 0.5:
        y[int(rng.integers(m))] += draw.magnitude(rng, -9, -1)
        what = "exact but for one row"
    elif kind < 0.65:
        X, y = _mirrored(X, y)
        what = "a slope of exactly zero, not an exact fit"
    formula, columns = linear(draw.names(X.shape[1]), intercept=bool(rng.random() < 0.8))
    return Problem(formula, columns, draw.table(X, y), what)


def _mirrored(X: Array, y: Array) -> tuple[Array, Array]:
    """The rows twice, the last column with both signs: its slope is exactly zero, with an intercept or without."""
    other = X.copy()
    other[:, -1] *= -1.0
    return np.concatenate([X, other]), np.concatenate([y, y]) + np.tile(np.cumsum(np.ones(len(y))) % 3.0, 2)


def reweighted(problem: Problem, w: Array, what: str) -> Problem:
    """The same with weights."""
    return replace(problem, data={**problem.data, "w": w}, weights="w", what=what)
