"""The columns of a fit that are not aliased: their coefficients and inverse."""

from __future__ import annotations

import numpy as np

from gramian.fit.solved import Solved
from gramian.linalg import maps
from gramian.linalg.aliasing import basic, basic_covariance
from gramian.typing import Codes, Matrix, Vector


def independent(solved: Solved) -> Codes:
    """Positions of the model's columns that are no combination of earlier ones."""
    return np.array([i for i, name in enumerate(solved.names) if name not in solved.aliased], np.int64)


def basic_solution(solved: Solved) -> tuple[Vector, Matrix]:
    """Coefficients and inverse of these columns alone, (p,) and (p, p); the aliased ones hold nothing of meaning."""
    aliased = [solved.names.index(name) for name in solved.aliased]
    if not aliased or np.isnan(solved.coefficients[aliased]).all():
        return solved.coefficients, solved.inverse
    frame, solution = solved.frame, solved.solution  # of least norm: take it back to the one without the aliased
    b, V, null = solution.coefficients * frame.scale, solution.inverse, solution.null
    if frame.told is not None:
        T = maps.map_of(frame.told)
        b, V, null = maps.apply(frame.told, b), maps.congruence(T, V), maps.multiply(T, null)
    for i, c in frame.response.items():
        b[i] += float(c)
    null = np.asarray(np.linalg.solve(null[aliased].T, null.T).T, np.float64)
    positions = np.array(aliased, np.int64)
    return basic(b, positions, null), basic_covariance(V, positions, null)
