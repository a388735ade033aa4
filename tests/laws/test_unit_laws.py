"""A test does not depend on the units of what is tested, whose ratios may be those of the range of float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian.errors import OptionError
from gramian.inference.restrictions import equivalent

MODELS = [(1e20, 1.0, 1.0), (1e140, 1e-140, 1e20)]
STAGES = [(1e20, 1.0, 1.0), (1e70, 1e-70, 1e20)]  # coefficients of first stages have the ratios of two units


def rows(units: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> dict[str, Any]:
    """Three columns that instruments explain, in units of their own; instruments in those of the first."""
    rng = np.random.default_rng(1)
    firm = np.repeat(np.arange(12), 10)
    z, e = rng.normal(size=(4, 120)), rng.normal(size=120)
    x = np.array([z[0] + z[1], z[1] - z[2], z[2] + 0.5 * z[3]]) + 0.4 * e + rng.normal(size=(3, 120))
    y = x.T @ [0.2, 0.1, -0.1] + e + rng.normal(size=12)[firm]
    columns = {f"x{i}": x[i] * unit for i, unit in enumerate(units)} | {f"z{i}": z[i] / units[i % 3] for i in range(4)}
    return columns | {"y": y, "firm": firm, "c": rng.poisson(np.exp(0.2 * x[0]))}


def of_least_squares(data: dict[str, Any]) -> list[float]:
    formula, text = "y ~ x0 + x1 + x2", "x0 = x1 = x2 = 0"
    fits = [gm.ols(formula, data, vcov=v) for v in ("iid", "HC1", {"cluster": "firm", "type": "CR2"})]
    out = [number for fit in fits for number in (fit.test(text).statistic, fit.test(text).df[1])]
    out += [gm.ols(formula, data, vcov={"cluster": "firm"}).wild_bootstrap(text, data, draws=19, seed=1).statistic]
    out += [gm.glm("c ~ x0 + x1 + x2", data, family="poisson").test(text).statistic]
    out += [gm.mixed(f"{formula} + (1 | firm)", data).test(text).statistic]
    fixed, random = gm.ols(f"{formula} | firm", data), gm.random_effects(formula, data, panel="firm")
    return [*out, *(gm.hausman(fixed, random, robust=robust).statistic for robust in (False, True))]


def of_instruments(data: dict[str, Any]) -> list[float]:
    out: list[float] = []
    for vcov in ("iid", "HC1", {"cluster": "firm"}):
        fit = gm.iv("y ~ [x0 + x1 + x2 ~ z0 + z1 + z2 + z3]", data, vcov=vcov)
        strength, overidentified = fit.weak_instruments(), fit.sargan() if vcov == "iid" else fit.hansen()
        tests = fit.test("x0 = x1 = x2 = 0"), fit.wu_hausman(), overidentified, fit.anderson_rubin().test
        out += [strength.cragg_donald, strength.kleibergen_paap, *(t.statistic for t in tests if t is not None)]
        out += [t.statistic for t in (*strength.first_stage.values(), *strength.conditional.values())]
    return out


@pytest.mark.parametrize(("statistics", "every"), [(of_least_squares, MODELS), (of_instruments, STAGES)])
def test_statistics_do_not_depend_on_units(statistics, every):
    plain = statistics(rows())
    assert np.isfinite(plain).all()
    for units in every:
        assert statistics(rows(units)) == pytest.approx(plain, rel=1e-9)


def test_iid_tests_over_the_whole_range():
    plain = gm.ols("y ~ x0 + x1", rows()).test("x0 = x1 = 0").statistic
    for units in ((1e150, 1e-150, 1.0), (1e-150, 1.0, 1.0)):
        assert gm.ols("y ~ x0 + x1", rows(units)).test("x0 = x1 = 0").statistic == pytest.approx(plain, rel=1e-9)


def test_the_hypotheses_stay_the_same():
    R, q = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -3.0], [0.0, 0.0, 1.0]]), np.array([5.0, 0.0, 2.0])
    own = equivalent(R, q, np.array([1.0, 1e20, 1e-20]))
    assert np.linalg.solve(own.R, own.q).tolist() == [11.0, 6.0, 2.0]
    assert (np.count_nonzero(own.R, axis=1) == 1).all()
    assert equivalent(np.array([[1e-20, -1.0], [0.0, 1.0]]), np.zeros(2), np.ones(2)).implied is None


def test_hypotheses_that_repeat_each_other_are_refused_by_the_bootstrap_too():
    data = rows()
    fit = gm.ols("y ~ x0 + x1", data, vcov={"cluster": "firm"})
    with pytest.raises(OptionError, match="hypothesis 2 contradicts"):
        fit.wild_bootstrap("x0 = x1, x1 = x0 + 1", data, draws=9, seed=1)
    with pytest.raises(OptionError, match="hypothesis 2 says nothing"):
        gm.mixed("y ~ x0 + x1 + (1 | firm)", data).test("x0 = 0, 2*x0 = 0")
