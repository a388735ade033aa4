from __future__ import annotations

import json

import pytest

import gramian as gm

FORMULA = "y ~ group + [x ~ z + I(z^2)]"


def test_instruments_in_the_formula(run, folder):
    done = run("fit", FORMULA, "data.parquet", "--format", "json", "--vcov", "cluster:group")
    out, fit = json.loads(done.stdout), gm.iv(FORMULA, folder / "data.parquet", vcov={"cluster": "group"})
    assert [c["estimate"] for c in out["coefficients"]] == fit.coefficients.tolist()
    assert (out["endogenous"], out["instruments"], out["estimator"]) == (["x"], ["z", "I(z^2)"], "2sls")


def test_the_estimator_saved_fits_and_plans(run, folder):
    out = run("fit", FORMULA, "data.parquet", "--estimator", "liml", "--save", "iv.fit").stdout
    assert out.startswith("Limited information maximum likelihood, k = ")
    assert gm.load(folder / "iv.fit").kappa == gm.iv(FORMULA, folder / "data.parquet", estimator="liml").kappa
    assert run("predict", "iv.fit", "data.parquet").returncode == 0
    assert (
        "two-step GMM" in run("fit", FORMULA, "data.parquet", "--explain", "--estimator", "gmm", "--vcov", "HC1").stdout
    )


def test_instruments_from_a_gram(run):
    assert run("gram", "y ~ group + x + z + I(z^2)", "data.parquet", "-o", "sums.gram").returncode == 0
    assert run("fit", FORMULA, "sums.gram").stdout.startswith("Two-stage least squares")
    assert run("fit", FORMULA, "sums.gram", "--estimator", "fuller").stdout.startswith("Fuller")


@pytest.mark.parametrize("option", [("--ridge", "1"), ("--exact",)])
def test_options_that_do_not_go_with_instruments(run, option):
    done = run("fit", FORMULA, "data.parquet", "--estimator", "liml", *option)
    assert done.returncode == 2
    assert f"--estimator does not go with {option[0]}" in done.stderr
