"""Expressions as plain JSON: what a saved fit holds."""

from __future__ import annotations

import sys
from itertools import chain
from typing import Any

from gramian.formula.functions import checked
from gramian.formula.syntax import (
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
from gramian.formula.tokens import MAX_LENGTH, MAX_NESTING

TALLEST = MAX_HEIGHT + MAX_NESTING


def node_to_json(node: Node) -> list[Any]:
    """A node as nested lists that JSON can hold: `["call", "poly", [["name", "x"], ["number", 3.0]], {}]`."""
    match node:
        case Negative():
            return ["negative", node_to_json(node.operand)]
        case Binary():
            return [node.op, node_to_json(node.left), node_to_json(node.right)]
        case Call():
            keywords = {key: node_to_json(value) for key, value in node.keywords}
            return ["call", node.function, [node_to_json(argument) for argument in node.arguments], keywords]
        case Name():
            return ["name", node.name]
    return [type(node).__name__.lower(), node.value]


def node_from_json(obj: object) -> Node:
    """The node that `to_json` wrote; ValueError for anything else, or for a tree that no text could have given."""
    _check_size(obj)
    node = _node(obj)
    if height(node) > TALLEST:
        raise ValueError("an expression that is nested too deeply")
    return node


def _check_size(obj: object) -> None:
    level, rows, total = [obj], 0, 0
    while level:
        rows, total = rows + 1, total + len(level)
        if rows > 2 * TALLEST + 1 or total > MAX_LENGTH:
            raise ValueError("an expression that is too large")
        level = list(chain.from_iterable(_parts(part) for part in level))


def _parts(obj: object) -> list[object]:
    if isinstance(obj, dict):
        return list(obj.values())
    return obj if isinstance(obj, list) else []


def _node(obj: object) -> Node:
    match obj:
        case ["name", str(name)]:
            return Name(name)
        case ["number", float(value) | int(value)] if not isinstance(value, bool) and 0 <= value <= sys.float_info.max:
            return Number(float(value))
        case ["text", str(value)]:
            return Text(value)
        case ["flag", bool(value)]:
            return Flag(value)
        case ["negative", operand]:
            return Negative(_node(operand))
        case [str(op), left, right] if op in PRECEDENCE:
            return Binary(op, _node(left), _node(right))
        case ["call", str(function), [*arguments], dict(keywords)]:
            values = tuple((str(key), _node(value)) for key, value in keywords.items())
            return checked(Call(function, tuple(map(_node, arguments)), values))
    raise ValueError(f"not part of an expression: {str(obj)[:80]}")
