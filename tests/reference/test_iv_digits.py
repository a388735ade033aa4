"""A trial of the certificate of two-stage least squares: no figure has fewer right digits than certified.

Instruments and endogenous columns that nearly depend on each other, offsets up to 1e8, few rows; the truth is exact.
"""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from unit.fit.iv.test_iv_fit import columns, exactly

import gramian as gm
from gramian.errors import AccuracyWarning, NumericalError

TRIALS = 24  # 400 have been run


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
            fit = gm.iv(formula, data)
        except NumericalError:  # said, instead of a wrong number
            return
    if fit.solved.accuracy.doubtful:
        return
    X = columns(data, *("1" if name == "Intercept" else name for name in fit.names))
    truth = exactly(X, columns(data, *constant, "w", *instruments), data.y.to_numpy())
    for b, exact, digits, error in zip(fit.coefficients, truth, fit.digits, fit.std_errors, strict=True):
        size = max(abs(float(exact)), float(np.nan_to_num(error)))
        assert digits == 0.0 or float(abs(Fraction(float(b)) - exact)) <= size * 10.0**-digits


def test_no_digit_is_certified_where_an_instrument_may_be_left_out_wrongly():
    rng = np.random.default_rng(1)
    z, x, v = rng.normal(size=(3, 50))
    data = {"z": z + 1e8, "z2": z + 1e8 + 1e-5 * v, "x": x + z, "y": z - x}
    with pytest.warns(AccuracyWarning):
        fit = gm.iv("y ~ 0 + [x ~ z + z2]", data)
    assert fit.unused_instruments == ("z2",)
    assert fit.digits.max() == 0.0
