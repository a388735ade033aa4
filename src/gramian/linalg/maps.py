"""Sparse exact linear maps between coordinates: coefficients and covariances told in other columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import numpy as np

from gramian.linalg.doubledouble import Pair, from_fraction, nearest_pair, pair, two_product
from gramian.linalg.monomials import ONE
from gramian.linalg.subspace import Sparse
from gramian.typing import Codes, Matrix, Vector

Combination = Mapping[int, Fraction]


ZERO = Fraction(0)
SAFE = 1e140  # products of two numbers between 1/SAFE and SAFE neither overflow nor lose their low parts


@dataclass(frozen=True, slots=True)
class Map:
    """A sparse exact linear map T by its columns, and its n entries as arrays, column after column.

    exact : the columns. to, of : (n,) row and column of an entry. hi, lo : (n,) its value, infinite beyond the range
    of float64.
    """

    exact: Sequence[Combination]
    to: Codes
    of: Codes
    hi: Vector
    lo: Vector

    def __len__(self) -> int:
        return len(self.exact)

    @property
    def beside(self) -> Iterator[tuple[int, Codes]]:
        """The rows that do more than scale their own column, each with its entries."""
        own = np.bincount(self.to, minlength=len(self)) == 1
        own[self.to[self.to != self.of]] = False
        return _rows(self.to, np.flatnonzero(~own))


def map_of(columns: Sequence[Combination]) -> Map:
    """The map with these columns."""
    pairs = [(1.0, 0.0) if c is ONE else nearest_pair(c) for column in columns for c in column.values()]
    hi, lo = np.array(pairs).reshape(-1, 2).T
    to = np.fromiter(chain.from_iterable(columns), np.int64, len(pairs))
    of = np.repeat(np.arange(len(columns)), np.fromiter(map(len, columns), np.int64, len(columns)))
    return Map(columns, to, of, hi, lo)


def _rows(to: Codes, wanted: Codes) -> Iterator[tuple[int, Codes]]:
    """These rows, each with its places among the entries."""
    order = np.argsort(to, kind="stable")
    first, last = (np.searchsorted(to[order], wanted, side) for side in ("left", "right"))
    return ((i, order[a:b]) for i, a, b in zip(wanted.tolist(), first.tolist(), last.tolist(), strict=True))


def apply(columns: Sequence[Combination], b: Vector, height: int | None = None) -> Vector:
    """T b, each element rounded once. columns : those of T, (height, p), sparse and exact. b : (p,) finite."""
    rows = len(columns) if height is None else height
    found = _sums(map_of(columns), b, {}, rows)
    return np.array([float(v) for v in exactly(columns, pair(b), height)]) if found is None else found.hi


def apply_adding(T: Map, b: Vector, more: Combination) -> Pair:
    """T b + more, (p,), each element rounded once and what the rounding left. more : exact, by place."""
    found = _sums(T, b, more, len(T))
    if found is not None:
        return found
    sums = exactly(T.exact, pair(b))
    for i, c in more.items():
        sums[i] += c
    return Pair(*np.array([nearest_pair(v) for v in sums]).reshape(-1, 2).T)


def _sums(T: Map, b: Vector, more: Combination, rows: int) -> Pair | None:
    """The elements of T b + more, from products to 100 bits; None where one leaves the range of float64."""
    some = np.flatnonzero(b[T.of])
    to, x, hi = T.to[some], b[T.of[some]], T.hi[some]
    sizes = np.abs(np.concatenate([x, hi]))
    if ((sizes < 1 / SAFE) | (sizes > SAFE)).any():
        return None
    high, low = two_product(hi, x)
    least = T.lo[some] * x
    out = Pair(np.zeros(rows), np.zeros(rows))
    out.hi[to], out.lo[to] = high, low  # which is all of it in a row of one entry that float64 holds
    counts = np.bincount(to, minlength=rows)
    counts[to[least != 0.0]] = 2
    counts[list(more)] = 2
    for i, at in _rows(to, np.flatnonzero(counts > 1)):
        parts = [*high[at].tolist(), *low[at].tolist(), *least[at].tolist(), *nearest_pair(more.get(i, ZERO))]
        out.hi[i] = math.fsum(parts)
        out.lo[i] = math.fsum([*parts, -out.hi[i]])
    return out


def exactly(columns: Sequence[Combination], b: Pair, height: int | None = None) -> list[Fraction]:
    """T b for coefficients b as hi + lo, not rounded."""
    out = [Fraction(0)] * (len(columns) if height is None else height)
    for column, hi, lo in zip(columns, b.hi.tolist(), b.lo.tolist(), strict=True):
        if hi:
            exact = Fraction(hi) + Fraction(lo)
            for i, c in column.items():
                out[i] += c * exact
    return out


def congruence(T: Map, V: Matrix) -> Matrix:
    """T V T' for symmetric V : (p, p)."""
    half = np.ascontiguousarray(multiply(T, V).T)
    return multiply(T, half, out=half)


def multiply(T: Map, right: Matrix, out: Matrix | None = None) -> Matrix:
    """T R for R : (p, m); rows of T that only scale cost nothing extra. out : where to put it, R itself if need be."""
    own = np.zeros(len(T))
    own[T.to[T.to == T.of]] = T.hi[T.to == T.of]
    rows = [(i, T.hi[at] @ right[T.of[at]]) for i, at in T.beside]
    out = np.multiply(right, own[:, None], out=out)
    for i, row in rows:
        out[i] = row
    return out


def weighted(T: Map, shares: Vector) -> Matrix:
    """T' diag(shares) T, (p, p), for shares : (p,)."""
    some = shares[T.to] != 0.0
    c, at = T.hi[some], T.of[some]
    if (T.to[some] == at).all():
        return np.diag(np.bincount(at, c * shares[at] * c, len(T)))
    A = multiply(T, np.eye(len(T)))
    return np.asarray((A.T * shares) @ A)


def spread(T: Map | None, values: Vector) -> Vector:
    """|T| values, (p,). None: T = I."""
    return values if T is None else np.asarray(np.bincount(T.to, np.abs(T.hi) * values[T.of], len(T)), np.float64)


def roots(T: Map | None, V: Matrix) -> Vector:
    """Square roots of the diagonal of T V T', (p,), also where float64 does not hold the diagonal. None: T = I."""
    own = np.sqrt(np.maximum(V.diagonal(), 0.0))
    if T is None:
        return own
    out = np.zeros(len(T))
    with np.errstate(all="ignore"):
        out[T.to] = np.abs(T.hi) * own[T.of]  # which is all of it in a row of one entry
        for i, at in T.beside:
            out[i] = _root(T.hi[at], T.of[at], V, own)
    return out


def _root(c: Vector, at: Codes, V: Matrix, own: Vector) -> float:
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
