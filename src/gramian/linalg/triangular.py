"""Systems with a triangular matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from gramian.typing import Matrix, Vector


def solve_triangular(R: Matrix, b: Any, **options: Any) -> Any:
    """As `scipy.linalg.solve_triangular`; without unknowns there is nothing to solve, which SciPy 1.13 refuses."""
    return scipy.linalg.solve_triangular(R, b, **options) if np.size(b) else np.zeros(np.shape(b))


def inverse_form(L: Matrix, v: Vector) -> float:
    """v'(LL')^-1 v as the square of L^-1 v, of which no terms cancel."""
    half = solve_triangular(L, v, lower=True)
    return float(half @ half)
