"""Reads the formula of a curve, `outcome ~ expression`, where names that are not columns are parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gramian.errors import FormulaError, OptionError, did_you_mean, listing
from gramian.formula.arithmetic import expression
from gramian.formula.curve_program import affine, compiled
from gramian.formula.design import Design
from gramian.formula.functions import FUNCTIONS, STRUCTURAL
from gramian.formula.grammar import parse_expression
from gramian.formula.syntax import Binary, Call, Name, Negative, Node, label, names, walk
from gramian.formula.terms import Terms, check_numeric
from gramian.formula.tokens import Cursor, cursor_at_start, formula_error
from gramian.models.curve import Shape
from gramian.models.curves import CURVES, NamedCurve
from gramian.schema import Schema


@dataclass(frozen=True, slots=True)
class ParsedCurve:
    """The formula of a curve as written.

    Attributes
    ----------
    text : str
        The formula.
    outcome : Node
        The left side.
    curve : Node
        The right side, or the argument of the named curve.
    named_curve : NamedCurve or None
        The named curve that the right side calls; None where the expression is written out.
    """

    text: str
    outcome: Node
    curve: Node
    named_curve: NamedCurve | None


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve resolved for one source; frozen and picklable.

    Attributes
    ----------
    formula : str
        Its text.
    outcome : Node
        The expression of the outcome.
    names : tuple of str
        Parameters, in order.
    variables : Mapping[str, Node]
        Label -> expression of columns; these are the inputs of the program.
    shape : Shape
        The compiled right side.
    equation : str
        The right side, written out.
    weight : str or None
        Column of weights.
    curve_name : str or None
        Name of the named curve.
    """

    formula: str
    outcome: Node
    names: tuple[str, ...]
    variables: Mapping[str, Node]
    shape: Shape
    equation: str
    weight: str | None = None
    curve_name: str | None = None

    @property
    def design(self) -> Design:
        """The design through which rows are read: outcome, weight and the inputs of the program."""
        response = {f"~{label(self.outcome)}": self.outcome}
        return Design(self.formula, Terms((), self.variables, {}), response, (), self.weight)


def parse_curve(text: str, columns: Iterable[str]) -> ParsedCurve:
    """Read `outcome ~ expression` or `outcome ~ logistic(x)`.

    Raises FormulaError that shows the place of the first mistake.
    """
    cursor = cursor_at_start(text)
    outcome = _outcome(cursor)
    named_curve = _named_curve(cursor, set(columns))
    curve = _argument(cursor, named_curve) if named_curve else expression(cursor)
    if cursor.token.kind != "end":
        if cursor.token.operator == ")":
            cursor.fail("this ')' was not opened")
        cursor.fail(_must_stand_alone(named_curve)) if named_curve else cursor.expected("an operator")
    for node in (outcome, curve):
        _check_calls(node, text)
    return ParsedCurve(text, outcome, curve, named_curve)


def _outcome(cursor: Cursor) -> Node:
    """Read the left side and the tilde."""
    if not any(token.text == "~" and token.kind == "operator" for token in cursor.tokens):
        cursor.fail("a formula needs '~' between the outcome and the curve, as in y ~ a * exp(b * x)", len(cursor.text))
    if cursor.token.operator == "~":
        cursor.fail("nothing stands left of '~'; name the outcome, as in y ~ a * exp(b * x)")
    node = expression(cursor)
    if not cursor.accept("~"):
        cursor.expected("an operator or '~'")
    if cursor.token.kind == "end":
        cursor.fail("nothing stands right of '~'; write the curve, as in y ~ a * exp(b * x), or logistic(x)")
    return node


def _named_curve(cursor: Cursor, columns: set[str]) -> NamedCurve | None:
    """The named curve that is called next, else None. tanh() of a parameter is the function, not the named curve."""
    name, then = cursor.token, cursor.then
    if name.kind != "name" or name.text not in CURVES or then.text != "(":
        return None
    if name.text in FUNCTIONS:
        # a copy of the cursor, to look ahead without moving
        ahead = replace(cursor)
        node = expression(ahead)
        stands_alone = isinstance(node, Call) and node.function == name.text and ahead.token.kind == "end"
        if not stands_alone or not columns.issuperset(names(node)):
            return None
    return CURVES[name.text]


def _argument(cursor: Cursor, named_curve: NamedCurve) -> Node:
    """Read the one argument of a named curve."""
    cursor.take()
    opening = cursor.take()
    cursor.deeper()
    if cursor.token.operator == ")":
        cursor.fail(f"{named_curve.name}() takes what the curve depends on, as in {named_curve.name}(x)")
    node = expression(cursor)
    if cursor.token.operator == ",":
        cursor.fail(f"{named_curve.name}() takes one argument, what the curve depends on")
    cursor.close(opening)
    if not names(node):
        cursor.fail(f"{named_curve.name}() depends on no column", opening.position)
    return node


def _must_stand_alone(named_curve: NamedCurve) -> str:
    """Message for a named curve that is part of a larger expression."""
    return f"{named_curve.name}() is a whole curve and stands alone; to change it, write it out: {named_curve.equation}"


def _check_calls(node: Node, text: str) -> None:
    """Raise FormulaError for functions such as poly() that are terms of linear models."""
    for part in walk(node):
        if isinstance(part, Call) and part.function in STRUCTURAL:
            raise formula_error(
                f"{part.function}() is a term of a linear model; a curve is arithmetic", text, part.position
            )


def parameters_of(parsed: ParsedCurve, schema: Schema, start: Mapping[str, float] | None) -> tuple[str, ...]:
    """Names of the parameters, in order: those of a named curve, else the keys of `start`.

    Raises OptionError where a parameter is also a column, has no start value, or does not occur in the curve.
    """
    if parsed.named_curve:
        return parsed.named_curve.parameters
    used = names(parsed.curve)
    unknown = [name for name in used if name not in schema]
    names_with_start = tuple(start or ())
    if not names_with_start:
        _no_start(parsed, unknown, schema)
    for name in names_with_start:
        if name in schema:
            raise OptionError(
                f"'{name}' is a column of the data and cannot be a parameter too; call the parameter otherwise"
            )
        if name not in used:
            hint = did_you_mean(name, unknown) or f"; its parameters are {listing(unknown)}"
            raise OptionError(f"start: '{name}' does not occur in the curve '{label(parsed.curve)}'{hint}")
    for name in unknown:
        if name not in names_with_start:
            hint = did_you_mean(name, schema.names)
            raise OptionError(f"'{name}' is neither a column nor a parameter with a start{hint or '; add it to start'}")
    return names_with_start


def _no_start(parsed: ParsedCurve, unknown: list[str], schema: Schema) -> None:
    """Raise OptionError for a curve without start values, with an example of `start`."""
    if not unknown:
        raise OptionError(
            f"the curve '{label(parsed.curve)}' has no parameters: every name in it is a column; "
            "names that are not columns are parameters, as top and rate in y ~ top * exp(-rate * x)"
        )
    columns = [n for n in names(parsed.curve) if n in schema]
    hints = [f"'{n}': {hint[2:]}" for n in unknown if (hint := did_you_mean(n, schema.names))]
    example = ", ".join(f'"{n}": 1' for n in unknown)
    raise OptionError(
        f"the parameters {listing(unknown)} need a start, as in start={{{example}}} "
        f"(columns in the curve: {listing(columns) or 'none'})" + "".join(f"; {h}" for h in hints)
    )


def curve_of(
    parsed: ParsedCurve,
    schema: Schema,
    parameters: tuple[str, ...],
    weight: str | None = None,
    bounded: Iterable[str] = (),
) -> Curve:
    """The curve with its program.

    Parameters
    ----------
    parsed : ParsedCurve
        The formula.
    schema : Schema
        Columns of the source.
    parameters : tuple of str
        Names of the parameters, in order.
    weight : str, optional
        Column of weights.
    bounded : Iterable[str]
        Parameters with bounds: these are estimated by iteration even where the curve is linear in them, because the
        closed form knows no bounds.

    Raises
    ------
    ColumnError, SchemaError
        A column does not exist or is not numeric.
    FormulaError
        The outcome uses a parameter, or no column.
    """
    for name in names(parsed.outcome):
        if name in parameters and name not in schema:
            raise FormulaError(f"the outcome uses the parameter '{name}'; it may use columns only")
    if not names(parsed.outcome):
        raise FormulaError("the outcome uses no column")
    template = parse_expression(parsed.named_curve.equation) if parsed.named_curve else parsed.curve
    substitutes = {"x": parsed.curve} if parsed.named_curve else {}
    parameter_set = set(parameters)
    linear, parts = affine(template, [p for p in parameters if p not in set(bounded)])
    nonlinear = tuple(p for p in parameters if p not in linear)
    free = None in parts
    nodes = [parts[key] for key in (*([None] if free else []), *linear)]
    program, leaves = compiled(nodes, nonlinear, parameter_set)
    variables = [_substituted(leaf, substitutes) for leaf in leaves]
    for node in (parsed.outcome, *variables):
        check_numeric(node, schema)
    shape = Shape(
        program, tuple(parameters.index(p) for p in linear), tuple(parameters.index(p) for p in nonlinear), free
    )
    equation = label(_substituted(template, substitutes))
    inputs = {label(node): node for node in variables}
    curve_name = parsed.named_curve.name if parsed.named_curve else None
    return Curve(parsed.text, parsed.outcome, parameters, inputs, shape, equation, weight, curve_name)


def _substituted(node: Node, values: Mapping[str, Node]) -> Node:
    """An expression with names replaced by expressions."""
    match node:
        case Name():
            return values.get(node.name, node)
        case Negative():
            return Negative(_substituted(node.operand, values))
        case Binary():
            return Binary(node.op, _substituted(node.left, values), _substituted(node.right, values))
        case Call():
            return Call(node.function, tuple(_substituted(a, values) for a in node.arguments), node.keywords)
    return node
