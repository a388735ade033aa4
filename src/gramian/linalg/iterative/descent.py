"""Gradient methods on f(b) = b'Ab/2 - c'b, from zero, in their textbook form; each yields its iterates.

Y. Nesterov, "Introductory Lectures on Convex Optimization" (2004), sections 2.1.5 and 2.2.1; J. Nocedal and S. Wright,
"Numerical Optimization" (2006), section 3.3. Below l_min and l_max are the extreme eigenvalues of A, k = l_max / l_min.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gramian.typing import Matrix, Vector


def gradient_descent(A: Matrix, c: Vector, rate: float) -> Iterator[Vector]:
    """b <- b - rate (Ab - c). Converges for rates between 0 and 2 / l_max; the best one is 2 / (l_min + l_max)."""
    b = np.zeros_like(c)
    while True:
        b = b - rate * (A @ b - c)
        yield b


def line_search(A: Matrix, c: Vector) -> Iterator[Vector]:
    """Steepest descent with the exact step length g'g / g'Ag; two products with A a step, for g and Ag."""
    b = np.zeros_like(c)
    while True:
        g = A @ b - c
        curvature = g @ (A @ g)
        if not curvature > 0.0:
            return
        b = b - (g @ g) / curvature * g
        yield b


def nesterov(A: Matrix, c: Vector, rate: float, momentum: float) -> Iterator[Vector]:
    """Accelerated gradient with constant momentum (2.2.1, constant step scheme for strongly convex functions)."""
    b = y = np.zeros_like(c)
    while True:
        before, b = b, y - rate * (A @ y - c)
        y = b + momentum * (b - before)
        yield b


def best_rate(smallest: float, largest: float) -> float:
    """The fixed rate 2 / (l_min + l_max), which minimises the largest of |1 - rate l|."""
    return 2.0 / (smallest + largest)


def best_momentum(condition: float) -> float:
    """(sqrt k - 1) / (sqrt k + 1) for a condition number k."""
    root_condition = float(np.sqrt(condition))
    return (root_condition - 1.0) / (root_condition + 1.0)


def steps(digits: float, gain: float) -> float:
    """Steps to so many digits where each multiplies the error by 1 - gain; infinite where the gain is not positive."""
    if gain >= 1.0:
        return 1.0
    return float(np.ceil(digits * np.log(10.0) / -np.log1p(-gain))) if gain > 0.0 else float("inf")


def fixed_rate_steps(digits: float, smallest: float, largest: float, rate: float) -> float:
    """Steps with a fixed rate, whose factor is the larger of |1 - rate l_min| and |1 - rate l_max|."""
    return steps(digits, min(rate * smallest, 2.0 - rate * largest))


def best_rate_steps(digits: float, condition: float) -> float:
    """Steps with the best rate, of factor (k - 1) / (k + 1) each; an upper bound for the exact line search."""
    return steps(digits, 2.0 / (condition + 1.0))


def nesterov_steps(digits: float, condition: float) -> float:
    """Steps of the accelerated method: on a quadratic the error after j steps is (1 + j / sqrt k) (1 - 1 / sqrt k)^j.

    The momentum makes 1 - 1 / sqrt k a double root of the recurrence at l_min, and the start at rest gives the first
    factor. The equation for j is solved by fixed-point iteration.
    """
    gain, factor, count = 1.0 / float(np.sqrt(condition)), 0.0, 0.0
    # The factor grows with the logarithm of the steps, so a few iterations suffice; 50 cost nothing.
    for _ in range(50):
        count = steps(digits + factor, gain)
        factor = float(np.log10(1.0 + count * gain))
    return count
