import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gramian.errors import OptionError
from gramian.inference.hypothesis import hypotheses

NAMES = (
    "Intercept", "x", "x1", "x12", "poly(x, 3)[1]", "poly(x, 3)[2]", "f[AA]", "f[a, b = c]", "a:b", "f[AA]:x",
    "`my col`", "log(x)", "größe", "a.b", "f[-1]", "I(x^2)", "f[1]",
)  # fmt: skip


def parsed(text, names=NAMES):
    R, q = hypotheses(text, names)
    rows = [{names[i]: float(c) for i, c in enumerate(row) if c} for row in R]
    return list(zip(rows, q.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = x1", [({"x": 1, "x1": -1}, 0)]),
        ("x", [({"x": 1}, 0)]),
        ("x=1", [({"x": 1}, 1)]),
        ("2 = x", [({"x": -1}, -2)]),
        ("2*x1 + x = 3", [({"x": 1, "x1": 2}, 3)]),
        ("x1*2 - x12/4 = -1", [({"x1": 2, "x12": -0.25}, -1)]),
        ("-(x - x1) = 2*(x + 1)", [({"x": -3, "x1": 1}, 2)]),
        ("x = 0, x1 = 0", [({"x": 1}, 0), ({"x1": 1}, 0)]),
        ("x = x1, x12 = 5", [({"x": 1, "x1": -1}, 0), ({"x12": 1}, 5)]),
        ("poly(x, 3)[2] = poly(x, 3)[1], log(x)", [({"poly(x, 3)[2]": 1, "poly(x, 3)[1]": -1}, 0), ({"log(x)": 1}, 0)]),
        ("f[a, b = c] = f[AA]", [({"f[a, b = c]": 1, "f[AA]": -1}, 0)]),
        ("f[AA]:x - f[AA]", [({"f[AA]:x": 1, "f[AA]": -1}, 0)]),
        ("a:b = a.b", [({"a:b": 1, "a.b": -1}, 0)]),
        ("`my col` = `x1`", [({"`my col`": 1, "x1": -1}, 0)]),
        ("`f[AA]`*1e-3 = .5", [({"f[AA]": 1e-3}, 0.5)]),
        ("größe-x", [({"größe": 1, "x": -1}, 0)]),
        ("x-1", [({"x": 1}, 1)]),
        ("f[-1]-f[1]", [({"f[-1]": 1, "f[1]": -1}, 0)]),
        ("  x  =\n x1 ", [({"x": 1, "x1": -1}, 0)]),
        ("1 + x - 1", [({"x": 1}, 0)]),
        ("2*3*x/(1+1)", [({"x": 3}, 0)]),
        ("I(x^2) = Intercept", [({"I(x^2)": 1, "Intercept": -1}, 0)]),
    ],
)
def test_texts_that_parse(text, expected):
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a coefficient, a number or '\\('.*the text ends"),
        ("x = ", "the text ends"),
        ("x, ", "the text ends"),
        ("x x1", "expected an operator, '=' or ','"),
        ("x = 1 = 2", "contains no coefficient to test"),
        ("2x", "no coefficient '2x'; did you mean 'x'"),
        ("x13", "no coefficient 'x13'; did you mean 'x1.?'"),
        ("f[AAA] = 0", "no coefficient 'f\\[AAA\\]'; did you mean 'f\\[AA\\]'"),
        ("a", "no coefficient 'a'"),
        ("quite_other", "no coefficient 'quite_other'; the coefficients are Intercept, x, x1"),
        ("`x", "expected a coefficient"),
        ("x * x1", "two coefficients cannot be multiplied"),
        ("1 / x", "only a number other than zero may stand after '/'"),
        ("x / 0", "only a number other than zero may stand after '/'"),
        ("1 = 1", "contains no coefficient"),
        ("x = x", "contains no coefficient"),
        ("(x", "expected '\\)'"),
        ("x)", "expected an operator"),
        ("x = ]", "expected a coefficient, a number"),
        ("(" * 60 + "x" + ")" * 60, "nested 50 levels deep"),
        ("-" * 60 + "x", "nested 50 levels deep"),
        ("1e999*x", "too large"),
        ("x = 1e999", "too large"),
        ("x" * 100_001, "at most 100,000 characters"),
    ],
)
def test_texts_that_do_not(text, message):
    with pytest.raises(OptionError, match=message):
        hypotheses(text, NAMES)


def test_what_is_no_text():
    with pytest.raises(OptionError, match="a hypothesis is a text"):
        hypotheses(3, NAMES)


def test_aliased_coefficients_cannot_be_tested():
    with pytest.raises(OptionError, match=r"'x1' cannot be tested: the data do not determine it \(x1 = 2\*x\)"):
        hypotheses("x = x1", NAMES, {"x1": "2*x"})


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-9, 9).filter(bool)), min_size=1), st.integers(-9, 9))
def test_sums_of_any_names(parts, right):
    R, q = np.zeros(len(NAMES)), float(right)
    for name, c in parts:
        R[NAMES.index(name)] += c
    text = " + ".join(f"({c})*{name}" for name, c in parts) + f" = {right}"
    if R.any():
        got, value = hypotheses(text, NAMES)
        assert got.tolist() == [R.tolist()]
        assert value.tolist() == [q]
    else:
        with pytest.raises(OptionError):
            hypotheses(text, NAMES)


@given(st.text(alphabet="x1[]()`,=+-*/ .eAf:²٣", max_size=30))
def test_no_text_does_anything_but_parse_or_fail(text):
    try:
        R, q = hypotheses(text, NAMES)
    except OptionError:
        return
    assert np.isfinite(R).all()
    assert np.isfinite(q).all()
