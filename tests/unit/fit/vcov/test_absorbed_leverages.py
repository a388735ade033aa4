"""HC2 to HC4 beside several absorbed factors, and CR3 beside one: as with dummies, as with clusters left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gramian as gm
from gramian.errors import GramianError, OptionError
from gramian.fit.vcov import within

CR3 = {"cluster": "shop", "type": "CR3"}
CR2 = {"cluster": "shop", "type": "CR2"}


def frame(n=300, seed=0):
    """Firms in regions and a country, years and places across them; clusters across firms."""
    rng = np.random.default_rng(seed)
    firm, year, place = rng.permuted(np.repeat(np.arange(n // 6), 6)), rng.integers(0, 7, n), rng.integers(0, 4, n)
    x, z = rng.normal(size=n) + firm / 20, rng.normal(size=n)
    y = x - z + firm % 3 + year + rng.normal(size=n) * (1 + np.abs(x))
    other = {"w": rng.uniform(0.5, 2, n), "k": rng.integers(1, 4, n), "shop": rng.integers(0, 11, n)}
    levels = {"firm": firm, "year": year, "place": place, "region": firm // 5, "country": firm // 20}
    return pd.DataFrame({"y": y, "x": x, "z": z, "c": rng.poisson(2, n) + 1, **levels, **other})


FACTORS = ["firm + year", "year + firm + place", "firm + region", "year + region + country + place"]
OPTIONS = [{}, {"weights": "w"}, {"weights": "w", "counts": "k"}]


@pytest.mark.parametrize("kind", ["HC2", "HC3", "HC4"])
@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("options", OPTIONS[::2], ids=str)
def test_as_with_dummies(factors, options, kind):
    dummies = " + ".join(f"factor({f})" for f in factors.split(" + "))
    fit = gm.ols(f"y ~ x + z | {factors}", frame(), vcov=kind, **options)
    full = gm.ols(f"y ~ x + z + {dummies}", frame(), vcov=kind, **options)
    at = [full.names.index(name) for name in fit.names]
    np.testing.assert_allclose(fit.vcov, full.vcov[np.ix_(at, at)], rtol=1e-9)
    assert fit.covariance.df == full.covariance.df


def test_of_a_generalized_linear_model():
    fit = gm.glm("c ~ x | firm + year", frame(), "poisson", vcov="HC3", tolerance=1e-12)
    full = gm.glm("c ~ x + factor(firm) + factor(year)", frame(), "poisson", vcov="HC3", tolerance=1e-12)
    np.testing.assert_allclose(fit.std_errors, full.std_errors[full.names.index("x")], rtol=1e-8)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_factors_that_are_all_nested_in_the_largest_add_no_rank(options):
    nested = gm.ols("y ~ x | firm + region + country", frame(), **options)
    plain = gm.ols("y ~ x | firm", frame(), **options)
    assert (nested.df_residual, nested.solved.absorbed.rank) == (plain.df_residual, plain.solved.absorbed.rank)


def slopes_of(data, factor, weight):
    """Slopes of x and z within the levels of a factor, by least squares of demeaned rows."""
    w, columns = pd.Series(weight, data.index), data[["x", "z", "y"]]
    means = columns.mul(w, axis=0).groupby(data[factor]).transform("sum")
    rows = columns - means.div(w.groupby(data[factor]).transform("sum"), axis=0)
    root = np.sqrt(weight)
    return np.linalg.lstsq(rows[["x", "z"]].mul(root, axis=0), rows.y * root, rcond=None)[0]


@pytest.mark.parametrize("cluster", ["shop", "region", "firm"])
@pytest.mark.parametrize("factor", ["firm", "year"])
@pytest.mark.parametrize("options", OPTIONS[::2], ids=str)
def test_each_cluster_is_left_out(factor, cluster, options):
    data = frame(150)
    weight = np.ones(len(data))
    for column in options.values():
        weight = weight * data[column].to_numpy()
    members = [(data[cluster] == g).to_numpy() for g in data[cluster].unique()]
    slopes = np.array([slopes_of(data[~m], factor, weight[~m]) for m in members]) - slopes_of(data, factor, weight)
    fit = gm.ols(f"y ~ x + z | {factor}", data, vcov={"cluster": cluster, "type": "CR3"}, **options)
    np.testing.assert_allclose(fit.vcov, (1 - 1 / len(members)) * slopes.T @ slopes, rtol=1e-8)
    assert fit.covariance.df == len(members) - 1


def test_a_generalized_linear_model_takes_one_step(tmp_path):
    fit = gm.glm("c ~ x | firm", frame(), "poisson", vcov=CR3, tolerance=1e-12)
    full = gm.glm("c ~ x + factor(firm)", frame(), "poisson", vcov=CR3, tolerance=1e-12)
    np.testing.assert_allclose(fit.std_errors, full.std_errors[full.names.index("x")], rtol=1e-8)
    data = frame()
    for i in range(3):
        data.iloc[i * 100 : (i + 1) * 100].to_parquet(tmp_path / f"{i}.parquet")
    one, two = (gm.ols("y ~ x | firm", tmp_path, vcov=CR3, engine=gm.Local(threads=t)) for t in (1, 2))
    assert one.vcov.tobytes() == two.vcov.tobytes()
    np.testing.assert_allclose(one.vcov, gm.ols("y ~ x | firm", data, vcov=CR3).vcov, rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "dummies"),
    [
        ("y ~ x + z | firm", "y ~ x + z + factor(firm)"),
        ("y ~ x + factor(year) | firm + region", "y ~ x + factor(year) + factor(firm)"),
        ("y ~ x | region[z] + firm", "y ~ x + factor(region):z + factor(firm)"),
        ("y ~ x + [z ~ w + c] + factor(year) | firm", "y ~ x + [z ~ w + c] + factor(year) + factor(firm)"),
    ],
)
def test_cr2_beside_factors_nested_in_clusters_is_that_with_dummies(text, dummies, tmp_path):
    vcov, data = {"cluster": "region", "type": "CR2"}, frame()
    fit, full = gm.ols(text, data, vcov=vcov), gm.ols(dummies, data, vcov=vcov)
    at = [full.names.index(name) for name in fit.names]
    np.testing.assert_allclose(fit.vcov, full.vcov[np.ix_(at, at)], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(fit.coefficient_df, full.coefficient_df[at], rtol=1e-7)
    one, other = fit.test("x = 0"), full.test("x = 0")
    assert (one.statistic, one.p_value) == pytest.approx((other.statistic, other.p_value), rel=1e-7)
    fit.save(tmp_path / "fit")
    assert gm.load(tmp_path / "fit").vcov.tobytes() == fit.vcov.tobytes()
    np.testing.assert_allclose(gm.ols(text, data).with_vcov(vcov, data).vcov, fit.vcov, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_cr3_beside_several_factors_nested_in_clusters_leaves_these_out(options):
    text, data = "y ~ x + z | firm + region", frame()
    fit = gm.ols(text, data, vcov={"cluster": "region", "type": "CR3"}, **options)
    left = [gm.ols(text, data[data.region != region], **options).coefficients for region in data.region.unique()]
    changes = np.array(left) - fit.coefficients
    np.testing.assert_allclose(fit.vcov, (1 - 1 / len(left)) * changes.T @ changes, rtol=1e-9)


def test_cr3_of_instruments_beside_nested_factors_is_that_of_demeaned_rows():
    data, columns = frame(), ["y", "x", "z", "w", "c"]
    means = data.groupby("firm")[columns].transform("mean")
    demeaned, vcov = data.assign(**(data[columns] - means)), {"cluster": "region", "type": "CR3"}
    fit = gm.ols("y ~ x + [z ~ w + c] | firm", data, vcov=vcov)
    plain = gm.ols("y ~ 0 + x + [z ~ w + c]", demeaned, vcov=vcov)
    np.testing.assert_allclose(fit.vcov, plain.vcov, rtol=1e-9)


def test_counts_and_weights_of_cr2_beside_nested_factors():
    vcov, text = {"cluster": "region", "type": "CR2"}, "y ~ x + z | firm + region"
    with pytest.raises(OptionError, match=r"CR2 with weights does not go with absorbed factors \(firm and region\)"):
        gm.ols(text, frame(), vcov=vcov, weights="w")
    fit = gm.ols(text, frame(), vcov=vcov, counts="k")
    full = gm.ols("y ~ x + z + factor(firm)", frame(), vcov=vcov, counts="k")
    np.testing.assert_allclose(fit.std_errors, full.std_errors[1:3], rtol=1e-7)


@pytest.mark.parametrize(
    ("formula", "vcov", "said"),
    [
        (
            "y ~ x | firm + year",
            CR3,
            "levels of firm and year have rows in several clusters by shop: write a factor of",
        ),
        ("y ~ x | firm", CR2, "needs the rows of each level in one cluster, and levels of firm have rows in several"),
        ("y ~ x | firm[z]", CR3, "CR3 does not go with slopes of absorbed levels"),
        ("y ~ x | firm[z] + year", "HC3", "HC3 needs leverages, which slopes beside several factors"),
        ("y ~ own | firm", CR3, "1 of 11 clusters cannot be left out: a coefficient rests on one"),
        ("y ~ x + [z ~ w] | firm", CR3, "levels of firm have rows in several clusters by shop"),
    ],
)
def test_refusals(formula, vcov, said):
    data = frame().assign(own=lambda d: (d.shop == 3) * d.x)
    with pytest.raises(GramianError) as raised:
        gm.ols(formula, data, vcov=vcov)
    assert said in str(raised.value)


def test_too_many_levels_are_refused_with_their_size(monkeypatch):
    monkeypatch.setattr(within, "memory_limit", lambda: 1000)
    with pytest.raises(GramianError, match=r"inverse of a matrix of 7 levels, all but those of 'firm': .* use HC1"):
        gm.ols("y ~ x | firm + year", frame(), vcov="HC3")
