"""Sparse exact linear maps between parametrizations, applied to coefficients and covariances."""

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
SAFE_RANGE = 1e140  # between 1e-140 and 1e140 products neither overflow nor lose their rounding errors


@dataclass(frozen=True, slots=True)
class ExactMap:
    """A sparse exact linear map T, by columns and as arrays of its n entries, column after column.

    Attributes
    ----------
    columns : sequence of mappings
        For each column, row -> exact coefficient.
    row_index : (n,)
        Row of each entry.
    column_index : (n,)
        Column of each entry.
    hi, lo : (n,)
        Value of each entry in double-double, infinite outside the range of float64.
    """

    columns: Sequence[Combination]
    row_index: Codes
    column_index: Codes
    hi: Vector
    lo: Vector

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def mixing_rows(self) -> Iterator[tuple[int, Codes]]:
        """The rows that do more than scale their own element, each with the indices of its entries."""
        own = np.bincount(self.row_index, minlength=len(self)) == 1
        own[self.row_index[self.row_index != self.column_index]] = False
        return _entries_of_rows(self.row_index, np.flatnonzero(~own))


def map_of(columns: Sequence[Combination]) -> ExactMap:
    """The map with these columns."""
    # Most entries are the shared object ONE: identity spares the conversion of a fraction.
    pairs = [(1.0, 0.0) if c is ONE else nearest_pair(c) for column in columns for c in column.values()]
    hi, lo = np.array(pairs).reshape(-1, 2).T
    row_index = np.fromiter(chain.from_iterable(columns), np.int64, len(pairs))
    column_index = np.repeat(np.arange(len(columns)), np.fromiter(map(len, columns), np.int64, len(columns)))
    return ExactMap(columns, row_index, column_index, hi, lo)


def _entries_of_rows(row_index: Codes, selected: Codes) -> Iterator[tuple[int, Codes]]:
    """The selected rows, each with the indices of its entries."""
    order = np.argsort(row_index, kind="stable")
    first, last = (np.searchsorted(row_index[order], selected, side) for side in ("left", "right"))
    return ((i, order[a:b]) for i, a, b in zip(selected.tolist(), first.tolist(), last.tolist(), strict=True))


def apply(columns: Sequence[Combination], b: Vector, height: int | None = None) -> Vector:
    """T b, each element rounded once.

    columns : those of T : (height, p). b : (p,), finite. height : rows of T, p if None.
    """
    rows = len(columns) if height is None else height
    rounded = _rounded_sums(map_of(columns), b, {}, rows)
    return np.array([float(v) for v in apply_exactly(columns, pair(b), height)]) if rounded is None else rounded.hi


def apply_adding(T: ExactMap, b: Vector, addend: Combination) -> Pair:
    """T b plus an exact vector, (p,), each element rounded once, with the rounding error as low part.

    addend : position -> exact number.
    """
    rounded = _rounded_sums(T, b, addend, len(T))
    if rounded is not None:
        return rounded
    sums = apply_exactly(T.columns, pair(b))
    for i, c in addend.items():
        sums[i] += c
    return Pair(*np.array([nearest_pair(v) for v in sums]).reshape(-1, 2).T)


def _rounded_sums(T: ExactMap, b: Vector, addend: Combination, rows: int) -> Pair | None:
    """T b + addend in double-double, from products of about 100 bits; None where one leaves the safe range."""
    nonzero = np.flatnonzero(b[T.column_index])
    row_index, x, hi = T.row_index[nonzero], b[T.column_index[nonzero]], T.hi[nonzero]
    sizes = np.abs(np.concatenate([x, hi]))
    if ((sizes < 1 / SAFE_RANGE) | (sizes > SAFE_RANGE)).any():
        return None
    high, low = two_product(hi, x)
    remainder = T.lo[nonzero] * x
    out = Pair(np.zeros(rows), np.zeros(rows))
    out.hi[row_index], out.lo[row_index] = high, low  # final in rows of one entry that is a float64
    counts = np.bincount(row_index, minlength=rows)
    # Rows with more than one summand have to be summed exactly (fsum), all others are final already.
    counts[row_index[remainder != 0.0]] = 2
    counts[list(addend)] = 2
    for i, at in _entries_of_rows(row_index, np.flatnonzero(counts > 1)):
        parts = [*high[at].tolist(), *low[at].tolist(), *remainder[at].tolist(), *nearest_pair(addend.get(i, ZERO))]
        out.hi[i] = math.fsum(parts)
        out.lo[i] = math.fsum([*parts, -out.hi[i]])
    return out


def apply_exactly(columns: Sequence[Combination], b: Pair, height: int | None = None) -> list[Fraction]:
    """T b for coefficients in double-double, without rounding."""
    out = [Fraction(0)] * (len(columns) if height is None else height)
    for column, hi, lo in zip(columns, b.hi.tolist(), b.lo.tolist(), strict=True):
        if hi:
            exact = Fraction(hi) + Fraction(lo)
            for i, c in column.items():
                out[i] += c * exact
    return out


def pairs_of(values: Sequence[Fraction]) -> Pair:
    """Fractions rounded to double-double."""
    pairs = [from_fraction(v) for v in values]
    return Pair(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))


def congruence(T: ExactMap, V: Matrix) -> Matrix:
    """T V T' for symmetric V : (p, p)."""
    half = np.ascontiguousarray(multiply(T, V).T)
    return multiply(T, half, out=half)


def multiply(T: ExactMap, right: Matrix, out: Matrix | None = None) -> Matrix:
    """T R for R : (p, m), with one vectorized product for all rows of T that only scale. out may be R itself."""
    own = np.zeros(len(T))
    own[T.row_index[T.row_index == T.column_index]] = T.hi[T.row_index == T.column_index]
    rows = [(i, T.hi[at] @ right[T.column_index[at]]) for i, at in T.mixing_rows]
    out = np.multiply(right, own[:, None], out=out)
    for i, row in rows:
        out[i] = row
    return out


def weighted_gram(T: ExactMap, weights: Vector) -> Matrix:
    """T' diag(weights) T, (p, p), for weights : (p,)."""
    nonzero = weights[T.row_index] != 0.0
    c, at = T.hi[nonzero], T.column_index[nonzero]
    if (T.row_index[nonzero] == at).all():
        return np.diag(np.bincount(at, c * weights[at] * c, len(T)))
    A = multiply(T, np.eye(len(T)))
    return np.asarray((A.T * weights) @ A)


def apply_absolute(T: ExactMap | None, values: Vector) -> Vector:
    """|T| values, (p,); T = None is the identity."""
    return (
        values
        if T is None
        else np.asarray(np.bincount(T.row_index, np.abs(T.hi) * values[T.column_index], len(T)), np.float64)
    )


def congruence_std(T: ExactMap | None, V: Matrix) -> Vector:
    """Square roots of the diagonal of T V T', (p,); T = None is the identity.

    Elements are scaled before they are squared, so a standard error is right even where its square is outside the range
    of float64.
    """
    own = np.sqrt(np.maximum(V.diagonal(), 0.0))
    if T is None:
        return own
    out = np.zeros(len(T))
    with np.errstate(all="ignore"):
        out[T.row_index] = np.abs(T.hi) * own[T.column_index]  # final in rows of one entry
        for i, at in T.mixing_rows:
            out[i] = _quadratic_form_std(T.hi[at], T.column_index[at], V, own)
    return out


def _quadratic_form_std(c: Vector, at: Codes, V: Matrix, own: Vector) -> float:
    """Square root of c'Vc for the entries c of a row at columns `at`. own : square roots of the diagonal of V."""
    top = float(np.abs(c * own[at]).max(initial=0.0))
    # Scaled by the largest element, squares neither overflow nor underflow.
    t = c / top if 0.0 < top < np.inf else np.zeros(len(c))
    return top * float(np.sqrt(max(float(t @ V[np.ix_(at, at)] @ t), 0.0)))


@np.errstate(over="ignore")  # an overflow is infinite, which shows
def combination_norms(columns: Sequence[Combination], S: Matrix) -> Vector:
    """Square roots of the diagonal of M'SM, one for each column of M."""
    places: list[tuple[int, int, int]] = []
    shares, tops = list[float](), list[float]()
    for j, column in enumerate(columns):
        pairs = [(i, c.numerator / c.denominator) for i, c in column.items()]
        top = max([abs(c) for _, c in pairs], default=1.0) or 1.0  # scaling, since squares may overflow
        tops.append(top)
        places += [(j, i, k) for i, _ in pairs for k, _ in pairs]
        shares += [(c / top) * (d / top) for _, c in pairs for _, d in pairs]
    owner, left, right = np.array(places, np.int64).reshape(-1, 3).T
    squares = np.bincount(owner, np.array(shares) * S[left, right], len(columns))
    return np.asarray(np.array(tops) * np.sqrt(np.maximum(squares, 0.0)))


def sparse(combination: Combination) -> Sparse:
    """A combination as arrays: positions, coefficients in double-double."""
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
    """The rows of A B from those of A and B, exact; elements that cancel are left out."""
    out: list[dict[int, Fraction]] = []
    for row in left:
        total: dict[int, Fraction] = {}
        for k, c in row.items():
            for j, d in right[k].items():
                total[j] = total.get(j, Fraction(0)) + c * d
        out.append({j: c for j, c in total.items() if c})
    return out


def to_dense(rows: Sequence[Combination], width: int) -> Matrix:
    """Sparse rows as an array (rows, width), each element rounded once."""
    out = np.zeros((len(rows), width))
    for i, row in enumerate(rows):
        for j, c in row.items():
            out[i, j] = float(c)
    return out
