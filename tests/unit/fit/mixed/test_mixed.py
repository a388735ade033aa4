"""Mixed models: the likelihood of dense algebra, laws, predictions, files, messages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gramian as gm
from gramian.errors import DataError, FormulaError, GramianError, NumericalError, OptionError
from gramian.linalg.mixed.criterion import Criterion, factor_of
from gramian.linalg.mixed.products import grouped_products
from gramian.linalg.mixed.search import minimum, search

SLOPES = "y ~ x + f + (1 + x | firm)"


def rows(n=300, seed=1, shift=0.0):
    """A numeric column, a factor, groups of several sizes, weights and counts."""
    rng = np.random.default_rng(seed)
    firm = np.minimum(rng.integers(0, 30, n), rng.integers(0, 30, n))
    x, f = rng.normal(size=n), rng.integers(0, 3, n)
    y = 1 + 2 * x + f + rng.normal(size=30)[firm] + 0.6 * rng.normal(size=30)[firm] * x + 0.8 * rng.normal(size=n)
    return pd.DataFrame(
        {
            "y": y + shift, "x": x + shift, "f": np.array(list("abc"))[f], "firm": firm, "year": rng.integers(0, 3, n),
            "w": rng.uniform(0.5, 2, n), "c": rng.integers(1, 4, n),
        }
    )  # fmt: skip


def dense_deviance(fit, data, X, Z, weights):
    """-2 log-likelihood of y ~ N(X b, V) for the variances of a fit, and the b that minimises it."""
    G = fit.mixed.random[0].covariance
    V = np.diag(fit.sigma**2 / weights)
    for firm in data["firm"].unique():
        at = np.flatnonzero(data["firm"] == firm)
        V[np.ix_(at, at)] += Z[at] @ G @ Z[at].T
    inverse, y = np.linalg.inv(V), data["y"].to_numpy()
    A = X.T @ inverse @ X
    b = np.linalg.solve(A, X.T @ inverse @ y)
    deviance = np.linalg.slogdet(V)[1] + (y - X @ b) @ inverse @ (y - X @ b)
    if fit.reml:
        deviance += np.linalg.slogdet(A)[1]
    n = len(y) - (X.shape[1] if fit.reml else 0)
    return deviance + n * np.log(2 * np.pi), b, np.linalg.inv(A)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("weights", [None, "w"])
def test_the_likelihood_is_that_of_dense_algebra(reml, weights):
    data = rows()
    fit = gm.mixed(SLOPES, data, reml=reml, weights=weights)
    X = np.column_stack([np.ones(len(data)), data["x"], data["f"] == "b", data["f"] == "c"]).astype(float)
    w = np.ones(len(data)) if weights is None else data["w"].to_numpy()
    deviance, b, V = dense_deviance(fit, data, X, X[:, :2], w)
    np.testing.assert_allclose(fit.deviance, deviance, rtol=1e-11)
    np.testing.assert_allclose(fit.coefficients, b, rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, V, rtol=1e-9, atol=1e-12)
    # random effects: G Z'V^-1 (y - X b)
    first = fit.random_effects.to_pandas().query("firm == 3")["estimate"].to_numpy()
    at = np.flatnonzero(data["firm"] == 3)
    Z, G = X[at, :2], fit.mixed.random[0].covariance
    own = np.diag(fit.sigma**2 / w[at]) + Z @ G @ Z.T
    np.testing.assert_allclose(first, G @ Z.T @ np.linalg.solve(own, data["y"].to_numpy()[at] - X[at] @ b), rtol=1e-8)


def same(a, b, rtol=1e-7):
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=rtol)
    np.testing.assert_allclose(a.mixed.random[0].covariance, b.mixed.random[0].covariance, rtol=rtol)
    np.testing.assert_allclose([a.sigma, a.deviance], [b.sigma, b.deviance], rtol=rtol)
    np.testing.assert_allclose(a.df, b.df, rtol=1e3 * rtol)


def test_order_cuts_counts_and_conditions_do_not_matter(tmp_path):
    data = rows()
    fit = gm.mixed(SLOPES, data)
    mixed_up = data.sample(frac=1.0, random_state=2)
    batches = pa.Table.from_pandas(mixed_up).to_batches(max_chunksize=37)
    same(fit, gm.mixed(SLOPES, iter(batches)))
    assert gm.mixed(SLOPES, mixed_up).random_effects["firm"].equals(fit.random_effects["firm"])
    repeated = data.loc[data.index.repeat(data["c"])]
    counted = gm.mixed(SLOPES, data, counts="c")
    same(counted, gm.mixed(SLOPES, repeated))
    assert counted.rows == len(repeated)
    same(gm.mixed(SLOPES, data, where="x > 0"), gm.mixed(SLOPES, data[data["x"] > 0]))


def test_rows_far_from_zero_have_the_same_variances():
    near, far = gm.mixed(SLOPES, rows()), gm.mixed(SLOPES, rows(shift=2.0**20))
    np.testing.assert_allclose(far.coefficients[1:], near.coefficients[1:], rtol=1e-8)
    np.testing.assert_allclose(far.sigma, near.sigma, rtol=1e-8)
    np.testing.assert_allclose(far.mixed.random[0].covariance[1, 1], near.mixed.random[0].covariance[1, 1], rtol=1e-7)
    np.testing.assert_allclose(far.deviance, near.deviance, rtol=1e-10)
    np.testing.assert_allclose(far.predict() - 2.0**20, near.predict(), atol=1e-7)


def test_groups_of_two_columns_are_those_of_their_combinations():
    data = rows()
    data["both"] = [f"{a}-{b}" for a, b in zip(data["firm"], data["year"], strict=True)]
    joint = gm.mixed("y ~ x + (1 | firm:year)", data)
    same(joint, gm.mixed("y ~ x + (1 | both)", data))
    assert joint.random_effects.column_names[:2] == ["firm", "year"]
    np.testing.assert_allclose(joint.predict(data), gm.mixed("y ~ x + (1 | both)", data).predict(data), rtol=1e-9)


def test_the_search_ends_in_the_best_minimum():
    """Three groups, where the first Newton step leads to the mirror image; random problems from other starts."""
    rng = np.random.default_rng(11)
    data = pd.DataFrame({"x": rng.normal(size=600), "z": rng.normal(size=600), "g": rng.choice(3, 600)})
    data["y"] = 1 + 2 * data["x"] - data["z"] + (data["g"] == 1) + rng.normal(size=600)
    assert not gm.mixed("y ~ x + (1 | g)", data).singular
    for trial in range(8):
        Z, g, sd = (
            rng.normal(size=(60, 2)),
            np.arange(60) % (5 + trial),
            10.0 ** rng.uniform(-1, 1, 2) * (trial % 3 > 0),
        )
        y = Z[:, 1] + np.sum(Z * (rng.normal(size=(20, 2)) * sd)[g], axis=1) + rng.normal(size=60)
        X = np.column_stack([np.ones(60), Z, y])
        inside = np.stack([X[g == k].T @ X[g == k] for k in range(g.max() + 1)], axis=2)
        criterion = Criterion(grouped_products(X.T @ X, inside[1:3, 1:3], inside[1:3]), factor_of([2]), 60, reml=True)
        best = criterion.value(minimum(criterion).sums)
        for start in (0.02, 0.7, 10.0):
            assert best <= criterion.value(search(criterion, start * np.array([1.0, 0.0, 1.0])).sums) + 1e-7


def test_a_double_bar_is_terms_of_their_own():
    data = rows()
    same(gm.mixed("y ~ x + (1 + x || firm)", data), gm.mixed("y ~ x + (1 | firm) + (0 + x | firm)", data))


def test_rows_without_a_group_are_incomplete():
    data = rows()
    data["firm"] = data["firm"].astype("Int64")
    data.loc[[5, 7, 11], "firm"] = pd.NA
    fit = gm.mixed("y ~ x + (1 | firm)", data)
    assert (fit.rows, fit.missing["firm"]) == (len(data) - 3, 3)
    same(fit, gm.mixed("y ~ x + (1 | firm)", data.dropna()))
    assert np.isnan(fit.predict(data)).sum() == 3
    with pytest.raises(DataError, match="row 6: 'firm' is null"):
        gm.mixed("y ~ x + (1 | firm)", data, na="raise")


def test_predictions_for_groups_that_are_new():
    data = rows()
    fit = gm.mixed("y ~ x + (1 | firm)", data)
    new = pd.DataFrame({"x": [0.0, 1.0], "firm": [3, 99]})
    with pytest.raises(DataError, match=r"the fit has no group 99 of 'firm'.*random=False"):
        fit.predict(new)
    assert np.isnan(fit.predict(new, unseen="null")).tolist() == [False, True]
    np.testing.assert_allclose(fit.predict(new[["x"]], random=False), [fit["Intercept"], fit["Intercept"] + fit["x"]])
    assert fit.augment(data).num_rows == len(data)


def test_tests_of_one_hypothesis_and_of_several():
    fit = gm.mixed(SLOPES, rows())
    one = fit.test("x = 0")
    at = fit.names.index("x")
    known = fit.statistics[at] ** 2, fit.df[at], fit.p_values[at]
    np.testing.assert_allclose([one.statistic, one.df[1], one.p_value], known, rtol=1e-10)
    both = fit.test("f[b] = 0, f[c] = 0")
    R = np.eye(4)[2:]
    wald = (R @ fit.coefficients) @ np.linalg.solve(R @ fit.vcov @ R.T, R @ fit.coefficients) / 2
    np.testing.assert_allclose(both.statistic, wald, rtol=1e-10)
    assert 200 < both.df[1] < 300


@pytest.mark.parametrize("formula", ["y ~ poly(x, 2) + (1 | firm) + (0 + f | firm)", "y ~ x + (1 | firm:year)"])
def test_a_file_gives_the_fit_back(tmp_path, formula):
    data = rows().astype({"year": "uint64"})
    fit = gm.mixed(formula, data)
    fit.save(tmp_path / "fit.gm")
    again = gm.load(tmp_path / "fit.gm")
    assert again.summary() == fit.summary()
    assert again.to_dict() == fit.to_dict()
    np.testing.assert_array_equal(again.predict(data), fit.predict(data))
    assert again.random_effects.equals(fit.random_effects)


def test_summary_tables_and_pictures():
    fit = gm.mixed(SLOPES, rows())
    text = fit.summary()
    for part in ("restricted maximum likelihood", "29 groups of firm", "Satterthwaite", "firm:Intercept:x", "Residual"):
        assert part in text
    assert "<table" in fit._repr_html_()
    assert fit.glance()["rows"].to_pylist() == [300]
    for kind in (None, "random"):
        assert fit.plot(kind=kind).axes
    assert fit.plot(rows()).axes


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("y ~ x", FormulaError, "has no random effects"),
        ("y ~ x + (1 | firm) + (1 | year)", FormulaError, "'firm' and 'year' are crossed or nested"),
        ("y ~ x + (1 | firm / year)", FormulaError, "nested or crossed groupings"),
        ("y ~ x + (1 | firm) + (1 + x | firm)", FormulaError, "Intercept has two random effects"),
        ("y ~ x + (0 | firm)", FormulaError, "no random effects are named"),
        ("y ~ x + (1 | firm) | year", FormulaError, "absorbed factors do not go with random effects"),
        ("y ~ x + (1 | firm", FormulaError, "not closed"),
        ("y ~ x + (1 | log(firm))", FormulaError, "the column of a grouping"),
        ("y ~ x + (1 | frim)", GramianError, "no column 'frim'.*did you mean 'firm'"),
        ("y ~ x + (1 | one)", NumericalError, "'one' has one group"),
        ("y ~ x + (1 | row)", NumericalError, "300 groups of 'row' with 1 random effect each"),
        ("y ~ x + (1 + one | firm)", NumericalError, "depend on each other.*one"),
        ("exact ~ x + (1 | firm)", NumericalError, "residuals are zero"),
    ],
)
def test_messages(formula, error, message):
    data = rows().assign(one=1.0, row=np.arange(300))
    data["exact"] = 1 + 2 * data["x"] + data["firm"]
    with pytest.raises(error, match=f"(?s){message}"):
        gm.mixed(formula, data)


def test_other_models_name_the_function():
    with pytest.raises(FormulaError, match=r"use gm\.mixed"):
        gm.ols("y ~ x + (1 | firm)", rows())
    with pytest.raises(OptionError, match="reml"):
        gm.mixed("y ~ x + (1 | firm)", rows(), reml="yes")
    with pytest.raises(OptionError, match="min-norm"):
        gm.mixed("y ~ x + (1 | firm)", rows(), collinear="min-norm")
