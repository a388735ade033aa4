"""Matrices of fractions: products, elimination, inverses without rounding."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from operator import mul

Row = tuple[Fraction, ...]
Exact = tuple[Row, ...]
ZERO, ONE = Fraction(0), Fraction(1)


def rational(value: float) -> Fraction:
    """The shortest decimal that reads back as this float64, so that 2.33 is 233/100."""
    return Fraction(repr(float(value)))


def transpose(A: Exact) -> Exact:
    """Rows as columns; A has at least one row."""
    return tuple(zip(*A, strict=True))


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """Sum of products, over one common denominator."""
    (p, down), (q, across) = _whole(a), _whole(b)
    return Fraction(sum(map(mul, p, q)), down * across)


def product(A: Exact, B: Exact) -> Exact:
    """A B."""
    left, right = [_whole(row) for row in A], [_whole(column) for column in transpose(B)]
    return tuple(tuple(Fraction(sum(map(mul, p, q)), c * d) for q, d in right) for p, c in left)


def times(A: Exact, v: Row) -> Row:
    """A v."""
    return tuple(row[0] for row in product(A, transpose((v,))))


def identity(size: int) -> Exact:
    """Ones on the diagonal."""
    return tuple(tuple(ONE if i == j else ZERO for j in range(size)) for i in range(size))


def reduced(A: Exact) -> tuple[Exact, tuple[int, ...]]:
    """Reduced row echelon form without its zero rows, and the columns of its pivots.

    With C the pivot columns of A and F this form, A = C F, both of full rank.
    """
    rows, pivots = [list(row) for row in A], list[int]()
    for column in range(len(A[0])):
        done = len(pivots)
        pick = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if pick is None:
            continue
        rows[done], rows[pick] = rows[pick], rows[done]
        _eliminate(rows, done, column)
        pivots.append(column)
    return tuple(map(tuple, rows[: len(pivots)])), tuple(pivots)


def determinant(A: Exact) -> Fraction:
    """By elimination; 1 for a matrix without rows."""
    rows, value = [list(row) for row in A], ONE
    for k in range(len(rows)):
        pick = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pick is None:
            return ZERO
        rows[k], rows[pick] = rows[pick], rows[k]
        value *= rows[k][k] if pick == k else -rows[k][k]
        for row in rows[k + 1 :]:
            share = row[k] / rows[k][k]
            row[k:] = [a - share * b for a, b in zip(row[k:], rows[k][k:], strict=True)]
    return value


def inverse(A: Exact) -> Exact:
    """The inverse of a matrix that has one: the rows of (A, I) are reduced until A has become I."""
    size = len(A)
    form, _ = reduced(tuple((*row, *unit) for row, unit in zip(A, identity(size), strict=True)))
    return tuple(row[size:] for row in form)


def _eliminate(rows: list[list[Fraction]], at: int, column: int) -> None:
    """Make the pivot one, everything else in its column zero."""
    pivot = rows[at][column]
    rows[at] = [a / pivot for a in rows[at]]
    for i, row in enumerate(rows):
        if i != at and row[column]:
            share = row[column]
            rows[i] = [a - share * b for a, b in zip(row, rows[at], strict=True)]


def _whole(row: Sequence[Fraction]) -> tuple[list[int], int]:
    """Numerators over their common denominator, and that denominator."""
    common = lcm(*(a.denominator for a in row))
    return [a.numerator * (common // a.denominator) for a in row], common
