"""Sparse exact linear maps between coordinates: coefficients and covariances told in other columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from gramian.linalg.doubledouble import Pair, from_fraction, pair
from gramian.linalg.subspace import Sparse
from gramian.typing import Matrix, Vector

Combination = Mapping[int, Fraction]


def apply(columns: Sequence[Combination], b: Vector, height: int | None = None) -> Vector:
    """T b, each element rounded once. columns : those of T, (height, p), sparse and exact. b : (p,) finite."""
    return np.array([float(v) for v in exactly(columns, pair(b), height)])


def exactly(columns: Sequence[Combination], b: Pair, height: int | None = None) -> list[Fraction]:
    """T b for coefficients b as hi + lo, not rounded."""
    out = [Fraction(0)] * (len(columns) if height is None else height)
    for column, hi, lo in zip(columns, b.hi.tolist(), b.lo.tolist(), strict=True):
        if hi:
            exact = Fraction(hi) + Fraction(lo)
            for i, c in column.items():
                out[i] += c * exact
    return out


def congruence(columns: Sequence[Combination], V: Matrix) -> Matrix:
    """T V T' for symmetric V : (p, p)."""
    half = multiply(columns, V)
    return multiply(columns, np.ascontiguousarray(half.T))


def multiply(columns: Sequence[Combination], right: Matrix) -> Matrix:
    """T R for R : (p, m); rows of T that only scale cost nothing extra."""
    rows: list[dict[int, float]] = [{} for _ in columns]
    for j, column in enumerate(columns):
        for i, c in column.items():
            rows[i][j] = float(c)
    out = right * np.array([row.get(i, 0.0) for i, row in enumerate(rows)])[:, None]
    for i, row in enumerate(rows):
        if row.keys() != {i}:
            at = np.fromiter(row, np.int64, len(row))
            out[i] = np.fromiter(row.values(), float, len(row)) @ right[at]
    return np.asarray(out)


def norms(columns: Sequence[Combination], S: Matrix) -> Vector:
    """Square roots of the diagonal of M'SM for the columns of M."""
    out = []
    for column in columns:
        at, c = np.array(list(column), np.int64), np.array([float(v) for v in column.values()])
        top = float(np.abs(c).max(initial=0.0)) or 1.0  # squares of the largest coefficients may overflow
        out.append(top * max(float((c / top) @ S[np.ix_(at, at)] @ (c / top)), 0.0) ** 0.5)
    return np.array(out)


def sparse(combination: Combination) -> Sparse:
    """Positions and coefficients as hi + lo."""
    pairs = [from_fraction(c) for c in combination.values()]
    return np.array(list(combination), np.int64), np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def transposed(columns: Sequence[Combination]) -> list[dict[int, Fraction]]:
    """The rows of a square map, from its columns."""
    rows: list[dict[int, Fraction]] = [{} for _ in columns]
    for j, column in enumerate(columns):
        for i, c in column.items():
            rows[i][j] = c
    return rows


def product(left: Sequence[Combination], right: Sequence[Combination]) -> list[dict[int, Fraction]]:
    """The rows of A B from those of A and B, exact; what cancels is not there."""
    out: list[dict[int, Fraction]] = []
    for row in left:
        total: dict[int, Fraction] = {}
        for k, c in row.items():
            for j, d in right[k].items():
                total[j] = total.get(j, Fraction(0)) + c * d
        out.append({j: c for j, c in total.items() if c})
    return out


def written_out(rows: Sequence[Combination], width: int) -> Matrix:
    """Sparse rows as an array (rows, width), each element rounded once."""
    out = np.zeros((len(rows), width))
    for i, row in enumerate(rows):
        for j, c in row.items():
            out[i, j] = float(c)
    return out
