"""Confidence sets of Anderson and Rubin for one endogenous column: all values that their test does not reject.

They hold whatever the strength of the instruments, and may be an interval, two rays, the whole line, or empty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvals
from scipy.special import chdtri, fdtri

from gramian.errors import OptionError
from gramian.inference.instruments import FirstStages, quadratic
from gramian.typing import Vector

Intervals = tuple[tuple[float, float], ...]
REAL = 1e-6  # of its size: a smaller imaginary part of a root is rounding error


def confidence_set(stages: FirstStages, level: float) -> Intervals:
    """The set at a level, as intervals from left to right.

    Raises OptionError for several endogenous columns, or a level that is not between 0 and 1.
    """
    if stages.endogenous != 1:
        raise OptionError(
            "the confidence set is of one endogenous column; for several, test values with anderson_rubin(values)"
        )
    if not 0.0 < level < 1.0:
        raise OptionError(f"level must be between 0 and 1, found {level!r}")
    L, df = stages.instruments, stages.df_tests
    critical = L * float(fdtri(L, df, level)) if np.isfinite(df) else float(chdtri(L, 1.0 - level))
    centre, scale = _units(stages)
    roots = np.sort(_roots(stages, critical, centre, scale))
    # between roots the test does not change its mind
    ends = np.concatenate([[-np.inf], centre + scale * roots, [np.inf]])
    inside = [_excess(stages, centre + scale * t, critical) <= 0.0 for t in _between(roots)]
    out: list[tuple[float, float]] = []
    for low, high, accepted in zip(ends[:-1].tolist(), ends[1:].tolist(), inside, strict=True):
        if accepted and out and out[-1][1] == low:
            out[-1] = (out[-1][0], high)
        elif accepted:
            out.append((low, high))
    return tuple(out)


def _units(stages: FirstStages) -> tuple[float, float]:
    """A centre and a scale of the values, in which the polynomials are near one: the estimate and its spread."""
    E, U = stages.explained, stages.unexplained
    centre = float(E[0, 1] / E[0, 0]) if E[0, 0] > 0 else 0.0
    v = np.array([-centre, 1.0])
    spread = float(v @ (E + U) @ v) / (E[0, 0] + U[0, 0])
    return centre, float(np.sqrt(spread)) or 1.0


def _roots(stages: FirstStages, critical: float, centre: float, scale: float) -> Vector:
    """Values t, in units of centre + scale t, at which the statistic is critical."""
    x, y = np.array([scale, 0.0]), np.array([-centre, 1.0])
    if stages.covariance is None:
        D = stages.explained - critical / stages.df * stages.unexplained
        return _real(np.roots([x @ D @ x, -2.0 * (x @ D @ y), y @ D @ y]))
    # det [[V, g], [g', c]] = det(V) (c - g' V^-1 g), V quadratic and g linear in t: a quadratic eigenvalue problem
    L = stages.instruments
    V2, V0 = stages.covariance_of(x), stages.covariance_of(y)
    V1 = stages.covariance_of(y - x) - V2 - V0
    A2, A1, A0 = np.zeros((3, L + 1, L + 1))
    A2[:L, :L], A1[:L, :L], A0[:L, :L] = V2, V1, V0
    A1[:L, L] = A1[L, :L] = -(stages.reduced @ x)
    A0[:L, L] = A0[L, :L] = stages.reduced @ y
    A0[L, L] = critical
    eye, zero = np.eye(L + 1), np.zeros((L + 1, L + 1))
    left = np.block([[zero, eye], [-A0, -A1]])
    right = np.block([[eye, zero], [zero, A2]])
    values = eigvals(left, right)
    return _polished(stages, _real(values[np.isfinite(values)]), critical, centre, scale)


def _real(values: NDArray[Any]) -> Vector:
    """The real ones of complex values."""
    values = np.asarray(values, complex)
    return np.asarray(values.real[np.abs(values.imag) <= REAL * (1.0 + np.abs(values))])


def _polished(stages: FirstStages, roots: Vector, critical: float, centre: float, scale: float) -> Vector:
    """Roots after a few steps of the secant method on the statistic itself, where it brings them nearer."""
    out = []
    for root in roots:
        t, step = float(root), 1e-7 * (1.0 + abs(float(root)))
        for _ in range(3):
            here = _excess(stages, centre + scale * t, critical)
            slope = (_excess(stages, centre + scale * (t + step), critical) - here) / step
            move = here / slope if slope else 0.0
            if abs(move) > 0.1 * (1.0 + abs(t)):
                break
            t -= move
        out.append(t)
    return np.array(out)


def _between(roots: Vector) -> list[float]:
    """A point left of all roots, between each two, and right of all."""
    if not len(roots):
        return [0.0]
    margin = 1.0 + np.abs(roots).max()
    return [float(roots[0] - margin), *((roots[:-1] + roots[1:]) / 2.0).tolist(), float(roots[-1] + margin)]


def _excess(stages: FirstStages, value: float, critical: float) -> float:
    """The statistic at a value, less its critical value."""
    a = np.array([-value, 1.0])
    return quadratic(stages.reduced @ a, stages.covariance_of(a)) - critical
