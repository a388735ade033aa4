"""Two derivations, digit for digit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from unit.derivation.small_data import POINTS, WAVE

from gramian.derivation import derive
from gramian.derivation.numbers import format_fraction


def rounded(values):
    return [[float(format_fraction(v)) for v in row] for row in values]


def test_the_first_example():
    d = derive("y ~ x", WAVE)
    assert d.names == ("x", "Intercept")
    assert d.X.tolist() == [[x, 1] for x in range(1, 13)]
    assert d.XtX.tolist() == [[650, 78], [78, 12]]
    assert d.Xty.tolist() == [187.45, 28.58]
    assert d.determinant == 1716
    assert rounded(d.solution.inverse) == [[0.00699301, -0.04545455], [-0.04545455, 0.37878788]]
    assert [format_fraction(v) for v in d.solution.w] == ["0.01174825", "2.30530303"]


def test_the_rows_of_the_pseudo_inverse_of_the_first_example():
    slope, constant = derive("y ~ x", WAVE).solution.pseudo_inverse
    assert [format_fraction(v) for v in slope] == [
        "-0.03846154", "-0.03146853", "-0.02447552", "-0.01748252", "-0.01048951", "-0.0034965",
        "0.0034965", "0.01048951", "0.01748252", "0.02447552", "0.03146853", "0.03846154",
    ]  # fmt: skip
    assert [format_fraction(b - a) for a, b in pairwise(slope)] == ["0.00699301"] * 11
    assert [format_fraction(v) for v in constant] == [
        "0.33333333", "0.28787879", "0.24242424", "0.1969697", "0.15151515", "0.10606061",
        "0.06060606", "0.01515152", "-0.03030303", "-0.07575758", "-0.12121212", "-0.16666667",
    ]  # fmt: skip


def test_the_first_example_as_it_is_told():
    text = derive("y ~ x", WAVE).text()
    for line in (
        "    x         [ 650         78 ]\n    Intercept [  78         12 ]",
        "    x         [  12        -78 ]\n    Intercept [ -78        650 ]",
        "    x         [  0.00699301  -0.04545455 ]\n    Intercept [ -0.04545455   0.37878788 ]",
        "    det(X'X) = 650 * 12 - 78 * 78 = 1716",
        "    1 * 1 + 2 * 2 + 3 * 3 + ... + 12 * 12 = 650",
        "y = 0.01174825 * x + 2.30530303",
        "J(0) = y'y = 68.1264",
        "J(w) = 0.0386296",
    ):
        assert line in text


def test_the_second_example():
    d = derive("y ~ x", POINTS)
    assert d.w.tolist() == [1.07, -0.16]
    assert d.predictions.tolist() == [0.91, 1.98, 3.05, 4.12, 5.19, 6.26, 7.33, 8.4, 9.47, 5.19]
    assert d.residuals.tolist() == [0.09, 0.02, 0.95, -1.12, 0.31, 1.74, -1.33, 0, 0.53, -1.19]
    assert d.XtX.tolist() == [[310, 50], [50, 10]]
    assert (d.cost_before, d.cost_after) == (346.81, 8.755)
    assert "y = 1.07 * x - 0.16" in d.text()


def test_the_constant_may_come_first():
    last, first = derive("y ~ x", WAVE), derive("y ~ x", WAVE, constant="first")
    assert first.names == ("Intercept", "x")
    assert first.X.tolist() == last.X[:, ::-1].tolist()
    assert first.w.tolist() == last.w[::-1].tolist()
    assert "y = 2.30530303 + 0.01174825 * x" in first.text()


def test_nothing_is_left_of_the_gradient():
    for data in (WAVE, POINTS):
        d = derive("y ~ x", data)
        assert d.gradient.tolist() == [0, 0]
        assert not np.signbit(d.gradient).any()
        assert sum(d.solution.residuals) == 0
