"""Parser of expressions: the arguments of functions, and the left side of the tilde.

Outside parentheses an expression is arithmetic; inside them it may also compare, and join comparisons by `&`, `|`, `!`.

Precedence climbing (see T. Norvell, Parsing Expressions by Recursive Descent, 1999): one function for all binary
operators instead of one per level of precedence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NoReturn

from gramian.formula.functions import LITERALS, VALUE, MisuseError, checked, parameters, signature
from gramian.formula.syntax import (
    ARITHMETIC,
    COMBINE,
    COMPARED,
    COMPARISONS,
    CONDITION,
    FLAGS,
    MAX_HEIGHT,
    PRECEDENCE,
    Binary,
    Call,
    Flag,
    Lagged,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
    height,
)
from gramian.formula.tokens import Cursor, Token, formula_error
from gramian.schema import LAGS, MAX_LAG, lag_name

ANY = Name(".")
SAME = {"&&": "&", "||": "|"}
MISPLACED = {
    COMBINE: "c() gathers the outcomes of a linear model; it stands only left of '~', as in c(y1, y2) ~ x",
}
TILDE = "a formula needs '~' between the outcome and the terms, as in y ~ x"


def expression(cursor: Cursor, level: int = ARITHMETIC, *, literal: bool = False) -> Node:
    """Read operands and the operators between them that bind at least as tightly as `level`.

    literal : whether a text or TRUE may stand alone; else it must be compared with something.
    """
    start = cursor.token
    left = _literal(cursor) if _is_literal(start) and (literal or level <= COMPARED) else unary(cursor)
    tree_height = 0
    while PRECEDENCE.get(op := SAME.get(cursor.token.operator, cursor.token.operator), 0) >= level:
        token = cursor.take()
        right = _right(cursor, op, left, token)
        # counted on the way: height() of the growing tree at every step would be quadratic
        tree_height = max(tree_height or height(left), height(right)) + 1
        left = Binary(op, left, right, position=token.position)
        if tree_height > MAX_HEIGHT:
            cursor.fail(f"an expression may have {MAX_HEIGHT} operations one after another", token.position)
    if isinstance(left, Text | Flag) and not literal:
        _misplaced(cursor, start)
    return left


def _right(cursor: Cursor, op: str, left: Node, token: Token) -> Node:
    """Read what stands right of an operator."""
    compares = op in COMPARISONS
    if isinstance(left, Text | Flag) and not compares:
        _misplaced(cursor, token)
    if compares and isinstance(left, Binary) and left.op in COMPARISONS and cursor.tokens[cursor.at - 2].text != ")":
        cursor.fail("comparisons do not follow each other; write x > 0 & x < 5", token.position)
    if op == "%in%":
        if isinstance(left, Binary) and cursor.tokens[cursor.at - 2].text != ")":
            cursor.fail("what stands left of %in% is a column or in parentheses, as in (a + b) %in% c(1, 2)")
        here, then = cursor.token, cursor.then
        if not (_is_literal(here) or here.kind == "number" or here.text == "-" or (here.text, then.text) == ("c", "(")):
            cursor.fail("behind %in% stands a list of values, as in x %in% c(1, 2)")
        return literals(cursor)
    # + 1: an operator of the same precedence ends the right operand, so that a - b - c is (a - b) - c
    return expression(cursor, PRECEDENCE[op] + 1, literal=compares)


def _is_literal(token: Token) -> bool:
    """Whether a token is a text, or TRUE or FALSE."""
    return token.kind == "text" or (token.kind == "name" and token.text in FLAGS)


def _literal(cursor: Cursor) -> Text | Flag:
    """Read a text, or TRUE or FALSE."""
    token = cursor.take()
    if token.kind == "text":
        return Text(token.content, position=token.position)
    return Flag(FLAGS[token.text], position=token.position)


def _misplaced(cursor: Cursor, token: Token) -> NoReturn:
    """Raise FormulaError for a text or flag that is no operand."""
    examples = 'C(x, ref="b") or I(x == "b")'
    cursor.fail(f"{token} stands only after a keyword or in a comparison, as in {examples}", token.position)


def unary(cursor: Cursor) -> Node:
    """Read an operand with its signs and its power; `^` associates to the right."""
    while cursor.token.operator == "+":
        cursor.take()
    token = cursor.token
    if token.operator == "-":
        cursor.take()
        return Negative(_deeper(cursor, unary), position=token.position)
    if token.operator == "!":
        cursor.take()
        return Not(_deeper(cursor, _compared), position=token.position)
    base = _operand(cursor)
    token = cursor.token
    if token.operator == "^":
        cursor.take()
        return Binary("^", base, _deeper(cursor, unary), position=token.position)
    return base


def condition(cursor: Cursor) -> Node:
    """Read an expression that may compare, inside parentheses."""
    return expression(cursor, CONDITION)


def _compared(cursor: Cursor) -> Node:
    """Read what `!` negates."""
    return expression(cursor, COMPARED)


def _deeper(cursor: Cursor, reader: Callable[[Cursor], Node]) -> Node:
    """Read one level deeper, under the bound on nesting."""
    cursor.deeper()
    node = reader(cursor)
    cursor.depth -= 1
    return node


def _operand(cursor: Cursor) -> Node:
    """Read a number, a name, a call or an expression in parentheses."""
    token = cursor.token
    if token.operator == "(":
        cursor.take()
        cursor.deeper()
        node = condition(cursor)
        cursor.close(token)
        return node
    if token.kind == "number":
        return number(cursor)
    if _is_literal(token):
        _misplaced(cursor, token)
    if token.kind not in ("name", "quoted"):
        cursor.expected("a column, a number or '('")
    node = named(cursor)
    if node == ANY and token.kind == "name":
        cursor.fail("'.' stands for terms; it cannot be part of an expression", token.position)
    return node


def number(cursor: Cursor) -> Number:
    """Read a numeric literal; FormulaError where it overflows to infinity."""
    token = cursor.take()
    if math.isinf(value := float(token.text)):
        cursor.fail("this number is too large", token.position)
    return Number(value, position=token.position)


def named(cursor: Cursor) -> Name | Call:
    """Read a column, a quoted column, or a call."""
    token = cursor.take()
    if token.kind == "quoted":
        return Name(token.content, position=token.position)
    if cursor.token.operator == "(":
        if token.text in LAGS:
            several = lags(cursor, token)
            if len(several) > 1:
                cursor.fail("several lags are terms of their own, as in y ~ l(x, 1:3)", token.position)
            return several[0]
        return _call(cursor, token)
    return Name(token.text, position=token.position)


def lags(cursor: Cursor, function: Token) -> list[Name]:
    """Read the arguments of l(x, 1), f(x, 1:3) or d(x): each of the lags; x itself for no lag."""
    opening = cursor.take()
    cursor.deeper()
    column = named(cursor) if cursor.token.kind in ("name", "quoted") else None
    if not isinstance(column, Name) or isinstance(column, Lagged):
        cursor.fail(f"{function.text}() takes the name of a column, as in {function.text}(x, 1)", function.position)
    first = last = _steps(cursor) if cursor.accept(",") else 1
    if cursor.accept(":"):
        last = _steps(cursor)
    cursor.close(opening)
    if function.text == "d" and min(first, last) < 1:
        cursor.fail("d(x, k) is x less what it was k steps before, with k from 1", function.position)
    steps = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return [_lag(function, column, k) for k in steps]


def _steps(cursor: Cursor) -> int:
    """Read a number of steps: a whole number, with or without a sign."""
    negative, token = cursor.accept("-"), cursor.token
    if token.kind != "number" or not number(cursor).value.is_integer() or float(token.text) > MAX_LAG:
        cursor.fail(
            f"the steps of a lag are a whole number up to {MAX_LAG}, as in l(x, 1) or l(x, 1:3)", token.position
        )
    return (-1 if negative else 1) * int(float(token.text))


def _lag(function: Token, column: Name, steps: int) -> Name:
    """One lag, always spelled alike: f(x, 2) is l(x, -2)."""
    if function.text == "d":
        return Lagged(lag_name("d", column.name, steps), column.name, position=function.position)
    ahead = steps if function.text == "f" else -steps
    if ahead == 0:
        return column
    return Lagged(lag_name("f" if ahead > 0 else "l", column.name, abs(ahead)), column.name, position=function.position)


def _call(cursor: Cursor, function: Token) -> Call:
    """Read a call and bring it to its canonical form; errors of its arguments point into the text."""
    if function.text in MISPLACED:
        cursor.fail(MISPLACED[function.text], function.position)
    try:
        signature(function.text, function.position)
        arguments, keywords = _arguments(cursor, function.text)
        return checked(Call(function.text, arguments, keywords, position=function.position))
    except MisuseError as wrong:
        raise formula_error(wrong.message, cursor.text, wrong.position) from None


def _arguments(cursor: Cursor, function: str) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...]]:
    """Read the arguments in parentheses, positional ones first."""
    opening = cursor.take()
    cursor.deeper()
    arguments: list[Node] = []
    keywords: list[tuple[str, Node]] = []
    kinds = list(parameters(function).values())
    while cursor.token.operator != ")":
        key = _keyword(cursor)
        if key:
            keywords.append((key, _value(cursor)))
        elif keywords:
            cursor.fail("an argument without a name stands before those with one")
        else:
            kind = kinds[len(arguments)] if len(arguments) < len(kinds) else None
            arguments.append(
                literals(cursor) if kind in LITERALS else expression(cursor, CONDITION, literal=kind is VALUE)
            )
        if not cursor.accept(","):
            break
    cursor.close(opening)
    return tuple(arguments), tuple(keywords)


def _keyword(cursor: Cursor) -> str:
    """Read `name =` if it comes next; the name, else the empty string."""
    if cursor.token.kind != "name" or cursor.then.text != "=":
        return ""
    name = cursor.take()
    cursor.take()
    return name.text


def _value(cursor: Cursor) -> Node:
    """Read the value of a keyword: a text, a flag, a list c(...) or an expression."""
    if cursor.token.text == COMBINE and cursor.then.text == "(":
        return literals(cursor)
    return expression(cursor, CONDITION, literal=True)


def literals(cursor: Cursor) -> Node:
    """Read c(1, 2, 3) or c("a", "b"), numbers with their signs, or one of these without c()."""
    function = cursor.token
    if not (function.kind == "name" and function.text == COMBINE and cursor.then.text == "("):
        return _literal(cursor) if _is_literal(function) else unary(cursor)
    _, opening = cursor.take(), cursor.take()
    cursor.deeper()
    parts = [_part(cursor)]
    while cursor.accept(","):
        parts.append(_part(cursor))
    cursor.close(opening)
    return Call(COMBINE, tuple(parts), position=function.position)


def _part(cursor: Cursor) -> Node:
    """Read one value of a list; Inf is infinite there."""
    negative = cursor.accept("-")
    token = cursor.token
    if token.kind == "name" and token.text == "Inf":
        value: Node = Number(math.inf, position=cursor.take().position)
    else:
        value = _literal(cursor) if _is_literal(token) and not negative else expression(cursor)
    return Negative(value, position=token.position) if negative else value
