"""The same formulas in statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import gramian as gm


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 3000
    d = pd.DataFrame(
        {
            "x": rng.uniform(5, 9, n),
            "z": rng.normal(1e3, 2, n),
            "f": rng.choice(list("abc"), n),
            "g": rng.choice(["u", "v", "w", "x y"], n),
            "k": rng.integers(1, 5, n),
            "b": rng.random(n) < 0.3,
            "w": rng.uniform(0.1, 3, n),
        }
    )
    d["y"] = 3 + 2 * d.x + 0.1 * d.z + (d.f == "b") * 1.5 * d.x + d.k * 0.3 + rng.normal(size=n)
    d.loc[::97, "x"] = np.nan
    return d


PAIRS = [
    ("y ~ x + z", "y ~ x + z"),
    ("y ~ x * z + f", "y ~ x * z + f"),
    ("y ~ f * x + g + factor(k)", "y ~ f * x + g + C(k)"),
    ("y ~ f * g", "y ~ f * g"),
    ("y ~ f + f:x", "y ~ f + f:x"),
    ("y ~ 0 + f + x", "y ~ 0 + f + x"),
    ("y ~ 0 + x", "y ~ 0 + x"),
    ("y ~ f:x", "y ~ f:x"),
    ("y ~ I(x^2)", "y ~ I(x**2)"),
    ("y ~ x:z", "y ~ x:z"),
    ("y ~ b * x", "y ~ b * x"),
    ("log(y) ~ sqrt(x) + log(z)", "np.log(y) ~ np.sqrt(x) + np.log(z)"),
    ("y ~ center(x) * f", "y ~ center(x) * f"),
    ('y ~ C(f, ref="b")', 'y ~ C(f, Treatment("b"))'),
    ("y ~ (x + z + f)^2", "y ~ (x + z + f)**2"),
    ("y ~ f/x", "y ~ f/x"),
    ("y ~ 1", "y ~ 1"),
]


def matched(mine: np.ndarray, theirs: np.ndarray, noise: float = 0.0) -> None:
    """The same numbers; names and order of columns differ between the two, so they are compared sorted.

    noise : standard error that a coefficient near zero is measured by.
    """
    assert len(mine) == len(theirs)
    np.testing.assert_allclose(np.sort(mine), np.sort(theirs), rtol=1e-8, atol=1e-8 * noise)


@pytest.mark.parametrize(("formula", "theirs"), PAIRS)
def test_ols(frame: pd.DataFrame, formula: str, theirs: str) -> None:
    if "center" in formula:
        frame = frame.dropna()  # the other takes the mean over all rows, missing ones too
    fit, other = gm.ols(formula, frame), smf.ols(theirs, frame).fit()
    matched(fit.coefficients, other.params.to_numpy(), other.bse.min())
    matched(fit.std_errors, other.bse.to_numpy())
    assert fit.rows == other.nobs
    assert fit.df_residual == other.df_resid
    about = other.uncentered_tss if "0 +" in formula else other.centered_tss  # without a constant as R, about zero
    assert fit.r_squared == pytest.approx(1 - other.ssr / about, rel=1e-9)
    assert fit.loglik == pytest.approx(other.llf, rel=1e-10)


@pytest.mark.parametrize("formula", ["y ~ x + f", "y ~ f * x", "y ~ 0 + x:f + z"])
def test_weighted(frame: pd.DataFrame, formula: str) -> None:
    fit, other = gm.ols(formula, frame, weights="w"), smf.wls(formula, frame, weights=frame.w).fit()
    matched(fit.coefficients, other.params.to_numpy())
    matched(fit.std_errors, other.bse.to_numpy())
    assert fit.loglik == pytest.approx(other.llf, rel=1e-10)


def test_predictions_and_intervals(frame: pd.DataFrame) -> None:
    formula = "y ~ f * x + I(x^2) + g"
    fit, other = gm.ols(formula, frame), smf.ols("y ~ f * x + I(x**2) + g", frame).fit()
    new = frame.head(50)
    expected = other.get_prediction(new).summary_frame(alpha=0.1)
    missing = new.x.isna().to_numpy()
    np.testing.assert_allclose(fit.predict(new)[~missing], expected["mean"], rtol=1e-9)
    assert np.isnan(fit.predict(new)[missing]).all()
    for interval, low, high in (
        ("confidence", "mean_ci_lower", "mean_ci_upper"),
        ("prediction", "obs_ci_lower", "obs_ci_upper"),
    ):
        table = fit.predict(new, interval=interval, level=0.9)
        np.testing.assert_allclose(table["low"].drop_null(), expected[low], rtol=1e-8)
        np.testing.assert_allclose(table["high"].drop_null(), expected[high], rtol=1e-8)


@pytest.mark.parametrize("formula", ["y ~ x + z", "y ~ f + x", "y ~ x:z", "y ~ 0 + x + z", "y ~ I(x^2) + f:x"])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 100.0])
def test_ridge_is_scikit_learns(frame: pd.DataFrame, formula: str, alpha: float) -> None:
    from sklearn.linear_model import Ridge

    d = frame.dropna()
    f = {f"f{v}": (d.f == v).to_numpy(float) for v in "abc"}
    columns = {
        "y ~ x + z": [d.x, d.z],
        "y ~ f + x": [*f.values(), d.x],
        "y ~ x:z": [d.x * d.z],
        "y ~ 0 + x + z": [d.x, d.z],
        "y ~ I(x^2) + f:x": [d.x**2, *(v * d.x for v in f.values())],
    }[formula]
    X = np.column_stack(columns)
    intercept = "0 +" not in formula
    if alpha == 0.0 and len(columns) > 2:
        pytest.skip("without a penalty all levels beside the constant are dependent")
    other = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(X, d.y)
    fit = gm.ridge(formula, d, alpha)
    slopes = fit.coefficients[1:] if intercept else fit.coefficients
    matched(slopes, other.coef_)
    np.testing.assert_allclose(fit.predict(d), other.predict(X), rtol=1e-9)
