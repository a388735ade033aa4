"""Exact fits of every kind of formula, against exact rationals and against the float64 fit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from reference.exact import least_squares, rational

import gramian as gm
from gramian.data.source import source_of
from gramian.errors import NumericalError
from gramian.fit.leastsquares.exact_system import exact_linear
from gramian.fit.passes.accumulate_exact import AccumulateExact
from gramian.fit.passes.job import design_for
from gramian.fit.passes.options import Options
from gramian.linalg.exact.fit import ExactFit

RNG = np.random.default_rng(11)
ROWS = 90
DATA = {
    "x": RNG.normal(3.0, 1.0, ROWS),
    "z": RNG.uniform(1.0, 5.0, ROWS),
    "f": np.array([*"abc"])[RNG.integers(0, 3, ROWS)],
    "g": np.array([*"uv"])[RNG.integers(0, 2, ROWS)],
    "w": RNG.uniform(0.5, 2.0, ROWS),
    "k": RNG.integers(1, 5, ROWS).astype(float),
}
DATA["y"] = 1 + DATA["x"] - 2 * DATA["z"] + (DATA["f"] == "b") + RNG.normal(0, 1, ROWS)
FORMULAS = (
    "y ~ 1",
    "y ~ x + z",
    "y ~ 0 + x",
    "y ~ 0 + center(x) + z",
    "y ~ f * x + g",
    "y ~ f * g",
    "y ~ x * z * f",
    "y ~ poly(x, 3, raw=True) + log(z)",
    "y ~ poly(x, 3)",
    "y ~ center(x) + scale(z)",
    "y ~ I(x^2)",
    "y ~ f:x",
    "y ~ x + offset(z)",
)


def exact(formula: str, data: dict[str, np.ndarray], **options: str) -> ExactFit:
    table = pa.table({k: pa.array(v) for k, v in data.items()})
    source = source_of(table)
    design = design_for(formula, source.schema, Options(**options))
    task = AccumulateExact(design)
    done = [task.accumulate(unit.batches(task.columns)) for unit in source.units]
    return exact_linear(design, done[0].moments)


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"counts": "k"}, {"weights": "w", "counts": "k"}])
def test_as_the_float64_fit(formula: str, options: dict[str, str]) -> None:
    found, near = exact(formula, DATA, **options), gm.ols(formula, DATA, **options)
    assert found.names == near.names
    np.testing.assert_allclose(found.coefficients, near.coefficients, rtol=1e-9)
    np.testing.assert_allclose(found.std_errors, near.std_errors, rtol=1e-9)
    assert found.rows == near.rows
    assert (found.digits == 16.0).all()


@pytest.mark.parametrize("unit", [1.0, 1e200, 1e-200, 5e-324])
def test_squares_may_lie_beyond_float64(unit: float) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.integers(-99, 99, 30) * unit, rng.standard_normal(30)
    found = exact("y ~ x", {"x": x, "y": y})
    X = [[Fraction(1), v[0]] for v in rational(x[:, None])]
    truth = least_squares(X, [Fraction(v) for v in y.tolist()])
    for b, t in zip(found.solution.coefficients, truth, strict=True):
        assert b == t
    plain = exact("y ~ x", {"x": x / unit, "y": y})
    if unit != 5e-324:  # there the slope itself is no float64 number
        np.testing.assert_allclose(found.coefficients * [1, unit], plain.coefficients, rtol=1e-15)
        np.testing.assert_allclose(found.std_errors * [1, unit], plain.std_errors, rtol=1e-14)


def test_dependent_columns_are_left_out_and_explained() -> None:
    data = {**DATA, "twin": 2 * DATA["x"] - 1, "x": np.round(DATA["x"] * 64) / 64}
    data["twin"] = 2 * data["x"] - 1
    found = exact("y ~ x + twin + z", data)
    assert found.aliased == {"twin": "-1 + 2*x"}
    assert np.isnan(found.coefficients).tolist() == [False, False, True, False]
    assert np.isnan(found.std_errors).tolist() == [False, False, True, False]
    assert found.rank == 3


def test_a_nearly_dependent_column_is_none() -> None:
    x = DATA["x"]
    twin = x.copy()
    twin[3] = np.nextafter(x[3], 9.0)
    found = exact("y ~ x + twin", {"x": x, "twin": twin, "y": DATA["y"]})
    X = rational(np.column_stack([np.ones(ROWS), x, twin]))
    truth = least_squares(X, [Fraction(v) for v in DATA["y"].tolist()])
    assert found.coefficients.tolist() == [float(t) for t in truth]


def test_no_rows() -> None:
    with pytest.raises(NumericalError, match="no rows are left to fit 'y ~ x'"):
        exact("y ~ x", {"x": np.array([np.nan]), "y": np.array([1.0])})


def test_as_many_columns_as_rows() -> None:
    found = exact("y ~ x", {"x": np.array([1.0, 2.0]), "y": np.array([1.0, 3.0])})
    assert found.coefficients.tolist() == [-1.0, 2.0]
    assert found.rss == 0.0
    assert np.isinf(found.std_errors).all()


def test_a_matrix_is_read_in_place() -> None:
    X, y = RNG.standard_normal((50, 3)), RNG.standard_normal(50)
    data = {"X": X, "y": y}
    source = source_of(data)
    design = design_for("y ~ X", source.schema, Options())
    task = AccumulateExact(design)
    (unit,) = source.units
    found = exact_linear(design, task.accumulate(unit.batches(task.columns)).moments)
    truth = least_squares(rational(np.column_stack([np.ones(50), X])), [Fraction(v) for v in y.tolist()])
    assert found.coefficients.tolist() == [float(t) for t in truth]
