"""What an expression is under a schema: a number, true or false, or text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gramian.errors import SchemaError
from gramian.formula.computed.cuts import cut_of
from gramian.formula.functions import CHOICES, COHORTS, DATE_PARTS, literal_values, uses_as_number
from gramian.formula.syntax import (
    COMBINE,
    JOINS,
    LOGICAL,
    Binary,
    Call,
    Flag,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
    children,
    label,
    names,
    walk,
)
from gramian.formula.text_factors import number_hint
from gramian.schema import Kind, Schema

SUBSECONDS = re.compile(r"^(timestamp|time(32|64)|duration)\[(ms|us|ns)")  # types of Arrow
NUMERIC = (Kind.NUMBER, Kind.BOOLEAN)
EXAMPLES = {Kind.NUMBER: " > 0", Kind.TEXT: ' == "a"', Kind.DATE: ' >= "2024-01-31"'}


def check_number(node: Node, schema: Schema) -> None:
    """Raise SchemaError unless the expression is a number, or true or false."""
    if isinstance(node, Name):  # most are columns
        _check_numeric_column(node.name, schema)
    elif kind_of(node, schema) not in NUMERIC:
        raise SchemaError(f"{label(node)} is text, not a number")


def check_numeric_option(option: str, column: str, schema: Schema) -> None:
    """Raise SchemaError unless the column that an option names holds numbers."""
    field = schema[column]
    if field.kind is not Kind.NUMBER:
        raise SchemaError(f"{option}='{column}': the column is {field.kind}, not a number{number_hint(field)}")


def kind_of(node: Node, schema: Schema) -> Kind:
    """The kind of the values of an expression. Raises SchemaError where its parts do not fit each other."""
    match node:
        case Name():
            return schema[node.name].kind
        case Text():
            return Kind.TEXT
        case Flag():
            return Kind.BOOLEAN
        case Binary(op=op) if op in JOINS:
            _check_condition(node.left, schema)
            _check_condition(node.right, schema)
            return Kind.BOOLEAN
        case Binary(op=op) if op in LOGICAL:
            _check_comparison(node, schema)
            return Kind.BOOLEAN
        case Not():
            _check_condition(node.operand, schema)
            return Kind.BOOLEAN
        case Call():
            return _kind_of_call(node, schema)
        case Negative():
            check_number(node.operand, schema)
        case Binary():
            check_number(node.left, schema)
            check_number(node.right, schema)
    return Kind.NUMBER


def chooses(node: Node) -> bool:
    """Whether an expression has a comparison or choice, whose values may be levels."""
    return any(isinstance(n, Binary | Not) or (isinstance(n, Call) and n.function in CHOICES) for n in walk(node))


def is_factor(node: Node, schema: Schema) -> bool:
    """Whether an expression is a factor of its own: true or false, or text. Inside I() a column is a number."""
    while isinstance(node, Call) and node.function == "I":
        node = node.arguments[0]
    return not isinstance(node, Name | Number) and kind_of(node, schema) in (Kind.BOOLEAN, Kind.TEXT)


def uses(node: Node, kind: Kind = Kind.NUMBER) -> Iterator[tuple[str, Kind]]:
    """The columns of an expression, each with the kind as which it is used there. kind : of the whole."""
    match node:
        case Name():
            yield node.name, kind
        case Binary(op=op) if op in LOGICAL:
            inside = Kind.BOOLEAN if op in JOINS else _kind_of_sides(node)
            yield from (use for side in (node.left, node.right) for use in uses(side, inside))
        case Not():
            yield from uses(node.operand, Kind.BOOLEAN)
        case Call(function="ifelse", arguments=(test, yes, no)):
            chosen = Kind.TEXT if isinstance(yes, Text) or isinstance(no, Text) else kind
            yield from (use for part, k in ((test, Kind.BOOLEAN), (yes, chosen), (no, chosen)) for use in uses(part, k))
        case Call(function=function) if function in DATE_PARTS:
            yield from uses(node.arguments[0], Kind.DATE)
        case Call(function="I"):
            yield from uses(node.arguments[0], kind)
        case _:
            yield from (use for child in children(node) for use in uses(child))


def _kind_of_sides(comparison: Binary) -> Kind:
    """The kind of what is compared, by the constants beside it; a number where there are none."""
    for side in (comparison.left, comparison.right):
        for part in side.arguments if isinstance(side, Call) and side.function == COMBINE else (side,):
            if isinstance(part, Text | Flag):
                return Kind.TEXT if isinstance(part, Text) else Kind.BOOLEAN
    return Kind.NUMBER


def _kind_of_call(node: Call, schema: Schema) -> Kind:
    """The kind of a call."""
    arguments = node.arguments
    if node.function == "as_number":
        _check_numeric_column(arguments[0].name, schema, dates=True)  # type: ignore[union-attr]  # by its signature
    elif node.function in DATE_PARTS:
        _check_date(node, schema)
    elif node.function == "cut":
        check_number(arguments[0], schema)
        cut_of(node)
        return Kind.TEXT
    elif node.function == "ifelse":
        _check_condition(arguments[0], schema)
        yes, no = (kind_of(part, schema) for part in arguments[1:])
        if yes != no and {yes, no} != {*NUMERIC}:
            raise SchemaError(f"{label(node)} chooses between {_words(yes)} and {_words(no)}; it needs two of one kind")
        if yes in (Kind.DATE, Kind.OTHER):
            raise SchemaError(f"{label(node)} chooses between columns of {_words(yes)}, which no formula can use")
        return yes if yes == no else Kind.NUMBER
    elif node.function in COHORTS:
        for argument in arguments:
            check_number(argument, schema)
    elif node.function == "I" and not isinstance(arguments[0], Name):
        kind = kind_of(arguments[0], schema)
        return kind if kind in (Kind.BOOLEAN, Kind.TEXT) else Kind.NUMBER
    else:
        for argument in arguments:
            check_number(argument, schema)
    return Kind.NUMBER


def _check_numeric_column(name: str, schema: Schema, *, dates: bool = False) -> None:
    """Raise SchemaError unless a column may be used as a number. dates : whether those may."""
    field = schema[name]
    if field.kind is Kind.DATE and not dates:
        raise SchemaError(f"column '{name}' is a date ({field.type}); use as_number({name}) or factor({name})")
    if field.kind is Kind.TEXT:
        raise SchemaError(f"column '{name}' is text, not a number{number_hint(field)}")
    if field.kind is Kind.OTHER:
        raise SchemaError(f"column '{name}' has the type {field.type}, not a number")


def _check_date(node: Call, schema: Schema) -> None:
    """Raise SchemaError unless a part of a date is asked of a date."""
    name = names(node)[0]
    field = schema[name]
    if field.kind is not Kind.DATE:
        raise SchemaError(f"{label(node)} is a part of a date, but column '{name}' is {field.type}; store it as dates")


def _check_condition(node: Node, schema: Schema) -> None:
    """Raise SchemaError unless an expression is true or false."""
    kind = kind_of(node, schema)
    if kind is not Kind.BOOLEAN:
        example = EXAMPLES.get(kind, "")
        text = label(node)
        raise SchemaError(f"{text} is {_words(kind)}, not true or false; compare it, as in {text}{example}")


def _check_comparison(node: Binary, schema: Schema) -> None:
    """Raise SchemaError unless both sides of a comparison are of one kind; a date compares with its ISO text."""
    left = kind_of(node.left, schema)
    rights = (
        [kind_of(node.right, schema)]
        if node.op != "%in%"
        else [_kind_of_literal(v) for v in literal_values(node.right)]
    )
    for right in rights:
        dated = {left, right} == {Kind.DATE, Kind.TEXT}
        if (left != right and not dated) or Kind.OTHER in (left, right):
            raise SchemaError(f"{label(node)} compares {_words(left)} with {_words(right)}")


def _kind_of_literal(value: object) -> Kind:
    """The kind of a constant."""
    return Kind.BOOLEAN if isinstance(value, bool) else Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def _words(kind: Kind) -> str:
    """What a kind is called."""
    return {Kind.NUMBER: "a number", Kind.BOOLEAN: "true or false", Kind.TEXT: "text", Kind.DATE: "a date"}.get(
        kind, "of a type that no formula can use"
    )


def made_of_times(variables: Mapping[str, Node], schema: Schema) -> tuple[str, ...]:
    """Labels of the variables that are made of times with fractions of seconds."""
    converted = {v: uses_as_number(node) for v, node in variables.items() if not isinstance(node, Name)}
    kinds = {v: [schema[name].type for name in found] for v, found in converted.items()}
    return tuple(v for v, found in kinds.items() if any(SUBSECONDS.search(kind) for kind in found))
