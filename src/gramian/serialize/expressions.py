"""Codec of expressions: nested lists such as `["call", "poly", [["name", "x"], ["number", 3.0]], {}]`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from gramian.formula import syntax
from gramian.formula.functions import checked, is_level
from gramian.formula.syntax import Binary, Call, Flag, Lagged, Name, Negative, Node, Not, Number, Text
from gramian.formula.tokens import MAX_LENGTH, MAX_NESTING
from gramian.schema import lag_of
from gramian.serialize.codec import Codec, Members, require, wrong

TALLEST = syntax.MAX_HEIGHT + MAX_NESTING
Maker = Callable[[Any], Node]
LEAVES: Mapping[Any, Maker] = {("name", str): Name, ("text", str): Text, ("flag", bool): Flag}  # by tag and JSON type
UNARY: Mapping[str, Maker] = {"negative": Negative, "not": Not}
LISTS = {  # calls that are no functions of numbers: how many arguments they have at least, and which
    syntax.COMBINE: (1, is_level, "values of a list"),
    syntax.PAIRED: (2, lambda node: isinstance(node, Name), "columns"),
}


def _write(node: Node, members: Members) -> list[Any]:
    items: list[Any] = [_write(child, members) for child in syntax.children(node)]
    match node:
        case Number(value=value) if value == inf:
            return ["number", "Inf"]
        case Lagged():
            return ["lag", node.name]
        case Binary():
            return [node.op, *items]
        case Call():
            size, keys = len(node.arguments), (key for key, _ in node.keywords)
            return ["call", node.function, items[:size], dict(zip(keys, items[size:], strict=True))]
        case Name(name=value) | Number(value=value) | Text(value=value) | Flag(value=value):
            items = [value]
    return [type(node).__name__.lower(), *items]


def _node(obj: object) -> Node:
    match obj:
        case ["number", float(value) | int(value)] if not isinstance(value, bool) and 0 <= value <= sys.float_info.max:
            return Number(float(value))
        case ["number", "Inf"]:
            return Number(inf)
        case ["lag", str(value)] if (lag := lag_of(value)) is not None:
            return Lagged(value, lag.column)
        case [str(tag), value] if leaf := LEAVES.get((tag, type(value))):
            return leaf(value)
        case [str(tag), operand] if tag in UNARY:
            return UNARY[tag](_node(operand))
        case [str(op), left, right] if op in syntax.PRECEDENCE:
            return Binary(op, _node(left), _node(right))
        case ["call", str(function), [*arguments], dict(keywords)]:
            values = tuple((key, _node(value)) for key, value in keywords.items())
            call = Call(function, tuple(map(_node, arguments)), values)
            return _list(call) if function in LISTS else checked(call)
    return wrong("part of an expression", obj)


def _list(call: Call) -> Call:
    least, fits, expected = LISTS[call.function]
    good = len(call.arguments) >= least and all(map(fits, call.arguments)) and not call.keywords
    require(good, f"{expected} in an expression, at least {least}", call.arguments)
    return call


NODE: Codec[Node] = (
    Codec(_write, lambda obj, _: _node(obj), Node)
    .no_larger("an expression", depth=2 * TALLEST + 1, size=MAX_LENGTH)
    .checked(lambda node: syntax.height(node) <= TALLEST, "an expression that is not nested so deeply")
)
