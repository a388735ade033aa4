"""Matrices of fractions: products, elimination and inverses without rounding."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from operator import mul

Row = tuple[Fraction, ...]
ExactMatrix = tuple[Row, ...]
ZERO, ONE = Fraction(0), Fraction(1)


def rational(value: float) -> Fraction:
    """The shortest decimal that reads back as this float64, as a fraction: 2.33 is 233/100."""
    return Fraction(repr(float(value)))


def transpose(A: ExactMatrix) -> ExactMatrix:
    """The transpose of a matrix with at least one row."""
    return tuple(zip(*A, strict=True))


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """Sum of products of two vectors."""
    # Sums of integers over one denominator need one gcd; sums of fractions need one for every term.
    (p, down), (q, across) = _integers(a), _integers(b)
    return Fraction(sum(map(mul, p, q)), down * across)


def product(A: ExactMatrix, B: ExactMatrix) -> ExactMatrix:
    """Matrix product A B."""
    left, right = [_integers(row) for row in A], [_integers(column) for column in transpose(B)]
    return tuple(tuple(Fraction(sum(map(mul, p, q)), c * d) for q, d in right) for p, c in left)


def matrix_vector(A: ExactMatrix, v: Row) -> Row:
    """Product A v of a matrix and a vector."""
    return tuple(row[0] for row in product(A, transpose((v,))))


def identity(size: int) -> ExactMatrix:
    """The identity matrix."""
    return tuple(tuple(ONE if i == j else ZERO for j in range(size)) for i in range(size))


def reduced(A: ExactMatrix) -> tuple[ExactMatrix, tuple[int, ...]]:
    """Reduced row echelon form F of A, without its zero rows, and the columns of its pivots.

    With C the pivot columns of A, A = C F, and both factors have full rank.
    """
    rows, pivots = [list(row) for row in A], list[int]()
    for column in range(len(A[0])):
        # Any nonzero pivot will do: without rounding there is no reason to look for a large one.
        rank = len(pivots)
        pivot_row = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot_row is None:
            continue
        rows[rank], rows[pivot_row] = rows[pivot_row], rows[rank]
        _eliminate(rows, rank, column)
        pivots.append(column)
    return tuple(map(tuple, rows[: len(pivots)])), tuple(pivots)


def determinant(A: ExactMatrix) -> Fraction:
    """Determinant by elimination; 1 for a matrix without rows."""
    rows, value = [list(row) for row in A], ONE
    for k in range(len(rows)):
        pivot_row = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot_row is None:
            return ZERO
        rows[k], rows[pivot_row] = rows[pivot_row], rows[k]
        value *= rows[k][k] if pivot_row == k else -rows[k][k]
        for row in rows[k + 1 :]:
            factor = row[k] / rows[k][k]
            row[k:] = [a - factor * b for a, b in zip(row[k:], rows[k][k:], strict=True)]
    return value


def inverse(A: ExactMatrix) -> ExactMatrix:
    """Inverse of a nonsingular matrix by Gauss-Jordan elimination: (A, I) is reduced to (I, A^-1)."""
    size = len(A)
    form, _ = reduced(tuple((*row, *unit_row) for row, unit_row in zip(A, identity(size), strict=True)))
    return tuple(row[size:] for row in form)


def _eliminate(rows: list[list[Fraction]], pivot_row: int, column: int) -> None:
    """Divide the pivot row by its pivot, and subtract multiples of it so that its column is zero in all other rows."""
    pivot = rows[pivot_row][column]
    rows[pivot_row] = [a / pivot for a in rows[pivot_row]]
    for i, row in enumerate(rows):
        if i != pivot_row and row[column]:
            factor = row[column]
            rows[i] = [a - factor * b for a, b in zip(row, rows[pivot_row], strict=True)]


def _integers(row: Sequence[Fraction]) -> tuple[list[int], int]:
    """Numerators over the common denominator of a row, and that denominator."""
    common = lcm(*(a.denominator for a in row))
    return [a.numerator * (common // a.denominator) for a in row], common
