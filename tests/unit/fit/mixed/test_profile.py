"""Profile intervals of mixed models: the deviance at their ends by dense algebra, laws, messages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from unit.fit.mixed.test_mixed import rows

import gramian as gm
from gramian.errors import DataError, OptionError

CRITICAL = 1.6448536269514722  # of a normal interval of level 0.9


def dense_deviance(data, b, sd, r, sigma):
    """-2 log-likelihood of random intercepts and slopes, by the covariance of each firm's rows."""
    G = np.array([[sd[0] ** 2, r * sd[0] * sd[1]], [r * sd[0] * sd[1], sd[1] ** 2]])
    total = len(data) * np.log(2 * np.pi)
    for _, own in data.groupby("firm"):
        Z = np.column_stack([np.ones(len(own)), own["x"]])
        V, e = Z @ G @ Z.T + sigma**2 * np.eye(len(own)), own["y"].to_numpy() - Z @ b
        total += np.linalg.slogdet(V)[1] + e @ np.linalg.solve(V, e)
    return total


def test_ends_have_the_deviance_of_a_likelihood_ratio():
    data = rows(300).query("firm < 9")
    fit = gm.mixed("y ~ x + (1 + x | firm)", data)
    table = fit.profile(level=0.9).to_pydict()
    ml = gm.mixed("y ~ x + (1 + x | firm)", data, reml=False)
    components = ml.variance_components()["sdcor"].to_pylist()
    start = np.array([*components, *ml.coefficients])  # both standard deviations, correlation, sigma, fixed effects

    def deviance(values):
        sd, r, sigma, b = np.abs(values[:2]), values[2], values[3], values[4:]
        return dense_deviance(data, b, sd, r, sigma)

    np.testing.assert_allclose(deviance(start), ml.deviance, rtol=1e-11)
    for k in (0, 2, 5):  # a deviation, the correlation, the slope
        free, end = [i for i in range(6) if i != k], table["conf_high" if k else "conf_low"][k]

        def of_others(x, end=end, k=k, free=free):
            values = start.copy()
            values[free], values[k] = x, end
            return deviance(values)

        best = minimize(of_others, start[free], method="BFGS", options={"gtol": 1e-2}).fun
        np.testing.assert_allclose(best - ml.deviance, CRITICAL**2, atol=1e-4)


def numbers(table):
    return np.column_stack([table[name].to_numpy() for name in ("estimate", "conf_low", "conf_high")])


def test_counts_a_gram_and_units_do_not_matter():
    data, formula = rows(200), "y ~ x + (1 + x | firm)"
    repeated = data.loc[data.index.repeat(data["c"])]
    expected = numbers(gm.mixed(formula, repeated).profile(fixed=False))
    counted = gm.mixed(formula, data, counts="c")
    gram = gm.gram("y ~ x", repeated, cluster="firm")
    for table in (counted.profile(fixed=False), gram.mixed(formula).profile(gram, fixed=False)):
        np.testing.assert_allclose(numbers(table), expected, rtol=1e-7)
    rescaled = gm.mixed(formula, repeated.assign(x=1e3 * repeated["x"], y=1e-2 * repeated["y"])).profile(fixed=False)
    units = np.array([1e-2, 1e-5, 1.0, 1e-2])
    np.testing.assert_allclose(numbers(rescaled), units[:, None] * expected, rtol=1e-7)


def test_ends_at_bounds():
    data = rows(200)
    data["y"] = 1 + 2 * data["x"] + np.random.default_rng(3).normal(size=200)  # without random effects
    fit = gm.mixed("y ~ x + (1 + x | firm)", data)
    low, high = (np.array(fit.profile(fixed=False)[name].to_pylist()[:3], float) for name in ("conf_low", "conf_high"))
    assert fit.singular
    assert (low[:2] == 0.0).all()
    assert (high[:2] > 0.05).all()
    assert np.isnan(low[2]) or (low[2], high[2]) == (-1.0, 1.0)


def test_other_rows_are_refused():
    data = rows(200)
    fit = gm.mixed("y ~ x + (1 | firm)", data)
    with pytest.raises(DataError, match="not the rows of the fit: it has 200 with residuals"):
        fit.profile(data.assign(y=data["y"] ** 2))
    with pytest.raises(OptionError, match="give the data"):
        gm.gram("y ~ x", data, cluster="firm").mixed("y ~ x + (1 | firm)").profile()
