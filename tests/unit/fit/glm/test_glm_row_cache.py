"""Few rows are written as columns once: a fit has the bits that it has when every pass reads them again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from unit.fit.glm.pieces import cut

import gramian as gm
import gramian.fit.glm.loop as module
from gramian.errors import DataError
from gramian.fit.passes.subsample import MIN_ROWS
from gramian.linalg.cholesky_step import cholesky_step
from gramian.linalg.doubledouble import pair
from gramian.linalg.solve import solve

ROWS = 900


def table() -> pa.Table:
    """Rows with missing and infinite values, and a level of f that only the last unit has."""
    rng = np.random.default_rng(8)
    x, o, w = rng.normal(3.0, 1.0, ROWS), rng.normal(0.0, 0.1, ROWS), rng.integers(0, 4, ROWS).astype(float)
    f = rng.choice(["b", "c", "a"], ROWS)
    f[-20:] = np.where(rng.random(20) < 0.5, "aa", f[-20:])
    y = rng.poisson(np.exp(0.3 * (x - 3) + 0.4 * (f == "c") + o)).astype(float)
    x[[5, 700]], y[[9, 350]] = [np.nan, np.inf], np.nan
    return pa.table({"x": x, "f": f, "o": o, "w": w, "y": y, "z": (y > 0).astype(float)})


@pytest.mark.parametrize("edges", [[], [300, 310, 700]])
@pytest.mark.parametrize(
    ("formula", "family", "beside"),
    [
        ("y ~ x + f", "poisson", {}),
        ("y ~ poly(x, 2) * f", "poisson", {"offset": "o", "weights": "w"}),
        ("y ~ x", "negative_binomial", {}),
        ("z ~ x + f", "binomial", {"ridge": 0.5}),
        ("z ~ x", "binomial", {"link": "cauchit"}),
    ],
)
def test_a_fit_has_the_same_bits(formula, family, beside, edges, monkeypatch):
    source = cut(table(), edges)
    held = gm.glm(formula, source, family, **beside)
    monkeypatch.setattr(module, "cache_rows", lambda *_: None)
    read = gm.glm(formula, source, family, **beside)
    assert held.passes == read.passes
    assert held.rows == read.rows
    assert np.array_equal(held.coefficients, read.coefficients)
    assert np.array_equal(held.vcov, read.vcov)
    assert (held.deviance, held.null_deviance) == (read.deviance, read.null_deviance)


def test_an_impossible_outcome_is_named_by_its_row():
    data = {"x": np.arange(50.0), "y": np.where(np.arange(50) == 41, -1.0, 2.0 + np.arange(50) % 3)}
    with pytest.raises(DataError, match="row 42"):
        gm.glm("y ~ x", data, "poisson")


def test_a_pilot_of_some_rows_is_a_start_only():
    rng = np.random.default_rng(1)
    rows = 5 * MIN_ROWS
    x = rng.normal(size=rows)
    y = (rng.random(rows) < 1 / (1 + np.exp(-x))).astype(float)
    fit = gm.glm("y ~ x", {"x": x, "y": y})
    eta = fit.coefficients[0] + fit.coefficients[1] * x
    score = np.array([np.sum(y - 1 / (1 + np.exp(-eta))), x @ (y - 1 / (1 + np.exp(-eta)))])
    step = np.linalg.solve(np.linalg.inv(fit.vcov), score)
    assert np.sqrt(step @ score) < 1e-8  # standard errors, the tolerance


@pytest.mark.parametrize("alpha", [None, 0.7])
def test_a_quick_solve_says_what_the_careful_one_does(alpha):
    rng = np.random.default_rng(2)
    A = np.column_stack([np.ones(60), rng.normal(size=(60, 4)), rng.normal(size=60)])
    P = None if alpha is None else alpha * np.diag([0.0, 1.0, 1.0, 1.0, 1.0])
    quick, careful = cholesky_step(A.T @ A, P), solve(pair(A.T @ A), 0, 1e-14, P)
    assert quick is not None
    for mine, other in zip(quick, (careful.coefficients, careful.inverse, careful.leverage), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-13)  # condition below 10, 60 rows


def test_a_quick_solve_leaves_dependent_columns_to_the_careful_one():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(60, 4))
    A[:, 2] = A[:, 0] - A[:, 1] + 1e-3 * rng.normal(size=60)
    assert cholesky_step(A.T @ A) is None
    assert cholesky_step(np.zeros((3, 3))) is None


def test_rows_that_are_not_finite_leave_the_sums_as_they_are_where_rows_are_streamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "cache_rows", lambda runner, task: None)
    rng = np.random.default_rng(1)
    x, z = rng.standard_normal((2, 400))
    frame = {"x": x, "z": np.where(x > 1.5, np.nan, z), "count": rng.poisson(np.exp(0.3 * x)).astype(float)}
    for formula in ("count ~ x + z", "count ~ x + I(x^2) + z"):
        fit = gm.glm(formula, frame, "poisson")
        complete = gm.glm(formula, {name: values[x <= 1.5] for name, values in frame.items()}, "poisson")
        assert fit.rows == int((x <= 1.5).sum())
        np.testing.assert_allclose(fit.coefficients, complete.coefficients, rtol=1e-9)
