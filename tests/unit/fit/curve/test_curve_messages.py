"""What is said of curves that cannot be read or fitted."""

from __future__ import annotations

import numpy as np
import pytest

from gramian import curve
from gramian.data.source import source_of
from gramian.engines.local import Local
from gramian.errors import (
    ColumnError,
    ConvergenceError,
    DataError,
    FormulaError,
    GramianError,
    NotIdentifiedError,
    NumericalError,
    OptionError,
    SchemaError,
)
from gramian.fit.curve.options import curve_options
from gramian.fit.curve.plan import plan_curve
from gramian.fit.passes.job import PassRunner

X = np.linspace(-3, 3, 30)
DATA = {"x": X, "y": 2 / (1 + np.exp(-X)) + 0.01 * np.cos(7 * X), "word": ["a"] * 30, "weight": X}
LOGISTIC = "y ~ top / (1 + exp(-rate * (x - mid)))"


def said(error, formula, start=None, data=DATA, **options):
    with pytest.raises(GramianError) as caught:
        curve(formula, data, start, **options)
    assert type(caught.value) is error, caught.value
    return str(caught.value)


FORMULAS = [
    ("y", "a formula needs '~' between the outcome and the curve, as in y ~ a * exp(b * x)"),
    ("~ a*x", "nothing stands left of '~'; name the outcome, as in y ~ a * exp(b * x)"),
    ("y ~", "nothing stands right of '~'; write the curve, as in y ~ a * exp(b * x), or logistic(x)"),
    ("y ~ a * x)", "this ')' was not opened"),
    ("y ~ a * x b", "expected an operator, found 'b' after 'x'"),
    ("y ~ a * (x", "this '(' is not closed"),
    ("y ~ poly(x, 2) * a", "poly() is a term of a linear model; a curve is arithmetic"),
    ("y ~ logistic(x) + b", "logistic() is a whole curve and stands alone; to change it, write it out: top / (1 + "),
    ("y ~ logistic()", "logistic() takes what the curve depends on, as in logistic(x)"),
    ("y ~ logistic(x, 2)", "logistic() takes one argument, what the curve depends on"),
    ("y ~ logistic(3)", "logistic() depends on no column"),
    ("y ~ sinh(a * x)", "no function 'sinh'; did you mean 'sin'?"),
    ("3 ~ a * x", "the outcome uses no column"),
    ("a ~ a * x", "the outcome uses the parameter 'a'; it may use columns only"),
]


@pytest.mark.parametrize(("formula", "message"), FORMULAS)
def test_formulas(formula, message):
    assert message in said(FormulaError, formula, {"a": 1})


START = {"top": 1, "rate": 1, "mid": 0}
OPTIONS = [
    (LOGISTIC, None, {}, "the parameters rate, mid need a start, as in "
     'start={"rate": 1, "mid": 1} (the curve is linear in top, which needs none; columns in the curve: x)'),
    ("y ~ a * b * x", None, {}, 'the parameter b needs a start, as in start={"b": 1} (the curve is linear in a, which'),
    ("y ~ a + b * x", None, {"bounds": {"b": (0, None)}}, 'the parameter b needs a start, as in start={"b": 1}'),
    ("y ~ a * exp(wight)", None, {}, "'wight': did you mean 'weight'?"),
    (LOGISTIC, {"top": 1, "rate": 1}, {}, 'the parameter mid needs a start, as in start={"mid": 1}'),
    ("y ~ a * wrd", {"a": 1}, {}, "the parameter wrd needs a start"),
    ("y ~ a * wrd", {"a": 1}, {}, "'wrd': did you mean 'word'?"),
    (LOGISTIC, {**START, "raet": 1}, {}, "start: 'raet' does not occur in the curve"),
    (LOGISTIC, {**START, "x": 1}, {}, "'x' is a column of the data and cannot be a parameter too"),
    ("y ~ 2 * x", None, {}, "the curve '2 * x' has no parameters: every name in it is a column"),
    (LOGISTIC, {**START, "mid": float("nan")}, {}, "the start of 'mid' must be a finite number, found nan"),
    (LOGISTIC, {**START, "mid": "0"}, {}, "the start of 'mid' must be a finite number, found '0'"),
    (LOGISTIC, [1, 2, 3], {}, 'start must map names to values, as in start={"rate": 1, "mid": 0}, found [1, 2, 3]'),
    (LOGISTIC, START, {"bounds": {"rate": 3}}, "the bounds of 'rate' must be a pair (low, high), found 3"),
    (LOGISTIC, START, {"bounds": {"rate": (2, 1)}}, "the bounds of 'rate' must be low < high, found (2, 1)"),
    (LOGISTIC, START, {"bounds": {"rate": (1, 1)}}, "to hold it at 1, write the number in its place"),
    (LOGISTIC, START, {"bounds": {"rate": (0, "b")}}, "must be numbers, or None where there is none; found 'b'"),
    (LOGISTIC, START, {"bounds": {"rte": (0, 1)}}, "bounds: 'rte' is no parameter of the curve; did you mean 'rate'?"),
    (LOGISTIC, START, {"bounds": {"rate": (2, 3)}}, "the start of 'rate' is 1, outside its bounds (2, 3)"),
    ("y ~ logistic(x)", {"slope": 1}, {}, "start: 'slope' is no parameter of the curve; its parameters are top, rate"),
    (LOGISTIC, START, {"max_passes": 0}, "max_passes must be a whole number from 1 on, found 0"),
    (LOGISTIC, START, {"tolerance": 2}, "tolerance must be a number of standard errors between 0 and 1, found 2"),
    (LOGISTIC, START, {"weights": 3}, "weights must be the name of a column, found int"),
    (LOGISTIC, START, {"engine": 3}, "engine must have a method 'fold'"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "start", "options", "message"), OPTIONS)
def test_options(formula, start, options, message):
    assert message in said(OptionError, formula, start, **options)


def test_columns():
    assert "no column 'z'" in said(ColumnError, "y ~ logistic(z)")
    assert "no column 'z'" in said(ColumnError, "z ~ logistic(x)")
    assert "column 'word' is text, not a number" in said(SchemaError, "y ~ logistic(word)")
    assert "no column 'wt'" in said(ColumnError, LOGISTIC, START, weights="wt")
    assert "weights='word': the column is text, not a number" in said(SchemaError, LOGISTIC, START, weights="word")
    assert "weights must be finite and not negative, found -3" in said(DataError, LOGISTIC, START, weights="weight")


def test_data_that_are_read_once():
    once = (batch for batch in [{"x": X, "y": X}])
    assert "these data can be read only once; pass files, a frame or a list" in said(DataError, LOGISTIC, START, once)


def test_no_rows_and_too_few():
    gone = {"x": [1.0, None], "y": [None, 2.0]}
    text = "no rows are left to fit 'y ~ logistic(x)' (2 were left out: 2 null)"
    assert text in said(NumericalError, "y ~ logistic(x)", None, gone)
    assert "(2 were left out: 2 null)" in said(NumericalError, LOGISTIC, START, gone)
    few = {"x": [1.0, 2.0], "y": [1.0, 2.0]}
    assert "3 parameters need at least as many rows; 2 are complete" in said(NotIdentifiedError, LOGISTIC, START, few)


def test_a_start_where_the_curve_is_not_defined():
    text = said(NumericalError, "y ~ a * exp(b * x)", {"a": 1, "b": 1000})
    assert "at the start b = 1000 the curve a * exp(b * x) or one of its derivatives is not finite" in text
    assert "in 12 rows, first in dict of arrays, row 19 (x = 0.724138); start elsewhere" in text
    assert "is not finite in 30 rows" in said(
        NumericalError, "y ~ a + log(b) * x", {"a": 1, "b": -1}, bounds={"a": (0, 9)}
    )


def test_squares_that_overflow():
    data = {"x": X, "y": DATA["y"] * 1e200}
    assert "squares of the curve overflow; rescale the outcome" in said(NumericalError, LOGISTIC, START, data)


def test_a_start_where_the_curve_is_flat():
    text = said(NotIdentifiedError, LOGISTIC, {**START, "rate": 0})
    assert "rate = 0, mid = 0, 'mid' has no effect on the curve in any row; start elsewhere" in text


def test_parameters_that_the_data_do_not_determine():
    text = "the data do not determine a, b one by one: the curve does not change when they move together"
    assert text in said(NotIdentifiedError, "y ~ a * b * x", {"a": 1, "b": 1})
    assert text in said(NotIdentifiedError, "y ~ exp(a * b * x)", {"a": 1, "b": 0.1})
    assert text in said(NotIdentifiedError, "y ~ (a - b) * x", {"a": 1, "b": 0.1})
    sums = "y ~ top / (1 + exp(-rate * (x - a - b)))"
    assert text in said(NotIdentifiedError, sums, {"top": 1, "rate": 1, "a": 0.1, "b": 0})


def test_no_convergence_says_why_and_what_to_try():
    text = said(ConvergenceError, LOGISTIC, {"top": 1, "rate": 0.1, "mid": 3}, max_passes=2)
    assert text.startswith("no convergence after 2 passes: one more step would move the curve by ")
    assert "standard errors; last: top = " in text
    assert text.endswith("Try another start, bounds, a simpler curve, or more passes (max_passes=4)")
    assert ConvergenceError.exit_code == 4


def test_a_curve_with_a_kink():
    y = np.abs(X - 0.31) + 0.01 * np.sin(50 * X)
    assert curve("y ~ abs(x - a) + b", {"x": X, "y": y}, {"a": -2.0, "b": 0})["a"] == pytest.approx(0.31, abs=0.01)


def test_trial_points_where_the_curve_is_not_defined_are_refused_and_the_search_goes_on():
    x = np.linspace(0, 5, 60)
    fit = curve("y ~ a * log(b + x)", {"x": x, "y": 2 * np.log(0.05 + x) + 0.01 * np.sin(9 * x)}, {"a": 1, "b": 500})
    assert fit["b"] == pytest.approx(0.05, rel=0.05)
    assert fit.passes <= 20


def test_the_plan_says_which_start_is_completed_from_a_sample():
    runner = PassRunner(source_of(DATA), Local(1))
    plans = {start: str(plan_curve("y ~ logistic(x)", curve_options(dict.fromkeys(start, 1.0)), runner))
             for start in ((), ("rate",), ("rate", "mid"))}  # fmt: skip
    sampled, given = "from a sample that one cheap pass draws", "the search begins at the values given for rate"
    assert [(given in said, sampled in said) for said in plans.values()] == [(False, True), (True, True), (True, False)]


def test_the_plan_refuses_data_that_can_be_read_once_as_the_fit_does():
    batches = (batch for batch in [DATA])
    with pytest.raises(DataError, match="a curve is fitted in several passes, and these data can be read only once"):
        plan_curve("y ~ logistic(x)", curve_options(), PassRunner(source_of(batches), Local(1)))
