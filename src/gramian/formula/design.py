"""Design: a formula resolved for one source. It is frozen and picklable, so that every machine reads rows alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from gramian.errors import FormulaError, SchemaError
from gramian.formula.coding import Levels, ModelColumn, empty_cells, levels_of, model_columns
from gramian.formula.coordinates import Parametrization, parametrize
from gramian.formula.expand import Expanded
from gramian.formula.kinds import check_numeric_option
from gramian.formula.splines import Spline
from gramian.formula.syntax import COMBINE, Call, Name, Node, label, names
from gramian.formula.terms import Terms, check_numeric, resolve
from gramian.formula.text_factors import number_hint
from gramian.linalg.columns import Layout, layout
from gramian.linalg.in_place import InPlace, in_place
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate, choose_coordinate, degree, surely_identity
from gramian.schema import Kind, Schema
from gramian.typing import Level, Matrix, Size, Vector


@dataclass(frozen=True)  # no slots: cached properties need a __dict__
class Design:
    """What a pass reads, which sums it stores, and in which coordinates.

    Attributes
    ----------
    formula : str
        The text of the formula.
    terms : Terms
        Its terms.
    outcome : Mapping[str, Node]
        Response row (`~y`) -> its expression.
    offsets : tuple of Node
        Expressions that are added to the linear predictor.
    weight, count : str or None
        Columns of weights and of frequencies.
    coordinates : Mapping[str, Coordinate]
        Variable or response row -> shift and scale, fixed before the pass.
    levels : Mapping[str, Sequence of Level] or None
        Factor -> levels in the order of their codes; None while they are being discovered.
    binary : tuple of two Level or None
        Failure and success of a text outcome.
    matrix : tuple of str and int, or None
        Name and width of a 2-D array all of whose columns are terms: it is used in place, without a copy, where no
        column needs a shift.
    present : tuple of Node
        Expressions that must be finite in every row that enters, such as other outcomes.
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
    matrix: tuple[str, Size] | None = None
    present: tuple[Node, ...] = ()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read; cached, because every unit asks for them."""
        used = [*names(*self.terms.variables.values(), *self.outcome.values(), *self.offsets, *self.present)]
        used += [c for f in self.terms.factors.values() for c in f.columns]
        used += [c for c in (self.weight, self.count) if c is not None]
        return tuple(dict.fromkeys(used))

    @cached_property
    def layout(self) -> Layout:
        """The sums that a pass stores; cached, because every batch needs it."""
        return layout(self.terms.blocks, tuple(self.outcome))

    @cached_property
    def rows_layout(self) -> Layout:
        """The monomials that rows of the design matrix are built from, without their products."""
        blocks = self.terms.blocks
        cells = tuple((f, tuple(m)) for f, m in blocks.items() if f)
        return Layout(tuple(blocks[()]), tuple(self.outcome), cells)

    @cached_property
    def matrix_variables(self) -> tuple[str, ...]:
        """Names of the variables that a matrix supplies in place."""
        return () if self.matrix is None else matrix_names(*self.matrix)

    @cached_property
    def in_place(self) -> InPlace | None:
        """How a kernel reads the columns of a pass where they are; None where they are written first."""
        if self.terms.power_sums:
            return None
        return in_place(self.layout, self.coordinates, self.matrix_variables, cells=True)

    def stays_in_place(self, rows: Matrix) -> bool:
        """Whether surely no column of the matrix needs a shift or a scale. rows : (n, k) its first ones."""
        stored = [m for block in self.terms.blocks.values() for m in block]
        in_matrix = set(self.matrix_variables)
        return not any(degree(m) > 1 and any(v in in_matrix for v, _ in m) for m in stored) and surely_identity(rows)

    @property
    def open_splines(self) -> tuple[Spline, ...]:
        """Splines whose knots are quantiles of the data, and not set yet."""
        return tuple(spline for spline in self.terms.splines.values() if not spline.has_knots)

    @property
    def multiplied(self) -> frozenset[str]:
        """Variables in stored products: only these need a scale that keeps them in float64's range."""
        stored = [m for block in self.terms.blocks.values() for m in block]
        return frozenset(v for m in stored if degree(m) > 1 for v, _ in m)

    def choose_coordinates(self, values: Mapping[str, Vector]) -> Design:
        """Fix shift and scale of every variable and response.

        values : variable or response row -> its values in the first rows; without those of a matrix whose columns need
        no shift (`stays_in_place`). Any shift gives the same fit; one near the
        mean makes the sums of products well conditioned (T. F. Chan, G. H. Golub and R. J. LeVeque, The American
        Statistician 37 (1983)).
        """
        multiplied = self.multiplied
        chosen = {v: choose_coordinate(x, products=v in multiplied) for v, x in values.items()}
        if self.matrix is not None and not values.keys() & set(self.matrix_variables):
            chosen |= dict.fromkeys(self.matrix_variables, Coordinate())
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
    """A design without coordinates and levels, with every name checked against the schema.

    Parameters
    ----------
    expanded : Expanded
        The expanded formula.
    formula : str
        Its text.
    schema : Schema
        Columns of the source.
    weight, count : str, optional
        Columns of weights and of frequencies.
    text_outcome : bool
        Whether a text column may be the outcome; `binary` names its two levels later.
    multiple_outcomes : bool
        Whether the model takes several outcomes.

    Raises
    ------
    FormulaError
        Several outcomes where the model takes one.
    ColumnError, SchemaError
        A column does not exist, or cannot be used as the formula does.
    """
    outcomes = outcomes_of(expanded.outcome)
    if len(outcomes) > 1 and not multiple_outcomes:
        raise FormulaError(
            f"{label(expanded.outcome)} are {len(outcomes)} outcomes; only ols, ridge and glm take several, so name one"
        )
    terms = resolve(expanded, schema)
    for node in outcomes:
        if not (text_outcome and is_text(node, schema)):
            _check_outcome(node, schema)
    for node in expanded.offsets:
        check_numeric(node, schema)
    for option, column in (("weights", weight), ("counts", count)):
        if column is not None:
            check_numeric_option(option, column, schema)
    outcome = {f"~{label(node)}": node for node in outcomes}
    # weighted products need a scaled copy of the columns anyway
    matrix = None if weight or count else _complete_matrix(terms, schema)
    return Design(formula, terms, outcome, expanded.offsets, weight, count, matrix=matrix)


def with_outcome(design: Design, response: str) -> Design:
    """The design with only one of its outcomes."""
    if len(design.outcome) == 1:
        return design
    node = design.outcome[response]
    formula = f"{label(node)} ~{design.formula.partition('~')[2]}"
    return replace(design, formula=formula, outcome={response: node})


def outcomes_of(node: Node) -> tuple[Node, ...]:
    """The expressions inside c(y1, y2); a single outcome as a tuple of one."""
    return node.arguments if isinstance(node, Call) and node.function == COMBINE else (node,)


def is_text(node: Node, schema: Schema) -> bool:
    """Whether an outcome is a column of text."""
    return isinstance(node, Name) and schema[node.name].kind is Kind.TEXT


def _check_outcome(node: Node, schema: Schema) -> None:
    """Raise SchemaError unless an outcome is numeric."""
    if is_text(node, schema):
        hint = "".join(number_hint(schema[name]) for name in names(node))
        raise SchemaError(f"the outcome '{label(node)}' is text; this model needs numbers{hint}")
    check_numeric(node, schema)


def matrix_names(name: str, width: int) -> tuple[str, ...]:
    """Names of the columns of a 2-D array: X[0], X[1], ..."""
    return tuple(f"{name}[{i}]" for i in range(width))


def _complete_matrix(terms: Terms, schema: Schema) -> tuple[str, int] | None:
    """Name and width of the first 2-D array all of whose columns are linear terms; None where there is none."""
    if not schema.matrices:
        return None
    linear = {m[0][0] for m in terms.blocks[()] if len(m) == 1 and m[0][1] == 1}
    for name, width in schema.matrices.items():
        if len(linear) >= width and linear.issuperset(matrix_names(name, width)):
            return name, width
    return None


@dataclass(frozen=True, slots=True)
class CodedDesign:
    """What the normal equations have of a design and of levels, whatever the sums.

    Attributes
    ----------
    given : Design
        The design that was coded.
    design : Design
        The same, with the levels of its factors.
    response : str
        Name of the outcome.
    levels : Levels
        Levels of the factors, and combinations of levels that have rows.
    columns : tuple of ModelColumn
        The model's columns.
    names : tuple of str
        Their names.
    terms : tuple of int
        The term of each.
    parametrization : Parametrization
        The columns that are solved for, and their maps to stored and model columns.
    empty_cells : mapping of str to int
        Interaction -> number of combinations of levels that no row has.
    """

    given: Design
    design: Design
    response: str
    levels: Levels
    columns: tuple[ModelColumn, ...]
    names: tuple[str, ...]
    terms: tuple[int, ...]
    parametrization: Parametrization
    empty_cells: Mapping[str, int]

    def holds(self, design: Design, levels: Levels) -> bool:
        """Whether a design with other levels has the same columns: none is made of sums, and no level differs."""
        if design.terms.power_sums or design.terms.absorbed or design != self.given:
            return False
        return levels.names == self.levels.names and levels.cells == self.levels.cells


def coded(
    design: Design,
    moments: Moments,
    *,
    every_level: bool = False,
    as_written: bool = False,
    like: CodedDesign | None = None,
) -> CodedDesign:
    """Code a design with the levels of some moments; every_level as of `model_columns`, as_written of `parametrize`.

    like : that of another fit, which is shared where it is the same. Raises NumericalError where a contrast compares
    empty cells.
    """
    levels = levels_of(moments, design.terms)
    if like is not None and like.holds(design, levels):
        return like
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=every_level)
    (response,) = design.outcome
    parametrization = parametrize(
        columns,
        levels,
        response,
        design.coordinates,
        as_written=as_written,
        absorbed=design.terms.absorbed and design.terms.absorbed_intercepts,
    )
    names = tuple(c.name for c in columns)
    own_levels = {name: moments.levels[name] for name in design.terms.factors}
    return CodedDesign(
        design,
        replace(design, levels=own_levels),
        response,
        levels,
        columns,
        names,
        tuple(c.term for c in columns),
        parametrization,
        empty_cells(design.terms, levels),
    )
