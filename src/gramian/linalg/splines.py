"""B-splines, and natural cubic splines (linear beyond the boundary).

C. de Boor, "A Practical Guide to Splines" (2001), recursion BSPLVB; natural splines by the null space of the second
derivatives at the boundary, as R's `splines::ns`.
"""

from __future__ import annotations

import numpy as np

from gramian.typing import Matrix, Vector

Knots = tuple[float, ...]


def bsplines(x: Vector, knots: Knots, boundary: tuple[float, float], degree: int) -> Matrix:
    """All B-splines of a degree at x, (len(knots) + degree + 1, n); beyond the boundary the end polynomials continue.

    Parameters
    ----------
    x : (n,)
        Points; NaN or infinite ones give NaN or infinite values.
    knots : tuple of float
        Inner knots, rising, strictly inside the boundary.
    boundary : (float, float)
        Boundary knots.
    degree : int
        Degree of the polynomials, 3 for cubic splines.
    """
    t = _padded(knots, boundary, degree)
    piece = degree + np.searchsorted(np.array(knots), x, side="right")
    parts = [np.ones(len(x))]
    # At each point only degree + 1 splines are not zero; the recursion raises their degree one at a time.
    for d in range(1, degree + 1):
        saved = np.zeros(len(x))
        for r in range(d):
            right, left = t[piece + r + 1] - x, x - t[piece + 1 - d + r]
            share = parts[r] / (right + left)
            parts[r] = saved + right * share
            saved = left * share
        parts.append(saved)
    out = np.zeros((len(knots) + degree + 1, len(x)))
    rows = np.arange(len(x))
    for r, values in enumerate(parts):
        out[piece - degree + r, rows] = values
    return out


def b_basis(x: Vector, knots: Knots, boundary: tuple[float, float], degree: int) -> Matrix:
    """The columns of R's `bs`, (len(knots) + degree, n): all but the first, since all together sum to one."""
    return bsplines(x, knots, boundary, degree)[1:]


def natural_basis(x: Vector, knots: Knots, boundary: tuple[float, float]) -> Matrix:
    """The columns of R's `ns`, (len(knots) + 1, n): cubic splines that are linear beyond the boundary."""
    first, second = _derivatives(knots, boundary)
    # The last columns of Q span the null space of the second derivatives at both ends.
    Q, _ = np.linalg.qr(second[:, 1:].T, mode="complete")
    C = Q[:, 2:]
    low, high = boundary
    slopes = first[:, 1:] @ C
    inside = C.T @ bsplines(np.clip(x, low, high), knots, boundary, 3)[1:]
    below, above = np.minimum(x - low, 0.0), np.maximum(x - high, 0.0)
    return np.asarray(inside + slopes[0][:, None] * below + slopes[1][:, None] * above)


def _padded(knots: Knots, boundary: tuple[float, float], degree: int) -> Vector:
    """Knots with the boundary knots repeated degree + 1 times."""
    return np.array([boundary[0]] * (degree + 1) + list(knots) + [boundary[1]] * (degree + 1))


def _derivatives(knots: Knots, boundary: tuple[float, float]) -> tuple[Matrix, Matrix]:
    """First and second derivatives of the cubic B-splines at both ends, each (2, len(knots) + 4)."""
    t, width = _padded(knots, boundary, 3), len(knots) + 4
    once = _differences(np.eye(width), t, 3)
    twice = _differences(once, t[1:-1], 2)
    return once[[0, -1]], twice[[0, -1]]


def _differences(C: Matrix, t: Vector, degree: int) -> Matrix:
    """B-spline coefficients of the derivative of splines whose coefficients are the columns of C."""
    spans = t[degree + 1 : len(C) + degree] - t[1 : len(C)]
    return np.asarray(degree * np.diff(C, axis=0) / spans[:, None])


def b_basis_slopes(x: Vector, knots: Knots, boundary: tuple[float, float], degree: int) -> Matrix:
    """Derivatives of the columns of `b_basis` at x, (len(knots) + degree, n).

    The derivative of a spline is one of a degree less, on the knots without the outermost two.
    """
    D = _differences(np.eye(len(knots) + degree + 1), _padded(knots, boundary, degree), degree)
    return np.asarray(D.T @ bsplines(x, knots, boundary, degree - 1))[1:]


def natural_basis_slopes(x: Vector, knots: Knots, boundary: tuple[float, float]) -> Matrix:
    """Derivatives of the columns of `natural_basis` at x, (len(knots) + 1, n): constant beyond the boundary."""
    _, second = _derivatives(knots, boundary)
    Q, _ = np.linalg.qr(second[:, 1:].T, mode="complete")
    return np.asarray(Q[:, 2:].T @ b_basis_slopes(np.clip(x, *boundary), knots, boundary, 3))
