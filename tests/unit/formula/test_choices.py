"""Formulas that compare, choose and cut, through fits, Grams, files and predictions."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import gramian as gm
from gramian.errors import FormulaError, GramianError, OptionError, SchemaError

N = 400
RNG = np.random.default_rng(7)
FRAME = pd.DataFrame(
    {
        "x": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(size=N).round(1)),
        "z": RNG.normal(size=N),
        "a": RNG.choice(["u", "v", "w", None], N, p=[0.4, 0.3, 0.2, 0.1]),
        "age": RNG.integers(10, 90, N),
        "t": pd.date_range("2023-11-30", periods=N, freq="43h"),
        "b": RNG.random(N) > 0.5,
        "firm": RNG.integers(0, 9, N),
        "c": RNG.poisson(2.0, N),
    }
)
FRAME["y"] = np.nan_to_num(FRAME.x) + (FRAME.age > 30) + RNG.normal(size=N)
FORMULAS = [
    "y ~ I(x > 0 & a == 'u') * z + I(!b)",
    "y ~ cut(age, c(0, 18, 30, Inf)) + ifelse(a %in% c('u', 'v'), z, 2)",
    "y ~ C(ifelse(x > 0.5, 'high', 'low'), ref='low'):z + factor(month(t)) + hour(t)",
    "I(y > 0) ~ poly(pmin(x, 1), 2) + pmax(x, z) | firm",
]


def by_hand():
    """The columns that the formulas mean, made with pandas."""
    d = FRAME.copy()
    known = ~((d.x.isna() & (d.a.isna() | (d.a == "u"))) | (d.a.isna() & (d.x > 0)))
    d["x_and_u"] = ((d.x > 0) & (d.a == "u")).where(known)
    return d


def test_comparisons_are_columns_of_true_and_false():
    d = by_hand()
    fit = gm.ols("y ~ I(x > 0 & a == 'u') * z + I(!b)", FRAME)
    d["not_b"] = ~d.b
    known = gm.ols("y ~ x_and_u * z + not_b", d.dropna(subset=["x_and_u"]).astype({"x_and_u": bool}))
    condition = 'I(x > 0 & a == "u")[true]'
    assert fit.names == ("Intercept", condition, "z", "I(!b)[true]", f"{condition}:z")
    assert fit.rows == known.rows
    np.testing.assert_array_equal(fit.coefficients, known.coefficients)


def test_cut_keeps_the_order_of_its_intervals_and_leaves_out_what_lies_outside():
    fit = gm.ols("y ~ cut(age, c(50, 20, 30))", FRAME)
    inside = FRAME[(FRAME.age > 20) & (FRAME.age <= 50)]
    known = gm.ols("y ~ older", inside.assign(older=inside.age > 30))
    assert fit.names == ("Intercept", "cut(age, c(50, 20, 30))[(30,50]]")
    assert fit.dropped_rows == {"null": N - len(inside)}
    np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-12)


def test_intervals_of_pandas_are_no_levels_and_trouble_no_other_column():
    d = FRAME.assign(age_group=pd.cut(FRAME.age, [0, 30, 90]))
    assert gm.ols("y ~ z", d).rows == N
    with pytest.raises(SchemaError, match="age_group"):
        gm.ols("y ~ age_group", d)


@pytest.mark.parametrize("formula", FORMULAS)
def test_saved_fits_grams_files_and_cuts_give_the_same(formula, tmp_path):
    """One law: wherever the rows are and however they are cut, the fit is the same; a saved one predicts alike."""
    fit = gm.ols(formula, FRAME)
    table = pa.Table.from_pandas(FRAME)
    parquet.write_table(table, tmp_path / "d.parquet", row_group_size=37)
    shuffled = FRAME.sample(frac=1.0, random_state=3)
    parts = [gm.gram(formula, FRAME[i::3]) for i in range(3)]
    (parts[0] + parts[1] + parts[2]).save(tmp_path / "sums.gram")
    others = [
        gm.ols(formula, tmp_path / "d.parquet"),
        gm.ols(formula, shuffled),
        gm.load(tmp_path / "sums.gram").ols(formula),
    ]
    for other in others:
        assert (other.rows, set(other.names)) == (fit.rows, set(fit.names))
        place = [other.names.index(name) for name in fit.names]
        np.testing.assert_allclose(other.coefficients[place], fit.coefficients, rtol=1e-9, atol=1e-11)
    if "|" in formula:
        return
    fit.save(tmp_path / "saved.fit")
    predicted = np.asarray(fit.predict(FRAME))
    np.testing.assert_array_equal(np.asarray(gm.load(tmp_path / "saved.fit").predict(FRAME)), predicted)
    known = gm.ols(formula, FRAME, exact=True)
    np.testing.assert_allclose(known.coefficients, fit.coefficients, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "text", ["x > 0 & a == 'u'", "age >= 18 | b", "!(a != 'v')", "month(t) == 2", "t < '2024-03-01'"]
)
def test_a_condition_means_in_a_formula_what_it_means_in_where(text):
    fit = gm.ols(f"y ~ I({text})", FRAME)
    inside = gm.ols("y ~ 1", FRAME, where=text)
    names = {name.rpartition("[")[2]: value for name, value in zip(fit.names, fit.coefficients, strict=True)}
    assert names["Intercept"] + names["true]"] == pytest.approx(inside.coefficients[0], rel=1e-10)


def test_effects_evaluate_choices_again():
    fit = gm.ols("y ~ I(age > 30) + pmax(x, 0.05) + ifelse(a == 'u', z, -z)", FRAME)
    coefficients = dict(zip(fit.names, fit.coefficients, strict=True))
    averages = fit.predictions(at={"age": [20, 40]}).estimates
    assert averages[1] - averages[0] == pytest.approx(coefficients["I(age > 30)[true]"])
    complete = FRAME.dropna(subset=["x", "a"])
    slope = coefficients["pmax(x, 0.05)"] * np.mean(complete.x > 0.05)
    assert fit.slopes("x").estimates[0] == pytest.approx(slope)
    of_z = coefficients['ifelse(a == "u", z, -z)'] * np.mean(np.where(complete.a == "u", 1, -1))
    assert fit.slopes("z").estimates[0] == pytest.approx(of_z)
    with pytest.raises(OptionError, match="'a' is no column of numbers here"):
        fit.comparisons("a")


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ x > 0", r"stand inside I\(\) or another function, as in I\(x > 0\)"),
        ("y ~ I(0 < x < 1)", "comparisons do not follow each other"),
        ("y ~ I(x > 'u')", 'x > "u" compares a number with text'),
        ("y ~ I(a & b)", 'a is text, not true or false; compare it, as in a == "a"'),
        ("y ~ I(x & b)", "compare it, as in x > 0"),
        ("y ~ I(x + z %in% c(1, 2))", "in parentheses"),
        ("y ~ I(x %in% z)", "behind %in% stands a list of values"),
        ("y ~ I('u')", "stands only after a keyword or in a comparison"),
        ("y ~ month(x)", r"month\(x\) is a part of a date, but column 'x' is double"),
        ("y ~ cut(age, 3)", "two or more different numbers"),
        ("y ~ cut(age, c(1, 1))", "two or more different numbers"),
        ("y ~ cut(age, c(1, 2, 3), labels=c('u'))", "3 breaks make 2 intervals"),
        ("y ~ log(cut(age, c(1, 2)))", "is text, not a number"),
        ("y ~ ifelse(b, x, 'u')", "chooses between a number and text"),
        ("y ~ ifelse(x, 1, 2)", "x is a number, not true or false"),
        ("y ~ pmin(x)", "'x2' is missing"),
        ("y ~ I(missing > 0)", "no column 'missing'"),
    ],
)
def test_what_makes_no_sense_is_refused(formula, message):
    with pytest.raises((FormulaError, SchemaError, GramianError), match=message):
        gm.ols(formula, FRAME)


def test_a_curve_may_choose_by_columns_but_not_by_parameters():
    fit = gm.curve("y ~ p + q * ifelse(age > 30, 1, 0)", FRAME)
    known = gm.ols("y ~ I(age > 30)", FRAME)
    np.testing.assert_allclose(fit.coefficients, known.coefficients, rtol=1e-9)
    with pytest.raises(FormulaError, match="'k' is a parameter"):
        gm.curve("y ~ p * (x > k)", FRAME, start={"k": 0.0})
