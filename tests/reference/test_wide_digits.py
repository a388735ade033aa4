"""Estimated digits of wide fits against exact fractions: never more than are there."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from reference.exact import Row, rational, solve_exact
from scipy.sparse import csr_array
from scipy.sparse.linalg import lsmr

import gramian as gm
from gramian.errors import AccuracyWarning
from gramian.linalg.certificate import MAX_DIGITS

TRIALS = 200


def exact_ridge(X: np.ndarray, y: np.ndarray, w: np.ndarray | None, alpha: float | None) -> Row:
    rows, right = rational(np.column_stack([np.ones(len(y)), X])), [Fraction(float(v)) for v in y]
    weight = [Fraction(1)] * len(y) if w is None else [Fraction(float(v)) for v in w]
    p = len(rows[0])
    A = [[sum(v * r[i] * r[j] for r, v in zip(rows, weight, strict=True)) for j in range(p)] for i in range(p)]
    for i in range(1, p):
        A[i][i] += Fraction(alpha or 0.0)
    return solve_exact(A, [sum(v * r[i] * t for r, v, t in zip(rows, weight, right, strict=True)) for i in range(p)])


def problem(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, float | None]:
    """Columns of a condition between 1 and 1e8, in all units, some far from zero, with a large or a tiny residual."""
    rng = np.random.default_rng(seed)
    p = int(rng.integers(2, 8))
    m, condition = p + int(rng.integers(3, 16)), 10.0 ** rng.uniform(0, 8)
    U, V = (np.linalg.qr(rng.standard_normal((n, p)))[0] for n in (m, p))
    X = (U * np.logspace(0, -np.log10(condition), p)) @ V.T * 10.0 ** rng.uniform(-3, 3, p)
    if condition < 1e4:
        X = X + (rng.random() < 0.5) * rng.standard_normal(p) * 10.0 ** rng.uniform(-2, 2)
    y = X @ rng.standard_normal(p) + 10.0 ** rng.uniform(-8, 1) * rng.standard_normal(m) + rng.choice([0.0, 1e3, 1e6])
    return (
        X,
        y,
        rng.uniform(0.1, 3.0, m) if seed % 3 == 0 else None,
        10.0 ** rng.uniform(-6, 1) if seed % 4 == 0 else None,
    )


@pytest.mark.parametrize("part", range(4))
def test_no_more_digits_are_told_than_are_there(part: int) -> None:
    told = sum(told_and_right(seed) for seed in range(part, TRIALS, 4))
    assert told > 100  # most problems are no harder than the digits that are wanted by default


@pytest.mark.parametrize("seed", [317, 343, 838, 2212])
def test_a_constant_may_be_small_beside_the_outcome(seed: int) -> None:
    told_and_right(seed)


def told_and_right(seed: int) -> int:
    """How many coefficients are told to have 8 digits; no digits are told that are not there."""
    X, y, w, alpha = problem(seed)
    data = {"X": csr_array(X) if seed % 2 else X, "y": y, **({} if w is None else {"w": w})}
    weights = None if w is None else "w"
    solver = "dual" if alpha and seed % 8 == 0 else "iterative"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        if alpha is None:
            fit = gm.ols("y ~ X", data, weights=weights, solver=solver)
        else:
            fit = gm.ridge("y ~ X", data, alpha, weights=weights, solver=solver)
    exact = exact_ridge(X, y, w, alpha)
    weight = np.ones(len(y)) if w is None else w
    mean = weight @ X / weight.sum()
    lengths = np.sqrt(weight @ (X - mean) ** 2 + (alpha or 0.0))
    b = np.array([float(v) for v in exact])
    r = y - b[0] - X @ b[1:]
    # sigma of as many degrees of freedom as there can be, so that sizes are not larger than they are told
    sigma = np.sqrt(weight @ r**2 / len(y)) * (1.0 + 1e-6)
    sizes = np.fmax(np.abs(b), sigma / np.append(np.sqrt(weight.sum()), lengths))
    told = 0
    for found, truth, size, digits in zip(fit.coefficients, exact, sizes, fit.digits, strict=True):
        off = abs(float(Fraction(float(found)) - truth)) / size
        right = MAX_DIGITS if off == 0.0 else min(-np.log10(off), MAX_DIGITS)
        assert digits <= max(right, 0.0) + 1e-9, (seed, digits, right)
        told += digits >= 8
    return told


def test_as_near_as_lsmr_at_its_best() -> None:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((400, 60)) * (rng.random((400, 60)) < 0.1)
    y = X @ rng.standard_normal(60) + rng.standard_normal(400)
    fit = gm.ols("y ~ 0 + X", {"X": csr_array(X), "y": y}, solver="iterative", digits=12)
    theirs = lsmr(csr_array(X), y, atol=1e-15, btol=1e-15, conlim=0, maxiter=500)[0]
    # lsmr stops at rounding times the condition, about 3 here
    np.testing.assert_allclose(fit.coefficients, theirs, rtol=0, atol=1e-13 * np.abs(theirs).max())
    assert fit.digits.min() >= 12
