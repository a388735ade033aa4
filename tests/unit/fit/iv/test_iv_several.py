"""Several fits with instruments from shared passes: each is the fit of its own formula and rows."""

from __future__ import annotations

import numpy as np
import pytest
from unit.fit.iv.test_iv_fit import rows
from unit.fit.iv.test_iv_tests import figures

import gramian as gm
from gramian.errors import FormulaError, NumericalError, OptionError

SEVERAL = "c(y, y2) ~ csw(w, p) | sw0(f) | x1 + x2 ~ z1 + z2 + z3"


def incomplete():
    """Rows with values missing in an outcome, a regressor and an instrument."""
    data = rows().assign(y2=lambda d: d.y + d.w)
    data.loc[3:9, "y2"], data.loc[20:40, "p"], data.loc[50:55, "z2"] = np.nan, np.nan, np.nan
    return data


@pytest.mark.parametrize(("estimator", "vcov"), [("2sls", "HC3"), ("fuller", "iid")])
def test_every_model_is_the_fit_of_its_formula(estimator, vcov):
    data = incomplete()
    fits = gm.iv(SEVERAL, data, estimator=estimator, vcov=vcov)
    assert len(fits) == 8
    for (outcome, right, absorbed), fit in fits.items():
        behind = f" | {absorbed}" if absorbed != "none" else ""
        alone = gm.iv(f"{outcome} ~ {right}{behind} | x1 + x2 ~ z1 + z2 + z3", data, estimator=estimator, vcov=vcov)
        assert (fit.rows, fit.names, fit.endogenous) == (alone.rows, alone.names, alone.endogenous)
        np.testing.assert_allclose(fit.coefficients, alone.coefficients, rtol=1e-9)
        np.testing.assert_allclose(fit.std_errors, alone.std_errors, rtol=1e-9)
        np.testing.assert_allclose(fit.wu_hausman().statistic, alone.wu_hausman().statistic, rtol=1e-8)
        assert fit.formula == f"{outcome} ~ {right}{behind} | x1 + x2 ~ z1 + z2 + z3"


def test_every_group_is_the_fit_of_its_rows():
    data, formula = incomplete(), "y ~ w + [x1 + x2 ~ z1 + z2 + z3]"
    for vcov in ("iid", "HC1"):
        fits = gm.ols(formula, data, fsplit="f", vcov=vcov)
        assert list(fits) == ["Full sample", "a", "b", "c", "d"]
        for group, fit in fits.items():
            alone = gm.iv(formula, data if group == "Full sample" else data[data.f == group], vcov=vcov)
            np.testing.assert_allclose(figures(fit), figures(alone), rtol=1e-8)
    assert "Regressions with instruments by f" in fits.summary()
    assert fits.tidy().num_rows == 5 * 4
    np.testing.assert_allclose(fits["a"].predict()[:2], fits["a"].predict(data[data.f == "a"].head(2)))


def test_brackets_name_the_instruments_of_all_models():
    data = rows()
    fits = gm.ols("y ~ [x1 ~ z1 + z2] + sw(w, p)", data)
    assert list(fits) == ["w", "p"]
    assert fits["p"]["x1"] == pytest.approx(gm.iv("y ~ p + [x1 ~ z1 + z2]", data)["x1"], rel=1e-12)


def test_the_plan_of_several_says_how_they_are_solved():
    plan = gm.plan("y ~ sw(w, p) + [x1 ~ z1 + z2]", rows(), by="f", vcov="HC1")
    assert "2 models share the sums" in str(plan)
    assert "two-stage least squares" in str(plan)
    assert set(plan.columns) == {"y", "w", "p", "x1", "z1", "z2", "f"}


@pytest.mark.parametrize(
    ("formula", "options", "error", "said"),
    [
        ("y ~ sw(w, p) | f | x1 ~ sw(z1, z2)", {}, FormulaError, "all models share the instruments: write a formula"),
        ("y ~ sw(w, p) + [x1 ~ z1", {}, FormulaError, r"this '\[' was not closed|'\[' is not closed"),
        ("y ~ sw(w, p) ~ z1", {}, FormulaError, "instruments stand in brackets or behind a last '|'"),
        ("y ~ sw(w, z1) + [x1 ~ z1]", {}, FormulaError, "'z1' is an exogenous term, and so an instrument already"),
        ("y ~ sw(w, p) + [x1 + x2 ~ z1]", {}, None, "2 endogenous columns"),
        ("y ~ sw(w, p) + [x1 ~ z1]", {"vcov": "HC3", "estimator": "liml"}, OptionError, "HC3 needs the leverages"),
        ("y ~ w + [x1 ~ z1]", {"by": "f", "checkpoint": "here"}, OptionError, "go with one fit"),
    ],
)
def test_what_does_not_go_is_said(formula, options, error, said):
    with pytest.raises(error or NumericalError, match=said):
        gm.iv(formula, rows(), **options)
