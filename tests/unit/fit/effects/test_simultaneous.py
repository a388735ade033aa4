"""Intervals that hold together: against mvtnorm's quantiles in R, and what is refused."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import gramian as gm
from gramian.errors import OptionError
from gramian.inference.draws.sup_t import sup_t
from gramian.inference.multiplicity import Family

RNG = np.random.default_rng(0)
DATA = pd.DataFrame(RNG.normal(size=(60, 4)), columns=["y", "a", "b", "c"]).assign(
    f=list("uvw") * 20, g=[1, 2, 3, 4, 5] * 12
)


@pytest.mark.parametrize(
    ("correlation", "df", "quantile", "p_of_2"),
    # R: qmvt(0.95, tail = "both.tails", df = df, corr = V) and 1 - pmvt(-2, 2, df = df, corr = V) of mvtnorm 1.1.3
    [
        (np.eye(5), math.inf, 2.569021, 0.2077193),
        (np.eye(5), 10.0, 3.102505, 0.2849448),
        (0.5 * np.eye(3) + 0.5, 20.0, 2.540341, 0.1430437),
        (np.array([[1.0, 0.9], [0.9, 1.0]]), math.inf, 2.108617, 0.06427802),
    ],
)
def test_quantiles_equal_those_of_r(correlation: np.ndarray, df: float, quantile: float, p_of_2: float) -> None:
    scale = np.arange(1.0, 1.0 + len(correlation))
    own, family = sup_t(correlation * scale[:, None] * scale), Family(len(correlation), 0, df)
    assert_allclose(own.critical(0.95, family), quantile, rtol=1e-3)
    assert_allclose(own.probabilities(np.array([-2.0, np.nan]), family), [p_of_2, np.nan], rtol=4e-3)


def test_intervals_of_a_fit() -> None:
    fit = gm.ols("y ~ a + b + c + f", DATA, vcov="HC1")
    found = fit.simultaneous()
    assert found.labels["term"] == fit.names[1:]
    single, bonferroni = fit.conf_int()[1:], fit.conf_int(1 - 0.05 / 5)[1:]
    widths = np.diff(found.conf_int())
    assert (widths > np.diff(single)).all()
    assert (widths <= np.diff(bonferroni)).all()
    assert (found.p_values >= fit.p_values[1:]).all()
    assert_allclose(fit.simultaneous(["b"]).conf_int(0.9), fit.conf_int(0.9)[[2]], rtol=1e-6)
    assert "p-values and intervals adjusted for 5 comparisons: sup-t" in str(found)
    assert_allclose(pickle.loads(pickle.dumps(found)).conf_int(), found.conf_int())
    poisson = gm.glm("g ~ a + b", DATA, "poisson").simultaneous()
    assert len(poisson) == 2
    for names, message in ((["d"], "no coefficient 'd'"), ("b", "must be a list")):
        with pytest.raises(OptionError, match=message):
            fit.simultaneous(names)
    with pytest.raises(OptionError, match="'c2' has no standard error"):
        gm.ols("y ~ c + c2", DATA.assign(c2=2 * DATA.c)).simultaneous(["c2"])


def test_models_without_draws_say_what_to_do() -> None:
    for fit, message in (
        (gm.glm("g ~ a", DATA, "poisson"), "GlmFit has no draws: each would iterate"),
        (gm.iv("y ~ [a ~ b]", DATA), "IvFit has no draws: those of instruments draw both stages"),
        (gm.between("y ~ a", DATA, panel="g"), "PanelFit has no draws"),
        (gm.ols("y ~ a", DATA, solver="iterative"), "WideFit has no draws"),
    ):
        for method in ("wild_bootstrap", "bootstrap", "jackknife", "randomization"):
            with pytest.raises(OptionError, match=message):
                getattr(fit, method)("a = 0", draws=9)
