"""Bandwidths, leverages and clusters left out against R; r/covariances.R has made the values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reference.r_values import cases, close

import gramian as gm
from gramian.errors import NumericalError

CASES = cases("covariances")


def scaled(name: str) -> pd.DataFrame:
    """The panel in the units of R's values, for clubSandwich loses digits in others."""
    data = CASES[name].data.to_pandas()
    return data.assign(value=data.value / 1000, capital=data.capital / 100)


@pytest.mark.parametrize("kind", ["HC2", "HC3", "HC4"])
def test_leverages_of_two_factors(kind: str) -> None:
    case = CASES["two factors"]
    fit = gm.ols(case.formula, scaled("two factors"), vcov=kind, like="R")
    close(fit.vcov.reshape(-1), case.numbers(kind), 1e-8, np.outer(fit.std_errors, fit.std_errors).reshape(-1))


@pytest.mark.parametrize(("name", "absorbed"), [("left out", "firm"), ("left out/years", "year")])
def test_clusters_left_out(name: str, absorbed: str) -> None:
    case = CASES[name]
    (by,) = case.texts("by")
    fit = gm.ols(f"inv ~ value + capital | {absorbed}", scaled(name), vcov={"cluster": by, "type": "CR3"}, like="R")
    close(fit.vcov.reshape(-1), case.numbers("vcov"), 1e-8, np.outer(fit.std_errors, fit.std_errors).reshape(-1))


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("andrews")])
def test_bandwidths_by_andrews(name: str) -> None:
    case = CASES[name]
    data = case.data.to_pandas().assign(row=np.arange(case.data.num_rows))
    expected, bandwidth = case.numbers("vcov"), f"a bandwidth of {case.number('bandwidth'):.6g}"
    mixed = data.sample(frac=1, random_state=1)
    for vcov, rows in (({"hac": "andrews"}, data), ({"hac": "andrews", "time": "row"}, mixed)):
        fit = gm.ols(case.formula, rows, vcov=vcov, like="R")
        close(fit.vcov.reshape(-1), expected, 1e-8, np.outer(fit.std_errors, fit.std_errors).reshape(-1))
        assert bandwidth in fit.covariance.name


@pytest.mark.parametrize(("kind", "vcov"), [("HC0", "HC0"), ("CR0", {"cluster": "conc", "type": "CR0"})])
def test_a_curve(kind: str, vcov: str | dict[str, str]) -> None:
    case = CASES["curve"]
    fit = gm.curve(case.formula, case.data, {"K": 0.05}, vcov=vcov)
    at = [fit.names.index(name) for name in ("Vm", "K")]
    expected = case.numbers(kind).reshape(2, 2)
    np.testing.assert_allclose(fit.vcov[np.ix_(at, at)], expected, rtol=1e-6)


JOINT = {
    "joint": {"both": "value = capital = 0", "all": "Intercept = value = capital = 0", "one": "value = 0"},
    "joint/weighted": {"both": "value = capital = 0", "all": "Intercept = value = capital = 0"},
    "joint/crossed": {"both": "value = capital = 0", "three": "value = capital = value:capital = 0"},
    "joint/cars": {"both": "6 = 8 = 0"},
}


@pytest.mark.parametrize("name", JOINT)
def test_joint_tests_after_cr2(name: str) -> None:
    """Also from a file, and for other columns of the same span."""
    case = CASES[name]
    (by,) = case.texts("by")
    data = case.data.to_pandas() if name == "joint/cars" else scaled(name)
    fit = gm.ols(case.formula, data, weights=case.weights, vcov={"cluster": by, "type": "CR2"})
    for figure, text in JOINT[name].items():
        statistic, k, df, p_value = case.numbers(figure)
        named = text.replace("6 = 8", " = ".join(f"`{n}`" for n in fit.names if "cyl" in n))
        test = fit.test(named)
        np.testing.assert_allclose([test.statistic, *test.df], [statistic, k, df], rtol=1e-6)
        np.testing.assert_allclose(test.p_value, p_value, rtol=1e-5)


def test_clusters_that_are_too_few_for_a_joint_test() -> None:
    """Degrees of freedom below zero, for which clubSandwich has no p-value."""
    case = CASES["joint/cars"]
    assert case.numbers("four")[2] < 0.0
    fit = gm.ols(case.formula, case.data, vcov={"cluster": "carb", "type": "CR2"})
    with pytest.raises(NumericalError, match=r"4 hypotheses cannot be tested at once: 6 clusters leave 2.6 degrees"):
        fit.test(" = ".join(f"`{name}`" for name in fit.names[1:]) + " = 0")
    assert fit.f_test is None
