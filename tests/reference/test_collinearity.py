"""Variance inflation, condition indexes and correlations, against statsmodels, NumPy and their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.outliers_influence import variance_inflation_factor
from unit.fit.selection.stored import stored

import gramian as gm
from gramian.errors import NumericalError, OptionError
from gramian.fit.linear.result_collinearity import correlation

CLOSE = 1e-8  # unit-diagonal products of condition below 1e6, and statsmodels' own rounding


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 300
    d = pd.DataFrame(
        {
            "x": rng.uniform(50, 59, n),
            "z": rng.normal(100, 2, n),
            "f": rng.choice(list("abc"), n),
            "g": rng.choice(list("uvwx"), n),
            "w": rng.uniform(0.2, 3, n),
            "n": rng.integers(1, 4, n),
        }
    )
    return d.assign(v=d.x + 0.3 * rng.normal(size=n), y=3 + 0.3 * d.x + rng.normal(size=n))


def inflation(fit: gm.results.linear.LinearFit) -> dict[str, float]:  # type: ignore[name-defined]
    table = fit.vif()
    return dict(zip(table["term"].to_pylist(), table["vif"].to_pylist(), strict=True))


def test_single_columns_are_those_of_statsmodels(frame: pd.DataFrame) -> None:
    X = np.column_stack([np.ones(len(frame)), frame[["x", "z", "v"]]])
    expected = [variance_inflation_factor(X, i) for i in (1, 2, 3)]
    table = gm.ols("y ~ x + z + v", frame).vif()
    assert table.column_names == ["term", "df", "vif", "scaled"]
    assert table["term"].to_pylist() == ["x", "z", "v"]
    assert table["df"].to_pylist() == [1, 1, 1]
    np.testing.assert_allclose(table["vif"], expected, rtol=CLOSE)
    np.testing.assert_allclose(table["scaled"], np.sqrt(expected), rtol=CLOSE)


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"counts": "n"}], ids=["plain", "weights", "counts"])
def test_a_column_is_inflated_by_its_own_regression_on_the_others(frame: pd.DataFrame, options: dict[str, str]) -> None:
    names = ["x", "z", "v", "I(x^2)", "x:z"]
    found = inflation(gm.ols("y ~ " + " + ".join(names), frame, **options))
    data = frame.assign(**{"I(x^2)": frame.x**2, "x:z": frame.x * frame.z})
    for name in names:
        others = " + ".join(f"`{n}`" for n in names if n != name)
        own = gm.ols(f"`{name}` ~ {others}", data, **options)
        assert found[name] == pytest.approx(1 / (1 - own.r_squared), rel=1e-6)  # 1 - R^2 of 1e-5 loses five digits


@pytest.mark.parametrize("formula", ["y ~ f + x + z", "y ~ f*g + x", "y ~ x*f + z", "y ~ poly(x, 3) + f + v"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_terms_of_several_columns_are_as_in_car(frame: pd.DataFrame, formula: str, weights: str | None) -> None:
    """GVIF = det(R_11) det(R_22) / det(R) with R the correlations of the coefficients, as `vif` of R's `car`."""
    fit = gm.ols(formula, frame, weights=weights)
    V = fit.vcov[1:, 1:]
    R = V / np.sqrt(np.outer(V.diagonal(), V.diagonal()))
    terms = np.array(fit.solved.terms)[1:]
    table = fit.vif().to_pylist()
    for row, j in zip(table, dict.fromkeys(terms), strict=True):
        own, rest = np.flatnonzero(terms == j), np.flatnonzero(terms != j)
        logs = [np.linalg.slogdet(M)[1] for M in (R[np.ix_(own, own)], R[np.ix_(rest, rest)], R)]
        assert row["df"] == len(own)
        assert row["vif"] == pytest.approx(np.exp(logs[0] + logs[1] - logs[2]), rel=1e-6)
        assert row["scaled"] == pytest.approx(row["vif"] ** (1 / (2 * len(own))), rel=1e-12)


def test_nothing_shared_inflates_nothing(frame: pd.DataFrame) -> None:
    assert inflation(gm.ols("y ~ x", frame)) == {"x": pytest.approx(1.0)}
    assert inflation(gm.ols("y ~ f", frame)) == {"f": pytest.approx(1.0)}
    assert inflation(gm.ols("y ~ 1", frame)) == {}


def test_without_an_intercept_columns_are_not_centred(frame: pd.DataFrame) -> None:
    X = frame[["x", "z"]].to_numpy()
    S = X.T @ X
    expected = S.diagonal() * np.linalg.inv(S).diagonal()
    np.testing.assert_allclose(list(inflation(gm.ols("y ~ 0 + x + z", frame)).values()), expected, rtol=1e-7)


@pytest.mark.parametrize("shift", [0.0, 1e7])
def test_a_shift_of_the_data_changes_nothing(frame: pd.DataFrame, shift: float) -> None:
    far = gm.ols("y ~ poly(x, 4, raw=True) + v", frame.assign(x=frame.x + shift, v=frame.v + shift))
    near = gm.ols("y ~ poly(x, 4) + v", frame)
    np.testing.assert_allclose(far.vif()["vif"], near.vif()["vif"], rtol=1e-6)


@pytest.mark.parametrize("collinear", ["drop", "min-norm"])
def test_what_is_left_out_is_inflated_without_end(frame: pd.DataFrame, collinear: str) -> None:
    data = frame.assign(x=np.round(frame.x * 8) / 8, z=np.round(frame.z * 8) / 8)  # sums of these are exact
    data = data.assign(u=data.x - 2 * data.z)
    fit, rest = gm.ols("y ~ x + z + u + v + f", data, collinear=collinear), gm.ols("y ~ x + z + v + f", data)
    found, expected = inflation(fit), inflation(rest)
    assert found.pop("u") == np.inf
    assert found == {name: pytest.approx(value, rel=CLOSE) for name, value in expected.items()}
    np.testing.assert_allclose(fit.collinearity().indexes, rest.collinearity().indexes, rtol=CLOSE)


@pytest.mark.parametrize("weights", [None, "w"])
def test_condition_indexes_are_those_of_a_singular_value_decomposition(
    frame: pd.DataFrame, weights: str | None
) -> None:
    """Belsley, Kuh and Welsch: X D V' with columns of unit length, pi_kj = (v_jk / d_k)^2 / sum over k."""
    fit = gm.ols("y ~ x + z + v + f + I(x^2)", frame, weights=weights)
    found = fit.collinearity()
    w = frame.w.to_numpy() if weights else np.ones(len(frame))
    X = np.column_stack([frame.x, frame.z, frame.v, frame.f == "b", frame.f == "c", frame.x**2]).astype(float)
    C = (X - np.average(X, axis=0, weights=w)) * np.sqrt(w)[:, None]
    _, d, Vt = np.linalg.svd(C / np.linalg.norm(C, axis=0))
    parts = (Vt / d[:, None]) ** 2
    order = np.argsort(d)
    assert found.names == fit.names[1:]
    np.testing.assert_allclose(found.indexes, (d[0] / d)[order], rtol=1e-6)
    np.testing.assert_allclose(found.proportions, (parts / parts.sum(axis=0))[order], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(found.proportions.sum(axis=0), 1.0, rtol=1e-12)
    assert found.condition == found.indexes[0] > 100
    assert found.behind() == ("x", "I(x^2)")
    table = found.table
    assert table.column_names == ["condition_index", "columns", *found.names]
    assert table["columns"].to_pylist()[0] == ["x", "I(x^2)"]


def test_variance_proportions_explain_the_inflation(frame: pd.DataFrame) -> None:
    """sum over k of v_jk^2 / d_k^2 is the variance inflation of a column."""
    fit = gm.ols("y ~ x + z + v", frame)
    found = fit.collinearity()
    X = frame[["x", "z", "v"]].to_numpy()
    R = np.corrcoef(X.T)
    values = np.linalg.eigvalsh(R)
    np.testing.assert_allclose(found.indexes**2, values[-1] / values, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.inv(R).diagonal(), fit.vif()["vif"], rtol=1e-6)


def test_no_columns_have_a_condition_of_one(frame: pd.DataFrame) -> None:
    found = gm.ols("y ~ 1", frame).collinearity()
    assert found.condition == 1.0
    assert found.table.num_rows == 0


def test_a_loaded_fit_tells_the_same(frame: pd.DataFrame, tmp_path: object) -> None:
    fit = gm.ols("y ~ x*f + z", frame)
    fit.save(f"{tmp_path}/a.fit")
    again = gm.load(f"{tmp_path}/a.fit")
    assert again.vif().equals(fit.vif())
    assert again.collinearity().table.equals(fit.collinearity().table)


def test_penalised_fits_are_refused(frame: pd.DataFrame) -> None:
    fit = gm.ridge("y ~ x + z", frame, 1.0)
    with pytest.raises(OptionError, match="variance inflation needs a fit without a penalty"):
        fit.vif()
    with pytest.raises(OptionError, match="collinearity needs a fit without a penalty"):
        fit.collinearity()


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("intercept", ["", "0 + "])
def test_correlations_are_those_of_numpy(frame: pd.DataFrame, weights: str | None, intercept: str) -> None:
    design, done = stored(f"y ~ {intercept}x + z + f + f:x + I(z^2)", frame, weights=weights)
    found = correlation(design, done.moments)
    columns = {"x": frame.x, "z": frame.z, **{f"f[{v}]": (frame.f == v).astype(float) for v in "abc"}}
    columns |= {"I(z^2)": frame.z**2} | {f"x:f[{v}]": frame.x * (frame.f == v) for v in "abc"} | {"y": frame.y}
    assert {frozenset(n.split(":")) for n in found.names} == {frozenset(n.split(":")) for n in columns}
    told = {frozenset(n.split(":")): v for n, v in columns.items()}
    X = np.array([told[frozenset(n.split(":"))] for n in found.names])
    w = frame.w.to_numpy() if weights else None
    C = np.cov(X, aweights=w)
    np.testing.assert_allclose(found.matrix, C / np.sqrt(np.outer(C.diagonal(), C.diagonal())), atol=1e-9)
    assert found.names[-1] == "y"
    assert found["x", "z"] == found["z", "x"] == found.matrix[0, 1]
    assert found.table.column_names == ["name", *found.names]


def test_what_does_not_vary_has_no_correlation(frame: pd.DataFrame) -> None:
    design, done = stored("y ~ x + k", frame.assign(k=0.1))
    found = correlation(design, done.moments)
    assert np.isnan(found.matrix[1]).all()
    assert found.table["k"].null_count == 3
    assert found["x", "x"] == 1.0
    with pytest.raises(OptionError, match=r"no column 'X'; did you mean 'x'\?"):
        found["X", "y"]


def test_no_rows_have_no_correlation() -> None:
    design, done = stored("y ~ x", {"x": [np.nan], "y": [1.0]})
    with pytest.raises(NumericalError, match="no rows are left to correlate"):
        correlation(design, done.moments)
