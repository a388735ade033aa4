"""A generalized linear fit does not depend on how the data are cut, ordered or read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fit.glm.pieces import cut

import gramian as gm

CASES = [
    ("y ~ x + f", "binomial", None),
    ("n ~ x * f", "poisson", None),
    ("a ~ x + f", "gamma", "log"),
    ("a ~ x", "inverse_gaussian", "log"),
    ("n ~ x", "negative_binomial", None),
    ("s ~ x + f", "quasibinomial", "cauchit"),
]


def table(seed: int) -> pa.Table:
    """200 rows that no model separates."""
    rng = np.random.default_rng(seed)
    x, f = rng.normal(1e3, 1.0, 200), rng.choice(["u", "v", "w"], 200)
    mu = np.exp(0.2 * (x - 1e3) + 0.3 * (f == "v") + 1.0)
    columns = {
        "x": x,
        "f": f,
        "y": rng.random(200) < mu / (1 + mu),
        "n": rng.negative_binomial(2, 2 / (2 + mu)),
        "a": rng.gamma(2, mu / 2) + 0.01,
        "s": rng.uniform(0.05, 0.95, 200),
    }
    return pa.table(columns)


def same(a: gm.glm, b: gm.glm) -> None:
    assert a.names == b.names
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-9, atol=1e-8 * b.std_errors.min())
    np.testing.assert_allclose(a.std_errors, b.std_errors, rtol=1e-7)
    stationary = a.theta is None  # the deviance is flat at the answer, but for a theta beside it
    assert a.deviance == pytest.approx(b.deviance, rel=1e-11 if stationary else 1e-8)
    assert a.null_deviance == pytest.approx(b.null_deviance, rel=1e-9)


@pytest.mark.parametrize(("formula", "family", "link"), CASES)
@settings(max_examples=10)
@given(seed=st.integers(0, 50), edges=st.lists(st.integers(0, 200), max_size=8))
def test_cuts_do_not_matter(formula: str, family: str, link: str | None, seed: int, edges: list[int]) -> None:
    rows = table(seed)
    same(gm.glm(formula, cut(rows, sorted(edges)), family, link), gm.glm(formula, rows, family, link))


@pytest.mark.parametrize(("formula", "family", "link"), CASES)
@settings(max_examples=10)
@given(seed=st.integers(0, 50), order=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(formula: str, family: str, link: str | None, seed: int, order: int) -> None:
    rows = table(seed)
    shuffled = rows.take(np.random.default_rng(order).permutation(200))
    same(gm.glm(formula, shuffled, family, link), gm.glm(formula, rows, family, link))


@pytest.mark.parametrize(("formula", "family", "link"), CASES)
@pytest.mark.parametrize("threads", [2, 5])
def test_threads_do_not_change_a_bit(formula: str, family: str, link: str | None, threads: int) -> None:
    source = cut(table(1), [10, 11, 60, 100, 150])
    one = gm.glm(formula, source, family, link, engine=gm.Local(threads=1))
    many = gm.glm(formula, source, family, link, engine=gm.Local(threads=threads))
    for name in ("coefficients", "std_errors", "vcov"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))
    assert (one.deviance, one.null_deviance, one.loglik) == (many.deviance, many.null_deviance, many.loglik)


def numbers(fit: gm.GlmFit) -> list[float]:
    """What a fit says about its rows, their number first."""
    known = (fit.loglik, fit.aic, fit.bic, fit.theta)
    statistics = (fit.rows, fit.df_residual, fit.df_null, fit.deviance, fit.null_deviance, fit.pearson, fit.dispersion)
    return [*statistics, *(0.0 if value is None else value for value in known), *fit.coefficients, *fit.std_errors]


COUNTED = [
    ("gaussian", None, "y ~ x + f + poly(z, 2)", "HC1", None),
    ("binomial", "logit", "b ~ x + z", "HC3", None),
    ("binomial", "probit", "b ~ x + f", {"cluster": "firm"}, "observed"),
    ("binomial", "logit", "b ~ x | firm", {"cluster": "firm"}, None),
    ("poisson", None, "n ~ x + z", "iid", None),
    ("poisson", None, "n ~ x | firm", "HC1", None),
    ("gamma", "log", "a ~ x + z", "HC1", "observed"),
    ("inverse_gaussian", "log", "a ~ x + f", "iid", None),
    ("negative_binomial", None, "n ~ x + f", {"cluster": "firm"}, "observed"),
    ("quasipoisson", None, "n ~ x + f", "iid", None),
    ("quasibinomial", None, "b ~ x + f", "HC0", None),
]


@pytest.mark.parametrize(("family", "link", "formula", "vcov", "information"), COUNTED)
@pytest.mark.parametrize("weights", [None, "w"])
def test_a_row_counts_as_often_as_it_is_repeated(
    family: str, link: str | None, formula: str, vcov: object, information: str | None, weights: str | None
) -> None:
    rng = np.random.default_rng(3)
    x, firm = rng.normal(size=300), rng.integers(0, 12, 300)
    mu = np.exp(0.3 + 0.4 * x)
    columns = {
        "x": x,
        "z": rng.normal(size=300),
        "f": rng.choice(["u", "v", "w"], 300),
        "firm": firm,
        "y": x + rng.normal(size=300),
        # firm 0 has no success: its rows are left out where firms are absorbed
        "b": np.where(firm == 0, 0.0, rng.random(300) < 1.0 / (1.0 + np.exp(-x))),
        "n": rng.negative_binomial(2, 2 / (2 + mu)) * (firm > 0),
        "a": rng.gamma(3.0, mu / 3.0) + 0.01,
        "w": rng.uniform(0.5, 2.0, 300),
        "o": 0.1 * rng.normal(size=300),
        "k": rng.integers(0, 4, 300),
    }
    table = pa.table(columns)
    rows = table.take(np.repeat(np.arange(300), columns["k"]))
    options = {"weights": weights, "vcov": vcov, "information": information, "offset": "o", "tolerance": 1e-12}
    counted = gm.glm(formula, cut(table, [40, 40, 170]), family, link, counts="k", **options)
    repeated = gm.glm(formula, rows, family, link, **options)
    np.testing.assert_allclose(numbers(counted), numbers(repeated), rtol=1e-10, atol=1e-11)
    assert counted.rows == columns["k"].sum() - counted.dropped_rows.get("separated", 0)


def test_many_rows_count_as_often_as_they_are_repeated() -> None:
    """Beyond the rows that are cached, where columns are read where they are."""
    rng = np.random.default_rng(4)
    x, k = rng.normal(size=40_000), rng.integers(1, 3, 40_000)
    y = (rng.random(40_000) < 1.0 / (1.0 + np.exp(-x))).astype(float)
    data = {"x": x, "y": y, "k": k}
    repeated = {name: np.repeat(values, k) for name, values in data.items()}
    counted, plain = gm.glm("y ~ x", data, counts="k", vcov="HC1"), gm.glm("y ~ x", repeated, vcov="HC1")
    # samples, and so the points before the last step, differ: to them belong Pearson's statistic and the information
    np.testing.assert_allclose(numbers(counted), numbers(plain), rtol=1e-6)
    same(counted, plain)
