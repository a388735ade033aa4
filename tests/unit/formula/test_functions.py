import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from unit.formula.formulas import expressions

from gramian.batch import Batch
from gramian.errors import DataError, FormulaError
from gramian.formula.evaluate import evaluate
from gramian.formula.functions import monomial, uses_as_number
from gramian.formula.grammar import parse, parse_expression
from gramian.formula.kinds import uses
from gramian.formula.syntax import label, names
from gramian.schema import Kind

X, Z = np.array([1.0, 2.0, -3.0]), np.array([4.0, 0.5, 2.0])
BATCH = Batch(
    3, {"x": X, "z": pa.array([4.0, None, 2.0]), "w": pa.array([None, 1, 2]), "b": pa.array([True, False, True])}
)


def value(text, batch=BATCH):
    return evaluate({text: parse_expression(text)}, batch)[text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", X),
        ("I(x^2 + 1)", X**2 + 1),
        ("-x^2", -(X**2)),
        ("2^-1", [0.5] * 3),
        ("2^3^2", [512.0] * 3),
        ("x - 1 - 1", X - 2),
        ("x/2*4", X * 2),
        ("abs(x)^0.5", np.abs(X) ** 0.5),
        ("exp(x) + expm1(x)", np.exp(X) + np.expm1(X)),
        ("sin(x) * cos(x) + tan(x) + tanh(x)", np.sin(X) * np.cos(X) + np.tan(X) + np.tanh(X)),
        ("atan(x) - 2 * arctan(x)", -np.arctan(X)),
        ("log1p(abs(x)) + log2(abs(x)) + log10(abs(x))", np.log1p(abs(X)) + np.log2(abs(X)) + np.log10(abs(X))),
        ("b + 1", [2.0, 1.0, 2.0]),
        ("7", [7.0] * 3),
    ],
)
def test_values(text, expected):
    found = value(text)
    assert found.present is None
    assert found.values.dtype == np.float64
    np.testing.assert_array_equal(found.values, expected)


def test_what_is_no_number_is_silent():
    np.testing.assert_array_equal(value("log(x)").values, [0.0, math.log(2), math.nan])
    np.testing.assert_array_equal(value("x/0").values, [math.inf, math.inf, -math.inf])
    np.testing.assert_array_equal(value("10^400 * x").values, [math.inf, math.inf, -math.inf])


def test_a_row_is_present_when_all_its_columns_are():
    assert value("x * z").present.tolist() == [True, False, True]
    assert value("I(w + z)").present.tolist() == [False, False, True]
    assert value("w^0").present.tolist() == [False, True, True]


def test_no_rows():
    assert value("x + 1", Batch(0, {"x": np.empty(0)})).values.shape == (0,)
    assert value("2", Batch(0, {})).values.shape == (0,)


def test_dates_are_numbers_through_as_number():
    batch = Batch(1, {"day": pa.array([1], pa.date32())})
    assert value("as_number(day) / 2", batch).values.tolist() == [0.5]


def test_text_is_no_number():
    with pytest.raises(DataError, match="holds string"):
        value("log(s)", Batch(1, {"s": pa.array(["a"])}))


@given(expressions)
def test_every_expression_has_a_value_on_every_batch(node):
    batch = Batch(3, dict.fromkeys(names(node), X))
    assert evaluate({"x": node}, batch)["x"].values.shape == (3,)
    assert set(uses(node)) == {(name, Kind.NUMBER) for name in names(node)}


def test_who_must_be_a_number():
    node = parse_expression("log(x) + as_number(d) * z")
    assert uses_as_number(node) == {"d"}


def test_as_what_columns_are_used():
    term = parse("y ~ I(ifelse(a == 'u' & !b | month(d) %in% c(1, 2), x, z) > log(w))").terms
    kinds = {name: str(kind) for name, kind in uses(term)}
    expected = {"a": "text", "b": "boolean", "d": "date"} | dict.fromkeys(("x", "z", "w"), "number")
    assert kinds == expected


@pytest.mark.parametrize(
    ("text", "powers"),
    [
        ("x", {"x": 1}),
        ("I(x)", {"x": 1}),
        ("I(x^2)", {"x": 2}),
        ("I((x)^3)", {"x": 3}),
        ("I(x*z)", {"x": 1, "z": 1}),
        ("I(x^2*z*x)", {"x": 3, "z": 1}),
        ("I((x*z)^2)", {"x": 2, "z": 2}),
        ("I(I(x)^2)", {"x": 2}),
        ("log(x)", {"log(x)": 1}),
        ("I(log(x)^2 * z)", {"log(x)": 2, "z": 1}),
        ("as_number(d)", {"as_number(d)": 1}),
        ("I(x^20)", {"x": 20}),
    ],
)
def test_monomials(text, powers):
    assert {label(base): power for base, power in monomial(parse_expression(text)).items()} == powers


@pytest.mark.parametrize(
    "text",
    [
        *(
            "I(2*x)",
            "I(x+1)",
            "I(x/z)",
            "I(x^0.5)",
            "I(x^-1)",
            "I(x^0)",
            "I(-x)",
            "I(2^x)",
            "I(x^z)",
            "I((x+1)^2)",
            "3",
        ),
        *("poly(x, 2)", "center(x)", "scale(x)", "factor(x)", "offset(x)", "I(x - z)"),
    ],
)
def test_what_is_no_monomial(text):
    assert monomial(parse_expression(text)) is None


@pytest.mark.parametrize("text", ["I(x^21)", "I(x^10*z^11)", "I((x^5)^5)", "I(x^1e308)", "I((x^1e308)^1e308)"])
def test_high_powers_are_refused_at_their_place(text):
    with pytest.raises(FormulaError, match="powers go up to 20") as caught:
        parse(f"y ~ a + {text}")
    assert caught.value.position == 8


WRONG = {
    "log(x, z)": (7, "takes 1 argument"),
    "log()": (0, "'x' is missing"),
    "log(base=x)": (9, "does not know 'base'"),
    "poly(x)": (0, "'degree' is missing"),
    "poly(x, 0)": (8, "from 1 to 20"),
    "poly(x, 21)": (8, "from 1 to 20"),
    "poly(x, -1)": (8, "from 1 to 20"),
    "poly(x, z)": (8, "from 1 to 20"),
    "poly(x, 1, degree=2)": (18, "'degree' twice"),
    "poly(x, 2, raw=1)": (15, "TRUE or FALSE"),
    "poly(x, 2, rwa=TRUE)": (15, "did you mean 'raw'"),
    "poly(x, 2, raw=TRUE, raw=TRUE)": (25, "'raw' twice"),
    "month(log(x))": (6, "the name of a column"),
    "as_number(month(x))": (10, "the name of a column"),
    "C(x, ref=z)": (9, "a text, a number"),
    'factor(x, ref="b")': (14, "does not know 'ref'"),
    "I(poly(x, 2))": (2, "cannot stand inside I()"),
    "poly(center(x), 2)": (5, "cannot stand inside poly()"),
    "log(1 + scale(x))": (8, "cannot stand inside log()"),
    "I('a')": (2, "only after a keyword"),
    "log(TRUE)": (4, "only after a keyword"),
    "poly(raw=TRUE, x, 2)": (15, "stands before"),
    "I(-'a')": (3, "only after a keyword"),
    "log(x='a')": (6, "made of columns"),
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_calls_are_refused_at_their_place(text):
    position, words = WRONG[text]
    with pytest.raises(FormulaError) as caught:
        parse_expression(text)
    assert words in str(caught.value)
    assert caught.value.position == position
