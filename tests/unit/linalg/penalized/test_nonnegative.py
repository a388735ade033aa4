"""Coefficients that are not negative: the conditions that hold at the optimum, and nowhere else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from gramian.linalg.penalized.nonnegative import nonnegative

UNIT = 2.0**-53
ROUNDS = 1e4  # of rounding: 100 is what the set is chosen by, and 100 for the condition of what is chosen from it


@given(
    rows=st.integers(1, 12),
    columns=st.integers(0, 15),
    copies=st.integers(0, 3),
    linear=st.sampled_from([0.0, 0.1, 2.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_gradient_is_zero_where_coefficients_are_not_and_else_not_downhill(rows, columns, copies, linear, seed):
    """The conditions of Karush, Kuhn and Tucker, columns that depend on each other included."""
    rng = np.random.default_rng(seed)
    A = rng.integers(-3, 4, (rows, columns)).astype(float)
    if columns:
        A = np.column_stack([A, 2 * A[:, rng.integers(0, columns, copies)]])
    y = rng.integers(-5, 6, rows).astype(float)
    S, c = A.T @ A, A.T @ y - linear
    b = nonnegative(S, c, UNIT)
    gradient, noise = S @ b - c, ROUNDS * UNIT * (np.abs(S) @ b + np.abs(c) + 1.0)
    assert (b >= 0).all()
    assert (gradient >= -noise).all()
    assert (np.abs(gradient[b > 0]) <= noise[b > 0]).all()


def test_the_same_as_nnls():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((80, 30)) * np.geomspace(1e-6, 1e6, 30)
    y = rng.standard_normal(80)
    known, _ = nnls(A, y)
    # a condition of about 10 after scaling, so its square times the rounding of 80 terms
    size = np.linalg.norm(A, axis=0)
    np.testing.assert_allclose(nonnegative(A.T @ A, A.T @ y, UNIT) * size, known * size, rtol=0, atol=1e-12)
