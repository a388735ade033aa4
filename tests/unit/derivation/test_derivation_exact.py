"""Laws of the derivation that hold without any tolerance."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from unit.derivation.small_data import TWINS

from gramian.derivation import derive
from gramian.derivation.arithmetic import (
    determinant,
    identity,
    inverse,
    matrix_vector,
    product,
    rational,
    reduced,
    transpose,
)
from gramian.derivation.solution import solve

numbers = st.one_of(
    st.integers(-3, 3).map(Fraction),
    st.floats(-1e6, 1e6, allow_subnormal=False).map(rational),
)


@st.composite
def problems(draw):
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    X = tuple(tuple(draw(numbers) for _ in range(columns)) for _ in range(rows))
    return X, tuple(draw(numbers) for _ in range(rows))


@given(problems())
def test_the_four_laws_of_moore_and_penrose(problem):
    X, y = problem
    P = solve(X, y).pseudo_inverse
    XP, PX = product(X, P), product(P, X)
    assert product(XP, X) == X
    assert product(PX, P) == P
    assert transpose(XP) == XP
    assert transpose(PX) == PX


@given(problems())
def test_the_inverse_is_one_and_the_gradient_is_zero(problem):
    X, y = problem
    s = solve(X, y)
    assert s.gradient == (Fraction(0),) * len(X[0])
    assert (s.inverse is None) == (s.determinant == 0) == bool(s.null)
    if s.inverse is not None:
        assert product(s.inverse, s.XtX) == identity(len(X[0]))
        assert product(s.XtX, s.inverse) == identity(len(X[0]))
    assert s.rank + len(s.null) == len(X[0])
    assert all(matrix_vector(X, v) == (Fraction(0),) * len(X) for v in s.null)


@given(problems())
def test_eigenvalues_have_the_trace_and_are_not_negative(problem):
    s = solve(*problem)
    trace = sum(s.XtX[i][i] for i in range(len(s.XtX)))
    assert abs(sum(s.eigenvalues) - trace) <= trace * Fraction(1, 10**30)
    assert sum(v > 0 for v in s.eigenvalues) == s.rank
    assert min(s.eigenvalues) >= 0


@given(problems())
def test_no_step_lowers_the_cost(problem):
    X, y = problem
    s = solve(X, y)
    for j in range(len(X[0])):
        w = [c + (i == j) for i, c in enumerate(s.w)]
        assert sum((b - a) ** 2 for a, b in zip(matrix_vector(X, tuple(w)), y, strict=True)) >= s.cost_after


def test_determinant_and_inverse_of_a_matrix_that_needs_exchanges():
    A = tuple(tuple(map(Fraction, row)) for row in ((0, 2, 1), (1, 0, 0), (0, 3, 4)))
    assert determinant(A) == -5
    assert product(A, inverse(A)) == identity(3)
    assert reduced(A) == (identity(3), (0, 1, 2))


def test_dependent_columns():
    d = derive("y ~ a + b", TWINS)
    assert (d.inverse, d.determinant, d.rank) == (None, 0, 2)
    np.testing.assert_allclose(d.pseudo_inverse, np.linalg.pinv(d.X), atol=1e-14)  # entries of order 1, times 40 eps
    assert d.null.tolist() == [[-2], [1], [0]]
    assert d.w[1] == 2 * d.w[0]
    assert d.gradient.tolist() == [0, 0, 0]
    told = d.text()
    for words in ("b = 2 * a", "Its rank is 2", "det(X'X) = 0", "infinitely many solutions", "One of them is zero"):
        assert words in told


def test_more_columns_than_rows():
    d = derive("y ~ a + b + c", {"a": [1, 2], "b": [0, 1], "c": [5, 3], "y": [1, 4]})
    assert d.inverse is None
    assert d.cost_after == 0
    np.testing.assert_allclose(d.w, np.linalg.pinv(d.X) @ d.y, atol=1e-13)
    assert "2 rows cannot determine more than 2 of 4 coefficients" in d.text()
    assert "2 of them are zero" in d.text()


def test_a_column_that_the_constant_explains():
    told = derive("y ~ k", {"k": [3, 3, 3], "y": [1, 2, 6]}).text()
    assert "k = 3\n" in told


def test_nothing_but_zeros():
    d = derive("y ~ 0 + z", {"z": [0, 0, 0], "y": [1, 2, 3]})
    assert (d.w.tolist(), d.rank, d.eigenvalues.tolist(), d.null.tolist()) == ([0], 0, [0], [[1]])
    assert "z = 0" in d.text()
    assert d.markdown()
    assert d.html()
