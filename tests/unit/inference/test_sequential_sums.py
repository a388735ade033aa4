"""Sums of squares from coefficients and their inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.errors import NumericalError
from gramian.inference.anova import anova_row, residual_row, sequential_sums, wald_row


@given(seed=st.integers(0, 2**32 - 1), p=st.integers(1, 6), cuts=st.integers(0, 3))
def test_what_groups_add_is_what_the_residuals_lose(seed, p, cuts):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(30, p)) + rng.normal(size=(30, 1)), rng.normal(size=30)
    edges = np.sort(rng.integers(0, p + 1, cuts))
    order = rng.permutation(p)
    groups = np.split(order, edges)
    first, rest = groups[0], groups[1:]  # the first is in the model before all others
    V = np.linalg.inv(X.T @ X)
    found = sequential_sums(V @ X.T @ y, V, rest)
    rss = [_rss(X[:, first], y)]
    for k in range(len(rest)):
        rss.append(_rss(X[:, np.concatenate(groups[: k + 2])], y))
    np.testing.assert_allclose(found, -np.diff(rss), atol=1e-10 * (y @ y))  # condition of X below 1e3


def _rss(X, y):
    residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0] if X.shape[1] else y
    return residual @ residual


@pytest.mark.parametrize("V", [np.ones((2, 2)), np.diag([1.0, 0.0]), np.array([[1, 1 - 1e-14], [1 - 1e-14, 1]])])
def test_a_singular_covariance_is_refused(V):
    with pytest.raises(NumericalError, match=r"too collinear .* centre the columns, or use poly\(x, degree\)"):
        sequential_sums(np.ones(2), V, [np.array([0]), np.array([1])])


def test_what_is_unknown_stays_unknown():
    found = sequential_sums(np.ones(2), np.array([[np.nan, 0], [0, 1.0]]), [np.array([0]), np.array([1])])
    assert np.isnan(found).all()
    assert sequential_sums(np.ones(1), np.eye(1), [np.zeros(0, np.int64)]).tolist() == [0.0]
    assert sequential_sums(np.ones(1), np.eye(1), []).tolist() == []


def test_lines_of_the_table():
    line = anova_row("x", 2, 12.0, 2.0, 10)
    assert (line.mean_sq, line.statistic) == (6.0, 3.0)
    assert line.p_value == pytest.approx(0.0953674316)  # (1 + 3 * 2 / 10)^-5
    assert wald_row("x", 2, 6.0, 10).p_value == pytest.approx(line.p_value)
    assert anova_row("x", 1, 3.0, 0.0, 10).statistic == np.inf
    assert np.isnan(anova_row("x", 1, 0.0, 0.0, 10).statistic)
    assert np.isnan([anova_row("x", 0, 0.0, 1.0, 10).mean_sq, anova_row("x", 0, 0.0, 1.0, 10).statistic]).all()
    assert np.isnan(wald_row("x", 0, 0.0, 1.0).statistic)
    assert residual_row(8.0, 4).mean_sq == 2.0
