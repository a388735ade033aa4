"""Grams with absorbed factors, splines and many levels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gramian as gm
from gramian.errors import FormulaError, SchemaError


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 900
    d = pd.DataFrame({"x": rng.normal(3, 1, n), "z": rng.normal(size=n), "firm": rng.integers(0, 40, n)})
    d["f"] = rng.choice(list("abc"), n)
    d["y"] = d.x + d.firm * 0.1 + rng.normal(size=n)
    return d


@pytest.mark.parametrize("formula", ["y ~ x | firm", "y ~ x", "y ~ x + f | firm", "z ~ x | firm", "y ~ factor(firm)"])
def test_sub_models_of_absorbed_factors(frame, formula):
    fit, direct = gm.gram("y ~ x + z + f | firm", frame).ols(formula), gm.ols(formula, frame)
    assert fit.names == direct.names
    # condition below ten: n u condition^2 is 1e-11
    np.testing.assert_allclose(fit.coefficients, direct.coefficients, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(fit.std_errors, direct.std_errors, rtol=1e-10)


def test_dropping_keeps_what_is_absorbed(frame):
    fit = gm.gram("y ~ x + z + f | firm", frame).ols(drop="z")
    assert (fit.formula, fit.names) == ("y ~ x + z + f - z | firm", ("x", "f[b]", "f[c]"))


def test_absorbed_factors_add_and_are_saved(frame, tmp_path):
    whole = gm.ols("y ~ x | firm", frame)
    total = gm.gram("y ~ x | firm", frame[:300]) + gm.gram("y ~ x | firm", frame[300:])
    total.save(tmp_path / "a.gram")
    for made in (total, gm.load(tmp_path / "a.gram")):
        np.testing.assert_allclose(made.ols().coefficients, whole.coefficients, rtol=1e-11)
    with pytest.raises(SchemaError, match="the absorbed factors differ: firm, and none"):
        total + gm.gram("y ~ x", frame[:10])
    with pytest.raises(FormulaError, match=r"only linear and generalized linear fits .* absorb factors"):
        gm.gram("y ~ x + factor(firm)", frame, exact=True).ols("y ~ x | firm")


def test_splines(frame, tmp_path):
    gram = gm.gram("y ~ bs(x, 5) + z", frame)
    gram.save(tmp_path / "a.gram")
    whole = gm.ols("y ~ bs(x, 5)", frame)
    for made in (gram, gm.load(tmp_path / "a.gram")):
        fit = made.ols("y ~ bs(x, 5)")
        np.testing.assert_allclose(fit.coefficients, whole.coefficients, rtol=1e-9)
        np.testing.assert_allclose(fit.predict(frame), whole.predict(frame), rtol=1e-9)
    with pytest.raises(SchemaError, match=r"the knots of bs\(x, 5\) differ, found in the data of each"):
        gm.gram("y ~ bs(x, 5)", frame[:300]) + gm.gram("y ~ bs(x, 5)", frame[300:])
    declared = "y ~ bs(x, knots=c(2, 3, 4), boundary=c(-3, 9))"
    total = gm.gram(declared, frame[:300]) + gm.gram(declared, frame[300:])
    np.testing.assert_allclose(total.ols().coefficients, gm.ols(declared, frame).coefficients, rtol=1e-8)


def test_many_levels_come_and_go(tmp_path):
    rng = np.random.default_rng(1)
    many = pd.DataFrame({"id": rng.integers(0, 5000, 12_000), "x": rng.normal(size=12_000)})
    many["y"] = many.x + rng.normal(size=12_000)
    a, b = gm.gram("y ~ x | id", many[:6000]), gm.gram("y ~ x | id", many[6000:])
    left = (a + b) - b
    assert left.rows == 6000
    assert list(left.gram_data.moments.levels["id"]) == list(a.gram_data.moments.levels["id"])
    assert left.ols()["x"] == pytest.approx(a.ols()["x"], rel=1e-12)
    left.save(tmp_path / "a.gram")
    assert gm.load(tmp_path / "a.gram").ols()["x"] == left.ols()["x"]
