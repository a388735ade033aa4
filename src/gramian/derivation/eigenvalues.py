"""Eigenvalues of an exact symmetric matrix, with more digits than anybody is shown."""

from __future__ import annotations

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

from gramian.derivation.arithmetic import ExactMatrix, Row

GUARD_DIGITS = 40  # decimal digits that are right in the smallest eigenvalue
MAX_SWEEPS = 100  # Jacobi's method needs about ten

Square = list[list[Decimal]]


def eigenvalues(G: ExactMatrix, rank: int, volume: Fraction) -> Row:
    """Eigenvalues of a positive semidefinite matrix, the largest first; those beyond its rank are exactly zero.

    volume : the product of the `rank` positive ones. As none exceeds the trace, the smallest is at least
    volume / trace^(rank - 1); this says how many digits Jacobi's method has to carry.
    """
    trace = sum((G[i][i] for i in range(len(G))), Fraction(0))
    if not rank:
        return (Fraction(0),) * len(G)
    with localcontext() as context:
        context.prec = GUARD_DIGITS + _digits(trace**rank / volume)
        A = [[Decimal(v.numerator) / Decimal(v.denominator) for v in row] for row in G]
        values = sorted((Fraction(v) for v in _diagonalized(A)), reverse=True)
        return (*values[:rank], *(Fraction(0),) * (len(G) - rank))


def _diagonalized(A: Square) -> list[Decimal]:
    """The diagonal that is left when rotations have made everything else vanish."""
    size = len(A)
    scale = sum(A[i][i] for i in range(size))
    tiny = scale * Decimal(10) ** (5 - getcontext().prec)
    for _ in range(MAX_SWEEPS):
        pairs = [(p, q) for p in range(size) for q in range(p + 1, size) if abs(A[p][q]) > tiny]
        if not pairs:
            break
        for p, q in pairs:
            _rotate(A, p, q)
    return [A[i][i] for i in range(size)]


def _rotate(A: Square, p: int, q: int) -> None:
    """The plane rotation that makes A[p][q] zero."""
    if not A[p][q]:
        return
    theta = (A[q][q] - A[p][p]) / (2 * A[p][q])
    t = (1 if theta >= 0 else -1) / (abs(theta) + (theta * theta + 1).sqrt())
    c = 1 / (t * t + 1).sqrt()
    s = t * c
    for row in A:
        row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
    A[p], A[q] = (
        [c * a - s * b for a, b in zip(A[p], A[q], strict=True)],
        [s * a + c * b for a, b in zip(A[p], A[q], strict=True)],
    )


def _digits(ratio: Fraction) -> int:
    """Decimal digits before the point, roughly, at least 1."""
    return max(1, int((ratio.numerator.bit_length() - ratio.denominator.bit_length()) * 0.302) + 1)
