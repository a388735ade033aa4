"""Parser of arithmetic expressions: the arguments of functions, and the left side of the tilde.

Precedence climbing (see T. Norvell, Parsing Expressions by Recursive Descent, 1999): one function for all binary
operators instead of one per level of precedence.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gramian.formula.functions import MisuseError, checked, signature
from gramian.formula.syntax import (
    COMBINE,
    FLAGS,
    MAX_HEIGHT,
    PRECEDENCE,
    Binary,
    Call,
    Flag,
    Name,
    Negative,
    Node,
    Number,
    Text,
    height,
)
from gramian.formula.tokens import Cursor, Token, formula_error

ANY = Name(".")
MISPLACED = {
    COMBINE: "c() gathers the outcomes of a linear model; it stands only left of '~', as in c(y1, y2) ~ x",
}
TILDE = "a formula needs '~' between the outcome and the terms, as in y ~ x"


def expression(cursor: Cursor, level: int = 1) -> Node:
    """Read a sum, product or operand whose operators bind at least as tightly as `level`."""
    left = unary(cursor)
    tree_height = 0
    while PRECEDENCE.get(cursor.token.operator, 0) >= level:
        token = cursor.take()
        # + 1: an operator of the same precedence ends the right operand, so that a - b - c is (a - b) - c
        right = expression(cursor, PRECEDENCE[token.text] + 1)
        # counted on the way: height() of the growing tree at every step would be quadratic
        tree_height = max(tree_height or height(left), height(right)) + 1
        left = Binary(token.text, left, right, position=token.position)
        if tree_height > MAX_HEIGHT:
            cursor.fail(f"an expression may have {MAX_HEIGHT} operations one after another", token.position)
    return left


def unary(cursor: Cursor) -> Node:
    """Read an operand with its signs and its power; `^` associates to the right."""
    while cursor.token.operator == "+":
        cursor.take()
    token = cursor.token
    if token.operator == "-":
        cursor.take()
        return Negative(_deeper(cursor, unary), position=token.position)
    base = _operand(cursor)
    token = cursor.token
    if token.operator == "^":
        cursor.take()
        return Binary("^", base, _deeper(cursor, unary), position=token.position)
    return base


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
        node = expression(cursor)
        cursor.close(token)
        return node
    if token.kind == "number":
        return number(cursor)
    if token.kind == "text" or token.text in FLAGS:
        cursor.fail(f'{token} stands only after a keyword, as in C(x, ref="b")')
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
        return _call(cursor, token)
    return Name(token.text, position=token.position)


def _call(cursor: Cursor, function: Token) -> Call:
    """Read a call and bring it to its canonical form; errors of its arguments point into the text."""
    if function.text in MISPLACED:
        cursor.fail(MISPLACED[function.text], function.position)
    try:
        signature(function.text, function.position)
        arguments, keywords = _arguments(cursor)
        return checked(Call(function.text, arguments, keywords, position=function.position))
    except MisuseError as wrong:
        raise formula_error(wrong.message, cursor.text, wrong.position) from None


def _arguments(cursor: Cursor) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...]]:
    """Read the arguments in parentheses, positional ones first."""
    opening = cursor.take()
    cursor.deeper()
    arguments: list[Node] = []
    keywords: list[tuple[str, Node]] = []
    while cursor.token.operator != ")":
        key = _keyword(cursor)
        if key:
            keywords.append((key, _value(cursor)))
        elif keywords:
            cursor.fail("an argument without a name stands before those with one")
        else:
            arguments.append(expression(cursor))
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
    token = cursor.token
    if token.kind == "text":
        return Text(cursor.take().content, position=token.position)
    if token.kind == "name" and token.text in FLAGS:
        return Flag(FLAGS[cursor.take().text], position=token.position)
    if token.text == "c" and cursor.then.text == "(":
        return _vector(cursor)
    return expression(cursor)


def _vector(cursor: Cursor) -> Call:
    """Read c(1, 2, 3) as the value of a keyword."""
    function, opening = cursor.take(), cursor.take()
    cursor.deeper()
    parts = [expression(cursor)]
    while cursor.accept(","):
        parts.append(expression(cursor))
    cursor.close(opening)
    return Call("c", tuple(parts), position=function.position)
