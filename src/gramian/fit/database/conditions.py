"""Small expressions of SQL, of columns that inner queries have by names of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from gramian.data.sql.dialects import LARGEST
from gramian.data.sql.source import column
from gramian.linalg.monomials import Monomial


def grouped(
    cells: Sequence[exp.Expression],
    aggregates: Mapping[str, exp.Expression],
    rows: exp.Subquery,
    parts: Sequence[exp.Expression] = (),
) -> exp.Select:
    """A query for aggregates by cells, and by the parts of each."""
    selected = [*(cell.copy() for cell in cells), *(e.as_(name, quoted=True) for name, e in aggregates.items())]
    keys = [*(cell.copy() for cell in cells), *parts]
    query = exp.select(*selected).from_(rows)
    return query.group_by(*keys) if keys else query


def product_of(monomial: Monomial, names: Mapping[str, str]) -> exp.Expression | None:
    """A product of powers of shifted variables; None for the constant."""
    factors = [column(f"u{names[variable]}") for variable, power in monomial for _ in range(power)]
    out = None
    for factor in factors:
        out = factor if out is None else exp.Mul(this=out, expression=factor)
    return out


def one() -> exp.Literal:
    """The number 1."""
    return exp.Literal.number(1)


def equals(name: str, value: int) -> exp.Expression:
    """Whether a column has a value."""
    return exp.EQ(this=column(name), expression=exp.Literal.number(value))


def is_null(name: str) -> exp.Expression:
    """Whether a column is null."""
    return exp.Is(this=column(name), expression=exp.Null())


def finite(name: str) -> exp.Expression:
    """Whether a number is finite: databases say that NaN is larger than any number, or that no comparison holds."""
    return exp.paren(exp.LTE(this=exp.Abs(this=column(name)), expression=LARGEST.copy()))


def number_of(condition: exp.Expression) -> exp.Expression:
    """The number of rows of which a condition is true."""
    return exp.Sum(this=exp.Case().when(condition, one()).else_(exp.Literal.number(0)))


def has_type(name: str, kinds: Sequence[str]) -> exp.Expression:
    """Whether a value has one of these types of SQLite."""
    values = [exp.Literal.string(kind) for kind in kinds]
    return exp.In(this=exp.Anonymous(this="typeof", expressions=[column(name)]), expressions=values)
