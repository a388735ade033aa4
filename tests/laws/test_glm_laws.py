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
