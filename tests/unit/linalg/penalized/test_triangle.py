from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.linalg.penalized.triangle import Triangle


def positive(q: int, seed: int) -> np.ndarray:
    X = np.random.default_rng(seed).normal(size=(q + 4, q))
    return X.T @ X


def joined(S: np.ndarray, columns: list[int]) -> Triangle:
    triangle, noise = Triangle(len(S)), 1e-13 * S.diagonal()
    for k, j in enumerate(columns):
        assert triangle.add(S[j, columns[:k]], S[j, j], noise[columns[:k]], noise[j])
    return triangle


@given(q=st.integers(1, 45), seed=st.integers(0, 100), moves=st.lists(st.integers(0, 10**6), max_size=12))
def test_it_stays_the_cholesky_factor_of_what_is_in(q: int, seed: int, moves: list[int]) -> None:
    S, active = positive(q, seed), list(range(q))
    triangle = joined(S, active)
    for move in moves:
        if active:
            triangle.remove(move % len(active))
            del active[move % len(active)]
        R = triangle.full()
        assert (R.diagonal() > 0).all()
        np.testing.assert_allclose(R.T @ R, S[np.ix_(active, active)], atol=1e-12 * np.abs(S).max())


def test_halves_solve_the_whole() -> None:
    S, x = positive(7, 3), np.arange(7.0)
    triangle = joined(S, list(range(7)))
    np.testing.assert_allclose(S @ triangle.solve(triangle.solve_transposed(x)), x, atol=1e-12)


def test_a_combination_does_not_fit() -> None:
    X = np.random.default_rng(1).normal(size=(30, 3))
    X = np.column_stack([X, X @ [1.0, 2.0, -1.0]])
    S, noise = X.T @ X, 1e-13 * (X.T @ X).diagonal()
    triangle = joined(S, [0, 1, 2])
    assert not triangle.fits(S[3, :3], S[3, 3], noise[:3], noise[3])
    assert not triangle.add(S[3, :3], S[3, 3], noise[:3], noise[3])
    assert triangle.size == 3
    triangle.remove(1)
    assert triangle.fits(S[3, [0, 2]], S[3, 3], noise[[0, 2]], noise[3])


def test_large_combinations_carry_more_rounding() -> None:
    """What is left of x2 beside x1 is above its own rounding, but not above that of 1000 times x1."""
    x1, x2 = 1.0, 1000.0
    S = np.array([[x1, x2], [x2, x2**2 + 1e-4]])
    triangle = Triangle(2)
    assert triangle.add(np.zeros(0), S[0, 0], np.zeros(0), 1e-10)
    assert not triangle.fits(S[1, :1], S[1, 1], np.array([1e-10]), 1e-10)
    assert triangle.fits(S[1, :1], S[1, 1] + 1.0, np.array([1e-10]), 1e-10)


def test_nothing_in_it() -> None:
    triangle = Triangle(2)
    assert triangle.full().shape == (0, 0)
    assert triangle.solve_transposed(np.zeros(0)).shape == triangle.solve(np.zeros(0)).shape == (0,)
    assert triangle.add(np.zeros(0), 4.0, np.zeros(0), 0.0)
    assert triangle.full() == pytest.approx(2.0)
    triangle.remove(0)
    assert triangle.size == 0
