"""Design: a formula made ready for one source; frozen, picklable, the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from gramian.errors import FormulaError, SchemaError
from gramian.formula.expand import Expanded
from gramian.formula.syntax import COMBINE, Call, Name, Node, label, names
from gramian.formula.terms import Terms, check_numeric, resolve
from gramian.linalg.columns import Layout, layout
from gramian.linalg.monomials import Coordinate, choose_coordinate, degree
from gramian.schema import Kind, Schema
from gramian.typing import Level, Vector


@dataclass(frozen=True)
class Design:
    """What to read, what to store, in which coordinates.

    outcome : response row -> its expression. offsets : expressions that are added. weight, count : columns or None.
    coordinates : variable or response row -> shift and scale, fixed before the pass.
    levels : None while they are being discovered, afterwards the levels of every factor.
    binary : failure and success of a text outcome.
    matrix : name and width of a 2-D array all of whose columns are terms, used in place when it needs no shift.
    """

    formula: str
    terms: Terms
    outcome: Mapping[str, Node]
    offsets: tuple[Node, ...] = ()
    weight: str | None = None
    count: str | None = None
    coordinates: Mapping[str, Coordinate] = field(default_factory=dict)
    levels: Mapping[str, Sequence[Level]] | None = None
    binary: tuple[Level, Level] | None = None
    matrix: tuple[str, int] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that are read."""
        nodes = [*self.terms.variables.values(), *self.outcome.values(), *self.offsets]
        used = [n for node in nodes for n in names(node)]
        used += [f.column for f in self.terms.factors.values()]
        used += [c for c in (self.weight, self.count) if c is not None]
        return tuple(dict.fromkeys(used))

    @cached_property
    def layout(self) -> Layout:
        """The sums that a pass keeps; asked for by every run of rows."""
        return layout(self.terms.blocks(), tuple(self.outcome))

    @cached_property
    def rows_layout(self) -> Layout:
        """The monomials from which rows can be written out, and no products of them."""
        blocks = self.terms.blocks()
        cells = tuple((f, tuple(m)) for f, m in blocks.items() if f)
        return Layout(tuple(blocks[()]), tuple(self.outcome), cells)

    @property
    def matrix_variables(self) -> tuple[str, ...]:
        """The variables that a matrix supplies in place."""
        return () if self.matrix is None else matrix_names(*self.matrix)

    def choose_coordinates(self, values: Mapping[str, Vector]) -> Design:
        """Fix shift and scale of every variable and response from the values of the first rows."""
        stored = [m for block in self.terms.blocks().values() for m in block]
        multiplied = {v for m in stored if degree(m) > 1 for v, _ in m}
        chosen = {v: choose_coordinate(x, products=v in multiplied) for v, x in values.items()}
        unshifted = all(chosen[name].is_identity for name in self.matrix_variables)
        return replace(self, coordinates=chosen, matrix=self.matrix if unshifted else None)


def design_of(
    expanded: Expanded,
    formula: str,
    schema: Schema,
    weight: str | None = None,
    count: str | None = None,
    *,
    text_outcome: bool = False,
    multiple_outcomes: bool = False,
) -> Design:
    """A design without coordinates or levels; every name is checked against the schema.

    text_outcome : a text column may be the outcome (its two levels are told by `binary`). several : there may be
    several outcomes, otherwise they are a FormulaError.
    Raises SchemaError or ColumnError where a column is missing or cannot be used as the formula does.
    """
    outcomes = outcomes_of(expanded.outcome)
    if len(outcomes) > 1 and not multiple_outcomes:
        raise FormulaError(
            f"{label(expanded.outcome)} are {len(outcomes)} outcomes; only ols and ridge take several, so name one"
        )
    terms = resolve(expanded, schema)
    for node in outcomes:
        if not (text_outcome and is_text(node, schema)):
            _check_outcome(node, schema)
    for node in expanded.offsets:
        check_numeric(node, schema)
    for option, column in (("weights", weight), ("counts", count)):
        if column is not None and schema[column].kind is not Kind.NUMBER:
            raise SchemaError(f"{option}='{column}': the column is {schema[column].kind}, not a number")
    outcome = {f"~{label(node)}": node for node in outcomes}
    matrix = None if weight or count else _complete_matrix(terms, schema)
    return Design(formula, terms, outcome, expanded.offsets, weight, count, matrix=matrix)


def with_outcome(design: Design, response: str) -> Design:
    """The design with one of its outcomes."""
    if len(design.outcome) == 1:
        return design
    node = design.outcome[response]
    formula = f"{label(node)} ~{design.formula.partition('~')[2]}"
    return replace(design, formula=formula, outcome={response: node})


def outcomes_of(node: Node) -> tuple[Node, ...]:
    """The expressions of c(y1, y2); an outcome of its own is one."""
    return node.arguments if isinstance(node, Call) and node.function == COMBINE else (node,)


def is_text(node: Node, schema: Schema) -> bool:
    """Whether an outcome is a column of text."""
    return isinstance(node, Name) and schema[node.name].kind is Kind.TEXT


def _check_outcome(node: Node, schema: Schema) -> None:
    if is_text(node, schema):
        raise SchemaError(f"the outcome '{label(node)}' is text; this model needs numbers")
    check_numeric(node, schema)


def matrix_names(name: str, width: int) -> tuple[str, ...]:
    """Names of the columns of a 2-D array."""
    return tuple(f"{name}[{i}]" for i in range(width))


def _complete_matrix(terms: Terms, schema: Schema) -> tuple[str, int] | None:
    if not schema.matrices:
        return None
    linear = {m[0][0] for m in terms.blocks()[()] if len(m) == 1 and m[0][1] == 1}
    for name, width in schema.matrices.items():
        if len(linear) >= width and linear.issuperset(matrix_names(name, width)):
            return name, width
    return None
