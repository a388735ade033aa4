"""Problems whose columns nearly depend on each other, with their exact rows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from reference.rational_rows import RationalFit


def nearly_equal(condition: float, *, rows: int = 40, seed: int = 1):
    """y ~ x + z with z = x + e / condition: columns, formula, and the fit in rationals."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    z = x + rng.normal(size=rows) / condition
    data = {"x": x, "z": z, "y": 2220 + 3 * x + _noise(rng, x), "k": rng.integers(0, 6, rows)}
    return data, "y ~ x + z", _fit(data, lambda x, z: [1, x, z], "x", "z")


def without_intercept(condition: float, *, rows: int = 40, seed: int = 2):
    """The same far from zero and without an intercept: columns are solved for as they are written."""
    rng = np.random.default_rng(seed)
    x = 3 + rng.normal(size=rows)
    z = x + rng.normal(size=rows) / condition
    data = {"x": x, "z": z, "y": 3 * x + _noise(rng, x), "k": rng.integers(0, 6, rows)}
    return data, "y ~ x + z - 1", _fit(data, lambda x, z: [x, z], "x", "z")


def cubic_without_square(condition: float, *, rows: int = 40, seed: int = 3):
    """y ~ x + x^3 without x^2: a shift of x leaves the model, so cubes of large numbers are solved for."""
    rng = np.random.default_rng(seed)
    x = 10 + rng.normal(size=rows) * 30 / condition**0.5
    data = {"x": x, "y": 3 * x + _noise(rng, x), "k": rng.integers(0, 6, rows)}
    return data, "y ~ x + I(x^3)", _fit(data, lambda x: [1, x, x**3], "x")


def _noise(rng, x):
    """Errors whose variance depends on x."""
    return rng.normal(size=len(x)) * (1 + np.abs(x - x.mean()) / x.std())


def _fit(data, columns, *names) -> RationalFit:
    rows = zip(*([Fraction(float(v)) for v in data[name]] for name in names), strict=True)
    return RationalFit([[Fraction(v) for v in columns(*row)] for row in rows], [Fraction(float(v)) for v in data["y"]])


PROBLEMS = (nearly_equal, without_intercept, cubic_without_square)
