"""Covariances and tests of instruments: laws that need no other package."""

from __future__ import annotations

import copy
import math

import numpy as np
import pyarrow as pa
import pytest
from unit.fit.iv.test_iv_fit import rows

import gramian as gm
from gramian.errors import DataError, NumericalError, OptionError
from gramian.fit.iv.diagnostics import stages_of
from gramian.inference.anderson_rubin import confidence_set
from gramian.inference.tests import Test as Wald

FORMULA = "y ~ w + f + [x1 + x2 ~ z1 + z2 + z3]"
VCOVS = ["HC1", {"cluster": "g"}, {"cluster": ["g", "h"]}]
SECOND_STAGE = ["HC4", {"cluster": "g", "type": "CR2"}, {"cluster": "g", "type": "CR3"}]


def figures(fit):
    """All numbers of a fit and its tests."""
    weak = fit.weak_instruments()
    tests = [*weak.first_stage.values(), *weak.conditional.values(), weak.underidentification, fit.wu_hausman()]
    tests += [fit.anderson_rubin([2.0, 0.4]).test, fit.sargan() if fit.iv.robust is None else fit.hansen()]
    shared = [fit["w"], *(fit[n] for n in fit.endogenous), fit.sigma, weak.cragg_donald, weak.kleibergen_paap]
    errors = [float(fit.std_errors[fit.names.index(n)]) for n in ("w", *fit.endogenous)]
    return np.array([*shared, *errors, *(t.statistic for t in tests)])


@pytest.mark.parametrize(
    ("estimator", "vcov"), [("2sls", v) for v in [*VCOVS, "HC3"]] + [("liml", "HC1"), ("fuller", VCOVS[1])]
)
def test_absorbed_factors_are_dummies(estimator, vcov):
    data = rows()
    absorbed = gm.iv("y ~ w | f | x1 + x2 ~ z1 + z2 + z3", data, vcov=vcov, estimator=estimator)
    np.testing.assert_allclose(
        figures(absorbed), figures(gm.iv(FORMULA, data, vcov=vcov, estimator=estimator)), rtol=1e-8
    )


@pytest.mark.parametrize(
    ("estimator", "vcov"), [("2sls", v) for v in VCOVS + SECOND_STAGE] + [("liml", "HC1"), ("gmm", VCOVS[1])]
)
def test_counts_are_repeated_rows(estimator, vcov):
    data = rows()
    counted = gm.iv(FORMULA, data, counts="c", vcov=vcov, estimator=estimator)
    repeated = gm.iv(FORMULA, data.loc[data.index.repeat(data.c)], vcov=vcov, estimator=estimator)
    np.testing.assert_allclose(figures(counted), figures(repeated), rtol=1e-9)


@pytest.mark.parametrize("vcov", ["iid", *VCOVS, *SECOND_STAGE], ids=str)
def test_cuts_and_order_do_not_matter(vcov):
    data = rows()
    table = pa.Table.from_pandas(data, preserve_index=False)
    pieces = [table.slice(at, 57).to_batches()[0] for at in range(0, len(data), 57)]
    own = gm.iv(FORMULA, data, vcov=vcov, weights="p")
    for other in (pieces, data.sample(frac=1.0, random_state=3)):
        np.testing.assert_allclose(figures(gm.iv(FORMULA, other, vcov=vcov, weights="p")), figures(own), rtol=1e-8)


def test_the_coefficients_of_gmm_beside_absorbed_factors_are_those_with_dummies():
    # the weights of GMM leave residuals that do not sum to zero in the levels, so that errors differ slightly
    data = rows()
    absorbed = gm.iv("y ~ w | f | x1 + x2 ~ z1 + z2 + z3", data, vcov="HC1", estimator="gmm")
    dummies = gm.iv(FORMULA, data, vcov="HC1", estimator="gmm")
    for name in absorbed.names:
        assert absorbed[name] == pytest.approx(dummies[name], rel=1e-10)
    assert absorbed.hansen().statistic == pytest.approx(dummies.hansen().statistic, rel=1e-9)


def test_units_and_shifts_of_columns_do_not_matter():
    data = rows()
    other = data.assign(x1=data.x1 * 1000 + 1e6, z1=data.z1 / 7 - 1e5, w=data.w + 300)
    left, right = (gm.iv(FORMULA, d, vcov="HC1") for d in (data, other))
    assert left["x1"] == pytest.approx(1000 * right["x1"], rel=1e-9)
    for name in ("wu_hausman", "hansen"):
        assert getattr(left, name)().statistic == pytest.approx(getattr(right, name)().statistic, rel=1e-8)
    np.testing.assert_allclose(
        left.weak_instruments().kleibergen_paap, right.weak_instruments().kleibergen_paap, rtol=1e-8
    )


def test_one_endogenous_column_has_one_f():
    for vcov in ("iid", "HC1", {"cluster": "g"}):
        weak = gm.iv("y ~ w + [x1 ~ z1 + z2]", rows(), vcov=vcov).weak_instruments()
        assert weak.kleibergen_paap == pytest.approx(weak.first_stage["x1"].statistic, rel=1e-10)
        assert weak.conditional["x1"].statistic == pytest.approx(weak.first_stage["x1"].statistic, rel=1e-12)
        if vcov == "iid":
            assert weak.effective_f.statistic == pytest.approx(weak.first_stage["x1"].statistic, rel=1e-12)
            assert weak.cragg_donald == pytest.approx(weak.kleibergen_paap, rel=1e-12)


def test_robust_first_stages_test_the_instruments():
    fit = gm.iv(FORMULA, rows(), vcov={"cluster": "g"})
    for name, first in fit.first_stage.items():
        test = first.test("z1 = 0, z2 = 0, z3 = 0")
        assert fit.weak_instruments().first_stage[name].statistic == pytest.approx(test.statistic, rel=1e-10)


@pytest.mark.parametrize("vcov", ["iid", "HC1", {"cluster": "g"}], ids=str)
def test_the_test_of_exogeneity_is_that_of_the_augmented_regression(vcov):
    data = rows()
    fit = gm.iv("y ~ w + [x1 + x2 ~ z1 + z2 + z3]", data, vcov=vcov)
    residuals = {f"v{n}": data[n] - first.predict(data) for n, first in fit.first_stage.items()}
    augmented = gm.ols("y ~ w + x1 + x2 + vx1 + vx2", data.assign(**residuals), vcov=vcov)
    test = augmented.test("vx1 = 0, vx2 = 0")
    assert fit.wu_hausman().statistic == pytest.approx(test.statistic, rel=1e-8)
    assert fit.wu_hausman().p_value == pytest.approx(test.p_value, rel=1e-7)


def test_critical_values_of_one_instrument_are_those_of_montiel_olea_and_pflueger():
    critical = gm.iv("y ~ w + [x1 ~ z1]", rows()).weak_instruments().effective_f.critical
    assert [round(v, 2) for v in critical.values()] == [37.42, 23.11, 15.06, 12.05]


@pytest.mark.parametrize("vcov", ["iid", "HC1", {"cluster": "g"}], ids=str)
def test_ends_of_the_confidence_set_are_just_rejected(vcov):
    data = rows().assign(y=lambda d: d.y - 0.5 * d.x2)
    fit = gm.iv("y ~ w + f + [x1 ~ z1 + z2 + z3]", data, vcov=vcov)
    result = fit.anderson_rubin({"x1": 2.0}, level=0.9)
    ((low, high),) = result.intervals
    assert low < fit["x1"] < high
    for end in (low, high):
        assert fit.anderson_rubin(end).test.p_value == pytest.approx(0.1, rel=1e-6)
    # by least squares of y - b x1 on all instruments
    reduced = gm.ols("d ~ w + f + z1 + z2 + z3", data.assign(d=data.y - 2 * data.x1), vcov=vcov)
    assert result.test.statistic == pytest.approx(reduced.test("z1 = 0, z2 = 0, z3 = 0").statistic, rel=1e-9)


def test_weak_instruments_leave_the_set_unbounded():
    data = rows().assign(q=np.random.default_rng(0).normal(size=400))
    assert gm.iv("y ~ w + [x1 ~ q]", data).anderson_rubin().intervals == ((-math.inf, math.inf),)
    rays = gm.iv("y ~ w + [x1 ~ q]", data).anderson_rubin(level=0.8).intervals
    assert all(low < high for low, high in rays)
    with pytest.raises(OptionError, match="of one endogenous column"):
        confidence_set(stages_of(gm.iv(FORMULA, rows()).iv), 0.95)


def test_exactly_identified_estimators_are_one():
    data = rows()
    fits = [gm.iv("y ~ w + [x1 ~ z1]", data, estimator=e, vcov="HC1") for e in ("2sls", "liml", "gmm")]
    for fit in fits[1:]:
        np.testing.assert_allclose(fit.coefficients, fits[0].coefficients, rtol=1e-11)
        np.testing.assert_allclose(fit.std_errors, fits[0].std_errors, rtol=1e-9)
    assert fits[1].kappa == 1.0
    assert fits[0].sargan() is None
    assert fits[0].hansen() is None


def test_another_covariance_reads_the_rows_again(tmp_path):
    data = rows()
    fit = gm.iv(FORMULA, data, estimator="fuller", fuller=4.0)
    for vcov in VCOVS:
        np.testing.assert_allclose(
            figures(fit.with_vcov(vcov, data)), figures(gm.iv(FORMULA, data, estimator="fuller", fuller=4.0, vcov=vcov))
        )
    back = fit.with_vcov("HC1", data).with_vcov("iid")
    np.testing.assert_array_equal(back.std_errors, fit.std_errors)
    with pytest.raises(DataError, match="not the rows of the fit"):
        fit.with_vcov("HC1", data.head(300))
    with pytest.raises(OptionError, match="needs the rows of the fit"):
        fit.with_vcov("HC1")
    fit.with_vcov("HC1", data).save(tmp_path / "robust")
    np.testing.assert_array_equal(figures(gm.load(tmp_path / "robust")), figures(fit.with_vcov("HC1", data)))


def test_a_copy_is_the_same():
    fit = gm.iv(FORMULA, rows(), vcov="HC1")
    np.testing.assert_array_equal(figures(copy.deepcopy(fit)), figures(fit))
    assert isinstance(fit.wu_hausman(), Wald)


@pytest.mark.parametrize("weights", [None, "p"])
@pytest.mark.parametrize("vcov", ["HC2", "HC3", *SECOND_STAGE], ids=str)
def test_tests_are_those_of_least_squares_with_the_same_covariance(vcov, weights):
    data = rows()
    fit = gm.iv("y ~ w + [x1 ~ z1 + z2]", data, vcov=vcov, weights=weights)
    first = gm.ols("x1 ~ w + z1 + z2", data, vcov=vcov, weights=weights)
    own = gm.ols("y ~ w + x1 + v", data.assign(v=data.x1 - first.predict(data)), vcov=vcov, weights=weights)
    strength = fit.weak_instruments().first_stage["x1"]
    # F itself: the tests after CR2 of a linear fit multiply it
    at = [first.names.index(name) for name in ("z1", "z2")]
    b, V = first.coefficients[at], first.vcov[np.ix_(at, at)]
    assert strength.statistic == pytest.approx(b @ np.linalg.solve(V, b) / 2, rel=1e-9)
    assert fit.wu_hausman().statistic == pytest.approx(own.test("v = 0").statistic, rel=1e-9)
    plain = {**vcov, "type": "CR0"} if isinstance(vcov, dict) else "HC0"
    other = gm.iv("y ~ w + [x1 ~ z1 + z2]", data, vcov=plain, weights=weights)
    assert fit.hansen().statistic == pytest.approx(other.hansen().statistic, rel=1e-9)


@pytest.mark.parametrize("vcov", ["HC1", "HC3", {"cluster": "g"}, SECOND_STAGE[1]], ids=str)
def test_first_stages_have_the_rows_of_the_fit(vcov):
    data = rows().assign(y=lambda d: d.y - d.y.min())  # with one zero, whose logarithm is not finite
    data.loc[3:9, "y"], data.loc[30, "z1"], data.loc[40, "x2"] = np.nan, np.nan, np.nan
    formula = "log(y) ~ w + [x1 + x2 ~ z1 + z2]"
    fit = gm.iv(formula, data, vcov=vcov)
    other = gm.iv(formula, data[data.y.notna() & (data.y > 0) & data.z1.notna() & data.x2.notna()], vcov=vcov)
    assert fit.rows == other.rows == 390
    for name, first in fit.first_stage.items():
        assert first.rows == 390
        np.testing.assert_allclose(first.std_errors, other.first_stage[name].std_errors, rtol=1e-9)


def test_a_row_that_the_second_stage_goes_through_has_no_leverage_for_it():
    data = rows().assign(one=lambda d: (np.arange(len(d)) == 7).astype(float))
    with pytest.raises(NumericalError, match=r"leverage 1 in the second stage: 1; .* HC3 is not defined; use HC1"):
        gm.iv("y ~ w + one + [x1 ~ z1 + z2]", data, vcov="HC3")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vcov": "HC3", "estimator": "liml"}, "HC3 needs the leverages of the second stage, which estimator='liml'"),
        ({"vcov": SECOND_STAGE[1], "estimator": "gmm"}, "CR2 needs the leverages .* use CR1, or estimator='2sls'"),
        ({"estimator": "gmm"}, "two-step GMM with iid errors is two-stage least squares; name its weights"),
        ({"estimator": "3sls"}, "estimator must be one of"),
        ({"fuller": -1.0}, "fuller must be a positive number"),
    ],
)
def test_what_does_not_go_is_said(options, said):
    with pytest.raises(OptionError, match=said):
        gm.iv(FORMULA, rows(), **options)
