"""Columns of a model as fractions, one value for each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod

from gramian.batch import Source
from gramian.derivation.arithmetic import ONE, ZERO, ExactMatrix, Row, transpose
from gramian.derivation.rows import RowReader, Rows
from gramian.derivation.standardize import as_variables
from gramian.errors import FormulaError, NumericalError, OptionError
from gramian.fit.passes.accumulate import Accumulate
from gramian.fit.passes.job import design_for
from gramian.fit.passes.options import Options
from gramian.formula.coding import Levels, ModelColumn, level_name, levels_of, model_columns
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.numeric_terms import Orthogonal, Standardized
from gramian.formula.syntax import Name, label
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate

CONSTANT_PLACES = ("last", "first")
MAX_COLUMNS = 12  # matrices with more columns do not fit on a page


@dataclass(frozen=True, slots=True)
class Table:
    """Model columns and outcome of small data, as fractions; n rows, p columns.

    Attributes
    ----------
    formula : str
        The formula.
    outcome : str
        Name of the outcome.
    names : tuple of str, (p,)
        Names of the columns.
    X : matrix of fractions, (n, p)
        Model columns.
    y : tuple of fractions, (n,)
        Outcomes minus offsets.
    constant : int or None
        Position of the column of ones.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    reference : mapping of str to str
        Factor and its reference level, which has no column.
    indicators : tuple of str
        Names of columns of zeros and ones.
    computed : tuple of str
        Expressions that were evaluated in float64.
    offsets : tuple of str
        Expressions that were subtracted from the outcome.
    """

    formula: str
    outcome: str
    names: tuple[str, ...]
    X: ExactMatrix
    y: Row
    constant: int | None
    dropped_rows: DroppedRows = field(default_factory=DroppedRows)
    reference: Mapping[str, str] = field(default_factory=dict)
    indicators: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    offsets: tuple[str, ...] = ()


def model_table(formula: str, source: Source, constant: str) -> Table:
    """Read the rows and form the columns of the model.

    Parameters
    ----------
    formula : str
        The formula.
    source : Source
        The data.
    constant : {"last", "first"}
        Position of the column of ones.

    Raises
    ------
    OptionError
        For more than 200 rows or 12 columns.
    FormulaError
        For terms whose columns are not rational: orthogonal polynomials, splines, contrasts other than treatment.
    NumericalError
        Where no rows are left.
    """
    design = replace(design_for(formula, source.schema, Options()), matrix=None)
    _check(design)
    reader = RowReader(design)
    for unit in source.units:
        for batch in unit.batches(design.columns):
            reader.add(batch)
    # The pass of the regression gives levels and dropped rows, so that both treat the data alike.
    accumulated = Accumulate(_without_coordinates(design)).accumulate(reader.batches)
    rows = reader.finish(accumulated.moments.levels)
    if not rows.count:
        raise NumericalError(f"no rows are left to derive '{formula}' from")
    # The regression drops rows whose powers overflow float64; fractions would not, and the two would differ.
    if rows.count != accumulated.moments.rows:
        raise NumericalError("powers of the numbers are too large for float64; rescale the columns")
    return _table(design, rows, accumulated.moments, accumulated.dropped_rows, constant)


def _check(design: Design) -> None:
    """Raise FormulaError for terms whose columns are not rational."""
    for part in (part for term in design.terms.terms for part in term.numeric_terms):
        if isinstance(part, Orthogonal):
            raise FormulaError(
                f"{part.label} is orthogonal: its columns hold square roots, which no fraction is; "
                f"write poly({part.variable}, {part.degree}, raw=TRUE)"
            )

    if design.terms.splines:
        raise FormulaError(f"{next(iter(design.terms.splines))} cannot be derived by hand; write powers, as in I(x^2)")


def _without_coordinates(design: Design) -> Design:
    """The design without shifts and scales."""
    names = (*design.terms.variables, *design.outcome)
    return replace(design, coordinates={name: Coordinate() for name in names})


def _table(design: Design, rows: Rows, moments: Moments, dropped_rows: DroppedRows, constant: str) -> Table:
    """The table of complete rows."""
    terms, values = as_variables(design.terms, rows.values, rows.left_out)
    levels = levels_of(moments, design.terms)
    if levels.contrasts:
        raise FormulaError(
            f"a derivation shows treatment contrasts only; leave contrast= out of {min(levels.contrasts)}"
        )
    columns = model_columns(terms, levels, {name: Coordinate() for name in values}, {})
    _check_width(len(columns), design.formula)
    # The column of ones is the term without variables.
    ones = next((c for c in columns if not terms.terms[c.term].atoms), None)
    others = [c for c in columns if c is not ones]
    ordered = others if ones is None else [*others, ones] if constant == "last" else [ones, *others]
    scaled = (p.label for t in design.terms.terms for p in t.numeric_terms if isinstance(p, Standardized) and p.scaled)
    nodes = (*design.terms.variables.values(), *design.outcome.values(), *design.offsets)
    return Table(
        formula=design.formula,
        outcome=next(iter(design.outcome)).removeprefix("~"),
        names=tuple(c.name for c in ordered),
        X=transpose(tuple(_values(c, replace(rows, values=values)) for c in ordered)),
        y=rows.response,
        constant=None if ones is None else ordered.index(ones),
        dropped_rows=dropped_rows,
        reference=_references(design, columns, levels),
        indicators=tuple(c.name for c in ordered if c.cell and c.polynomial == {(): ONE}),
        computed=tuple(dict.fromkeys([*(label(node) for node in nodes if not isinstance(node, Name)), *scaled])),
        offsets=tuple(map(label, design.offsets)),
    )


def _check_width(width: int, formula: str) -> None:
    """Raise FormulaError without columns, OptionError with too many."""
    if not width:
        raise FormulaError(f"'{formula}' has no terms and no constant: there is nothing to derive")
    if width > MAX_COLUMNS:
        raise OptionError(
            f"'{formula}' has {width} columns; a derivation is written out for at most {MAX_COLUMNS}, "
            "use gm.ols for more"
        )


def _values(column: ModelColumn, rows: Rows) -> Row:
    """A model column in all rows."""
    return tuple(_value(column, rows, i) for i in range(rows.count))


def _value(column: ModelColumn, rows: Rows, i: int) -> Fraction:
    """A model column in one row: its polynomial where the row is in its cell, zero elsewhere."""
    if any(rows.codes[f][i] != code for f, code in column.cell):
        return ZERO
    monomials = (c * prod(rows.values[v][i] ** p for v, p in m) for m, c in column.polynomial.items())
    return sum(monomials, ZERO)


def _references(design: Design, columns: tuple[ModelColumn, ...], levels: Levels) -> dict[str, str]:
    """Reference level of every factor that is a term of its own."""
    references: dict[str, str] = {}
    for number, term in enumerate(design.terms.terms):
        if len(term.atoms) == 1 and term.factors:
            (factor,) = term.factors
            shown = {c.cell[0][1] for c in columns if c.term == number}
            references.update(
                (factor, level_name(levels.names[factor][k])) for k in levels.order[factor] if k not in shown
            )
    return references
