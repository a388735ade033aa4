"""Coefficients against exact rationals, however far the data lie from zero."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from reference.exact import least_squares, rational

import gramian as gm


def relative(found: np.ndarray, truth: list[Fraction]) -> float:
    return max(abs(float((Fraction(float(b)) - t) / t)) for b, t in zip(found, truth, strict=True))


def data(offset: float, rows: int = 150, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(offset, 1, rows), rng.normal(-offset / 3, 2, rows)
    return {"x": x, "z": z, "y": 1 + x - 2 * z + rng.normal(size=rows) + offset, "w": rng.uniform(0.5, 2, rows)}


# relative error of a sum of 150 products is about 2 sqrt(150) u = 3e-15; the problems are well conditioned once
# centred, and centring with the chosen shift loses nothing, so 1e-12 leaves two digits to spare for the intercept
@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e9, 1e12])
def test_an_offset_costs_no_digits(offset: float) -> None:
    d = data(offset)
    fit = gm.ols("y ~ x + z", d)
    X = np.column_stack([np.ones(150), d["x"], d["z"]])
    assert (
        relative(
            fit.coefficients,
            least_squares(rational(X), [Fraction(v) for v in d["y"]]),
        )
        < 1e-12
    )


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_weighted(offset: float) -> None:
    d = data(offset)
    fit = gm.ols("y ~ x + z", d, weights="w")
    X = np.column_stack([np.ones(150), d["x"], d["z"]])
    truth = least_squares(rational(X), [Fraction(v) for v in d["y"]], [Fraction(v) for v in d["w"]])
    assert relative(fit.coefficients, truth) < 1e-12


EXACT_COLUMNS = {
    "y ~ I(x^2)": lambda x, z: [Fraction(1), x * x],
    "y ~ 0 + x": lambda x, z: [x],
    "y ~ x:z": lambda x, z: [Fraction(1), x * z],
    "y ~ x*z": lambda x, z: [Fraction(1), x, z, x * z],
    "y ~ poly(x, 4, raw=True)": lambda x, z: [Fraction(1), x, x**2, x**3, x**4],
    "y ~ 0 + I(x^2*z) + z": lambda x, z: [z, x * x * z],
    "y ~ I(x^3) + x": lambda x, z: [Fraction(1), x, x**3],
}


@pytest.mark.parametrize("formula", EXACT_COLUMNS)
def test_powers_and_products_are_exact_functions_of_what_was_read(formula: str) -> None:
    rng = np.random.default_rng(7)
    d = {"x": rng.uniform(5, 9, 120), "z": rng.normal(100, 2, 120)}
    d["y"] = d["x"] ** 2 + 0.1 * d["z"] + rng.normal(size=120)
    fit = gm.ols(formula, d)
    rows = [EXACT_COLUMNS[formula](Fraction(a), Fraction(b)) for a, b in zip(d["x"], d["z"], strict=True)]
    truth = least_squares(rows, [Fraction(v) for v in d["y"]])
    assert (
        relative(np.sort(np.abs(fit.coefficients)), sorted(abs(t) for t in truth)) < 1e-9
    )  # condition of the centred columns is up to 1e4, its square times u
