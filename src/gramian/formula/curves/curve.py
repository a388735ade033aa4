"""Reads the formula of a curve, `outcome ~ expression`, where names that are not columns are parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace

from gramian.errors import FormulaError, OptionError, did_you_mean, listing
from gramian.formula.arithmetic import expression
from gramian.formula.curves.program import affine, compiled
from gramian.formula.design import Design
from gramian.formula.functions import CHOICES, FUNCTIONS, STRUCTURAL
from gramian.formula.grammar import parse_expression
from gramian.formula.syntax import LOGICAL, Binary, Call, Name, Negative, Node, Not, label, names, walk
from gramian.formula.terms import Terms, check_numeric
from gramian.formula.tokens import Cursor, cursor_at_start, formula_error
from gramian.models.curve import Shape
from gramian.models.curves import CURVES, NamedCurve
from gramian.schema import Schema

MIN_SIMILAR = 3  # letters: shorter names, such as y0, resemble columns by chance


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
    def columns(self) -> tuple[str, ...]:
        """Columns of the outcome, then those of the right side."""
        return names(self.outcome, *self.variables.values())

    @property
    def linear(self) -> tuple[str, ...]:
        """Parameters in which it is linear, and which are solved for directly."""
        return tuple(self.names[at] for at in self.shape.linear)

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


def parameters_of(
    parsed: ParsedCurve, schema: Schema, start: Mapping[str, float] | None, bounded: Iterable[str] = ()
) -> tuple[str, ...]:
    """Names of the parameters, in order: those of a named curve, else the keys of `start`, else as they occur.

    The last where some have no start, because the curve is linear in them and they have no bounds. Raises OptionError
    where a parameter is also a column, needs a start that is not given, or does not occur in the curve.
    """
    if parsed.named_curve:
        return parsed.named_curve.parameters
    unknown = [name for name in names(parsed.curve) if name not in schema]
    started = tuple(start or ())
    if not unknown and not started:
        raise OptionError(
            f"the curve '{label(parsed.curve)}' has no parameters: every name in it is a column; "
            "names that are not columns are parameters, as top and rate in y ~ top * exp(-rate * x)"
        )
    _check_started(parsed, schema, started, unknown)
    candidates = [name for name in unknown if name not in {*started, *bounded}]
    linear, _ = affine(parsed.curve, candidates)
    _check_not_started(parsed, schema, [name for name in unknown if name not in started], linear)
    return started if len(started) == len(unknown) else tuple(unknown)


def _check_started(parsed: ParsedCurve, schema: Schema, started: tuple[str, ...], unknown: list[str]) -> None:
    """Raise OptionError for a start of a column, or of a name that is not in the curve."""
    for name in started:
        if name in schema:
            raise OptionError(
                f"'{name}' is a column of the data and cannot be a parameter too; call the parameter otherwise"
            )
        if name not in unknown:
            hint = did_you_mean(name, unknown) or f"; its parameters are {listing(unknown)}"
            raise OptionError(f"start: '{name}' does not occur in the curve '{label(parsed.curve)}'{hint}")


def _check_not_started(parsed: ParsedCurve, schema: Schema, absent: list[str], linear: tuple[str, ...]) -> None:
    """Raise OptionError for parameters without a start in which the curve is not linear, with an example of `start`.

    A name that resembles a column is refused, too: it is rather a misspelt column than a parameter.
    """
    hints = {
        name: hint[2:] for name in absent if len(name) >= MIN_SIMILAR and (hint := did_you_mean(name, schema.names))
    }
    required = [name for name in absent if name not in linear or name in hints]
    if not required:
        return
    columns = [name for name in names(parsed.curve) if name in schema]
    example = ", ".join(f'"{name}": 1' for name in required)
    verb = "parameters {} need" if len(required) > 1 else "parameter {} needs"
    none = [name for name in linear if name not in hints]
    facts = [f"the curve is linear in {listing(none)}, which needs none"] if none else []
    facts.append(f"columns in the curve: {listing(columns) or 'none'}")
    raise OptionError(
        f"the {verb.format(listing(required))} a start, as in start={{{example}}} ({'; '.join(facts)})"
        + "".join(f"; '{name}': {hint}" for name, hint in hints.items())
    )


def curve_of(
    parsed: ParsedCurve,
    schema: Schema,
    parameters: tuple[str, ...],
    weight: str | None = None,
    bounded: Iterable[str] = (),
    started: Iterable[str] = (),
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
    started : Iterable[str]
        Parameters with a start: where the curve is linear in some parameter or in another, the one without is solved
        for.

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
    parameter_set, iterated, later = set(parameters), set(bounded), set(started)
    _check_choices(parsed, parameter_set - set(schema.names))
    linear, parts = affine(template, sorted((p for p in parameters if p not in iterated), key=later.__contains__))
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


def _check_choices(parsed: ParsedCurve, parameters: Set[str]) -> None:
    """Raise FormulaError where a parameter decides between pieces of the curve: there it has no derivative."""
    for part in walk(parsed.curve):
        chooses = isinstance(part, Call) and part.function in CHOICES
        decides = isinstance(part, Not) or (isinstance(part, Binary) and part.op in LOGICAL)
        if (decides or chooses) and (found := parameters & {*names(part)}):
            reason = f"'{min(found)}' is a parameter; comparisons and choices are of columns, as in a * (x > 0)"
            raise formula_error(reason, parsed.text, part.position)


def _substituted(node: Node, values: Mapping[str, Node]) -> Node:
    """An expression with names replaced by expressions."""
    match node:
        case Name():
            return values.get(node.name, node)
        case Negative():
            return Negative(_substituted(node.operand, values))
        case Not():
            return Not(_substituted(node.operand, values))
        case Binary():
            return Binary(node.op, _substituted(node.left, values), _substituted(node.right, values))
        case Call():
            return Call(node.function, tuple(_substituted(a, values) for a in node.arguments), node.keywords)
    return node
