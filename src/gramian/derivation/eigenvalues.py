"""Eigenvalues of an exact symmetric matrix, with more digits than are ever shown."""

from __future__ import annotations

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

from gramian.derivation.arithmetic import ExactMatrix, Row

GUARD_DIGITS = 40  # correct decimal digits of the smallest eigenvalue
MAX_SWEEPS = 100  # convergence is quadratic at the end, so about ten are needed

Square = list[list[Decimal]]


def eigenvalues(G: ExactMatrix, rank: int, volume: Fraction) -> Row:
    """Eigenvalues of a positive semidefinite matrix from large to small; those beyond its rank are exactly zero.

    Parameters
    ----------
    G : matrix of fractions, (p, p)
        The matrix.
    rank : int
        Its rank.
    volume : Fraction
        Product of its `rank` positive eigenvalues.

    Notes
    -----
    Cyclic Jacobi rotations in decimal arithmetic. No eigenvalue exceeds the trace, so that the smallest is at least
    volume / trace^(rank - 1); this bound gives the precision that its digits need.

    References
    ----------
    Golub, G. H. and Van Loan, C. F. (2013). Matrix Computations, 4th ed., section 8.5. Johns Hopkins.
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
    """Diagonal of the matrix after rotations that make all other entries negligible."""
    size = len(A)
    scale = sum(A[i][i] for i in range(size))
    # By Weyl's theorem what is left off the diagonal changes eigenvalues by no more than its own size.
    tiny = scale * Decimal(10) ** (5 - getcontext().prec)
    for _ in range(MAX_SWEEPS):
        pairs = [(p, q) for p in range(size) for q in range(p + 1, size) if abs(A[p][q]) > tiny]
        if not pairs:
            break
        for p, q in pairs:
            _rotate(A, p, q)
    return [A[i][i] for i in range(size)]


def _rotate(A: Square, p: int, q: int) -> None:
    """Rotate rows and columns p and q so that A[p][q] becomes zero."""
    # An earlier rotation of the same sweep may have made it zero.
    if not A[p][q]:
        return
    theta = (A[q][q] - A[p][p]) / (2 * A[p][q])
    # The smaller of two possible angles, on which convergence depends; this form does not cancel.
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
    """Approximate number of decimal digits of a ratio before the point, at least 1."""
    return max(1, int((ratio.numerator.bit_length() - ratio.denominator.bit_length()) * 0.302) + 1)
