"""Syntax trees of expressions and of terms: a closed set of node types, so that a formula can never run other code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

NAME = r"(?:[^\W\d]|\.(?![0-9]))[\w.]*(?:\[(?:0|[1-9][0-9]*)\])?"  # also a matrix element: X[3]
FLAGS = {"TRUE": True, "True": True, "FALSE": False, "False": False}
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "%in%")
JOINS = ("|", "&")
LOGICAL = (*JOINS, *COMPARISONS)  # operators whose value is true or false
SPELLING = {"/": "/", "^": "^"}  # all others stand between spaces
# as in R: `!x > 0` is !(x > 0), and `-x^2` is -(x^2), so that the unary minus stands between * and ^
PRECEDENCE = {"|": 1, "&": 2, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6, "^": 8}
CONDITION, COMPARED, ARITHMETIC, NEGATIVE, ATOM = 1, 4, 5, 7, 9
COMBINE = "c"  # the function that lists several outcomes, left of the tilde only
PAIRED = "^"  # function of an absorbed factor whose levels are the combinations of others: firm^year
SLOPES, SLOPES_ALONE = "[", "[["  # of an absorbed factor and variables with a slope for each level: firm[x], firm[[x]]
MAX_HEIGHT = 100  # operations one after another; keeps recursive functions far from Python's recursion limit


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node with its offset in the text.

    The offset takes no part in comparisons: equal expressions are equal wherever they stand.
    """

    position: int = field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Name(_Placed):
    """A column (in the text of a curve also a parameter)."""

    name: str


@dataclass(frozen=True, slots=True)
class Lagged(Name):
    """A column at another time of the same panel: `l(x, 1)`, `f(x, 1)`, `d(x, 1)`. column : the column x."""

    column: str


@dataclass(frozen=True, slots=True)
class Number(_Placed):
    """A numeric literal, not negative; infinite only among the breaks of cut()."""

    value: float


@dataclass(frozen=True, slots=True)
class Text(_Placed):
    """A string literal: the value of a keyword, what a column is compared with, or a result of ifelse()."""

    value: str


@dataclass(frozen=True, slots=True)
class Flag(_Placed):
    """TRUE or FALSE; stands where a text may stand."""

    value: bool


@dataclass(frozen=True, slots=True)
class Negative(_Placed):
    """Unary minus; binds less tightly than `^`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Not(_Placed):
    """`!`: true where the operand is false; binds less tightly than a comparison."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(_Placed):
    """An operation: arithmetic (+ - * / ^), a comparison, or `&` and `|` of these; `op` is a key of `PRECEDENCE`."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call(_Placed):
    """A call of a function from the closed list in `functions.py`.

    arguments : the positional ones. keywords : (name, value) pairs.
    """

    function: str
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...] = ()


Node: TypeAlias = Name | Number | Text | Flag | Negative | Not | Binary | Call


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below a node, in the order of the text."""
    match node:
        case Negative() | Not():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return (*node.arguments, *(value for _, value in node.keywords))
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all nodes below it, depth first, in the order of the text."""
    # a stack instead of recursion: trees of generated formulas may be deep
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))


def names(*nodes: Node) -> tuple[str, ...]:
    """The columns that expressions use, each once, in the order of first use."""
    return tuple(dict.fromkeys(n.name for node in nodes for n in walk(node) if isinstance(n, Name)))


def height(node: Node) -> int:
    """Number of levels of a tree, counted without recursion."""
    rows, level = 0, [node]
    while level:
        rows, level = rows + 1, [child for parent in level for child in children(parent)]
    return rows


def label(node: Node) -> str:
    """The canonical text of an expression, as R prints it: `poly(x, 3)`, `I(x^2 + 1)`, `log(x)`.

    Two expressions with the same label are the same: labels name variables and terms throughout.
    """
    match node:
        case Lagged():
            return node.name
        case Name():
            name = node.name  # most are identifiers, and isidentifier is much faster than the pattern
            is_name = (name.isascii() and name.isidentifier()) or re.fullmatch(NAME, name)
            is_identifier = is_name and name not in FLAGS and name != "."
            return node.name if is_identifier else quoted(node.name, "`")
        case Number():
            return repr(node.value).removesuffix(".0").replace("inf", "Inf")
        case Text():
            return quoted(node.value, '"')
        case Flag():
            return str(node.value).upper()
        case Negative():
            return f"-{_enclosed(node.operand, NEGATIVE)}"
        case Not():
            return f"!{_enclosed(node.operand, ATOM)}"
        case Call() if node.function == PAIRED:
            return PAIRED.join(map(label, node.arguments))
        case Call() if node.function in (SLOPES, SLOPES_ALONE):
            factor, *variables = map(label, node.arguments)
            return f"{factor}{node.function}{', '.join(variables)}{']' * len(node.function)}"
        case Call():
            keywords = (f"{key}={label(value)}" for key, value in node.keywords)
            return f"{node.function}({', '.join([*map(label, node.arguments), *keywords])})"
        case Binary():
            return _binary_label(node)


def quoted(text: str, quote: str) -> str:
    """A text between quotes, with a backslash before quotes and backslashes inside."""
    inner = text.replace("\\", "\\\\").replace(quote, "\\" + quote)
    return f"{quote}{inner}{quote}"


def _binary_label(node: Binary) -> str:
    """Text of an operation, with only the parentheses that the precedence requires."""
    own, power = PRECEDENCE[node.op], node.op == "^"
    # `^` associates to the right, all other operators to the left
    left = _enclosed(node.left, own + (power or node.op in COMPARISONS))
    right = _enclosed(node.right, NEGATIVE if power else own + 1)
    return f"{left}{SPELLING.get(node.op, f' {node.op} ')}{right}"


def _enclosed(node: Node, least: int) -> str:
    """Text of an operand, in parentheses where it binds less tightly than `least`."""
    match node:
        case Binary():
            own = PRECEDENCE[node.op]
        case Negative():
            own = NEGATIVE
        case Not():
            own = CONDITION
        case _:
            own = ATOM
    return label(node) if own >= least else f"({label(node)})"


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`: all columns that the outcome, the absorbed factors and the weights do not use."""

    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms that are added (True) or removed (False), in order."""

    parts: tuple[tuple[bool, Terms], ...]


@dataclass(frozen=True, slots=True)
class Cross:
    """Terms crossed with terms; `op` is one of `:` `*` `/`."""

    op: str
    left: Terms
    right: Terms


@dataclass(frozen=True, slots=True)
class Power:
    """A sum of terms crossed with itself: (a + b + c)^2 has all interactions of up to two of them."""

    base: Terms
    exponent: int


Terms: TypeAlias = Name | Call | Number | Dot | Sum | Cross | Power


def leaves(tree: Terms) -> Iterator[Name | Call | Number | Dot]:
    """What the terms are made of, without the operators between them."""
    waiting: list[Terms] = [tree]  # a stack instead of recursion: generated formulas may be deep
    while waiting:
        match waiting.pop():
            case Sum(parts):
                waiting.extend(part for _, part in parts)
            case Cross(_, left, right):
                waiting.extend((left, right))
            case Power(base):
                waiting.append(base)
            case leaf:
                yield leaf


@dataclass(frozen=True, slots=True)
class RandomTerms:
    """Terms whose coefficients are random effects of the groups of one grouping.

    Attributes
    ----------
    terms : Terms
        What is left of the bar: `1 + x` in `(1 + x | firm)`.
    by : tuple of str
        Columns that make the groups, `a` and `b` of `(1 | a:b)`.
    correlated : bool
        Whether the effects of a group may be correlated: false for `(1 + x || firm)`.
    position : int
        Offset of the parenthesis in the text.
    """

    terms: Terms
    by: tuple[str, ...]
    correlated: bool = True
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Instruments:
    """Endogenous terms and the instruments that stand outside the model.

    Attributes
    ----------
    endogenous : Terms
        Terms of the model that are correlated with its errors.
    excluded : Terms
        Instruments that are no terms of the model; its other terms are instruments, too.
    position : int
        Offset of the first endogenous term in the text.
    text : str
        Both, as they were written: "x ~ z1 + z2".
    """

    endogenous: Terms
    excluded: Terms
    position: int = field(default=0, compare=False)
    text: str = field(default="", compare=False)
