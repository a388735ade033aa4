"""Comparisons, choices, intervals and parts of dates against base R, row by row; r/choices.R has made the values."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from reference.r_values import EPS, cases, close, data

import gramian as gm
from gramian.batch import Batch
from gramian.formula.choices import factor_columns
from gramian.formula.evaluate import evaluate
from gramian.formula.grammar import parse
from gramian.formula.syntax import Call

KNOWN = cases("choices")
ROWS = [name for name, case in KNOWN.items() if "expression" in case]
DAYS = [date(1968, 12, 25) + timedelta(days=97 * i) for i in range(300)]
TIMES = [datetime(2024, 2, 28, 22) + timedelta(seconds=3601.5 * i) for i in range(300)]


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_the_value_that_it_has_in_r(name):
    case = KNOWN[name]
    term = parse(f"y ~ I({case.figures['expression']})").terms
    assert isinstance(term, Call)
    batch = Batch(case.data.num_rows, {n: case.data[n].combine_chunks() for n in case.data.column_names})
    if "levels" not in case:
        found = evaluate({"x": term}, batch)["x"]
        values = found.values if found.present is None else np.where(found.present, found.values, np.nan)
        close(values, case.numbers("values"), 4 * EPS)
        return
    texts = factor_columns({"x": term}, batch)["x"].to_pylist()
    known, levels = case.numbers("values"), case.texts("levels")
    assert texts == [None if np.isnan(code) else levels[int(code) - 1] for code in known]


@pytest.mark.parametrize(
    ("name", "column", "parts"),
    [
        ("dates", pa.array(DAYS), ("year", "quarter", "month", "day", "wday", "yday")),
        ("times", pa.array(TIMES, pa.timestamp("us", "UTC")), ("hour", "minute", "second")),
    ],
)
def test_parts_of_dates_are_those_of_r(name, column, parts):
    terms = {part: parse(f"y ~ {part}(t)").terms for part in parts}
    found = evaluate(terms, Batch(300, {"t": column}))
    np.testing.assert_array_equal(np.concatenate([found[part].values for part in parts]), KNOWN[name].numbers("values"))


def test_a_linear_model_with_choices_is_that_of_lm():
    case = KNOWN["model"]
    fit = gm.ols("Ozone ~ I(Solar.R > 150) * Wind + cut(Temp, c(50, 70, 80, 100)) + pmin(Day, 20)", data("airquality"))
    names = [n.replace("[(", "(").replace("]]", "]") for n in fit.names]
    assert [n.replace("[true]", "TRUE") for n in names] == [
        n.replace("(Intercept)", "Intercept") for n in case.texts("names")
    ]
    tolerance = 4 * fit.rows * EPS * (case.number("condition") + float(fit.condition) ** 2)
    assert fit.rows == case.number("rows")
    close(fit.coefficients, case.numbers("coefficients"), tolerance, 1.0)
    close(fit.std_errors, case.numbers("std_errors"), tolerance)
