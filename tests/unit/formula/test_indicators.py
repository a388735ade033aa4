"""i(): levels as columns, with references that are named; against pyfixest, and against columns made by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from unit.plots.pictured import png, texts

import gramian as gm
from gramian.errors import FormulaError, GramianError, OptionError

KNOWN = json.loads((Path(__file__).parents[2] / "reference" / "pyfixest_indicator_values.json").read_text())
DATA = {name: np.array(values) for name, values in KNOWN["data"].items()}
EVENT = "y ~ i(t, treated, ref=-1) | firm + t"


@pytest.mark.parametrize("formula", KNOWN["cases"])
def test_i_is_that_of_fixest(formula):
    fit, case = gm.ols(formula, DATA), KNOWN["cases"][formula]
    assert set(fit.names) == set(case["names"])
    place = [fit.names.index(name) for name in case["names"]]
    np.testing.assert_allclose(fit.coefficients[place], case["coefficients"], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(fit.std_errors[place], case["std_errors"], rtol=1e-8)


@pytest.mark.parametrize("intercept", ["", "0 + "])
def test_several_references_are_left_out(intercept):
    t = DATA["t"]
    others = {f"t{i}": (t == k).astype(float) for i, k in enumerate([-3, -1, 0])}
    known = gm.ols(f"y ~ {intercept}{' + '.join(others)} + x", {**DATA, **others})
    fit = gm.ols(f"y ~ {intercept}i(t, ref=c(-2, 1, 2)) + x", DATA)
    assert fit.names[-4:] == ("t[-3]", "t[-1]", "t[0]", "x")
    np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.predict(DATA), known.predict({**DATA, **others}), rtol=1e-9)
    ridge = gm.ridge(f"y ~ {intercept}i(t, ref=c(-2, 1, 2)) + x", DATA, alpha=2.0)
    np.testing.assert_allclose(
        ridge.coefficients, gm.ridge(known.formula, {**DATA, **others}, alpha=2.0).coefficients, rtol=1e-8
    )


def test_a_gram_of_the_factors_has_the_columns_of_i(tmp_path):
    gram = gm.gram("y ~ factor(t) * treated + f * x", DATA)
    for formula in ("y ~ i(t, treated, ref=-1)", "y ~ i(f, x, ref='b') + i(t, ref=c(0, 1))"):
        fit, known = gram.ols(formula), gm.ols(formula, DATA)
        assert fit.names == known.names
        np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-9, atol=1e-12)
        known.save(tmp_path / "fit")
        assert gm.load(tmp_path / "fit").names == known.names
        np.testing.assert_array_equal(gm.load(tmp_path / "fit").predict(DATA), known.predict(DATA))


def test_a_negative_reference_is_the_reference():
    assert "C(t, ref=-1)[-1]" not in gm.ols("y ~ C(t, ref=-1)", DATA).names


def test_an_expression_may_be_counted_from_an_event():
    fit = gm.ols("y ~ i(t - 2 * treated, ref=-1)", DATA)
    counted = gm.ols("y ~ i(since, ref=-1)", {**DATA, "since": DATA["t"] - 2 * DATA["treated"]})
    assert fit.names[1] == "t - 2 * treated[-5]"
    np.testing.assert_array_equal(fit.coefficients, counted.coefficients)


def test_iplot_shows_estimates_by_level_and_zero_at_the_reference():
    fit = gm.ols(EVENT, DATA, vcov={"cluster": "firm"})
    for figure in (fit.iplot(), fit.plot(), fit.plot(kind="event"), fit.iplot("i(t, treated, ref=-1)")):
        dots, reference = figure.axes[0].get_lines()[1:3]
        np.testing.assert_array_equal(dots.get_xdata(), [-3, -2, 0, 1, 2])
        np.testing.assert_array_equal(dots.get_ydata(), fit.coefficients)
        assert (reference.get_xdata().tolist(), reference.get_ydata().tolist()) == ([-1], [0])
    assert {"t:treated", "estimate", EVENT} <= texts(figure)
    png(figure)
    png(figure.dark())


def test_iplot_writes_the_texts_of_levels_and_names_a_term_that_is_not_there():
    fit = gm.glm("I(y > 0) ~ i(f, ref='b') + i(t, x, ref=0)", DATA, "binomial")
    axis = fit.iplot().axes[0]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["a", "b", "c"]
    assert fit.iplot("i(t, ref=0):x").axes[0].get_xlabel() == "t:x"
    with pytest.raises(OptionError, match=r"no such term with i\(\); did you mean"):
        fit.iplot("i(t, ref=0)")
    with pytest.raises(OptionError, match="the formula has none"):
        gm.ols("y ~ x", DATA).iplot()


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ i(t, ref=9)", "no row has the level '9'"),
        ("y ~ f + i(f)", r"f and i\(f\) have columns of the same names"),
        ("y ~ log(i(t))", r"i\(\) is a term of its own"),
        ("y ~ i(t, ref2=3)", "ref2 is of the second column"),
        ("y ~ i(t, ref=x)", "a level or several of one type"),
        ("y ~ i(t, ref=c(1, 'a'))", "a level or several of one type"),
    ],
)
def test_what_i_refuses(formula, message):
    with pytest.raises((FormulaError, GramianError), match=message):
        gm.ols(formula, DATA)
