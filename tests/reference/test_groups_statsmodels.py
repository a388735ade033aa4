"""Fits by group and of several outcomes against pandas' groupby with statsmodels, and scikit-learn's Ridge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from sklearn.linear_model import Ridge

import gramian as gm

RELATIVE = 1e-9  # condition below 100 in both; statsmodels' pinv loses the square of it at most


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(21)
    rows = 2_000
    frame = pd.DataFrame(
        {
            "x": rng.normal(3, 1, rows),
            "z": rng.uniform(1, 2, rows),
            "kind": rng.choice(["a", "b", "c"], rows),
            "group": rng.choice(["north", "south", "west"], rows, p=[0.6, 0.3, 0.1]),
            "year": rng.integers(2020, 2023, rows),
            "w": rng.uniform(0.5, 2, rows),
        }
    )
    frame["y"] = 1 + frame.x * (frame.group == "north") - frame.z + rng.normal(size=rows)
    frame["v"] = np.exp(0.1 * frame.x + rng.normal(size=rows))
    frame.loc[rng.random(rows) < 0.05, "x"] = np.nan
    frame.loc[rng.random(rows) < 0.05, "v"] = np.nan
    return frame


def assert_agree(ours, theirs):
    assert ours.rows == int(theirs.nobs)
    assert ours.coefficients == pytest.approx(theirs.params.to_numpy(), rel=RELATIVE, abs=RELATIVE)
    assert ours.std_errors == pytest.approx(theirs.bse.to_numpy(), rel=RELATIVE)
    assert ours.p_values == pytest.approx(theirs.pvalues.to_numpy(), rel=1e-6, abs=1e-12)  # a steep function of t
    assert ours.r_squared == pytest.approx(theirs.rsquared, rel=RELATIVE)
    assert ours.bic == pytest.approx(theirs.bic + np.log(theirs.nobs), rel=RELATIVE)  # ours counts sigma


@pytest.mark.parametrize("by", ["group", "year", ["group", "year"]], ids=str)
def test_every_group_is_what_statsmodels_fits_to_it(frame, by):
    fits = gm.ols("y ~ kind + x + z", frame, by=by)
    groups = dict(iter(frame.groupby(by)))
    assert list(fits) == list(groups)
    for key, part in groups.items():
        assert_agree(fits[key], smf.ols("y ~ kind + x + z", part).fit())
        assert fits[key].dropped_rows == {"null": int(part.x.isna().sum())}


def test_weighted_groups(frame):
    fits = gm.ols("y ~ x + z", frame, by="group", weights="w")
    for key, part in frame.dropna(subset=["x"]).groupby("group"):
        theirs = smf.wls("y ~ x + z", part, weights=part.w).fit()
        assert fits[key].coefficients == pytest.approx(theirs.params.to_numpy(), rel=RELATIVE)
        assert fits[key].std_errors == pytest.approx(theirs.bse.to_numpy(), rel=RELATIVE)


def test_ridge_by_group_is_scikit_learns(frame):
    fits = gm.ridge("y ~ x + z", frame, 3.0, by="group")
    for key, part in frame.dropna(subset=["x"]).groupby("group"):
        theirs = Ridge(alpha=3.0).fit(part[["x", "z"]], part.y)
        assert fits[key].coefficients == pytest.approx([theirs.intercept_, *theirs.coef_], rel=RELATIVE)


def test_each_of_several_outcomes_has_the_rows_in_which_it_is_present(frame):
    fits = gm.ols("c(y, log(v)) ~ kind + x + z", frame)
    assert list(fits) == ["y", "log(v)"]
    assert fits["y"].rows > fits["log(v)"].rows
    assert_agree(fits["y"], smf.ols("y ~ kind + x + z", frame).fit())
    assert_agree(fits["log(v)"], smf.ols("np.log(v) ~ kind + x + z", frame).fit())


def test_several_outcomes_by_group(frame):
    fits = gm.ols("c(y, log(v)) ~ x", frame, by="group")
    for key, part in frame.groupby("group"):
        assert_agree(fits["y", key], smf.ols("y ~ x", part).fit())
        assert_agree(fits["log(v)", key], smf.ols("np.log(v) ~ x", part).fit())


def test_each_fit_predicts_for_itself(frame):
    fits = gm.ols("c(y, log(v)) ~ x + kind", frame, by="group")
    for key, part in frame.dropna(subset=["x", "v"]).groupby("group"):
        theirs = smf.ols("np.log(v) ~ x + kind", part).fit().get_prediction(part.head(20)).summary_frame()
        ours = fits["log(v)", key].predict(part.head(20), interval="confidence")
        assert ours["fit"].to_numpy() == pytest.approx(theirs["mean"].to_numpy(), rel=RELATIVE)
        assert ours["low"].to_numpy() == pytest.approx(theirs["mean_ci_lower"].to_numpy(), rel=1e-7)
