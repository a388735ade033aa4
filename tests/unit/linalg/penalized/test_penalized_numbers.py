"""Ties, dependent columns, columns of very different lengths, and what happens where homotopy fails."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from unit.fit.penalized.systems import system_from

from gramian.errors import ConvergenceError
from gramian.linalg.penalized import homotopy, ridge
from gramian.linalg.penalized.descent import descend
from gramian.linalg.penalized.optimality import gap
from gramian.linalg.penalized.paths import checked, elastic_net, lasso, path
from gramian.linalg.penalized.system import Penalty, reduced

ORTHOGONAL = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, 1.0], [-1.0, -1.0, 1.0]])


def random(n: int = 60, q: int = 8, seed: int = 2):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, q))
    return X, X @ rng.normal(size=q) + rng.normal(size=n)


def test_an_orthogonal_design_is_soft_thresholding() -> None:
    y = np.array([5.0, 1.0, -2.0, -3.0])
    found = lasso(system_from(ORTHOGONAL, y, intercept=False), Penalty(np.ones(3)), np.array([1.0, 0.25, 0.0]))
    c = ORTHOGONAL.T @ y / 4.0
    for alpha, b in zip(found.alphas, found.coefficients, strict=True):
        np.testing.assert_allclose(b, np.sign(c) * np.maximum(np.abs(c) - alpha, 0.0), atol=1e-15)


def test_tied_columns_enter_at_one_knot() -> None:
    y = ORTHOGONAL @ np.array([2.0, 2.0, -1.0])
    found = lasso(system_from(ORTHOGONAL, y, intercept=False), Penalty(np.ones(3)))
    np.testing.assert_allclose(found.alphas, [2.0, 1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(found.coefficients, [[0, 0, 0], [1, 1, 0], [2, 2, -1]], atol=1e-15)


def test_of_equal_columns_the_first_enters() -> None:
    X, y = random()
    twice = np.column_stack([X[:, 3], X, X[:, 5]])
    found, plain = lasso(system_from(twice, y), Penalty(np.ones(10))), lasso(system_from(X, y), Penalty(np.ones(8)))
    assert found.passed.tolist() == [4, 9]
    np.testing.assert_allclose(found.alphas, plain.alphas, atol=1e-12)
    assert not found.coefficients[:, [4, 9]].any()


def test_a_combination_is_passed_over_and_named() -> None:
    X, y = random()
    dependent = np.column_stack([X, X[:, 0] - 2.0 * X[:, 4]])
    found = lasso(system_from(dependent, y), Penalty(np.ones(9)))
    assert found.exact == len(found.alphas)
    assert len(found.passed) == 1
    assert found.passed[0] in (0, 4, 8)


def test_a_constant_column_and_one_that_is_partialled_out_are_passed_over() -> None:
    X, y = random()
    X = np.column_stack([X, np.full(60, 3.0), 2.0 * X[:, 0]])
    factors = np.ones(10)
    factors[0] = 0.0
    for standardize in (False, True):
        for l1_ratio in (0.0, 0.5, 1.0):
            found = path(system_from(X, y), Penalty(factors, standardize, l1_ratio))
            assert found.passed.tolist() == [8, 9]
            assert not found.coefficients[:, [8, 9]].any()


def test_an_outcome_without_variation_leaves_nothing() -> None:
    X, _ = random()
    for l1_ratio in (0.0, 0.5, 1.0):
        found = path(system_from(X, np.full(60, 7.0)), Penalty(np.ones(8), l1_ratio=l1_ratio))
        assert not found.coefficients.any()


def test_homotopy_that_is_given_up_says_where_and_goes_on() -> None:
    X, y = random()
    system, penalty = system_from(X, y), Penalty(np.ones(8))
    whole, part = lasso(system, penalty), lasso(system, penalty, max_changes=4)
    assert 0 < part.exact < len(part.alphas)
    np.testing.assert_array_equal(part.alphas[: part.exact], whole.alphas[: part.exact])
    same = lasso(system, penalty, part.alphas)
    np.testing.assert_allclose(part.coefficients, same.coefficients, atol=1e-12)


def test_without_homotopy_alpha_0_is_refused() -> None:
    X, y = random()
    with pytest.raises(ConvergenceError, match="alphas above 0"):
        lasso(system_from(X, y), Penalty(np.ones(8)), np.array([1.0, 0.0]), max_changes=3)


def test_knots_that_break_the_conditions_are_cut_off() -> None:
    X, y = random()
    part = reduced(system_from(X, y), Penalty(np.ones(8)))
    knots = homotopy.homotopy(part.S, part.c, part.noise, part.length * part.y_length * part.rounding_error)
    wrong = knots.b.copy()
    wrong[4, 2] += 1e-6
    cut, _ = checked(part, replace(knots, b=wrong))
    assert not cut.complete
    assert len(cut.at) <= 4
    kept, doubt = checked(part, knots)
    assert kept is knots
    assert doubt.max() < 1e-14


def test_descent_reaches_what_jumps_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = random()
    part = reduced(system_from(X, y), Penalty(np.ones(8)))
    t, r = np.full(8, 10.0), np.full(8, 5.0)
    b, _ = descend(part, t, r, np.zeros(8))
    monkeypatch.setattr("gramian.linalg.penalized.descent.NEWTON_STEPS", 0)
    slow, left = descend(part, t, r, np.zeros(8))
    assert left < 1e-13
    np.testing.assert_allclose(slow, b, atol=1e-6)


def test_where_descent_does_not_settle_the_path_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(0.0, 1.0, 50)
    X = np.column_stack([x**k for k in range(1, 7)])
    part = reduced(system_from(X, np.sin(7 * x)), Penalty(np.ones(6)))
    monkeypatch.setattr("gramian.linalg.penalized.descent.NEWTON_STEPS", 0)
    found, left = descend(part, np.full(6, 1e-9), np.zeros(6), np.zeros(6), rounds=1)
    assert left < 1e-9
    none = homotopy.Knots(np.zeros(0), np.zeros((0, 6)), np.zeros(0, np.int64), complete=False)
    monkeypatch.setattr("gramian.linalg.penalized.descent.homotopy", lambda *_: none)
    with pytest.raises(ConvergenceError, match=r"duality gap of .* after 20 sweeps"):
        descend(part, np.full(6, 1e-9), np.zeros(6), np.zeros(6), rounds=1)
    assert found.any()


def test_the_gap_bounds_what_is_left() -> None:
    X, y = random()
    s = system_from(X, y)
    t, r = np.full(8, 3.0), np.full(8, 2.0)

    def objective(b):  # type: ignore[no-untyped-def]
        return 0.5 * (s.yy - 2 * s.c @ b + b @ s.S @ b + r @ b**2) + t @ np.abs(b)

    best, _ = descend(reduced(s, Penalty(np.ones(8))), t, r, np.zeros(8))
    rng = np.random.default_rng(0)
    for scale in (0.0, 1e-3, 0.1, 1.0):
        b = best + scale * rng.normal(size=8)
        assert gap(s.S, s.c, s.yy, t, r, b) >= objective(b) - objective(best) - 1e-12 * s.yy


def exact_ridge(X: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
    """The solution in rational arithmetic, without an intercept, rounded once."""
    rows = [[Fraction(v) for v in row] for row in X.tolist()]
    q = len(rows[0])
    A = [[sum(r[i] * r[j] for r in rows) + (Fraction(alpha) if i == j else 0) for j in range(q)] for i in range(q)]
    c = [sum(r[i] * Fraction(v) for r, v in zip(rows, y.tolist(), strict=True)) for i in range(q)]
    for i in range(q):
        for j in range(i + 1, q):
            share = A[j][i] / A[i][i]
            A[j] = [a - share * b for a, b in zip(A[j], A[i], strict=True)]
            c[j] -= share * c[i]
    b = [Fraction(0)] * q
    for i in reversed(range(q)):
        b[i] = (c[i] - sum(A[i][j] * b[j] for j in range(i + 1, q))) / A[i][i]
    return np.array([float(v) for v in b])


def test_ridge_keeps_the_digits_of_small_columns_beside_large_ones() -> None:
    X, y = random(30, 4)
    X = X * [1e7, 1.0, 1e-3, 1e4]
    found = ridge.ridge(system_from(X, y, intercept=False), Penalty(np.ones(4)), np.array([2.0, 1e-4]))
    for alpha, b in zip(found.alphas, found.coefficients, strict=True):
        # sums of 30 products, a well-conditioned system once its columns have one length
        np.testing.assert_allclose(b, exact_ridge(X, y, alpha), rtol=1e-12)


def test_both_ways_of_ridge_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = random()
    system, penalty = system_from(X, y), Penalty(np.array([1.0, 2.0, 0.0, 1.0, 1.0, 0.5, 1.0, 1.0]), l1_ratio=0.0)
    alphas = np.array([100.0, 1.0, 0.0])
    once = ridge.ridge(system, penalty, alphas)
    monkeypatch.setattr(ridge, "MAX_RANGE", 0.0)
    each = ridge.ridge(system, penalty, alphas)
    np.testing.assert_allclose(once.coefficients, each.coefficients, rtol=1e-12)
    np.testing.assert_allclose(once.df, each.df, rtol=1e-12)


def test_ridge_of_dependent_columns_goes_to_the_shortest_solution() -> None:
    X, y = random()
    X = np.column_stack([X, X[:, 0]])
    found = ridge.ridge(system_from(X, y, intercept=False), Penalty(np.ones(9), l1_ratio=0.0), np.array([0.0]))
    np.testing.assert_allclose(found.coefficients[0], np.linalg.pinv(X) @ y, atol=1e-12)
    assert found.df[0] == pytest.approx(8.0)


def test_degrees_of_freedom_are_traces_of_hat_matrices() -> None:
    X, y = random()
    system, n = system_from(X, y, intercept=False), 60
    for alpha in (0.05, 0.3):
        net = elastic_net(system, Penalty(np.ones(8), l1_ratio=0.5), np.array([alpha]))
        A = X[:, net.coefficients[0] != 0]
        hat = A @ np.linalg.solve(A.T @ A + n * alpha / 2 * np.eye(A.shape[1]), A.T)
        assert net.df[0] == pytest.approx(np.trace(hat))
        shrunk = ridge.ridge(system, Penalty(np.ones(8), l1_ratio=0.0), np.array([n * alpha]))
        hat = X @ np.linalg.solve(X.T @ X + n * alpha * np.eye(8), X.T)
        assert shrunk.df[0] == pytest.approx(np.trace(hat))


def test_a_coefficient_that_no_penalty_changes_does_not_leave_the_path() -> None:
    S = np.array([[1.0, 0, 0, -1, 0], [0, 1, -1, 1, 0], [0, -1, 2, -2, 1], [-1, 1, -2, 3, -1], [0, 0, 1, -1, 1]])
    c = np.array([1.0, 1.0, 2.0, -3.0, 3.0])
    rounding = np.sqrt(S.diagonal() * 11.0) * 1e-15
    knots = homotopy.homotopy(S, c, S.diagonal() * 4e-15, rounding)
    assert knots.complete
    assert np.isfinite(knots.b).all()
    for t, b in zip(knots.at, knots.b, strict=True):  # optimality: |c - S b| <= t, with equality where b is not zero
        assert np.abs(c - S @ b).max() <= t + 1e-12
        np.testing.assert_allclose((c - S @ b)[b != 0], t * np.sign(b[b != 0]), atol=1e-12)
