"""The columns of a design as expressions of SQL, or why they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.types as pt
from sqlglot import exp

from gramian.data.sql.dialects import Dialect, cast_text
from gramian.data.sql.source import Table, column
from gramian.formula.design import Design
from gramian.formula.functions import IDENTITY_FUNCTIONS
from gramian.formula.syntax import Binary, Call, Name, Negative, Node, Number, label, names

MAX_SUMS = 1500  # sums that one SELECT lists: PostgreSQL takes 1,664 columns
MAX_DECIMAL_DIGITS = 15  # of decimals that every database rounds to the nearest float64
OPERATORS = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
LARGEST_EXPONENT, SMALLEST_EXPONENT = 709.78, -745.1  # of exp() within the range of float64
WEIGHTS, COUNTS = "=weights", "=counts"


class NotSqlError(Exception):
    """A design has something that the queries cannot say; the message says what, in words of a plan."""


@dataclass(frozen=True, slots=True)
class Values:
    """What is computed of every row.

    Attributes
    ----------
    numbers : Mapping[str, Expression]
        Variable, response row, "=weights" or "=counts" -> double.
    factors : Mapping[str, Expression]
        Factor -> its level.
    columns : tuple of str
        Columns of which the values are numbers.
    """

    numbers: Mapping[str, exp.Expression]
    factors: Mapping[str, exp.Expression]
    columns: tuple[str, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables and response rows."""
        return tuple(key for key in self.numbers if not key.startswith("="))


def values_of(design: Design, table: Table, dialect: Dialect) -> Values:
    """The values of a design. Raises NotSqlError where a query cannot say them."""
    _check_terms(design)
    expressions = {**design.terms.variables, **design.outcome}
    numbers = {key: _number(node, table, dialect) for key, node in expressions.items()}
    if design.weight is not None and dialect.typeof:
        raise NotSqlError(f"weights need their logarithms, which not every {dialect.title} has")
    for key, option in ((WEIGHTS, design.weight), (COUNTS, design.count)):
        if option is not None:
            numbers[key] = _number(Name(option), table, dialect)
    used = [*names(*expressions.values()), *(c for c in (design.weight, design.count) if c)]
    factors = {name: _level(f.column, table, dialect) for name, f in design.terms.factors.items()}
    return Values(numbers, factors, tuple(dict.fromkeys(used)))


def _check_terms(design: Design) -> None:
    """Raise NotSqlError for terms that need more than sums of products."""
    terms = design.terms
    if terms.splines:
        raise NotSqlError(f"{next(iter(terms.splines))} needs quantiles for its knots, and values of its own functions")
    if terms.absorbed:
        raise NotSqlError(f"{' and '.join(terms.absorbed)} may have millions of levels, whose sums would travel")
    if terms.power_sums:
        raise NotSqlError("poly(), center() and scale() are of all rows that have their variable, dropped ones too")
    if design.offsets:
        raise NotSqlError(f"the outcome is less {label(design.offsets[0])} only where rows are read")
    if design.present:
        raise NotSqlError("rows enter by the outcomes of other models, too")
    layout = design.layout
    sums = len(layout.rows) * (len(layout.rows) + 1) // 2 + sum(len(m) for _, m in layout.tables)
    if sums > MAX_SUMS:
        raise NotSqlError(f"{sums:,} sums are more than the {MAX_SUMS:,} that one SELECT may list")


def _number(node: Node, table: Table, dialect: Dialect) -> exp.Expression:
    """An expression as a double, null where a column of it is."""
    if isinstance(node, Name):
        _check_number(node.name, table)
        return exp.cast(column(node.name), "double")
    if dialect.typeof:
        raise NotSqlError(f"{label(node)} is computed here: {dialect.title} has no NaN, which counts as a cause")
    match node:
        case Number():
            return number(node.value)
        case Negative():
            return exp.Neg(this=exp.paren(_number(node.operand, table, dialect)))
        case Binary(op="/"):
            return _quotient(_number(node.left, table, dialect), _number(node.right, table, dialect), dialect)
        case Binary() if node.op in OPERATORS:
            parts = (exp.paren(_number(side, table, dialect)) for side in (node.left, node.right))
            return OPERATORS[node.op](**dict(zip(("this", "expression"), parts, strict=True)))
        case Call() if node.function in IDENTITY_FUNCTIONS:
            return exp.paren(_number(node.arguments[0], table, dialect))
        case Call() if node.function in FUNCTIONS:
            return FUNCTIONS[node.function](exp.paren(_number(node.arguments[0], table, dialect)), dialect)
    raise NotSqlError(f"{label(node)} is computed here: databases have no such function, or another one of this name")


def number(value: float) -> exp.Expression:
    """A float64 with 17 digits and an exponent, which every database reads as the same double."""
    literal = exp.Literal.number(f"{abs(value):.16e}")
    return exp.paren(exp.Neg(this=literal)) if value < 0 else literal


def _case(*branches: tuple[exp.Expression, exp.Expression], default: exp.Expression) -> exp.Expression:
    """The value of the first branch whose condition holds."""
    case = exp.Case()
    for condition, value in branches:
        case = case.when(condition, value)
    return case.else_(default)


def _is(kind: Callable[..., exp.Expression], x: exp.Expression, value: float) -> exp.Expression:
    """A comparison of an expression with a number."""
    return kind(this=x.copy(), expression=number(value))


def _quotient(a: exp.Expression, b: exp.Expression, dialect: Dialect) -> exp.Expression:
    """a / b, infinite or NaN where b is zero, as in arithmetic of IEEE 754 and not an error."""
    undefined = exp.or_(_is(exp.EQ, exp.paren(a), 0.0), dialect.is_nan(exp.paren(a.copy())))
    at_zero = _case((undefined, cast_text("NaN")), default=dialect.infinity.copy())
    nothing = exp.Is(this=exp.paren(a.copy()), expression=exp.Null())
    return exp.paren(
        _case(
            (nothing, exp.Null()),
            (_is(exp.EQ, exp.paren(b), 0.0), at_zero),
            default=exp.Div(this=exp.paren(a.copy()), expression=exp.paren(b.copy()), typed=False, safe=False),
        )
    )


def _within(low: exp.Expression, x: exp.Expression, value: exp.Expression, other: exp.Expression) -> exp.Expression:
    """A function where its condition holds, null where x is null, else another value."""
    nothing = exp.Is(this=x.copy(), expression=exp.Null())
    return exp.paren(_case((nothing, exp.Null()), (low, value), default=other))


def _log(x: exp.Expression, dialect: Dialect) -> exp.Expression:
    """The logarithm; -infinity at zero, NaN below, as NumPy has it."""
    minus = exp.Neg(this=dialect.infinity.copy())
    outside = _case((_is(exp.EQ, x, 0.0), minus), default=cast_text("NaN"))
    return _within(_is(exp.GT, x, 0.0), x, exp.Ln(this=x.copy()), outside)


def _sqrt(x: exp.Expression, _: Dialect) -> exp.Expression:
    """The square root; NaN below zero."""
    return _within(_is(exp.GTE, x, 0.0), x, exp.Sqrt(this=x.copy()), cast_text("NaN"))


def _exp(x: exp.Expression, dialect: Dialect) -> exp.Expression:
    """The exponential function, infinite or zero beyond the range of float64 (where PostgreSQL has an error)."""
    small = _case((_is(exp.LT, x, 0.0), number(0.0)), (dialect.is_nan(x.copy()), cast_text("NaN")),
                  default=dialect.infinity.copy())  # fmt: skip
    inside = exp.and_(_is(exp.LTE, x, LARGEST_EXPONENT), _is(exp.GTE, x, SMALLEST_EXPONENT))
    return _within(inside, x, exp.Exp(this=x.copy()), small)


FUNCTIONS: dict[str, Callable[[exp.Expression, Dialect], exp.Expression]] = {
    "log": _log,
    "sqrt": _sqrt,
    "exp": _exp,
    "abs": lambda x, _: exp.Abs(this=x),
}


def _check_number(name: str, table: Table) -> None:
    """Raise NotSqlError for a column that is not cast to the same float64 by every database."""
    kind: Any = table.types.field(name).type
    if pt.is_integer(kind) or pt.is_floating(kind) or (pt.is_decimal(kind) and kind.precision <= MAX_DECIMAL_DIGITS):
        return
    if not pt.is_null(kind):
        raise NotSqlError(f"column {name} has the type {kind}, which is read as it is everywhere")


def _level(name: str, table: Table, dialect: Dialect) -> exp.Expression:
    """The level of a factor; texts are equal only where all their characters are."""
    kind: Any = table.types.field(name).type
    if pt.is_string(kind) or pt.is_large_string(kind):
        collation = dialect.collation
        if collation is None:
            return column(name)
        return exp.Collate(this=column(name), expression=exp.to_identifier(collation, quoted=collation != "BINARY"))
    if pt.is_integer(kind) or pt.is_boolean(kind) or pt.is_date32(kind):
        return column(name)
    raise NotSqlError(f"factor {name} has the type {kind}, whose levels are spelled as they are everywhere")
