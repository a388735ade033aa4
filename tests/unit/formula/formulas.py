"""What the tests of formulas share: short ways to expand, and random expressions."""

import hypothesis.strategies as st

from gramian.formula.expand import expand
from gramian.formula.functions import FUNCTIONS
from gramian.formula.grammar import parse
from gramian.formula.syntax import Binary, Call, Flag, Name, Negative, Not, Number, Text, label

COLUMNS = ("y", "a", "b", "c", "d", "x", "z")
ELEMENTWISE = sorted(set(FUNCTIONS) - {"as_number"})


def terms(text, columns=COLUMNS, matrices=None):
    """The labels of the terms, after "1" when there is an intercept."""
    expanded = expand(parse(text), columns, matrices or {})
    return ["1"] * expanded.intercept + [":".join(map(label, term)) for term in expanded.terms]


names = st.one_of(st.sampled_from(COLUMNS), st.text(min_size=0, max_size=6)).map(Name)
numbers = st.one_of(st.integers(0, 30).map(float), st.floats(0, allow_nan=False, allow_infinity=False)).map(
    lambda value: Number(abs(value))
)
expressions = st.recursive(
    names | numbers,
    lambda inner: st.one_of(
        inner.map(Negative),
        st.builds(Binary, st.sampled_from("+-*/^"), inner, inner),
        st.builds(lambda function, argument: Call(function, (argument,)), st.sampled_from(ELEMENTWISE), inner),
    ),
    max_leaves=12,
)
literals = st.one_of(numbers, numbers.map(Negative), st.text(max_size=5).map(Text), st.booleans().map(Flag))
listed = st.lists(st.text(max_size=5).map(Text), min_size=1, max_size=3).map(lambda parts: Call("c", tuple(parts)))
compared = st.one_of(
    st.builds(Binary, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), expressions, expressions | literals),
    st.builds(Binary, st.just("%in%"), names, listed),
)
conditions = st.recursive(
    compared,
    lambda inner: st.one_of(
        inner.map(Not),
        st.builds(Binary, st.sampled_from("&|"), inner, inner),
        st.builds(lambda *a: Binary("==", Call("ifelse", a), Number(1.0)), inner, expressions, expressions | literals),
    ),
    max_leaves=8,
)
levels = st.one_of(st.text(max_size=5).map(Text), numbers, numbers.map(Negative), st.booleans().map(Flag))
structural = st.one_of(
    st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["center", "scale", "offset"]), expressions),
    st.builds(lambda f, x: Call(f, (x,)), st.sampled_from(["factor", "C", "as_number"]), names),
    st.builds(lambda x, ref: Call("C", (x,), (("ref", ref),)), names, levels),
    st.builds(lambda x, degree: Call("poly", (x, Number(float(degree)))), expressions, st.integers(1, 20)),
    st.builds(lambda x: Call("poly", (x, Number(2.0)), (("raw", Flag(True)),)), expressions),
)
