import pytest

from gramian.errors import GramianError
from gramian.formula.expand import expand
from gramian.formula.grammar import parse

FUNCTIONS = (
    "log, log1p, log2, log10, exp, expm1, sqrt, abs, sin, cos, tan, tanh, atan, arctan, I, as_number, "
    "i, sunab, poly, bs, ns, center, scale, factor, C, offset, "
    "ifelse, cut, pmin, pmax, year, quarter, month, day, wday, yday, hour, minute, second"
)
NAMES = "4 columns: y, distance, X[0], X"
MESSAGES = """
y ~ x^2
did you mean I(x^2) or poly(x, 2)?
     ^
y ~ log(x)^0.5
did you mean I(log(x)^0.5)?
          ^
y ~ poly(x, 2)^2
a power of terms needs several of them, as in (a + b)^2
              ^
y ~ (a + b)^11
the power of terms is a whole number from 1 to 10
            ^
y ~ x/2
a number is not a term; arithmetic stands inside I(), as in I(x/2)
     ^
y ~ x + 2
a number is not a term; arithmetic stands inside I(), as in I(x + 2)
        ^
y ~ log(x
this '(' is not closed
       ^
y ~ x)
this ')' was not opened
     ^
y, x
a formula needs '~' between the outcome and the terms, as in y ~ x
    ^
y ~ x ~ z
a second '~'; a formula has one, between the outcome and the terms
      ^
y ~
nothing stands right of '~'; write y ~ 1 for a constant only
   ^
~ x
nothing stands left of '~'; name the outcome, as in y ~ x
^
y ~ x +
expected a term, the text ends after '+'
       ^
y ~ x z
expected an operator, found 'z' after 'x'
      ^
y ~ x * / z
expected a term, found '/' after '*'
        ^
y ~ x @ z
unexpected character '@'; names that are not identifiers stand in backticks, as in `my column`
      ^
y ~ `my column
this ` is not closed
    ^
y ~ x | firm
only linear and generalized linear fits (not exact=True) absorb factors; write it as a term, as in + factor(firm)
        ^
y ~ x | firm | year
'|' stands once, between the terms and the factors to absorb, as in y ~ x | firm
             ^
y ~ (x | firm)
random effects stand in the formula of a mixed model: use gm.mixed
    ^
y ~ ((x | firm))
'|' stands once, between the terms and the factors to absorb, as in y ~ x | firm
        ^
y | x ~ z
'|' stands once, between the terms and the factors to absorb, as in y ~ x | firm
  ^
y ~ x | log(firm)
right of '|' stand the columns of factors, as in y ~ x | firm + year
        ^
y ~ x | firm*year
absorbed factors are joined by '+', as in y ~ x | firm + year, their combinations are firm^year
            ^
y ~ x |
expected a factor to absorb, the text ends after '|'
       ^
y ~ lgo(x)
no function 'lgo'; did you mean 'log'? there are FUNCTIONS
    ^
y ~ wavelet(x)
no function 'wavelet'; there are FUNCTIONS
    ^
y ~ bs(x, 3, 2)
bs() takes 1 argument (x), found 3
             ^
y ~ bs(x, knots=z)
'knots' of bs() must be numbers, as in knots=c(1, 2, 3)
                ^
y ~ ns(x, 101)
'df' of ns() must be a whole number from 1 to 100, as in bs(x, 5)
          ^
y ~ c(x, z)
c() gathers the outcomes of a linear model; it stands only left of '~', as in c(y1, y2) ~ x
    ^
log(c(y, distance)) ~ 1
c() gathers the outcomes of a linear model; it stands only left of '~', as in c(y1, y2) ~ x
    ^
c(y, distance, y) ~ 1
the outcome y is named twice
               ^
c() ~ 1
c() gathers no outcome; name them, as in c(y1, y2) ~ x
  ^
c(y, 1) ~ 1
the outcome uses no column
     ^
c(y, poly(distance, 2)) ~ 1
poly() cannot stand in the outcome
     ^
c(y, distance) - 1 ~ 1
expected '~', found '-' after ')'
               ^
c(y, distance ~ 1
this '(' is not closed
 ^
y ~ poly(x)
poly() takes 2 arguments (x, degree): 'degree' is missing
    ^
y ~ poly(x, 2.5)
'degree' of poly() must be a whole number from 1 to 20, as in poly(x, 3)
            ^
y ~ C(x, ref=b)
'ref' of C() must be a text, a number or TRUE/FALSE, as in C(x, ref="b")
             ^
y ~ C(x, "b")
"b" stands only after a keyword or in a comparison, as in C(x, ref="b") or I(x == "b")
         ^
y ~ I(poly(x, 2))
poly() is a term of its own and cannot stand inside I()
      ^
y ~ I(x^21)
I(x^21) has a power of 21; powers go up to 20
    ^
y ~ I(2)
I(2) uses no column
    ^
factor(y) ~ x
factor() cannot stand in the outcome
^
y ~ log(X)
'X' is a matrix; name one of its columns here, as in X[0]
        ^
y ~ distance:offset(distance)
an offset has no coefficient and cannot be crossed with terms
             ^
""".replace("FUNCTIONS", FUNCTIONS)
LINES = MESSAGES.strip("\n").split("\n")


def message(text):
    with pytest.raises(GramianError) as caught:
        expand(parse(text), ("y", "distance", "X[0]"), {"X": 1})
    return str(caught.value)


@pytest.mark.parametrize(("text", "words", "caret"), list(zip(LINES[::3], LINES[1::3], LINES[2::3], strict=True)))
def test_messages_show_the_place(text, words, caret):
    assert message(text) == f"{words}\n  {text}\n  {caret}"


def test_a_column_that_is_not_there():
    assert message("y ~ distnce") == f"no column 'distnce'; did you mean 'distance'? ({NAMES})"


def test_bounds_say_what_they_are():
    assert message("y ~ " + "(" * 51 + "x").startswith("a formula may be nested 50 levels deep\n")
    assert message("y ~ " + "x" * 100_000) == "a formula may have 100,000 characters, this one has 100,004"
    crossed = message("y ~ " + "distance*" * 101 + "distance")
    assert crossed.startswith("terms may be crossed 100 times one after another\n")


def test_a_long_formula_is_cut_to_what_surrounds_the_mistake():
    head, line, caret = message("y ~ " + "x + " * 1_000 + "@" + " + x" * 1_000).split("\n")
    assert head.startswith("unexpected character '@'")
    assert line == "  ..." + "+ x " * 12 + "+ @" + " + x" * 12 + " ..."
    assert line[caret.index("^")] == "@"


def test_a_formula_of_several_lines_is_shown_on_one():
    assert message("y ~\n  x +\n  @").split("\n")[1:] == ["  y ~   x +   @", "  " + " " * 12 + "^"]
