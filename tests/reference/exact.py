"""Least squares in exact rational arithmetic: the truth for the numbers that were read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

Row = list[Fraction]


def rational(X: np.ndarray) -> list[Row]:
    return [[Fraction(float(v)) for v in row] for row in X]


def solve_exact(A: list[Row], b: Row) -> Row:
    rows = [[*r, v] for r, v in zip(A, b, strict=True)]
    n = len(rows)
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                rows[i] = [a - rows[i][k] * c for a, c in zip(rows[i], rows[k], strict=True)]
    return [row[n] for row in rows]


def least_squares(X: list[Row], y: Row, w: Row | None = None) -> Row:
    """(X'WX)^-1 X'Wy."""
    weights = [Fraction(1)] * len(y) if w is None else w
    p = len(X[0])
    A = [
        [sum((v * r[i] * r[j] for r, v in zip(X, weights, strict=True)), Fraction(0)) for j in range(p)]
        for i in range(p)
    ]
    b = [sum((v * r[i] * t for r, t, v in zip(X, y, weights, strict=True)), Fraction(0)) for i in range(p)]
    return solve_exact(A, b)
