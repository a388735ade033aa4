"""Wide fits against fits by products of columns, and what they say when something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

import gramian as gm
from gramian.errors import OptionError
from gramian.fit.wide import fit as wide_fit
from gramian.fit.wide.result import WideFit
from gramian.linalg.wide.spectrum import start

ROWS, COLUMNS = 300, 40
SAME = 1e-8  # relative to the largest coefficient: both sides have 8 digits or more


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    X = sp.random(ROWS, COLUMNS, density=0.15, format="csr", random_state=3)
    z = 1e7 + rng.standard_normal(ROWS)
    y = 1e5 + X @ rng.standard_normal(COLUMNS) + 0.5 * z + rng.standard_normal(ROWS)
    return {"X": X, "y": y, "z": z, "w": rng.uniform(0.5, 2.0, ROWS), "k": rng.integers(0, 4, ROWS)}


def same(a: Any, b: Any) -> None:
    assert a.names == b.names
    np.testing.assert_allclose(
        a.coefficients[1:], b.coefficients[1:], rtol=0, atol=SAME * np.abs(b.coefficients[1:]).max()
    )
    np.testing.assert_allclose(a.coefficients[0], b.coefficients[0], rtol=SAME)
    assert a.rows == b.rows
    np.testing.assert_allclose(a.deviance, b.deviance, rtol=SAME)
    np.testing.assert_allclose(a.r_squared, b.r_squared, rtol=SAME)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr", "array", "dense"])
def test_every_format(data: dict[str, Any], form: str) -> None:
    X = (
        data["X"].toarray()
        if form == "dense"
        else sp.coo_array(data["X"])
        if form == "array"
        else data["X"].asformat(form)
    )
    fit = gm.ols("y ~ z + X", {**data, "X": X}, solver="iterative")
    assert isinstance(fit, WideFit)
    same(fit, gm.ols("y ~ z + X", {**data, "X": data["X"].toarray()}))
    assert fit.digits.min() >= 8


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"counts": "k"}, {"weights": "w", "counts": "k"}])
@pytest.mark.parametrize("solver", ["iterative", "dual"])
def test_ridge_is_the_primal_one(data: dict[str, Any], options: dict[str, str], solver: str) -> None:
    fit, primal = (gm.ridge("y ~ z + X", data, 2.5, solver=s, **options) for s in (solver, "gram"))
    same(fit, primal)
    if solver == "dual":
        np.testing.assert_allclose(fit.std_errors, primal.std_errors, rtol=1e-6)  # primal: half of the digits wanted
        np.testing.assert_allclose(fit.df_residual, primal.df_residual, rtol=1e-9)


@pytest.mark.parametrize("options", [{"weights": "w"}, {"counts": "k"}, {}])
def test_streams_what_does_not_fit(data: dict[str, Any], options: dict[str, str], monkeypatch: Any) -> None:
    kept = gm.ols("y ~ z + X", data, solver="iterative", **options)
    monkeypatch.setattr(wide_fit, "rows_fit", lambda source, reading: False)
    streamed = gm.ols("y ~ z + X", data, solver="iterative", **options)
    same(streamed, kept)
    assert kept.passes == 1
    assert streamed.passes > streamed.steps


def test_columns_of_files(tmp_path: Path, data: dict[str, Any]) -> None:
    table = pa.table({"y": data["y"], "z": data["z"], "x": data["X"].toarray()[:, 0]})
    pq.write_table(table, tmp_path / "a.parquet")
    path = str(tmp_path / "a.parquet")
    fit = gm.ols("y ~ z + log1p(x)", path, solver="iterative")
    same(fit, gm.ols("y ~ z + log1p(x)", path))
    np.testing.assert_allclose(fit.predict(path), gm.ols("y ~ z + log1p(x)", path).predict(path), rtol=1e-12)


@pytest.mark.parametrize(
    "formula", ["y ~ .", "y ~ X - X[3]", "y ~ X[3] + X[5]", "y ~ 0 + X", "y ~ X + offset(z)", "X[2] ~ ."]
)
def test_formulas(data: dict[str, Any], formula: str) -> None:
    fit, primal = (gm.ols(formula, data, solver=s) for s in ("iterative", "gram"))
    assert sorted(fit.names) == sorted(primal.names)
    known = np.array([primal[name] for name in fit.names])
    np.testing.assert_allclose(fit.coefficients, known, rtol=0, atol=SAME * np.abs(known).max())


def test_duplicates_are_added_up(data: dict[str, Any]) -> None:
    X = data["X"].tocoo()
    rows, columns, values = (np.concatenate([v, v]) for v in (X.row, X.col, X.data / 2))
    twice = sp.coo_array((values, (rows, columns)), shape=X.shape)
    same(gm.ols("y ~ X", {**data, "X": twice}, solver="iterative"), gm.ols("y ~ X", data))
    assert twice.nnz == 2 * X.nnz  # somebody else's matrix is left as it was


@pytest.mark.parametrize("kind", [np.int8, np.float32, bool])
def test_entries_of_other_types(data: dict[str, Any], kind: Any) -> None:
    X = sp.csr_array((data["X"] * 10).astype(np.int8).astype(kind))
    same(
        gm.ols("y ~ X", {**data, "X": X}, solver="iterative"), gm.ols("y ~ X", {**data, "X": X.toarray().astype(float)})
    )


def test_rows_that_are_not_finite_are_left_out(data: dict[str, Any]) -> None:
    X = data["X"].tolil()
    X[7, 2], X[9, 3], X[11, 2] = np.nan, np.inf, np.nan
    y = data["y"].copy()
    y[20] = np.nan
    found = {**data, "X": X.tocsr(), "y": y}
    fit = gm.ols("y ~ X", found, solver="iterative")
    assert fit.dropped_rows == {"nan": 3, "infinite": 1}
    assert fit.missing == {"X[2]": 2, "X[3]": 1, "y": 1}
    same(fit, gm.ols("y ~ X", found))
    assert np.isnan(fit.predict(found)[[7, 11]]).all()
    with pytest.raises(gm.errors.DataError, match=r"row 8: 'X\[2\]' is missing or infinite"):
        gm.ols("y ~ X", {**found, "y": data["y"]}, solver="iterative", na="raise")


def test_columns_that_do_not_vary(data: dict[str, Any]) -> None:
    X = sp.hstack([data["X"], sp.csr_array((ROWS, 1)), sp.csr_array(np.full((ROWS, 1), 3.0))], format="csr")
    fit = gm.ols("y ~ X", {**data, "X": X}, solver="iterative")
    assert fit.aliased == {"X[40]": "0", "X[41]": "3*Intercept"}
    assert np.isnan(fit.coefficients[-2:]).all()
    assert fit.df_residual == ROWS - COLUMNS - 1
    np.testing.assert_allclose(fit.predict({**data, "X": X}), gm.ols("y ~ X", data).predict(data), rtol=1e-9)
    for solver in ("iterative", "dual"):
        assert (gm.ridge("y ~ X", {**data, "X": X}, 1.0, solver=solver).coefficients[-2:] == 0.0).all()


def test_dependent_columns_have_no_digits(data: dict[str, Any]) -> None:
    X = sp.hstack([data["X"], data["X"][:, :1] + data["X"][:, 1:2]], format="csr")
    with pytest.warns(gm.errors.AccuracyWarning, match="the columns depend on each other, or so nearly"):
        fit = gm.ols("y ~ X", {**data, "X": X}, solver="iterative")
    assert fit.digits.max() == 0.0
    np.testing.assert_allclose(fit.predict({**data, "X": X}), gm.ols("y ~ X", data).predict(data), rtol=1e-9)
    with pytest.raises(gm.errors.NotIdentifiedError, match="depend on each other"):
        gm.ols("y ~ X", {**data, "X": X}, solver="iterative", collinear="raise")


def test_shortest_solution_of_few_rows() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((20, 4000)), rng.standard_normal(20)
    for given in (X, sp.csr_array(X)):
        fit = gm.ols("y ~ X", {"X": given, "y": y}, collinear="min-norm")
        assert fit.solver == "dual"
        truth = np.linalg.pinv(np.column_stack([np.ones(20), X])) @ y
        np.testing.assert_allclose(fit.coefficients, truth, rtol=0, atol=1e-13 * np.abs(truth).max())
        assert np.isnan(fit.std_errors).all()
        assert fit.digits[np.abs(truth) > 1e-4].min() >= 8


def test_saved_and_told(data: dict[str, Any], tmp_path: Path) -> None:
    fit = gm.ridge("y ~ z + X - X[3]", data, 1.0, solver="dual")
    fit.save(tmp_path / "wide.fit")
    again = gm.load(tmp_path / "wide.fit")
    assert again.summary() == fit.summary()
    assert again.to_dict() == fit.to_dict()
    assert again.tidy().equals(fit.tidy())
    np.testing.assert_array_equal(again.predict(data), fit.predict(data))
    assert "an estimate, not a certificate" in fit.summary()
    iterated = gm.ols("y ~ X", data, solver="iterative")
    assert "no standard errors by the iterative solver" in iterated.summary()
    assert iterated.tidy()["std_error"].null_count == len(iterated.names)


def test_plan_says_why() -> None:
    wide = {"X": sp.csr_array((2000, 60_000)), "y": np.zeros(2000)}
    assert "60,000 columns take 345.6 GB" in str(gm.plan("y ~ X", wide, alpha=1.0))
    assert "2,000 rows are fewer than 60,000 columns" in str(gm.plan("y ~ X", wide, alpha=1.0))
    tall = {
        "X": sp.csr_array((np.ones(90_000), np.arange(90_000) % 30_000, np.arange(90_001)), shape=(90_000, 30_000)),
        "y": np.zeros(90_000),
    }
    told = str(gm.plan("y ~ X", tall))
    assert "conjugate gradient" in told
    assert "% of the entries are not zero" in told
    small = {"X": sp.random(90, 30, density=0.1), "y": np.zeros(90)}
    assert "Cholesky of the centred products" in str(gm.plan("y ~ X", small))
    assert 'solver="iterative" was asked for' in str(gm.plan("y ~ X", small, solver="iterative"))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda d: gm.ols("y ~ X", d, solver="cg"),
            "OptionError",
            "solver must be one of 'auto', 'gram', 'iterative', 'dual'",
        ),
        (lambda d: gm.ols("y ~ X", d, solver="dual"), "OptionError", "needs a ridge penalty above 0"),
        (lambda d: gm.ols("y ~ X", d, solver="iterative", exact=True), "OptionError", "has no exact sums"),
        (lambda d: gm.ols("y ~ X", d, solver="iterative", vcov="HC1"), "OptionError", "makes no covariance"),
        (
            lambda d: gm.ols("y ~ X", d, solver="iterative", collinear="min-norm"),
            "OptionError",
            "minimum-norm solution",
        ),
        (lambda d: gm.ols("y ~ X + factor(k)", d, solver="iterative"), "FormulaError", "take numeric columns"),
        (lambda d: gm.ols("y ~ X + poly(z, 2)", d, solver="iterative"), "FormulaError", "take numeric columns"),
        (lambda d: gm.ols("y ~ X:z", d, solver="iterative"), "FormulaError", "'X' is a matrix"),
        (lambda d: gm.ols("y ~ X", {**d, "X": d["X"][:9]}), "SchemaError", "arrays of different lengths"),
        (lambda d: gm.ols("y ~ X", {**d, "X": d["X"].astype(complex)}), "SchemaError", "its entries are complex128"),
        (lambda d: gm.ols("y ~ X", {**d, "X[3]": d["y"]}), "SchemaError", "also a column of the matrix 'X'"),
        (lambda d: gm.ols("y ~ X[40]", d), "ColumnError", "no column 'X[40]'"),
        (lambda d: gm.ols("y ~ X", d, solver="iterative").test("z = 0"), "OptionError", "has no covariance matrix"),
        (
            lambda d: gm.ols("y ~ X", d, solver="iterative").predict({"X": d["X"][:, :5]}),
            "SchemaError",
            "has 5 columns",
        ),
        (
            lambda d: gm.ols("y ~ X", {"X": sp.csr_array((9, 20_000)), "y": np.ones(9)}),
            "NotIdentifiedError",
            "more than",
        ),
    ],
)  # fmt: skip
def test_what_is_said(data: dict[str, Any], call: Any, error: str, text: str) -> None:
    with pytest.raises(getattr(gm.errors, error)) as caught:
        call(data)
    assert text in str(caught.value)


@pytest.mark.parametrize("gap", [1.0, 1e-3, 1e-6])
def test_no_eigenvalue_lies_below_the_bound(gap: float) -> None:
    values = np.append(np.linspace(1.0, 2.0, 59), gap)
    run = start(len(values), 1e-15)
    for _ in range(200):
        if run.finished:
            break
        run.advance(values * run.v)
    assert 0.02 * gap < run.bound <= gap  # the shares that are tried end at 0.03


def test_products_that_were_asked_for_and_do_not_fit() -> None:
    X = sp.csr_array((20_000, 10_001))
    with pytest.raises(
        OptionError, match=r"products of 10,001 columns take .* beyond the limit .*; leave solver=\"gram\" out"
    ):
        gm.ols("y ~ X", {"X": X, "y": np.ones(20_000)}, solver="gram")


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_a_column_of_zeros_has_the_digits_of_its_zero(form: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 400)), rng.standard_normal(20)
    X[:, 7] = 0.0
    fit = gm.ols("y ~ X", {"X": form(X), "y": y}, collinear="min-norm", solver="dual")
    assert fit.coefficients[8] == 0.0
    assert fit.digits.min() > 12
