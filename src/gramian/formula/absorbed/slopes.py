"""Slopes that differ by the levels of absorbed factors, under a schema."""

from __future__ import annotations

from gramian.errors import SchemaError
from gramian.formula.kinds import check_number
from gramian.formula.syntax import SLOPES_ALONE, Call, Name, Node, label
from gramian.linalg.absorb.slopes import Slopes
from gramian.schema import Kind, Schema


def with_slopes(node: Node) -> bool:
    """Whether an absorbed node is a factor with variables in brackets."""
    return isinstance(node, Call) and node.function.startswith("[")


def factor_of(node: Node) -> Node:
    """The factor of an absorbed node, without the variables in brackets."""
    return node.arguments[0] if isinstance(node, Call) and with_slopes(node) else node


def slopes_of(node: Node) -> tuple[str, ...]:
    """Labels of the variables in brackets behind the factor of an absorbed node."""
    return tuple(map(label, node.arguments[1:])) if isinstance(node, Call) and with_slopes(node) else ()


def _merged(absorbed: tuple[Node, ...]) -> tuple[dict[Node, tuple[Node, ...]], frozenset[Node]]:
    """Factor -> its variables with slopes, and the factors whose levels have intercepts.

    firm[x] + firm[z] is firm[x, z], and firm + firm[[x]] is firm[x].
    """
    slopes: dict[Node, dict[Node, None]] = {}
    intercepts: set[Node] = set()
    for node in absorbed:
        factor = factor_of(node)
        own = slopes.setdefault(factor, {})
        if isinstance(node, Call) and with_slopes(node):
            own.update(dict.fromkeys(node.arguments[1:]))
        if not (isinstance(node, Call) and node.function == SLOPES_ALONE):
            intercepts.add(factor)
    return {factor: tuple(own) for factor, own in slopes.items()}, frozenset(intercepts)


def _check_slope(node: Node, factor: Node, schema: Schema) -> None:
    """Raise SchemaError unless a variable with slopes is a number."""
    if isinstance(node, Name) and schema[node.name].kind in (Kind.TEXT, Kind.BOOLEAN):
        raise SchemaError(
            f"{label(factor)}[{label(node)}]: '{node.name}' is a factor, of type {schema[node.name].type}, and a slope "
            f"is that of a number; combinations of levels are {label(factor)}^{label(node)}"
        )
    check_number(node, schema)


def resolved(absorbed: tuple[Node, ...], schema: Schema) -> tuple[tuple[Node, ...], dict[str, Node], dict[str, Slopes]]:
    """Absorbed factors without brackets, the variables in brackets by label, and the slopes by label of factor.

    Raises SchemaError for a variable that is no number.
    """
    slopes, intercepts = _merged(absorbed)
    for factor, variables in slopes.items():
        for node in variables:
            _check_slope(node, factor, schema)
    return (
        tuple(slopes),
        {label(node): node for variables in slopes.values() for node in variables},
        {label(f): Slopes(tuple(map(label, own)), f in intercepts) for f, own in slopes.items() if own},
    )


def intercept_beside(absorbed: tuple[Node, ...]) -> bool:
    """Whether a model with these absorbed factors has an intercept of its own: if no level of any factor has one."""
    return not _merged(absorbed)[1]


def text_with_slopes(factor: str, slopes: Slopes | None) -> str:
    """An absorbed factor as a formula writes it. factor : its label."""
    if slopes is None:
        return factor
    opening, closing = ("[", "]") if slopes.intercept else ("[[", "]]")
    return f"{factor}{opening}{', '.join(slopes.variables)}{closing}"
