"""The closed syntax tree of expressions: what a formula can say, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

NAME = r"(?:[^\W\d]|\.(?![0-9]))[\w.]*(?:\[(?:0|[1-9][0-9]*)\])?"  # also a matrix element: X[3]
FLAGS = {"TRUE": True, "True": True, "FALSE": False, "False": False}
SPELLING = {"+": " + ", "-": " - ", "*": " * ", "/": "/", "^": "^"}
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
NEGATIVE, ATOM = 3, 5
COMBINE = "c"  # the function that gathers outcomes, left of the tilde only
MAX_HEIGHT = 100  # operations one after another; keeps every walk far from Python's recursion limit


@dataclass(frozen=True, slots=True)
class _Placed:
    position: int = field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Name(_Placed):
    """A column."""

    name: str


@dataclass(frozen=True, slots=True)
class Number(_Placed):
    """A literal, finite and not negative."""

    value: float


@dataclass(frozen=True, slots=True)
class Text(_Placed):
    """A string literal, only as the value of a keyword."""

    value: str


@dataclass(frozen=True, slots=True)
class Flag(_Placed):
    """TRUE or FALSE, only as the value of a keyword."""

    value: bool


@dataclass(frozen=True, slots=True)
class Negative(_Placed):
    """Unary minus, looser than `^`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(_Placed):
    """Arithmetic; `op` is one of + - * / ^."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call(_Placed):
    """A function of the closed list."""

    function: str
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...] = ()


Node: TypeAlias = Name | Number | Text | Flag | Negative | Binary | Call


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, in order."""
    match node:
        case Negative():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return (*node.arguments, *(value for _, value in node.keywords))
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node, then all nodes below it, in the order of the text."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))


def names(node: Node) -> tuple[str, ...]:
    """The columns an expression uses, in order, each once."""
    return tuple(dict.fromkeys(n.name for n in walk(node) if isinstance(n, Name)))


def height(node: Node) -> int:
    """Levels of a tree, found without recursion."""
    rows, level = 0, [node]
    while level:
        rows, level = rows + 1, [child for parent in level for child in children(parent)]
    return rows


def label(node: Node) -> str:
    """The canonical text of an expression, as R prints it: `poly(x, 3)`, `I(x^2 + 1)`, `log(x)`."""
    match node:
        case Name():
            name = node.name  # most are identifiers, which is quickly seen
            is_name = (name.isascii() and name.isidentifier()) or re.fullmatch(NAME, name)
            is_identifier = is_name and name not in FLAGS and name != "."
            return node.name if is_identifier else quoted(node.name, "`")
        case Number():
            return repr(node.value).removesuffix(".0")
        case Text():
            return quoted(node.value, '"')
        case Flag():
            return str(node.value).upper()
        case Negative():
            return f"-{_enclosed(node.operand, NEGATIVE)}"
        case Call():
            keywords = (f"{key}={label(value)}" for key, value in node.keywords)
            return f"{node.function}({', '.join([*map(label, node.arguments), *keywords])})"
        case Binary():
            return _binary_label(node)


def quoted(text: str, quote: str) -> str:
    """Text between quotes, with backslashes before quotes and backslashes."""
    inner = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return f"{quote}{inner}{quote}"


def _binary_label(node: Binary) -> str:
    own, power = PRECEDENCE[node.op], node.op == "^"
    left = _enclosed(node.left, own + power)
    right = _enclosed(node.right, NEGATIVE if power else own + 1)
    return f"{left}{SPELLING[node.op]}{right}"


def _enclosed(node: Node, least: int) -> str:
    match node:
        case Binary():
            own = PRECEDENCE[node.op]
        case Negative():
            own = NEGATIVE
        case _:
            own = ATOM
    return label(node) if own >= least else f"({label(node)})"
