"""The exact solve against fractions: coefficients, inverse, residual sum, rank, with and without refinement."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.exact import least_squares, rational, solve_exact

from gramian.linalg.exact import solve as module
from gramian.linalg.exact.eliminate import eliminate, independent
from gramian.linalg.exact.products import ExactGram, combined
from gramian.linalg.exact.solve import exact_solve
from gramian.linalg.exact.to_float64 import nearest, square_root

REFINED, ELIMINATED = -1.0, 1e9


def gram_of(columns: np.ndarray) -> ExactGram:
    """Products of float64 columns whose lowest bits are above 2^-90."""
    whole = np.array([[int(Fraction(v) * 2**90) for v in row] for row in columns.tolist()], object)
    return ExactGram(whole.T.dot(whole), -180, (1,) * columns.shape[1])


def problem(near: float, offset: float, rows: int = 30, width: int = 5) -> np.ndarray:
    rng = np.random.default_rng(3)
    X = rng.standard_normal((rows, width)) + offset
    X[:, -1] = X[:, 0] + near * X[:, -1]
    y = X.sum(axis=1) + rng.standard_normal(rows)
    return np.column_stack([np.ones(rows), X, y])


@pytest.mark.parametrize("patience", [REFINED, ELIMINATED])
@pytest.mark.parametrize(
    ("near", "offset"), [(1.0, 0.0), (1.0, 1e6), (1e-4, 0.0), (1e-4, 1e6), (1e-8, 0.0), (1e-8, 1e6), (1e-12, 0.0)]
)
def test_everything_is_rounded_correctly(
    patience: float, near: float, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", patience)
    A = problem(near, offset)
    solution = exact_solve(gram_of(A), 0)
    X, y = rational(A[:, :-1]), [Fraction(v) for v in A[:, -1].tolist()]
    truth = least_squares(X, y)
    hi, lo = solution.rounded
    assert hi.tolist() == [float(t) for t in truth]
    assert (solution.digits == 16.0).all()
    for b, e, t, low in zip(solution.coefficients, solution.errors, truth, lo.tolist(), strict=True):
        assert abs(b - t) <= e
        assert abs(Fraction(float(t)) + Fraction(low) - t) <= abs(t) * Fraction(1, 2**100)
    residuals = [v - sum(a * b for a, b in zip(row, truth, strict=True)) for v, row in zip(y, X, strict=True)]
    rss = sum(r * r for r in residuals)
    assert abs(solution.rss - rss) <= solution.rss_error
    assert float(solution.rss) == float(rss)
    G = [[sum(row[i] * row[j] for row in X) for j in range(len(truth))] for i in range(len(truth))]
    for j in range(len(truth)):
        column = solve_exact(G, [Fraction(int(i == j)) for i in range(len(truth))])
        np.testing.assert_allclose(solution.inverse[:, j], [float(v) for v in column], rtol=4e-15)
        assert float(abs(solution.diagonal[j] / column[j] - 1)) < 2.0**-51


@pytest.mark.parametrize("patience", [REFINED, ELIMINATED])
def test_dependent_columns_are_found_and_explained(patience: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", patience)
    rng = np.random.default_rng(1)
    x, z = rng.standard_normal(40), rng.integers(0, 9, 40).astype(float)
    A = np.column_stack([x, np.ones(40), z, 2 * z - 3, 0.25 * x, np.zeros(40), rng.standard_normal(40)])
    solution = exact_solve(gram_of(A), 1)
    assert solution.identified.tolist() == [True, True, True, False, False, False]
    assert solution.proved
    assert [[float(v) for v in column] for column in solution.null.T] == [
        [0, 3, -2, 1, 0, 0],
        [-0.25, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]
    assert [float(b) for b in solution.coefficients[3:]] == [0, 0, 0]
    inner = least_squares(rational(A[:, [0, 1, 2]]), [Fraction(v) for v in A[:, -1].tolist()])
    assert list(solution.rounded[0][:3]) == [float(t) for t in inner]


@pytest.mark.parametrize("patience", [REFINED, ELIMINATED])
def test_a_difference_in_the_last_bit_is_no_dependence(patience: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", patience)
    rng = np.random.default_rng(1)
    x = rng.uniform(1.0, 2.0, 40)
    twin = x.copy()
    twin[7] = np.nextafter(twin[7], 2.0)
    A = np.column_stack([np.ones(40), x, twin, rng.standard_normal(40)])
    solution = exact_solve(gram_of(A), 0)
    assert solution.identified.all()
    truth = least_squares(rational(A[:, :-1]), [Fraction(v) for v in A[:, -1].tolist()])
    assert solution.rounded[0].tolist() == [float(t) for t in truth]


@pytest.mark.parametrize("patience", [REFINED, ELIMINATED])
def test_a_perfect_fit_leaves_nothing(patience: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", patience)
    A = np.round(problem(1e-3, 5.0) * 2**30) / 2**30
    A[:, -1] = 3 + A[:, 1] - 0.25 * A[:, 4]
    solution = exact_solve(gram_of(A), 0)
    assert [float(b) for b in solution.coefficients] == [3, 1, 0, 0, -0.25, 0]
    assert solution.rss == solution.rss_error == 0


@pytest.mark.parametrize("bits", [61, 62, 581, 582])
def test_squares_just_below_a_power_of_two(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As columns of length one have, told in whole numbers: the highest digit of such a sum is carried to."""
    monkeypatch.setattr(module, "PATIENCE", REFINED)
    one = 1 << bits
    whole = np.array([[one - 1, one // 8, one // 4], [one // 8, one - 3, one // 2], [one // 4, one // 2, one]], object)
    solution = exact_solve(ExactGram(whole, 0, (1, 1, 1)), None)
    (a, b), c, d = whole[0, :2], whole[1, 1], whole[:2, 2]
    truth = [Fraction(c * d[0] - b * d[1], a * c - b * b), Fraction(a * d[1] - b * d[0], a * c - b * b)]
    assert [float(v) for v in solution.coefficients] == [float(v) for v in truth]
    assert all(abs(v - t) <= e for v, t, e in zip(solution.coefficients, truth, solution.errors, strict=True))


def test_only_a_constant() -> None:
    solution = exact_solve(gram_of(np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 6.0]])), 0)
    assert solution.coefficients == (Fraction(3),)
    assert solution.rss == 14
    assert solution.inverse.tolist() == [[1 / 3]]


def test_units_are_taken_out() -> None:
    A = problem(1.0, 0.0)
    plain, gram = exact_solve(gram_of(A), 0), gram_of(A)
    units = (1, 10, 1, 1000, 1, 1, 100)
    scale = np.array(units, object)
    told = exact_solve(ExactGram(gram.integers * scale[:, None] * scale, gram.exponent, units), 0)
    assert told.coefficients == plain.coefficients
    assert told.rss == plain.rss
    np.testing.assert_array_equal(told.inverse, plain.inverse)


@pytest.mark.parametrize("patience", [REFINED, ELIMINATED])
def test_columns_of_very_different_sizes_keep_their_standard_errors(
    patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", patience)
    gram, scale = gram_of(problem(1e-4, 1.0)), np.array([1 << (90 * j) for j in range(7)], object)
    plain = exact_solve(gram, 0)
    wide = exact_solve(ExactGram(gram.integers * scale[:, None] * scale, gram.exponent, gram.multipliers), 0)
    for v, w, e, s in zip(plain.diagonal, wide.diagonal, wide.diagonal_errors, scale, strict=False):
        assert e <= w * Fraction(1, 2**60)
        assert abs(w * int(s) ** 2 / v - 1) < 2.0**-59
    for b, t, s in zip(plain.coefficients, wide.coefficients, scale, strict=False):
        assert float(t * int(s) / int(scale[-1])) == pytest.approx(float(b), rel=1e-15)


def test_combinations_of_columns() -> None:
    A = problem(1.0, 0.0)
    third = Fraction(1, 3)
    gram = combined(gram_of(A), [{0: Fraction(1)}, {1: third, 2: Fraction(-2)}, {6: Fraction(1)}])
    exact = rational(A)
    made = [row[1] * third - 2 * row[2] for row in exact]
    assert gram.fraction(1, 1) == sum(v * v for v in made)
    assert gram.fraction(1, 2) == sum(v * row[6] for v, row in zip(made, exact, strict=True))


@given(data=st.data())
def test_elimination_and_rank(data: st.DataObject) -> None:
    k, rows = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 6))
    entries = st.lists(st.integers(-3, 3), min_size=k, max_size=k)
    W = np.array(data.draw(st.lists(entries, min_size=rows, max_size=rows)), object)
    C = W.T.dot(W)
    kept = independent(C)
    ranks = [np.linalg.matrix_rank(W[:, : j + 1].astype(float)) if j >= 0 else 0 for j in range(-1, k)]
    assert kept.tolist() == [b > a for a, b in pairwise(ranks)]
    inner = C[np.ix_(kept, kept)]
    right = np.array([[data.draw(st.integers(-9, 9))] for _ in range(len(inner))], object).reshape(len(inner), 1)
    solved, divisor = eliminate(inner, right)
    assert (inner.dot(solved) == divisor * right).all() if len(inner) else divisor == 1


@given(
    numerator=st.integers(1, 10**40), denominator=st.integers(1, 10**40), power=st.sampled_from([-1200, -3, 0, 3, 880])
)
def test_roots(numerator: int, denominator: int, power: int) -> None:
    value = Fraction(numerator, denominator) * Fraction(2) ** power
    found = Fraction(square_root(value * value))
    assert abs(found - value) <= max(abs(value) * Fraction(1, 2**53), Fraction(1, 2**1074))
    assert nearest(Fraction(-(10**400))) == -np.inf
