"""Conjugate gradient and limited-memory BFGS on f(b) = b'Ab/2 - c'b, from zero; each yields its iterates.

J. Nocedal and S. Wright, "Numerical Optimization" (2006): algorithms 5.2, 7.4 and 7.5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from gramian.typing import Matrix, Vector

MEMORY = 10  # corrections that limited-memory BFGS stores
Correction = tuple[Vector, Vector, float]  # s, y, 1 / s'y


def conjugate_gradient(A: Matrix, c: Vector) -> Iterator[Vector]:
    """Conjugate gradient (Hestenes and Stiefel, 1952), which ends without curvature.

    In exact arithmetic it needs as many steps as A has different eigenvalues.

    Parameters
    ----------
    A : (q, q)
        Symmetric, positive semidefinite.
    c : (q,)
        In the range of A.

    Yields
    ------
    b : (q,)
        The iterate after each step.
    """
    b, r = np.zeros_like(c), c
    p, size = r, r @ r
    while True:
        Ap = A @ p
        curvature = p @ Ap
        if not curvature > 0.0:
            return
        rate = size / curvature
        b, r = b + rate * p, r - rate * Ap
        yield b
        before, size = size, r @ r
        p = r + (size / before) * p


def lbfgs(A: Matrix, c: Vector, memory: int = MEMORY) -> Iterator[Vector]:
    """Limited-memory BFGS with the exact line search.

    On a quadratic its steps are those of conjugate gradient in exact arithmetic (Kolda, O'Leary and Nazareth, 1998), so
    the two differ by rounding only.
    """
    b, g = np.zeros_like(c), -c
    corrections: deque[Correction] = deque(maxlen=memory)
    while True:
        d = -two_loop_recursion(g, corrections)
        Ad = A @ d
        curvature = d @ Ad
        if not curvature > 0.0:
            return
        rate = -(g @ d) / curvature
        s, y = rate * d, rate * Ad
        b, g = b + s, g + y
        yield b
        if not s @ y > 0.0:
            return
        corrections.append((s, y, 1.0 / float(s @ y)))


def two_loop_recursion(g: Vector, corrections: deque[Correction]) -> Vector:
    """H g for the inverse Hessian approximation H of the corrections (algorithm 7.4, initial scaling 7.20)."""
    q, shares = g, list[float]()
    for s, y, inverse in reversed(corrections):
        shares.append(inverse * float(s @ q))
        q = q - shares[-1] * y
    if corrections:
        _, y, inverse = corrections[-1]
        # Initial scaling s'y / y'y, the size of the inverse Hessian along the last step.
        q = q / (inverse * (y @ y))
    for (s, y, inverse), share in zip(corrections, reversed(shares), strict=True):
        q = q + (share - inverse * (y @ q)) * s
    return q


def conjugate_steps(digits: float, condition: float, rank: int) -> float:
    """Steps to so many digits by the bound 2 ((sqrt k - 1) / (sqrt k + 1))^j on the relative error, at most the rank.

    The bound is on the error in the norm of A; k is the condition number.
    """
    gain = 2.0 / (float(np.sqrt(condition)) + 1.0)
    if gain >= 1.0:
        return min(1.0, float(rank))
    bound = np.ceil((digits * np.log(10.0) + np.log(2.0)) / -np.log1p(-gain))
    return float(min(bound, rank))
