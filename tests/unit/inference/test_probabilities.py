"""t and F probabilities against closed forms and series in 40 digits."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from gramian.errors import NumericalError, OptionError
from gramian.inference.intervals import critical, interval, t_quantile
from gramian.inference.tests import f_probability, overall_f_test, ratios, t_probability, wald


def exact_t(t, df):
    """P(|T| >= t) for even df: sin(theta) times the rest of its series (Abramowitz and Stegun 26.7.4)."""
    with localcontext() as context:
        context.prec = 40
        square = Decimal(t) ** 2
        cosine = Decimal(df) / (Decimal(df) + square)
        term, total = Decimal(1), Decimal(0)
        for k in range(1, df // 2 + 1):
            term *= Decimal(2 * k - 1) / (2 * k) * cosine
        k = df // 2
        while term > total * Decimal("1e-25"):
            total, k = total + term, k + 1
            term *= Decimal(2 * k - 1) / (2 * k) * cosine
        return float((1 - cosine).sqrt() * total)


@pytest.mark.parametrize("df", [2, 4, 10, 100, 1000])
@pytest.mark.parametrize("t", [1.0, 2.0, 5.0, 10.0, 30.0, 200.0])
def test_t_keeps_its_digits_in_the_tail(df, t):
    p = exact_t(t, df)
    assert t_probability(np.array([t, -t]), df) == pytest.approx([p, p], rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("t", [1e-12, 0.5, 1.0, 30.0, 1e6, 1e100])
def test_t_with_one_degree_of_freedom_is_cauchy(t):
    assert t_probability(np.array(t), 1) == pytest.approx(2 / math.pi * math.atan2(1.0, t), rel=1e-14)


@pytest.mark.parametrize("t", [1e-6, 0.5, 2.0, 8.0, 30.0])
def test_t_with_many_degrees_of_freedom_is_nearly_normal(t):
    df = 1e12
    # first term of Fisher's expansion
    density = math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    normal = math.erfc(t / math.sqrt(2)) + density * (t**3 + t) / (2 * df)
    assert t_probability(np.array(t), df) == pytest.approx(normal, rel=1e-11)


@pytest.mark.parametrize("df", [1, 2, 7, 1000, 10**9])
@pytest.mark.parametrize("statistic", [1e-9, 0.3, 2.0, 50.0, 1e10])
def test_f_with_two_degrees_above_has_a_closed_form(df, statistic):
    p = math.exp(-df / 2 * math.log1p(2 * statistic / df))
    assert f_probability(statistic, (2, df)) == pytest.approx(p, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("df", [1, 3, 40, 2.5])
def test_f_with_one_degree_above_is_a_squared_t(df):
    for t in (0.01, 1.0, 3.0, 1e4):
        assert f_probability(t * t, (1, df)) == pytest.approx(float(t_probability(np.array(t), df)), rel=1e-12)


def test_limits():
    assert t_probability(np.array([0.0, np.inf, -np.inf]), 3).tolist() == [1.0, 0.0, 0.0]
    assert np.isnan(t_probability(np.array([np.nan]), 3)).all()
    assert np.isnan(t_probability(np.array([1.0, 2.0]), 0)).all()
    assert f_probability(math.inf, (1, 3)) == 0.0
    assert f_probability(0.0, (1, 3)) == 1.0
    assert math.isnan(f_probability(math.nan, (1, 3)))
    assert math.isnan(f_probability(1.0, (1, 0)))


def test_quantiles_undo_probabilities():
    for df in (1, 4.5, 30, 1e9):
        for level in (0.5, 0.95, 1 - 1e-9):
            assert t_probability(np.array(critical(level, df)), df) == pytest.approx(1 - level, rel=1e-8)
    assert t_quantile(0.975, 1) == pytest.approx(math.tan(0.475 * math.pi), rel=1e-13)
    assert math.isnan(t_quantile(0.975, 0))


def test_intervals():
    got = interval(np.array([1.0, np.nan]), np.array([2.0, np.nan]), 0.5, 1)
    assert got[0] == pytest.approx([-1.0, 3.0])  # the quartiles of a Cauchy are -1 and 1
    assert np.isnan(got[1]).all()
    with pytest.raises(OptionError, match="between 0 and 1"):
        interval(np.ones(1), np.ones(1), 95, 10)


def test_ratios_without_warnings():
    got = ratios(np.array([1.0, -1.0, 0.0, np.nan]), np.array([0.0, 0.0, 0.0, 1.0]))
    assert got[:2].tolist() == [np.inf, -np.inf]
    assert np.isnan(got[2:]).all()


def test_wald_by_hand():
    b, V = np.array([1.0, 2.0]), np.array([[2.0, 1.0], [1.0, 2.0]])
    test = wald(np.eye(2), b, np.zeros(2), V, 10)
    assert test.statistic == pytest.approx(b @ np.linalg.inv(V) @ b / 2)
    assert test.estimate == (1.0, 2.0)
    assert test.df == (2, 10)


def test_wald_does_not_depend_on_units():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(30, 3))
    V, b, D = np.linalg.inv(A.T @ A), rng.normal(size=3), np.array([1e-9, 1.0, 1e12])
    plain = wald(np.eye(3), b, np.zeros(3), V, 27)
    assert wald(np.eye(3), D * b, np.zeros(3), D[:, None] * V * D, 27).statistic == pytest.approx(plain.statistic)


@pytest.mark.parametrize("R", [[[1, -1], [-2, 2]], [[1, 0], [0, 1], [1, 1]]])
def test_hypotheses_that_repeat_are_refused(R):
    with pytest.raises(OptionError, match=r"hypothesis [23] says nothing that the ones before it do not"):
        wald(np.array(R, float), np.ones(2), np.zeros(len(R)), np.eye(2), 10)


def test_wald_of_a_covariance_of_zero():
    assert wald(np.eye(1), np.ones(1), np.zeros(1), np.zeros((1, 1)), 10).statistic == math.inf
    assert math.isnan(wald(np.eye(1), np.ones(1), np.ones(1), np.zeros((1, 1)), 10).statistic)


def test_wald_of_a_singular_covariance():
    with pytest.raises(NumericalError, match="cannot be told apart"):
        wald(np.eye(2), np.ones(2), np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]]), 10)


def test_overall_of_nothing_left_over():
    assert overall_f_test(0.0, 1.0, (1, 3), ()).p_value == 0.0
    assert math.isnan(overall_f_test(0.0, 0.0, (1, 3), ()).statistic)
    assert overall_f_test(1.0, 1.0 - 1e-16, (1, 3), ()).statistic == 0.0
