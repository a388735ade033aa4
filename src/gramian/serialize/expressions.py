"""Codec of expressions: nested lists such as `["call", "poly", [["name", "x"], ["number", 3.0]], {}]`."""

from __future__ import annotations

import sys
from itertools import chain
from typing import Any

from gramian.formula.functions import checked
from gramian.formula.syntax import MAX_HEIGHT, PRECEDENCE, Binary, Call, Flag, Name, Negative, Node, Number, Text
from gramian.formula.syntax import height as height_of
from gramian.formula.tokens import MAX_LENGTH, MAX_NESTING
from gramian.serialize.codec import Codec, Members, require, wrong

TALLEST = MAX_HEIGHT + MAX_NESTING


def _write(node: Node, members: Members) -> list[Any]:
    match node:
        case Negative():
            return ["negative", _write(node.operand, members)]
        case Binary():
            return [node.op, _write(node.left, members), _write(node.right, members)]
        case Call():
            keywords = {key: _write(value, members) for key, value in node.keywords}
            return ["call", node.function, [_write(argument, members) for argument in node.arguments], keywords]
        case Name(name=value) | Number(value=value) | Text(value=value) | Flag(value=value):
            return [type(node).__name__.lower(), value]


def _read(obj: object, members: Members) -> Node:
    """Raises ValueError for what is no expression, or for a tree that no text could have given."""
    level, rows, total = [obj], 0, 0
    while level:  # before `_node` calls itself, for a tree may be as deep as a file is long
        rows, total = rows + 1, total + len(level)
        require(rows <= 2 * TALLEST + 1 and total <= MAX_LENGTH, "an expression that is not so large", total)
        level = list(chain.from_iterable(_parts(part) for part in level))
    node = _node(obj)
    require(height_of(node) <= TALLEST, "an expression that is not nested so deeply", height_of(node))
    return node


def _parts(obj: object) -> list[object]:
    return list(obj.values()) if isinstance(obj, dict) else obj if isinstance(obj, list) else []


def _node(obj: object) -> Node:
    match obj:
        case ["number", float(value) | int(value)] if not isinstance(value, bool) and 0 <= value <= sys.float_info.max:
            return Number(float(value))
        case ["name", str(value)]:
            return Name(value)
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
    return wrong("part of an expression", obj)


NODE: Codec[Node] = Codec(_write, _read)
