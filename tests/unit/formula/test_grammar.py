import pytest
from hypothesis import given
from unit.formula.formulas import conditions, expressions, structural

from gramian.errors import FormulaError, GramianError
from gramian.formula.functions import monomial
from gramian.formula.grammar import parse, parse_expression
from gramian.formula.syntax import Binary, Call, Flag, Name, Negative, Number, Text, label, names

x, z, two = Name("x"), Name("z"), Number(2.0)


@given(expressions)
def test_an_expression_reads_back_from_its_label(node):
    assert parse_expression(label(node)) == node


def is_term(node):
    try:
        return isinstance(node, Call) and len(names(node)) > 0 and monomial(node) != {}
    except FormulaError:  # a power beyond the bound
        return False


@given(conditions)
def test_a_condition_reads_back_from_its_label(node):
    assert parse(f"y ~ I(x > {label(Call('I', (node,)))})").terms.arguments[0].right == Call("I", (node,))


@given((expressions | structural).filter(is_term))
def test_a_term_reads_back_from_its_label(node):
    assert parse(f"y ~ {label(node)}").terms == node


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("-x^2", Negative(Binary("^", x, two))),
        ("x^-2", Binary("^", x, Negative(two))),
        ("2^x^z", Binary("^", two, Binary("^", x, z))),
        ("x**2", Binary("^", x, two)),
        ("x - z - 2", Binary("-", Binary("-", x, z), two)),
        ("x - (z - 2)", Binary("-", x, Binary("-", z, two))),
        ("x / z * 2", Binary("*", Binary("/", x, z), two)),
        ("x + z * 2", Binary("+", x, Binary("*", z, two))),
        ("-x * z", Binary("*", Negative(x), z)),
        ("x - -z", Binary("-", x, Negative(z))),
        ("+x", x),
        ("((x))", x),
        ("1e-3", Number(0.001)),
        (".5", Number(0.5)),
        ("Sepal.Length", Name("Sepal.Length")),
        (".hidden", Name(".hidden")),
        ("größe", Name("größe")),
        ("`my col`", Name("my col")),
        (r"`a\`b\\c`", Name(r"a`b\c")),
        ("X[3]", Name("X[3]")),
        ("`X[3]`", Name("X[3]")),
        ("`TRUE`", Name("TRUE")),
        ("log(\n x\t)", Call("log", (x,))),
        ("poly(x, degree=2)", Call("poly", (x, two))),
        ("poly(x, 2, raw = TRUE)", Call("poly", (x, two), (("raw", Flag(True)),))),
        ("poly(x, 2, raw=False)", Call("poly", (x, two))),
        ("C(x, ref='it\\'s')", Call("C", (x,), (("ref", Text("it's")),))),
        ("C(x, ref=-2)", Call("C", (x,), (("ref", Negative(two)),))),
        ("log(x=z)", Call("log", (z,))),
    ],
)
def test_expressions(text, tree):
    assert parse_expression(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        *("x", "-x^2", "(-x)^2", "x^-2", "x^(z + 1)", "(x^2)^z", "x^2^z", "x - (z - 2)", "x/(z * 2)", "x * z/2"),
        *("`my col`", "X[3]", "Sepal.Length", "poly(x, 3)", "poly(x, 3, raw=TRUE)", 'C(x, ref="b")', "C(x, ref=FALSE)"),
        *("I(x^2 + 1)", "log(x)", "factor(month)", "1e+22", "0.5", "1e-05", "`.`", "`a\\`b`", "--x", "-(x + z)"),
    ],
)
def test_labels_are_what_r_prints(text):
    assert label(parse_expression(text)) == text


def test_positions_do_not_count_in_comparisons():
    assert parse_expression("x +  z") == parse_expression("x+z")
    assert hash(parse_expression("x +  z")) == hash(parse_expression("x+z"))
    assert parse_expression("x +  z").right.position == 5


def test_names_come_in_order_and_once():
    assert names(parse_expression("log(z + x) * z - poly(`w w`, 2)")) == ("z", "x", "w w")


def test_the_outcome_is_arithmetic():
    assert parse("log(y + 1) * 2 ~ x").outcome == parse_expression("log(y + 1) * 2")


PAIRS = [("(", ")"), ("log(", ")"), ("-", ""), ("2^", ""), ("-(", ")"), ("I(-", ")")]


@pytest.mark.parametrize(("open_", "close"), PAIRS)
@pytest.mark.parametrize("depth", [60, 1_000, 20_000])
def test_deep_nesting_is_refused_wherever_it_stands(open_, close, depth):
    deep = open_ * depth + "x" + close * depth
    for text in (f"y ~ {deep}", f"{deep} ~ x", f"y ~ I({deep})", f"y ~ z + {deep}"):
        if open_ == "-" and not text.startswith("-") and "I(" not in text:
            parse(text)  # signs of a term are no nesting
            continue
        with pytest.raises(FormulaError):
            parse(text)


@pytest.mark.parametrize("op", [*"+-*/:^", "**", "~", ",", "=", "|"])
@pytest.mark.parametrize("wrap", ["{}", "I({})", "({})^2", "log({} ~ x", "{}) ~ x", "{} ~ x", "y ~ {} - 1"])
def test_long_chains_never_exhaust_the_stack(op, wrap):
    text = wrap.format(op.join(["x"] * 20_000))
    try:
        parse(text if "~" in text else f"y ~ {text}")
    except GramianError as refused:
        assert len(str(refused)) < 500  # noqa: PT017


def test_nesting_and_chains_within_the_bounds_are_fine():
    parse("y ~ " + "(" * 50 + "x" + ")" * 50)
    parse("y ~ I(" + " + ".join(["x"] * 100) + ")")
    parse("y ~ " + " + ".join(f"x{i}" for i in range(9_000)))


def test_long_text_is_refused():
    with pytest.raises(FormulaError, match="100,000 characters"):
        parse("y ~ " + "x" * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "~",
        "y ~",
        "y ~ x ~",
        "y ~ ()",
        "y ~ (x",
        "y ~ x)",
        "y ~ x,",
        "y ~ x=z",
        "y ~ log(x,,z)",
        "y ~ [x]",
        "y ~ x[1",
        "y ~ 5",
    ],
)
def test_what_is_no_formula_is_refused_with_a_place(text):
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.position is not None
