"""Parser of what stands between the signs of a formula: terms, their powers, and terms crossed with terms.

The grammar is in `grammar.py`, which reads sums of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn, TypeGuard

from gramian.errors import FormulaError
from gramian.formula.arithmetic import ANY, lags, named, number, unary
from gramian.formula.functions import COHORTS, FUNCTIONS, is_whole_number, monomial
from gramian.formula.syntax import (
    MAX_HEIGHT,
    PRECEDENCE,
    Binary,
    Call,
    Cross,
    Dot,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Sum,
    Terms,
    label,
    names,
)
from gramian.formula.tokens import Cursor, formula_error
from gramian.schema import LAGS

MAX_POWER = 10
CROSSINGS = {"*": 1, "/": 1, ":": 2}  # precedence


def crossing(cursor: Cursor, terms: Callable[[Cursor], Terms], level: int = 1) -> Terms:
    """Read terms joined by `:`, `*` and `/`, of at least this precedence (precedence climbing).

    terms : reads a sum, which may stand in parentheses.
    """
    left, tree_height = _power(cursor, terms), 0
    while CROSSINGS.get(cursor.token.operator, 0) >= level:
        token = cursor.take()
        right = crossing(cursor, terms, CROSSINGS[token.text] + 1)
        if isinstance(left, Number) or isinstance(right, Number):
            not_a_term(cursor, token.text, left, right, token.position)
        tree_height = max(tree_height or _height(left), _height(right)) + 1
        left = Cross(token.text, left, right)
        if tree_height > MAX_HEIGHT:
            cursor.fail(f"terms may be crossed {MAX_HEIGHT} times one after another", token.position)
    return left


def _height(terms: Terms) -> int:
    """Number of levels of a tree of terms, counted without recursion."""
    rows, level = 0, [terms]
    while level:
        rows, level = rows + 1, [below for part in level for below in _below(part)]
    return rows


def _below(terms: Terms) -> tuple[Terms, ...]:
    """The terms directly below a node."""
    match terms:
        case Sum():
            return tuple(part for _, part in terms.parts)
        case Cross():
            return (terms.left, terms.right)
        case Power():
            return (terms.base,)
    return ()


def _power(cursor: Cursor, terms: Callable[[Cursor], Terms]) -> Terms:
    """Read a term and its integer power."""
    base = _term(cursor, terms)
    if cursor.token.operator != "^":
        return base
    caret, place = cursor.take(), cursor.token.position
    exponent = unary(cursor)
    if isinstance(base, Name | Call | Number):
        _not_a_power(cursor, base, exponent, caret.position)
    if not (isinstance(exponent, Number) and is_whole_number(exponent, MAX_POWER)):
        cursor.fail(f"the power of terms is a whole number from 1 to {MAX_POWER}", place)
    return Power(base, int(exponent.value))


def _term(cursor: Cursor, terms: Callable[[Cursor], Terms]) -> Terms:
    """Read a term: a number, a column, a call, `.`, or terms in parentheses."""
    token = cursor.token
    if token.operator == "(":
        cursor.take()
        cursor.deeper()
        inside = terms(cursor)
        cursor.close(token)
        return inside
    if token.kind == "number":
        return number(cursor)
    if token.kind not in ("name", "quoted"):
        cursor.expected("a term")
    if token.text in LAGS and token.kind == "name" and cursor.then.text == "(":
        cursor.take()
        several = lags(cursor, token)
        return several[0] if len(several) == 1 else Sum(tuple((True, lag) for lag in several))
    node = named(cursor)
    if isinstance(node, Call):
        _check_term(cursor, node)
        if node.function == "i":
            return _indicators(cursor, node)
        if node.function == "sunab":
            return _cohorts(node)
    # in backticks it is a column of this name
    return Dot(node.position) if token.text == "." and node == ANY else node


def _indicators(cursor: Cursor, call: Call) -> Terms:
    """i(t, x, ref=-1) as the interaction i(t, ref=-1):x, and i(t, f, ref2="a") as one with i(f, ref="a")."""
    keywords = dict(call.keywords)
    by, second = (call.arguments[1] if len(call.arguments) > 1 else None), keywords.get("ref2")
    first = replace(call, arguments=call.arguments[:1], keywords=tuple(k for k in call.keywords if k[0] == "ref"))
    if by is None:
        if second is not None:
            cursor.fail("ref2 is of the second column of i(), as in i(t, f, ref=-1, ref2='a')", second.position)
        return first
    if second is not None:
        return Cross(":", first, Call("i", (by,), (("ref", second),), position=by.position))
    return Cross(":", first, by if isinstance(by, Name | Call) else Call("I", (by,), position=by.position))


def _cohorts(call: Call) -> Terms:
    """sunab(cohort, period) as the interaction of two factors: periods since the treatment, and cohorts."""
    keywords = dict(call.keywords)
    periods = (("ref", keywords.get("ref_p", Negative(Number(1.0)))),)
    cohorts = (("ref", keywords["ref_c"]),) if "ref_c" in keywords else ()
    first, second = (replace(call, function=f, keywords=k) for f, k in zip(COHORTS, (periods, cohorts), strict=True))
    return Cross(":", first, second)


def _check_term(cursor: Cursor, call: Call) -> None:
    """Raise FormulaError for a call that uses no column or has too high a power."""
    if not names(call):
        cursor.fail(f"{label(call)} uses no column", call.position)
    try:
        monomial(call)
    except FormulaError as wrong:
        raise formula_error(wrong.message, cursor.text, call.position) from None


def not_a_term(cursor: Cursor, op: str, left: Terms | None, right: Terms, position: int) -> NoReturn:
    """Raise FormulaError for a number among terms, with the I() that was probably meant."""
    example = "I(x + 2)"
    if op in PRECEDENCE and _elementwise(left) and _elementwise(right):
        example = label(Call("I", (Binary(op, left, right),)))
    cursor.fail(f"a number is not a term; arithmetic stands inside I(), as in {example}", position)


def _not_a_power(cursor: Cursor, base: Name | Call | Number, exponent: Node, position: int) -> NoReturn:
    """Raise FormulaError for x^2 outside I(), with the I() or poly() that was probably meant."""
    if not _elementwise(base):
        cursor.fail("a power of terms needs several of them, as in (a + b)^2", position)
    smooth = Call("poly", (base, exponent))
    polynomial = f" or {label(smooth)}" if names(base) and is_whole_number(exponent, MAX_POWER) else ""
    cursor.fail(f"did you mean {label(Call('I', (Binary('^', base, exponent),)))}{polynomial}?", position)


def _elementwise(terms: Terms | None) -> TypeGuard[Name | Number | Call]:
    """Whether a term is arithmetic on rows, which I() could contain."""
    return isinstance(terms, Name | Number) or (isinstance(terms, Call) and terms.function in FUNCTIONS)
