"""Parser of absorbed factors, right of `|`: `firm + year`, `firm^year`, `firm[x]`, `firm[[x, z]]`."""

from __future__ import annotations

from gramian.formula.arithmetic import ANY, expression, named
from gramian.formula.functions import STRUCTURAL
from gramian.formula.syntax import PAIRED, SLOPES, SLOPES_ALONE, Call, Name, Node, label, names, walk
from gramian.formula.term_grammar import CROSSINGS
from gramian.formula.tokens import Cursor


def absorbed_factors(cursor: Cursor) -> tuple[Node, ...]:
    """Read the factors right of `|`, each once; firm^year and firm:year are the combinations of both that occur."""
    cursor.take()
    factors: list[Node] = []
    while not factors or cursor.accept("+"):
        columns = [_column(cursor)]
        while cursor.accept("^") or cursor.accept(":"):
            columns.append(_column(cursor))
        different = tuple(dict.fromkeys(columns))
        factor: Node = different[0] if len(different) == 1 else Call(PAIRED, different, position=columns[0].position)
        factors.append(_with_slopes(cursor, factor) if cursor.token.operator == "[" else factor)
    if cursor.token.operator in CROSSINGS or cursor.token.operator == "-":
        cursor.fail("absorbed factors are joined by '+', as in y ~ x | firm + year, their combinations are firm^year")
    return tuple(dict.fromkeys(factors))


def _column(cursor: Cursor) -> Name:
    """Read a column right of `|`; factor(firm) is the column firm."""
    token = cursor.token
    if token.kind not in ("name", "quoted"):
        cursor.expected("a factor to absorb")
    node = named(cursor)
    column = node.arguments[0] if isinstance(node, Call) and node.function in ("factor", "C") else node
    if not isinstance(column, Name) or (column == ANY and token.kind == "name"):
        cursor.fail("right of '|' stand the columns of factors, as in y ~ x | firm + year", token.position)
    return column


def _with_slopes(cursor: Cursor, factor: Node) -> Call:
    """Read the variables in brackets behind a factor: `[x]`, and without an intercept for each level `[[x]]`."""
    opening = cursor.take()
    alone = cursor.accept("[")
    slopes: dict[Node, None] = {}
    while not slopes or cursor.accept(","):
        slopes[_slope(cursor, label(factor))] = None
    for _ in range(1 + alone):
        if cursor.token.kind == "end":
            cursor.fail("this '[' is not closed", opening.position)
        if not cursor.accept("]"):
            cursor.expected("',' or ']'")
    return Call(SLOPES_ALONE if alone else SLOPES, (factor, *slopes), position=factor.position)


def _slope(cursor: Cursor, factor: str) -> Node:
    """Read one variable; I(x^2) is x^2. FormulaError for a function that makes several columns, or none."""
    position = cursor.token.position
    if cursor.token.operator in ("]", ","):
        cursor.fail(f"a slope is that of a column, as in {factor}[x]")
    node = expression(cursor)
    if isinstance(node, Call) and node.function == "I":
        node = node.arguments[0]
    for part in walk(node):
        if isinstance(part, Call) and part.function in STRUCTURAL:
            cursor.fail(f"{part.function}() has no single slope; name variables, as in {factor}[x, x^2]", part.position)
    if not names(node):
        cursor.fail(f"a slope is that of a column, as in {factor}[x]", position)
    return node
