"""A trial of the certificate of two-stage least squares: no figure has fewer right digits than certified.

Instruments and endogenous columns that nearly depend on each other, offsets up to 1e8, few rows; the truth is exact.
"""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from trial import stages
from unit.fit.iv.test_iv_fit import columns, exactly

import gramian as gm
from gramian.errors import AccuracyWarning, NumericalError

TRIALS = 24


def problem(rng):
    """Rows and names of a random problem."""
    n, k = int(rng.integers(8, 40)), int(rng.integers(1, 3))
    L = k + int(rng.integers(0, 3))
    Z, w, u = rng.normal(size=(n, L)), rng.normal(size=n), rng.normal(size=(n, k + 1))
    if rng.random() < 0.5:
        Z = np.round(4 * Z)
    if L > 1 and rng.random() < 0.6:
        Z[:, 1] = Z[:, 0] + 10.0 ** -rng.integers(0, 7) * Z[:, 1]
    if rng.random() < 0.3:
        w = (w > 0) * 0.7
    strength = 10.0 ** -rng.integers(0, 4)
    X = Z @ rng.normal(size=(L, k)) * strength + w[:, None] * rng.normal(size=k) + u[:, :k]
    X = X + 10.0 ** rng.integers(0, 9) * rng.choice([0, 1])
    if k > 1 and rng.random() < 0.3:
        X[:, 1] = X[:, 0] + 10.0 ** -rng.integers(0, 6) * X[:, 1]
    Z = Z + 10.0 ** rng.integers(0, 9) * rng.choice([0, 1])
    y = X @ rng.normal(size=k) + w + u[:, k] + u[:, 0] / 2 + 10.0 ** rng.integers(0, 7) * rng.choice([0, 1])
    endogenous, instruments = [f"x{i}" for i in range(k)], [f"z{i}" for i in range(L)]
    data = pd.DataFrame(np.column_stack([X, Z]), columns=[*endogenous, *instruments]).assign(w=w, y=y)
    return data, endogenous, instruments


@pytest.mark.parametrize("seed", range(TRIALS))
def test_no_figure_has_fewer_right_digits_than_certified(seed):
    rng = np.random.default_rng(seed)
    data, endogenous, instruments = problem(rng)
    constant = [] if rng.random() < 0.5 else ["1"]
    formula = f"y ~ {'' if constant else '0 + '}w + [{' + '.join(endogenous)} ~ {' + '.join(instruments)}]"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)
        try:
            fit = gm.iv(formula, data, digits=15 if seed % 2 else 8)
        except NumericalError:  # said, instead of a wrong number
            return
    if fit.solved.accuracy.doubtful:
        return
    X = columns(data, *("1" if name == "Intercept" else name for name in fit.names))
    truth = exactly(X, columns(data, *constant, "w", *instruments), data.y.to_numpy())
    for b, exact, digits, error in zip(fit.coefficients, truth, fit.digits, fit.std_errors, strict=True):
        size = max(abs(float(exact)), float(np.nan_to_num(error)))
        assert digits == 0.0 or float(abs(Fraction(float(b)) - exact)) <= size * 10.0**-digits


@pytest.mark.parametrize("number", [*range(16, 24), 60, 288])
def test_no_certificate_of_the_trial_is_above_the_truth(number):
    """With absorbed factors, dependent columns and first stages, as `benchmarks/accuracy.py --stages`."""
    found = stages.scored(number)
    assert found.slack > -stages.ROUNDING, found


def test_more_digits_are_had_where_they_are_wanted():
    rng = np.random.default_rng(3)
    z1, z2, w, u, e = rng.normal(size=(5, 60))
    data = pd.DataFrame(
        {"z1": z1 + 1e8, "z2": z1 + 1e-3 * z2 + 1e8, "w": w, "x": z1 + u + e + 1e7, "g": np.arange(60) % 2}
    )
    data["y"] = data.x + w + u
    formula = "y ~ w + [x ~ z1 + z2]"
    one, more = gm.iv(formula, data), gm.iv(formula, data, digits=14, vcov="HC1")
    assert one.digits.min() < 10 < 14 < more.digits.min()
    assert (one.solved.accuracy.precision, more.solved.accuracy.precision) == ("fast", "refined")
    assert one.passes == one.first_stage["x"].passes  # all but one are of the first stage
    X = columns(data, *("1" if name == "Intercept" else name for name in more.names))
    truth = exactly(X, columns(data, "1", "w", "z1", "z2"), data.y.to_numpy())
    np.testing.assert_array_equal(more.coefficients, [float(exact) for exact in truth])
    for group, fit in gm.iv(formula, data, digits=14, by="g", vcov="HC1").items():
        own = gm.iv(formula, data[data.g == group], digits=14, vcov="HC1")
        assert fit.digits.min() > 14
        np.testing.assert_array_equal(fit.coefficients, own.coefficients)
        np.testing.assert_allclose(fit.std_errors, own.std_errors, rtol=1e-6)
    assert more.first_stage["x"].digits.min() > 14
    aliased = gm.iv("y ~ w + v + [x ~ z1 + z2 + z3]", data.assign(v=2 * w, z3=data.z1), digits=14)
    assert aliased.unused_instruments == ("z3",)
    np.testing.assert_array_equal(aliased.coefficients[aliased.identified], more.coefficients)
    assert aliased.digits[aliased.identified].min() > 14
    with pytest.warns(AccuracyWarning):  # one pass over rows without the effects of levels, and none after it
        gm.iv("y ~ w | g | x ~ z1 + z2", data, digits=15)


@pytest.mark.parametrize("estimator", ["2sls", "liml", "gmm"])
def test_levels_far_apart_cost_instruments_no_digits(estimator):
    rng = np.random.default_rng(4)
    z1, z2, w, u, e = np.round(rng.normal(size=(5, 200)) * 2**20) / 2**20
    f, g = rng.integers(0, 6, 200), rng.integers(0, 4, 200)
    plain = {"z1": z1, "z2": z2, "w": w, "x": z1 + z2 + u, "y": z1 + u + e, "f": f, "g": g, "h": g > 1}
    far = np.round(1e8 * rng.normal(size=(4, 6)))[:, f]
    raised = plain | {name: plain[name] + far[i] for i, name in enumerate(("z1", "z2", "x", "y"))}
    formula, options = "y ~ w | f + g | x ~ z1 + z2", {"estimator": estimator, "vcov": {"cluster": "g"}}
    one, two = (gm.iv(formula, data, **options) for data in (plain, raised))
    # the weights of GMM are of residuals, which float64 outcomes of 1e8 leave with 1e-8
    np.testing.assert_allclose(two.coefficients, one.coefficients, rtol=1e-6 if estimator == "gmm" else 1e-11)
    np.testing.assert_allclose(two.std_errors, one.std_errors, rtol=1e-6)
    tests = [(f.wu_hausman(), f.anderson_rubin().test, *f.weak_instruments().first_stage.values()) for f in (one, two)]
    np.testing.assert_allclose(*([test.statistic for test in each] for each in tests), rtol=1e-6)
    assert estimator != "2sls" or two.digits.min() > 11
    if estimator == "2sls":
        np.testing.assert_allclose(two.first_stage["x"].coefficients, one.first_stage["x"].coefficients, rtol=1e-11)
        for key, fit in gm.iv(formula, raised, by="h", **options).items():
            rows = plain["h"] == key
            own = gm.iv(formula, {name: v[rows] for name, v in plain.items()}, **options)
            np.testing.assert_allclose(fit.coefficients, own.coefficients, rtol=1e-11)
            np.testing.assert_allclose(fit.std_errors, own.std_errors, rtol=1e-6)


def test_no_digit_is_certified_where_an_instrument_may_be_left_out_wrongly():
    rng = np.random.default_rng(1)
    z, x, v = rng.normal(size=(3, 50))
    data = {"z": z + 1e8, "z2": z + 1e8 + 1e-5 * v, "x": x + z, "y": z - x}
    with pytest.warns(AccuracyWarning):
        fit = gm.iv("y ~ 0 + [x ~ z + z2]", data)
    assert fit.unused_instruments == ("z2",)
    assert fit.digits.max() == 0.0
