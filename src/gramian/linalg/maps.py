"""Sparse exact linear maps between coordinates: coefficients and covariances told in other columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from gramian.linalg.doubledouble import Pair, from_fraction, nearest_pair, pair, two_product
from gramian.linalg.subspace import Sparse
from gramian.typing import Matrix, Vector

Combination = Mapping[int, Fraction]


SAFE = 1e140  # products of two numbers between 1/SAFE and SAFE neither overflow nor lose their low parts


def apply(columns: Sequence[Combination], b: Vector, height: int | None = None) -> Vector:
    """T b, each element rounded once. columns : those of T, (height, p), sparse and exact. b : (p,) finite."""
    rows = len(columns) if height is None else height
    parts = _parts(columns, b, rows)
    if parts is None:
        return np.array([float(v) for v in exactly(columns, pair(b), height)])
    return np.array([math.fsum(part) for part in parts])


def apply_adding(columns: Sequence[Combination], b: Vector, more: Combination) -> Pair:
    """T b + more, (p,), each element rounded once and what the rounding left. more : exact, by place."""
    parts = _parts(columns, b, len(columns))
    if parts is None:
        sums = exactly(columns, pair(b))
        for i, c in more.items():
            sums[i] += c
        return Pair(*np.array([nearest_pair(v) for v in sums]).reshape(-1, 2).T)
    for i, c in more.items():
        parts[i] += nearest_pair(c)
    hi = [math.fsum(part) for part in parts]
    lo = [math.fsum([*part, -value]) for part, value in zip(parts, hi, strict=True)]
    return Pair(np.array(hi), np.array(lo))


def _parts(columns: Sequence[Combination], b: Vector, rows: int) -> list[list[float]] | None:
    """Numbers whose sums are the elements of T b to 100 bits; None where a product leaves the range of float64."""
    pairs = [(i, value, c) for column, value in zip(columns, b.tolist(), strict=True) if value
             for i, c in column.items()]  # fmt: skip
    x = np.array([value for _, value, _ in pairs])
    hi, lo = np.array([nearest_pair(c) for _, _, c in pairs]).reshape(-1, 2).T
    sizes = np.abs(np.concatenate([x, hi]))
    if ((sizes < 1 / SAFE) | (sizes > SAFE)).any():
        return None
    parts: list[list[float]] = [[] for _ in range(rows)]
    terms = np.column_stack([*two_product(hi, x), lo * x]).tolist()
    for (i, _, _), three in zip(pairs, terms, strict=True):
        parts[i] += three
    return parts


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
    rows = _rows(columns)
    half = _times(rows, V)
    return _times(rows, np.ascontiguousarray(half.T))


def multiply(columns: Sequence[Combination], right: Matrix) -> Matrix:
    """T R for R : (p, m); rows of T that only scale cost nothing extra."""
    return _times(_rows(columns), right) if right.size else right.copy()


def _rows(columns: Sequence[Combination]) -> list[dict[int, float]]:
    rows: list[dict[int, float]] = [{} for _ in columns]
    for j, column in enumerate(columns):
        for i, c in column.items():
            rows[i][j] = nearest_pair(c)[0]
    return rows


def _times(rows: list[dict[int, float]], right: Matrix) -> Matrix:
    out = right * np.array([row.get(i, 0.0) for i, row in enumerate(rows)])[:, None]
    for i, row in enumerate(rows):
        if len(row) != 1 or i not in row:
            at = np.fromiter(row, np.int64, len(row))
            out[i] = np.fromiter(row.values(), float, len(row)) @ right[at]
    return np.asarray(out)


def roots(columns: Sequence[Combination] | None, V: Matrix) -> Vector:
    """Square roots of the diagonal of T V T', (p,), also where float64 does not hold the diagonal. None: T = I."""
    own = np.sqrt(np.maximum(V.diagonal(), 0.0))
    if columns is None:
        return own
    return np.array([_root(row, V, own) for row in _rows(columns)])


def _root(row: Mapping[int, float], V: Matrix, own: Vector) -> float:
    at, c = np.fromiter(row, np.int64, len(row)), np.fromiter(row.values(), float, len(row))
    with np.errstate(all="ignore"):
        top = float(np.abs(c * own[at]).max(initial=0.0))
        t = c / top if 0.0 < top < np.inf else np.zeros(len(c))
        return top * float(np.sqrt(max(float(t @ V[np.ix_(at, at)] @ t), 0.0)))


def norms(columns: Sequence[Combination], S: Matrix) -> Vector:
    """Square roots of the diagonal of M'SM for the columns of M."""
    places: list[tuple[int, int, int]] = []
    shares, tops = list[float](), list[float]()
    for j, column in enumerate(columns):
        pairs = [(i, c.numerator / c.denominator) for i, c in column.items()]
        top = max([abs(c) for _, c in pairs], default=1.0) or 1.0  # squares of the largest may overflow
        tops.append(top)
        places += [(j, i, k) for i, _ in pairs for k, _ in pairs]
        shares += [(c / top) * (d / top) for _, c in pairs for _, d in pairs]
    of, left, right = np.array(places, np.int64).reshape(-1, 3).T
    squares = np.bincount(of, np.array(shares) * S[left, right], len(columns))
    return np.asarray(np.array(tops) * np.sqrt(np.maximum(squares, 0.0)))


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
