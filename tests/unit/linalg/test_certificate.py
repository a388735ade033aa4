"""The backward error of a solve, against exact rationals; the certificate of many columns, against the truth."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from trial import broad

import gramian as gm
from gramian.linalg.certificate import absolute_times, backward_error


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("error", [0.0, 1e-15, 1e-6])
def test_the_backward_error_is_no_less_than_the_exact_one(seed: int, error: float) -> None:
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((20, 6))
    S, c, norms = A.T @ A, rng.standard_normal(6), rng.uniform(0.5, 5.0, 6)
    b = np.linalg.solve(S, c) * (1.0 + error * rng.standard_normal(6))
    found = backward_error(S, b, c, norms, 2.0)
    exact = [[Fraction(v) for v in row] for row in S.tolist()]
    residuals = [
        abs(Fraction(ci) - sum(s * Fraction(v) for s, v in zip(row, b.tolist(), strict=True)))
        for ci, row in zip(c.tolist(), exact, strict=True)
    ]
    allowed = 2.0 + norms @ np.abs(b)
    least = max(float(r) / (R * allowed) for r, R in zip(residuals, norms, strict=True))
    assert least <= found <= least + 20 * 2.0**-53 * (np.abs(S) @ np.abs(b) + np.abs(c)).max()


def test_absolute_values_row_by_row_are_those_of_the_whole() -> None:
    A = np.random.default_rng(1).standard_normal((600, 600))
    assert np.allclose(absolute_times(A, A[0] ** 2), np.abs(A) @ A[0] ** 2, rtol=1e-14)


def test_one_pass_certifies_eight_digits_of_three_hundred_columns() -> None:
    rng = np.random.default_rng(300)
    X = rng.standard_normal((20_000, 300))
    y = X.sum(axis=1) + rng.standard_normal(20_000)
    fit = gm.ols("y ~ X", {"X": X, "y": y}, digits=8)
    truth = broad.refined(X, y, fit.coefficients)
    right = -np.log10(np.abs(fit.coefficients - truth) / np.maximum(np.abs(truth), fit.std_errors))
    assert fit.passes == 1
    assert (fit.digits >= 8.0).all()
    assert (fit.digits <= right).all()


@pytest.mark.parametrize("number", range(len(broad.FAMILIES)))
def test_no_more_is_certified_of_many_columns_than_is_right(number: int) -> None:
    found = broad.held(100 * len(broad.FAMILIES) + number, widest=200)
    assert found.slack > -broad.TOLERANCE, found
