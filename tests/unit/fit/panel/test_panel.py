"""Panels: dense algebra, fixed effects, linearmodels, laws, files, messages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from reference.r_values import data as reference_data

import gramian as gm
from gramian.errors import FormulaError, GramianError, NotIdentifiedError, NumericalError, OptionError


def rows(n=300, seed=3, shift=0.0):
    """An unbalanced panel with a column that is the same in all rows of a firm."""
    rng = np.random.default_rng(seed)
    firm = np.minimum(rng.integers(0, 40, n), rng.integers(0, 40, n))
    z, u = rng.normal(size=40), rng.normal(size=40)
    x, f = rng.normal(size=n) + u[firm], rng.integers(0, 3, n)
    y = 1 + 2 * x + f + z[firm] + rng.normal(size=40)[firm] + rng.normal(size=n)
    columns = {"y": y, "x": x + shift, "z": z[firm], "f": np.array(list("abc"))[f], "firm": firm}
    return pd.DataFrame({**columns, "one": 1.0, "row": np.arange(n), "c": rng.integers(1, 4, n)})


def dense(fit, data, X):
    """Coefficients by generalised least squares for the variances of a fit, their covariance, and V^-1."""
    same_firm = data["firm"].to_numpy()[:, None] == data["firm"].to_numpy()
    inverse = np.linalg.inv(fit.sigma_residual**2 * np.eye(len(data)) + fit.sigma_group**2 * same_firm)
    A = np.linalg.inv(X.T @ inverse @ X)
    return A @ X.T @ inverse @ data["y"].to_numpy(), A, inverse


def test_random_effects_are_generalised_least_squares():
    data = rows()
    fit = gm.random_effects("y ~ x + z + f", data, panel="firm")
    X = np.column_stack([np.ones(len(data)), data["x"], data["z"], data["f"] == "b", data["f"] == "c"]).astype(float)
    b, A, inverse = dense(fit, data, X)
    np.testing.assert_allclose(fit.coefficients, b, rtol=1e-10)
    # clusters: scores of groups, by the factor of CR1
    clustered = gm.random_effects("y ~ x + z + f", data, panel="firm", vcov={"cluster": "firm"})
    e = data["y"] - X @ fit.coefficients
    sums = pd.DataFrame(X * (inverse @ e)[:, None]).groupby(data["firm"]).sum().to_numpy()
    groups, n, k = len(sums), len(data), X.shape[1]
    factor = groups / (groups - 1) * (n - 1) / (n - k)
    np.testing.assert_allclose(clustered.vcov, factor * A @ sums.T @ sums @ A, rtol=1e-8)
    assert clustered.covariance.df == groups - 1


def test_group_means_give_the_coefficients_of_fixed_effects():
    data = rows()
    fit = gm.mundlak("y ~ x + z + f", data, panel="firm")
    fixed = gm.ols("y ~ x + f | firm", data)
    for name in fixed.names:
        np.testing.assert_allclose(fit[name], fixed[name], rtol=1e-9)
    assert fit.names[-3:] == ("mean(x)", "mean(f[b])", "mean(f[c])")
    means = data[["x"]].assign(b=data["f"] == "b", c=data["f"] == "c").groupby(data["firm"]).transform("mean")
    X = np.column_stack([np.ones(len(data)), data["x"], data["z"], data["f"] == "b", data["f"] == "c", means])
    np.testing.assert_allclose(fit.coefficients, dense(fit, data, X.astype(float))[0], rtol=1e-9)
    robust = gm.hausman(fixed, gm.random_effects("y ~ x + z + f", data, panel="firm"), robust=True)
    joint = gm.mundlak("y ~ x + z + f", data, panel="firm", vcov={"cluster": "firm"}).test(
        "mean(x) = 0, mean(f[b]) = 0, mean(f[c]) = 0"
    )
    np.testing.assert_allclose(robust.statistic, joint.chi_squared, rtol=1e-9)


def test_columns_far_from_zero_have_the_same_slopes():
    near, far = (gm.mundlak("y ~ x + z", rows(shift=s), panel="firm") for s in (0.0, 2.0**20))
    np.testing.assert_allclose(far.coefficients[1:], near.coefficients[1:], rtol=1e-8)
    at = near.coefficients[0] - 2.0**20 * (near["x"] + near["mean(x)"])
    np.testing.assert_allclose(far.coefficients[0], at, rtol=1e-8)


def test_as_linearmodels():
    panel = pytest.importorskip("linearmodels.panel")
    data = reference_data("grunfeld").to_pandas()
    frame = data.assign(Intercept=1.0).set_index(["firm", "year"])
    exog = frame[["Intercept", "value", "capital"]]
    known = panel.RandomEffects(frame["inv"], exog).fit(small_sample=True)
    fit = gm.random_effects("inv ~ value + capital", data, panel="firm")
    np.testing.assert_allclose(fit.coefficients, known.params, rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors, known.std_errors, rtol=1e-9)
    known = panel.BetweenOLS(frame["inv"], exog).fit()
    fit = gm.between("inv ~ value + capital", data, panel="firm")
    np.testing.assert_allclose(fit.coefficients, known.params, rtol=1e-9)
    np.testing.assert_allclose([fit.r_squared], [known.rsquared], rtol=1e-9)


def same(a, b):
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-9)
    np.testing.assert_allclose(a.vcov, b.vcov, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose([a.sigma_residual, a.sigma_group], [b.sigma_residual, b.sigma_group], rtol=1e-9)


def test_order_cuts_counts_and_conditions_do_not_matter():
    data = rows()
    fit = gm.random_effects("y ~ x + z + f", data, panel="firm")
    batches = pa.Table.from_pandas(data.sample(frac=1.0, random_state=1)).to_batches(max_chunksize=41)
    same(fit, gm.random_effects("y ~ x + z + f", iter(batches), panel="firm"))
    counted = gm.random_effects("y ~ x + f", data, panel="firm", counts="c")
    same(counted, gm.random_effects("y ~ x + f", data.loc[data.index.repeat(data["c"])], panel="firm"))
    chosen = gm.random_effects("y ~ x", data, panel="firm", where="x > 0")
    same(chosen, gm.random_effects("y ~ x", data[data["x"] > 0], panel="firm"))


def test_without_a_variance_of_groups_it_is_least_squares():
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": rng.normal(size=200), "e": rng.normal(size=200), "firm": np.arange(200) // 5})
    data["y"] = data["x"] + data["e"] - data.groupby("firm")["e"].transform("mean")
    fit = gm.random_effects("y ~ x", data, panel="firm")
    assert fit.sigma_group == 0.0
    assert "the variance of groups is zero" in fit.summary()
    np.testing.assert_allclose(fit.coefficients, gm.ols("y ~ x", data).coefficients, rtol=1e-10)


def test_dependent_columns_are_left_out():
    data = rows().assign(twice=lambda d: 2 * d["x"])
    fit = gm.random_effects("y ~ x + twice + f", data, panel="firm")
    assert fit.aliased == {"twice": "2*x"}
    known = gm.random_effects("y ~ x + f", data, panel="firm")
    np.testing.assert_allclose(np.delete(fit.coefficients, 2), known.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.predict(data), known.predict(data), rtol=1e-9)


@pytest.mark.parametrize("function", [gm.between, gm.random_effects, gm.mundlak])
def test_a_file_gives_the_fit_back(function, tmp_path):
    data = rows()
    fit = function("y ~ poly(x, 2) + z", data, panel="firm")
    fit.save(tmp_path / "fit.gm")
    again = gm.load(tmp_path / "fit.gm")
    assert again.summary() == fit.summary()
    assert again.to_dict() == fit.to_dict()
    assert fit.plot().axes
    assert "<table" in fit._repr_html_()
    if function is gm.mundlak:
        with pytest.raises(OptionError, match="no group means"):
            again.predict(data)
    else:
        np.testing.assert_array_equal(again.predict(data), fit.predict(data))


@pytest.mark.parametrize(
    ("formula", "panel", "error", "message"),
    [
        ("y ~ x", "one", NumericalError, "'one' has one group"),
        ("y ~ x", "row", NumericalError, "one row in every group"),
        ("y ~ x", "frim", GramianError, "no column 'frim'"),
        ("y ~ x | firm", "firm", FormulaError, "absorb"),
        ("y ~ x", 3, OptionError, "panel must be the name"),
        ("exact ~ x", "firm", NumericalError, "residuals within groups are zero"),
    ],
)
def test_messages(formula, panel, error, message):
    data = rows().assign(exact=lambda d: d["x"] + d["firm"])
    with pytest.raises(error, match=message):
        gm.random_effects(formula, data, panel=panel)


def test_weights_are_refused_by_name():
    for fitted in (gm.random_effects, gm.mundlak, gm.between, gm.plan):
        with pytest.raises(OptionError, match=r"weights have no accepted meaning .* gm.mixed\(..., weights=\)"):
            fitted("y ~ x", rows(), panel="firm", weights="c")


def test_a_plan_names_the_sums_by_group():
    plan = gm.plan("y ~ x + z", rows(), panel="firm", estimator="mundlak")
    assert (plan.columns, plan.passes) == (("x", "z", "y", "firm"), 1)
    assert "group means" in plan.solver
    assert "in memory 4 x 4 products a group, 128 bytes" in str(plan)
    assert "Swamy" in gm.plan("y ~ x", rows(), panel="firm", vcov={"cluster": "firm"}).solver
    assert "in memory 1 x 4 products a group, 32 bytes" in str(gm.plan("y ~ x + z + (1 | firm)", rows()))
    for options, message in (({"by": "f"}, "by does not go with panel="), ({"estimator": "2sls"}, "'mundlak'")):
        with pytest.raises(OptionError, match=message):
            gm.plan("y ~ x", rows(), panel="firm", **options)


def test_messages_of_between_and_hausman():
    data = rows()
    balanced = pd.DataFrame({"firm": np.repeat(np.arange(9), 4), "t": np.tile(np.arange(4.0), 9), "y": np.arange(36.0)})
    with pytest.raises(NotIdentifiedError, match="group means of the 2 columns depend on each other"):
        gm.between("y ~ t", balanced, panel="firm")
    noisy = balanced.assign(y=np.random.default_rng(1).normal(size=36))
    with pytest.raises(NotIdentifiedError, match="the group means of columns depend on the other columns"):
        gm.mundlak("y ~ t", noisy, panel="firm")
    with pytest.raises(OptionError, match="or one by group"):
        gm.random_effects("y ~ x", data, panel="firm", vcov="HC1")
    random, fixed = gm.random_effects("y ~ x", data, panel="firm"), gm.ols("y ~ x | firm", data)
    with pytest.raises(OptionError, match="in this order"):
        gm.hausman(random, fixed)
    with pytest.raises(OptionError, match="of other rows: 299 and 300"):
        gm.hausman(gm.ols("y ~ x | firm", data[1:]), random)
    with pytest.raises(OptionError, match="iid covariances"):
        gm.hausman(gm.ols("y ~ x | firm", data, vcov={"cluster": "firm"}), random)
