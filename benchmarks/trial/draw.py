"""What problems are drawn from: columns of a given condition, scales, offsets, outcomes.

Sums run in a fixed order, without BLAS, so that a number gives the same problem on every machine whose C library has
the same logarithm and power.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from trial.problem import Array

FIRST = 8_192  # rows of a block: the first one fixes the coordinates


def names(count: int) -> list[str]:
    """x1, x2, ..."""
    return [f"x{i}" for i in range(1, count + 1)]


def between(rng: Generator, low: int, high: int) -> int:
    """A whole number, its logarithm uniform, both ends included."""
    return int(min(high, np.floor(np.exp(rng.uniform(np.log(low), np.log(high + 1))))))


def size(rng: Generator, columns: int, high: int = 200) -> int:
    """A number of rows, 5 at least, that leaves something over."""
    return between(rng, max(5, columns + 3), high)


def magnitude(rng: Generator, low: float, high: float) -> float:
    """A positive number, its decimal exponent uniform."""
    return float(10.0 ** rng.uniform(low, high))


def sign(rng: Generator) -> float:
    return float(rng.choice([-1.0, 1.0]))


def conditioned(rng: Generator, rows: int, columns: int, condition: float) -> Array:
    """Normal columns times a matrix of that condition: geometric singular values, then a reflection."""
    Z = rng.standard_normal((rows, columns))
    v = rng.standard_normal(columns)
    v = v / np.sqrt(total(list(v * v)))
    singular = condition ** -(np.arange(columns) / max(columns - 1, 1))
    mixed = [total([Z[:, k] * (singular[k] * (float(k == j) - 2.0 * v[k] * v[j])) for k in range(columns)])
             for j in range(columns)]  # fmt: skip
    return np.stack(mixed, axis=1)


def total(parts: Sequence[Array]) -> Array:
    """Their sum, from the first to the last."""
    out = np.zeros_like(parts[0])
    for part in parts:
        out = out + part
    return out


def outcome(rng: Generator, X: Array, noise: float, intercept: float = 0.0) -> Array:
    """A combination of the columns, each about equally important, with noise relative to it."""
    spread = np.abs(X).max(axis=0)
    slopes = rng.uniform(-2.0, 2.0, X.shape[1]) / np.where(spread > 0.0, spread, 1.0)
    signal = total([X[:, j] * slopes[j] for j in range(X.shape[1])])
    return np.asarray(signal + rng.standard_normal(len(X)) * noise + intercept)


def noise_of(rng: Generator) -> float:
    """Mostly moderate, sometimes hardly any."""
    return magnitude(rng, -10.0, -3.0) if rng.random() < 0.25 else magnitude(rng, -3.0, 0.7)


def table(X: Array, y: Array) -> dict[str, Array]:
    """Columns x1, x2, ... and y."""
    return {**{name: np.ascontiguousarray(X[:, j]) for j, name in enumerate(names(X.shape[1]))}, "y": y}


def apart(rng: Generator, x: Array, distance: float) -> Array:
    """A copy, off by about that much of its spread; by single units in the last place where the distance is zero."""
    if distance == 0.0:
        moved = np.where(rng.random(len(x)) < 0.5, np.nextafter(x, np.inf), x)
        moved[int(rng.integers(len(x)))] += 4.0 * np.spacing(np.abs(x).max())
        return np.asarray(moved)
    return np.asarray(x + rng.standard_normal(len(x)) * distance * (x.max() - x.min()))
