import pytest
from hypothesis import given
from hypothesis import strategies as st
from patsy import ModelDesc
from unit.formula.formulas import COLUMNS, terms

from gramian.errors import ColumnError, FormulaError
from gramian.formula.expand import expand
from gramian.formula.grammar import parse
from gramian.formula.syntax import label

# what attr(terms(formula), "term.labels") is in R, after "1" when attr(, "intercept") is 1
AS_R = {
    "y ~ a": "1 a",
    "y ~ 1": "1",
    "y ~ 0": "",
    "y ~ -1": "",
    "y ~ a - 1": "a",
    "y ~ a + 0": "a",
    "y ~ 0 + a": "a",
    "y ~ a - 0": "1 a",
    "y ~ a - 1 + 1": "1 a",
    "y ~ a + -1": "a",
    "y ~ a:b": "1 a:b",
    "y ~ a*b": "1 a b a:b",
    "y ~ b*a": "1 b a b:a",
    "y ~ a:b + a": "1 a a:b",
    "y ~ b:a + a": "1 a b:a",
    "y ~ a + b:a": "1 a a:b",
    "y ~ a*b*c": "1 a b c a:b a:c b:c a:b:c",
    "y ~ a:b + b:a": "1 a:b",
    "y ~ a:a": "1 a",
    "y ~ (a + b + c)^2": "1 a b c a:b a:c b:c",
    "y ~ (a + b)^3": "1 a b a:b",
    "y ~ (a + b + c)**2 - a:b": "1 a b c a:c b:c",
    "y ~ a*b*c - a:b:c": "1 a b c a:b a:c b:c",
    "y ~ a*b - a": "1 b a:b",
    "y ~ a/b": "1 a a:b",
    "y ~ a/b/c": "1 a a:b a:b:c",
    "y ~ (a + b)/c": "1 a b a:b:c",
    "y ~ a/(b + c)": "1 a a:b a:c",
    "y ~ (a + b):c": "1 a:c b:c",
    "y ~ (a + b):(c + d)": "1 a:c a:d b:c b:d",
    "y ~ a:b*c": "1 c a:b a:b:c",
    "y ~ a + (b - a)": "1 a b",
    "y ~ a - (a - b)": "1",
    "y ~ a + b - a + a": "1 b a",
    "y ~ .": "1 a b c d x z",
    "y ~ . - a": "1 b c d x z",
    "y ~ d + .": "1 d a b c x z",
    "y ~ . - 1": "a b c d x z",
    "log(y) ~ . - a - b - c - d": "1 x z",
    "y + x ~ . - a - b - c - d": "1 z",
    "y ~ . + I(x^2) - a - b - c - d": "1 x z I(x^2)",
    "y ~ log(x)*a": "1 log(x) a log(x):a",
    "y ~ a + offset(x)": "1 a",
    "y ~ offset(x) + a - 1": "a",
    "y ~ poly(x,2):a + factor(b)": "1 factor(b) poly(x, 2):a",
}


@pytest.mark.parametrize("text", AS_R)
def test_terms_are_those_of_r(text):
    assert " ".join(terms(text)).replace(", ", ",") == AS_R[text].replace(", ", ",")


def test_offsets_are_collected():
    expanded = expand(parse("y ~ a + offset(log(x)) + b + offset(z) - offset(z)"), COLUMNS, {})
    assert [label(offset) for offset in expanded.offsets] == ["log(x)"]


def test_a_matrix_is_the_sum_of_its_columns():
    columns, matrices = ("y", "X[0]", "X[1]", "z"), {"X": 2}
    assert terms("y ~ X + z", columns, matrices) == ["1", "X[0]", "X[1]", "z"]
    assert terms("y ~ X:z - X[1]:z", columns, matrices) == ["1", "X[0]:z"]
    assert terms("y ~ .", columns, matrices) == ["1", "X[0]", "X[1]", "z"]
    assert terms("X[0] ~ . - z", columns, matrices) == ["1", "y", "X[1]"]
    assert terms("y ~ log(X[1])", columns, matrices) == ["1", "log(X[1])"]


@pytest.mark.parametrize(
    "text", ["y ~ w", "w ~ x", "y ~ log(w)", "y ~ x:w", "y ~ x - w", "y ~ offset(w)", "log(w) ~ ."]
)
def test_unknown_columns_are_named(text):
    with pytest.raises(ColumnError, match="no column 'w'"):
        terms(text)


@pytest.mark.parametrize(
    "text", ["y ~ a:offset(x)", "y ~ a*offset(x)", "y ~ (a + offset(x))^2", "y ~ (offset(x) + a):b"]
)
def test_offsets_are_not_crossed(text):
    with pytest.raises(FormulaError, match="an offset"):
        terms(text)


def wide(count):
    return ("y", *(f"x{i}" for i in range(count)))


def test_wide_data_expands():
    assert len(terms("y ~ .", wide(2_000))) == 2_001
    assert len(terms("y ~ .^2", wide(100))) == 1 + 100 + 4_950


@pytest.mark.parametrize(
    ("text", "columns", "matrices"),
    [
        ("y ~ .", wide(10_001), {}),
        ("y ~ .^2", wide(200), {}),
        ("y ~ .^10", wide(30), {}),
        ("y ~ X", wide(1), {"X": 10**12}),
        ("y ~ " + "*".join(f"x{i}" for i in range(20)), wide(20), {}),
        ("y ~ " + ":".join(["(.^10)"] * 90), wide(12), {}),
    ],
)
def test_too_many_terms_are_refused(text, columns, matrices):
    with pytest.raises(FormulaError, match=r"10,000 terms|2,000,000 pairs"):
        terms(text, columns, matrices)


leaves = st.sampled_from("abcd")
sums = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-:*/"), inner), inner.map("({0} + a)^2".format)
    ),
    max_leaves=8,
)


def bag(text):
    return {frozenset(term.split(":")) for term in terms(f"y ~ {text}")}


@given(sums)
def test_terms_agree_with_patsy(text):
    theirs = ModelDesc.from_formula(f"y ~ {text}".replace("^", "**")).rhs_termlist
    assert bag(text) == {frozenset(factor.name() for factor in term.factors) or frozenset("1") for term in theirs}


@given(sums, sums)
def test_order_of_a_sum_changes_no_term(left, right):
    assert bag(f"{left} + {right}") == bag(f"{right} + {left}")
    assert bag(f"{left}:{right}") == bag(f"{right}:{left}")


@given(sums)
def test_a_term_counts_once(text):
    assert terms(f"y ~ {text} + {text}") == terms(f"y ~ {text}")
    assert terms(f"y ~ {text} - {text}") == ["1"]


@given(sums, sums)
def test_a_star_is_both_and_their_interaction(left, right):
    assert terms(f"y ~ {left}*{right}") == terms(f"y ~ {left} + {right} + {left}:{right}")


@given(sums, sums, sums)
def test_crossing_distributes_over_sums(left, right, other):
    assert bag(f"({left} + {right}):{other}") == bag(f"{left}:{other} + {right}:{other}")


@given(sums)
def test_terms_come_by_degree_and_once(text):
    found = terms(f"y ~ {text}")[1:]
    degrees = [term.count(":") for term in found]
    assert degrees == sorted(degrees)
    assert len(set(map(frozenset, (term.split(":") for term in found)))) == len(found)
