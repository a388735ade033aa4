"""What the SQL of each database says differently where sqlglot does not know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gramian.errors import MissingExtraError, OptionError, did_you_mean

try:
    from sqlglot import exp
except ImportError as error:
    raise MissingExtraError("sqlglot", "sql") from error

LARGEST = exp.Literal.number("1.7976931348623157e+308")  # of float64: what is beyond is infinite, or NaN


def cast_text(text: str) -> exp.Expression:
    """A number that only a text spells, such as 'NaN', as a double."""
    return exp.cast(exp.Literal.string(text), "double")


def _equal_nan(x: exp.Expression) -> exp.Expression:
    """Whether x is NaN where NaN is equal to itself."""
    return exp.EQ(this=x, expression=cast_text("NaN"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database spells what a pass asks for.

    Attributes
    ----------
    name : str
        As sqlglot calls it.
    title : str
        For messages.
    is_nan : callable
        Expression -> expression that is true where it is NaN.
    infinity : Expression
        The number infinity.
    sum_function : str
        The function that sums float64.
    compensated : bool
        Whether that function carries the rounding error of each addition along, so that its error does not grow with
        the rows.
    collation : str or None
        Collation under which texts are equal only where all their characters are.
    hash_function : str or None
        A function of doubles whose values spread rows over parts, each of which is summed by itself first.
    barrier : str or None
        A cheap function that a planner takes to change from row to row. With its value among those of a subquery,
        expressions are computed once for every row, where a planner puts them into each of a hundred sums.
    prepare : tuple of str
        Statements before sums, which hold until the end of a transaction.
    restore : tuple of str
        Statements after sums, in a transaction that may be the user's.
    typeof : bool
        Whether any value may have any type, whatever its column is declared as.
    """

    name: str
    title: str
    is_nan: Callable[[exp.Expression], exp.Expression] = _equal_nan
    infinity: exp.Expression = cast_text("Infinity")  # noqa: RUF009  expressions are copied where they are used
    sum_function: str = "SUM"
    compensated: bool = False
    collation: str | None = None
    hash_function: str | None = None
    barrier: str | None = None
    prepare: tuple[str, ...] = ()
    restore: tuple[str, ...] = ()
    typeof: bool = False


DIALECTS = {
    d.name: d
    for d in (
        Dialect("duckdb", "DuckDB", lambda x: exp.IsNan(this=x), sum_function="FSUM", compensated=True),
        # compiling a hundred sums takes longer than making them; a planner that does not know how few cells there are
        # would sort the rows; and OFFSET 0 would be a barrier to parallel plans, too
        Dialect(
            "postgres",
            "PostgreSQL",
            collation="C",
            hash_function="HASHFLOAT8",
            barrier="PG_IS_IN_RECOVERY",
            prepare=("SET LOCAL jit = off", "SET LOCAL enable_sort = off"),
            restore=("SET LOCAL jit TO DEFAULT", "SET LOCAL enable_sort TO DEFAULT"),
        ),
        # NaN becomes null when it is stored
        Dialect(
            "sqlite", "SQLite", lambda _: exp.false(), exp.Literal.number("9e999"), collation="BINARY", typeof=True
        ),
        Dialect("snowflake", "Snowflake", infinity=cast_text("inf")),
        Dialect("bigquery", "BigQuery", lambda x: exp.IsNan(this=x), cast_text("inf")),
        Dialect("databricks", "Databricks", lambda x: exp.IsNan(this=x)),
    )
}


def dialect_named(name: str) -> Dialect:
    """The dialect of this name. Raises OptionError where it is unknown."""
    if name not in DIALECTS:
        raise OptionError(
            f"dialect must be one of {', '.join(map(repr, DIALECTS))}, found {name!r}{did_you_mean(name, DIALECTS)}"
        )
    return DIALECTS[name]
