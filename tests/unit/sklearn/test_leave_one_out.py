"""Scores of RidgeCV against a fit to all other rows for every row, in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference.exact import Row, rational, solve_exact

pytest.importorskip("sklearn")

import sklearn.linear_model as theirs

from gramian import sklearn as ours

ROWS, COLUMNS = 16, 4
ALPHAS = (1e-6, 1e-2, 1.0, 1e4)
# sums of 16 products err by 16 u, unit columns of this problem have a condition below 100, 1 - h is above 0.05:
# 16 u x 100 x 20 x 2 for the square
ENOUGH = 1e-10


def problem(decades: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    sizes = np.logspace(-decades / 2, decades / 2, COLUMNS)
    X = rng.standard_normal((ROWS, COLUMNS)) * sizes
    return X, X @ (rng.standard_normal(COLUMNS) / sizes) + rng.standard_normal(ROWS)


def exact_ridge(X: list[Row], y: Row, alpha: float) -> tuple[Row, Fraction]:
    """Slopes and intercept."""
    n, p = len(X), len(X[0])
    means, level = [sum(row[j] for row in X) / n for j in range(p)], sum(y) / n
    Z, e = [[v - m for v, m in zip(row, means, strict=True)] for row in X], [v - level for v in y]
    S = [[sum(row[i] * row[j] for row in Z) + Fraction(alpha) * (i == j) for j in range(p)] for i in range(p)]
    b = solve_exact(S, [sum(row[i] * v for row, v in zip(Z, e, strict=True)) for i in range(p)])
    return b, level - sum(v * m for v, m in zip(b, means, strict=True))


def brute_force(X: np.ndarray, y: np.ndarray, alpha: float) -> float:
    """Minus the mean squared error of each row by the fit to all others."""
    rows, outcomes, total = rational(X), [Fraction(v) for v in y.tolist()], Fraction(0)
    for i in range(len(rows)):
        b, first = exact_ridge(rows[:i] + rows[i + 1 :], outcomes[:i] + outcomes[i + 1 :], alpha)
        total += (outcomes[i] - first - sum(v * x for v, x in zip(b, rows[i], strict=True))) ** 2
    return -float(total / len(rows))


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("decades", [0, 7, 12])
def test_scores_are_those_of_refits_whatever_the_sizes_of_columns(decades: int, alpha: float) -> None:
    X, y = problem(decades)
    fit = ours.RidgeCV(alphas=[alpha]).fit(X, y)
    assert fit.best_score_ == pytest.approx(brute_force(X, y, alpha), rel=ENOUGH)
    b, first = exact_ridge(rational(X), [Fraction(v) for v in y.tolist()], alpha)
    np.testing.assert_allclose(fit.coef_, [float(v) for v in b], rtol=ENOUGH)
    assert fit.intercept_ == pytest.approx(float(first), rel=ENOUGH)


def test_where_scikit_learn_differs_it_is_the_farther_one() -> None:
    X, y = problem(12)
    truth = brute_force(X, y, ALPHAS[0])
    mine, other = (abs(some.RidgeCV(alphas=[ALPHAS[0]]).fit(X, y).best_score_ - truth) for some in (ours, theirs))
    assert mine <= other


def test_columns_of_zeros_change_no_score() -> None:
    X, y = problem(12)
    more = np.insert(X, 2, 0.0, axis=1)
    for alpha in ALPHAS:
        few, many = (ours.RidgeCV(alphas=[alpha]).fit(A, y) for A in (X, more))
        assert many.best_score_ == pytest.approx(few.best_score_, rel=ENOUGH)
        assert many.coef_[2] == 0.0


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_predictions_of_wide_rows_keep_their_digits(intercept: bool, weighted: bool) -> None:
    """Where 1 - leverage is 1e-12, a difference that would leave few digits."""
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((7, 9)) + 3.0, rng.standard_normal((7, 2))
    w = rng.uniform(0.5, 2.0, 7) if weighted else None
    alphas = (1e-10, 1e-3, 1e3)
    fit = ours.RidgeCV(alphas, fit_intercept=intercept, scoring="neg_mean_squared_error", store_cv_results=True).fit(
        X, Y, sample_weight=w
    )
    truth = np.array([[_left_out(X, Y, w, i, alpha, intercept) for alpha in alphas] for i in range(len(X))])
    # condition of the products below 1e4, sums of nine products
    np.testing.assert_allclose(fit.cv_results_, np.moveaxis(truth, 1, 2), rtol=1e-10, atol=1e-12)
    errors = np.average((fit.cv_results_ - Y[:, :, None]) ** 2, axis=0, weights=w)
    plain = ours.RidgeCV(alphas, fit_intercept=intercept).fit(X, Y, sample_weight=w)
    scale = 1.0 if w is None else w.mean()  # scikit-learn's mean of weighted squares is over the rows
    assert plain.best_score_ == pytest.approx(-errors.mean(axis=0).min() * scale, rel=1e-10)


def _left_out(X: np.ndarray, Y: np.ndarray, w: np.ndarray | None, i: int, alpha: float, intercept: bool) -> list[float]:
    """Predictions of row i by exact ridge fits to the others, with rows scaled by square roots of weights."""
    others = [j for j in range(len(X)) if j != i]
    rows, weight = rational(X), [Fraction(1 if w is None else w[j]) for j in range(len(X))]
    rows = [[*row, Fraction(1)] for row in rows] if intercept else rows
    p = len(rows[0])
    S = [
        [
            sum(weight[j] * rows[j][a] * rows[j][b] for j in others) + (Fraction(alpha) if a == b and a < 9 else 0)
            for b in range(p)
        ]
        for a in range(p)
    ]
    found = []
    for y in Y.T.tolist():
        b = solve_exact(S, [sum(weight[j] * rows[j][a] * Fraction(y[j]) for j in others) for a in range(p)])
        found.append(float(sum(v * x for v, x in zip(b, rows[i], strict=True))))
    return found
