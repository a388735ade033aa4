"""Codec of expressions: nested lists such as `["call", "poly", [["name", "x"], ["number", 3.0]], {}]`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from gramian.formula.functions import checked
from gramian.formula.syntax import (
    COMBINE,
    MAX_HEIGHT,
    PAIRED,
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
)
from gramian.formula.syntax import height as height_of
from gramian.formula.tokens import MAX_LENGTH, MAX_NESTING
from gramian.schema import lag_of
from gramian.serialize.codec import Codec, Members, wrong

TALLEST = MAX_HEIGHT + MAX_NESTING
UNARY: Mapping[str, Callable[[Node], Node]] = {"negative": Negative, "not": Not}


def _write(node: Node, members: Members) -> list[Any]:
    match node:
        case Negative() | Not():
            return [type(node).__name__.lower(), _write(node.operand, members)]
        case Number(value=value) if value == inf:
            return ["number", "Inf"]
        case Binary():
            return [node.op, _write(node.left, members), _write(node.right, members)]
        case Call():
            keywords = {key: _write(value, members) for key, value in node.keywords}
            return ["call", node.function, [_write(argument, members) for argument in node.arguments], keywords]
        case Lagged():
            return ["lag", node.name]
        case Name(name=value) | Number(value=value) | Text(value=value) | Flag(value=value):
            return [type(node).__name__.lower(), value]


def _node(obj: object) -> Node:
    match obj:
        case ["number", float(value) | int(value)] if not isinstance(value, bool) and 0 <= value <= sys.float_info.max:
            return Number(float(value))
        case ["number", "Inf"]:
            return Number(inf)
        case ["call", "c", [*arguments], {}] if arguments:
            return Call(COMBINE, tuple(map(_literal, arguments)))
        case ["call", "^", [_, _, *_] as columns, {}]:
            return Call(PAIRED, tuple(map(_column, columns)))
        case ["lag", str(value)] if (lag := lag_of(value)) is not None:
            return Lagged(value, lag.column)
        case ["name", str(value)]:
            return Name(value)
        case ["text", str(value)]:
            return Text(value)
        case ["flag", bool(value)]:
            return Flag(value)
        case [str(tag), operand] if tag in UNARY:
            return UNARY[tag](_node(operand))
        case [str(op), left, right] if op in PRECEDENCE:
            return Binary(op, _node(left), _node(right))
        case ["call", str(function), [*arguments], dict(keywords)]:
            values = tuple((str(key), _node(value)) for key, value in keywords.items())
            return checked(Call(function, tuple(map(_node, arguments)), values))
    return wrong("part of an expression", obj)


def _column(obj: object) -> Node:
    """A column of a combination of factors."""
    node = _node(obj)
    return node if isinstance(node, Name) else wrong("a column", obj)


def _literal(obj: object) -> Node:
    """A value of a list: a number with its sign, a text or a flag."""
    node = _node(obj)
    bare = node.operand if isinstance(node, Negative) else node
    return node if isinstance(bare, Number) or isinstance(node, Text | Flag) else wrong("a value of a list", obj)


NODE: Codec[Node] = (
    Codec(_write, lambda obj, _: _node(obj), Node)
    .no_larger("an expression", depth=2 * TALLEST + 1, size=MAX_LENGTH)
    .checked(lambda node: height_of(node) <= TALLEST, "an expression that is not nested so deeply")
)
