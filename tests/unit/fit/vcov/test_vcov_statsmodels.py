"""Robust and clustered covariances, against statsmodels."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from unit.fit.vcov.panel import by_value, differ

import gramian as gm

FORMULAS = {
    "y ~ x + z": "y ~ x + z",
    "y ~ x*f": "y ~ f*x",
    "y ~ poly(x, 2, raw=True) + f:b": "y ~ x + I(x**2) + f:b",
    "y ~ 0 + x + I(z^2)": "y ~ 0 + x + I(z**2)",
    "y ~ f + z:b": "y ~ f + z:b",
}
# relative; statsmodels inverts X by its singular values, whose condition (below 1e5 here) it loses once
TOLERANCE = 1e-10


def reference(frame, formula, weights, **how):
    written = FORMULAS[formula]
    return (smf.wls(written, frame, weights=frame.w) if weights else smf.ols(written, frame)).fit(**how)


@pytest.mark.parametrize("formula", [f for f in FORMULAS if ":b" not in f])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_hc(frame, formula, weights, kind):
    fit = gm.ols(formula, frame, weights=weights, vcov=kind)
    other = reference(frame, formula, weights, cov_type=kind, use_t=True)
    at = by_value(fit, other)
    assert differ(fit.vcov, other.cov_params().to_numpy()[np.ix_(at, at)]) < TOLERANCE
    np.testing.assert_allclose(fit.std_errors, other.bse.to_numpy()[at], rtol=TOLERANCE)
    np.testing.assert_allclose(fit.p_values, other.pvalues.to_numpy()[at], rtol=1e-8, atol=1e-300)
    np.testing.assert_allclose(fit.conf_int(), other.conf_int().to_numpy()[at], rtol=1e-8)
    assert (fit.covariance.name, fit.covariance.df) == (kind, other.df_resid)


@pytest.mark.parametrize("formula", [f for f in FORMULAS if ":b" not in f])
@pytest.mark.parametrize("weights", [None, "w"])
def test_clusters(frame, formula, weights):
    fit = gm.ols(formula, frame, weights=weights, vcov={"cluster": "firm"})
    other = reference(frame, formula, weights, cov_type="cluster", cov_kwds={"groups": frame.firm}, use_t=True)
    at = by_value(fit, other)
    assert differ(fit.vcov, other.cov_params().to_numpy()[np.ix_(at, at)]) < TOLERANCE
    np.testing.assert_allclose(fit.p_values, other.pvalues.to_numpy()[at], rtol=1e-8, atol=1e-300)
    assert fit.covariance.df == frame.firm.nunique() - 1
    assert fit.covariance.description.startswith("CR1 by firm: 24 clusters, factor 1.0")
    plain = gm.ols(formula, frame, weights=weights, vcov={"cluster": "firm", "type": "CR0"})
    G, n, q = 24, fit.rows, fit.rank
    np.testing.assert_allclose(plain.vcov * (G / (G - 1) * (n - 1) / (n - q)), fit.vcov, rtol=1e-12)


@pytest.mark.parametrize("formula", ["y ~ x + z", "y ~ x*f"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_two_ways(frame, formula, weights):
    fit = gm.ols(formula, frame, weights=weights, vcov={"cluster": ["firm", "year"]}, like="statsmodels")
    groups = np.column_stack([frame.firm, frame.year.astype(int)])
    other = reference(frame, formula, weights, cov_type="cluster", cov_kwds={"groups": groups})
    at = by_value(fit, other)
    assert differ(fit.vcov, other.cov_params().to_numpy()[np.ix_(at, at)]) < TOLERANCE
    assert (fit.statistic, fit.covariance.df) == ("z", np.inf)
    np.testing.assert_allclose(fit.p_values, other.pvalues.to_numpy()[at], rtol=1e-8, atol=1e-300)


def test_the_smallest_number_of_clusters_counts_in_all_parts(frame):
    """V = V_firm + V_year - V_both, each times the factor of the years, which are fewest; then made positive."""
    parts = [{"cluster": c, "type": "CR0"} for c in ("firm", "year", "both")]
    data = frame.assign(both=frame.firm.astype(str) + frame.year)
    firm, year, both = (gm.ols("y ~ x + f", data, vcov=part).vcov for part in parts)
    fit = gm.ols("y ~ x + f", data, vcov={"cluster": ["firm", "year"]})
    factor = 6 / 5 * (fit.rows - 1) / (fit.rows - fit.rank)
    values, vectors = np.linalg.eigh(factor * (firm + year - both))
    assert (values < 0).sum() == fit.solved.robust.negative == 1
    repaired = (vectors * np.maximum(values, 0.0)) @ vectors.T
    np.testing.assert_allclose(fit.vcov, repaired, rtol=1e-9, atol=1e-12)
    assert "1 negative eigenvalue set to zero" in fit.covariance.description
    assert fit.covariance.df == 5
    assert "CR1 by firm and year: 24 and 6 clusters" in fit.summary()


def test_fixest_repairs_only_negative_variances(frame):
    """As fixest 0.12: any variance below zero, then all eigenvalues are raised to 1e-10; else nothing is done."""
    data = frame.assign(both=frame.firm.astype(str) + frame.year)
    seen = set()
    for formula in ("y ~ x + f", "y ~ x + f + z", "y ~ x*f", "x ~ z", "z ~ x", "z ~ w", "w ~ z + x"):
        parts = (gm.ols(formula, data, vcov={"cluster": c, "type": "CR0"}) for c in ("firm", "year", "both"))
        firm, year, both = (part.vcov for part in parts)
        fit = gm.ols(formula, data, vcov={"cluster": ["firm", "year"]}, like="fixest")
        V = 6 / 5 * (fit.rows - 1) / (fit.rows - fit.rank) * (firm + year - both)
        values, vectors = np.linalg.eigh(V)
        is_repaired = (V.diagonal() < 0).any()
        seen.add((bool((values < 0).any()), bool(is_repaired)))
        known = (vectors * np.maximum(values, 1e-10)) @ vectors.T if is_repaired else V
        np.testing.assert_allclose(fit.vcov, known, rtol=1e-9, atol=1e-12)
        assert ("raised to 1e-10" in fit.covariance.description) == is_repaired
    assert {(True, False), (True, True)} <= seen


def test_counts_are_rows_repeated(frame):
    repeated = frame.loc[frame.index.repeat(frame.n)]
    for vcov in ("HC0", "HC1", "HC2", "HC3", *({"cluster": "firm", "type": t} for t in ("CR0", "CR1", "CR3"))):
        counted = gm.ols("y ~ x*f", frame, counts="n", vcov=vcov)
        assert differ(counted.vcov, gm.ols("y ~ x*f", repeated, vcov=vcov).vcov) < TOLERANCE
        assert counted.covariance.description == gm.ols("y ~ x*f", repeated, vcov=vcov).covariance.description


@pytest.mark.parametrize(
    ("outcome", "family", "known"), [("hit", "binomial", "Binomial"), ("events", "poisson", "Poisson")]
)
@pytest.mark.parametrize("kind", ["HC0", "cluster", "both"])
def test_generalized_models(frame, outcome, family, known, kind):
    """Canonical links: for others statsmodels takes the observed information."""
    clusters = {"cluster": "firm", "both": ["firm", "year"]}
    vcov = {"cluster": clusters[kind]} if kind in clusters else kind
    fit = gm.glm(f"{outcome} ~ x + f", frame, family, vcov=vcov, like="statsmodels", tolerance=1e-12)
    groups = {"cluster": frame.firm, "both": np.column_stack([frame.firm, frame.year.astype(int)])}
    how = {"cov_type": "cluster", "cov_kwds": {"groups": groups[kind]}} if kind in groups else {"cov_type": kind}
    other = smf.glm(f"{outcome} ~ x + f", frame, family=getattr(sm.families, known)()).fit(tol=1e-14, **how)
    at = by_value(fit, other)
    assert differ(fit.vcov, other.cov_params().to_numpy()[np.ix_(at, at)]) < TOLERANCE
    np.testing.assert_allclose(fit.p_values, other.pvalues.to_numpy()[at], rtol=1e-7, atol=1e-300)


def test_wald_tests_use_the_covariance_in_force(frame):
    fit = gm.ols("y ~ x + z + f", frame, vcov={"cluster": "firm"})
    other = smf.ols("y ~ x + z + f", frame).fit(cov_type="cluster", cov_kwds={"groups": frame.firm}, use_t=True)
    ours, theirs = fit.test("x = z, f[b] = 0"), other.f_test("x = z, f[T.b] = 0")
    np.testing.assert_allclose((ours.statistic, ours.p_value), (theirs.fvalue, theirs.pvalue), rtol=1e-8)
    assert ours.df == (2, 23)
    np.testing.assert_allclose(fit.f_test.statistic, other.fvalue, rtol=1e-9)
    np.testing.assert_allclose(fit.f_test.p_value, other.f_pvalue, rtol=1e-7)
    assert fit.f_test.df == (4, 23)
    few = gm.ols("y ~ x*f + z + b", frame, vcov={"cluster": "year"})
    assert few.f_test is None  # five dimensions are not enough for it
    assert few.to_dict()["f_test"] is None


def test_intervals_of_predictions_use_it(frame):
    fit = gm.ols("y ~ x + f", frame, vcov="HC3")
    other = smf.ols("y ~ x + f", frame).fit(cov_type="HC3", use_t=True)
    new = frame.head(9)
    theirs = other.get_prediction(new).summary_frame(0.1)
    for interval, name in (("confidence", "mean_ci"), ("prediction", "obs_ci")):
        ours = fit.predict(new, interval=interval, level=0.9)
        np.testing.assert_allclose(ours["low"], theirs[f"{name}_lower"], rtol=1e-9)
        np.testing.assert_allclose(ours["high"], theirs[f"{name}_upper"], rtol=1e-9)


def test_from_files_with_other_types_of_the_same_column(frame, tmp_path):
    for i, part in enumerate(np.array_split(np.arange(len(frame)), 3)):
        pq.write_table(_table(frame.iloc[part]), tmp_path / f"{i}.parquet", row_group_size=50)
    whole = gm.ols("y ~ x*f", frame, vcov={"cluster": ["year", "firm"]})
    parts = gm.ols("y ~ x*f", str(tmp_path / "*.parquet"), vcov={"cluster": ["year", "firm"]})
    assert differ(parts.vcov, whole.vcov) < TOLERANCE
    assert parts.covariance.description == whole.covariance.description


def _table(frame):
    numbers = {name: frame[name].to_numpy() for name in ("x", "y", "firm")}
    coded = pa.array(frame.f).dictionary_encode()
    return pa.table({**numbers, "f": coded, "year": pa.array(pd.Categorical(frame.year))})
