"""The two queries of a pass: what the rows are like, then sums of products about the means by cells of the factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow.types as pt
from sqlglot import exp

from gramian.data.sql.dialects import Dialect
from gramian.data.sql.source import Table, column
from gramian.fit.database.conditions import equals, finite, grouped, has_type, is_null, number_of, one, product_of
from gramian.fit.database.values import COUNTS, WEIGHTS, Values, number
from gramian.linalg.monomials import Coordinate, Monomial

PARTS = 64  # into which the rows of a cell are spread: sums of shorter sums have smaller errors
PART = "part"  # the name of their number
HASHED = 3  # variables whose sum is hashed for it
# what becomes of a row, in this order
NULL, ZERO_WEIGHT, NAN, INFINITE, ENTERS = range(5)
EXACT_INTEGER = exp.Literal.number(str(2**53))
SQL_INTEGERS, SQL_OTHERS = ("integer",), ("text", "blob")  # what SQLite's typeof says


@dataclass(frozen=True, slots=True)
class Queries:
    """Writes the queries of one design.

    Attributes
    ----------
    table : Table
        What is read.
    values : Values
        What is computed of every row.
    dialect : Dialect
        The SQL that is written.
    complete : bool
        Whether all rows are known to enter, so that no query asks each row again.
    """

    table: Table
    values: Values
    dialect: Dialect
    complete: bool = False

    def ranges(self) -> dict[str, exp.Expression]:
        """What a quicker first query asks for: enough where no value is missing, infinite or of another type."""
        out: dict[str, exp.Expression] = {"rows": exp.Count(this=exp.Star())}
        for key, name in self._names().items():
            out[f"count {key}"] = exp.Count(this=column(name))
        for key in self.values.numbers:
            # a sum, since an average of PostgreSQL makes the variance, too
            for what, aggregate in (("low", exp.Min), ("high", exp.Max), ("sum", exp.Sum)):
                out[f"{what} {key}"] = aggregate(this=column(self._names()[key]))
        return out

    def ranges_sql(self, wanted: Mapping[str, exp.Expression]) -> str:
        """The text of the quicker first query."""
        selected = [e.as_(f"a{i}", quoted=True) for i, e in enumerate(wanted.values())]
        return self._text(exp.select(*selected).from_(self._rows(tests=False)))

    def survey(self) -> dict[str, exp.Expression]:
        """What the first query asks for: name -> aggregate."""
        out: dict[str, exp.Expression] = {"rows": exp.Count(this=exp.Star())}
        out |= {f"state {state}": number_of(equals("s", state)) for state in range(NULL, ENTERS + 1)}
        out |= {f"null {key}": number_of(is_null(name)) for key, name in self._names().items()}
        for key in self.values.variables:
            name = self._names()[key]
            unusable = exp.and_(exp.or_(equals("s", NAN), equals("s", INFINITE)), exp.not_(finite(name)))
            out[f"not finite {key}"] = number_of(unusable)
            for what, aggregate in (("low", exp.Min), ("high", exp.Max), ("mean", exp.Avg)):
                entering = exp.Case().when(equals("s", ENTERS), column(name))
                out[f"{what} {key}"] = aggregate(this=entering)
        for key in (WEIGHTS, COUNTS):
            if key in self.values.numbers:
                out[f"wrong {key}"] = number_of(exp.and_(exp.not_(equals("s", NULL)), self._wrong(key)))
        for what in ("beyond", "other"):
            out |= {f"{what} {name}": number_of(test) for name, test in self._tests(what)}
        return out

    def survey_sql(self, wanted: Mapping[str, exp.Expression], *, pretty: bool = False) -> str:
        """The text of the first query. pretty : whether it is for people."""
        selected = [e.as_(f"a{i}", quoted=True) for i, e in enumerate(wanted.values())]
        return self._text(exp.select(*selected).from_(self._states(tests=True)), pretty=pretty)

    def sums_sql(
        self, factors: Sequence[str], monomials: Sequence[Monomial], coordinates: Mapping[str, Coordinate] | None,
        limit: int | None = None, *, pretty: bool = False,
    ) -> str:  # fmt: skip
        """The text of the second query.

        Parameters
        ----------
        factors : sequence of str
            By whose cells sums are made.
        monomials : sequence of Monomial
            What is summed.
        coordinates : mapping or None
            Shifts and scales; None for parameters with names in their places.
        limit : int, optional
            Most cells that are asked for.
        pretty : bool
            Whether it is for people.
        """
        names, cells = self._names(), [column(self._names()[f]) for f in factors]
        size = self._sum(column("c")) if COUNTS in names else exp.Count(this=exp.Star())
        sums = {"n": size, **({"l": self._log_weight()} if WEIGHTS in names else {})}
        sums |= {f"p{i}": self._sum_of(product_of(m, names)) for i, m in enumerate(monomials)}
        sizes: dict[str, exp.Expression] = {"k": exp.Count(this=exp.Star())}
        parts = [] if self.dialect.hash_function is None else [column(PART)]
        query = grouped(cells, {**sizes, **sums}, self._shifted(coordinates), parts)
        if self.dialect.hash_function is not None:
            added = {name: self._sum(column(name)) for name in sums}
            sizes = {"k": exp.Add(this=exp.Max(this=column("k")), expression=exp.Count(this=exp.Star()))}
            query = grouped(cells, {**sizes, **added}, query.subquery("gramian_parts"))
        return self._text(query if limit is None else query.limit(limit), pretty=pretty)

    def beyond_sql(self, name: str) -> str:
        """The text of a query for one value that is beyond 2^53."""
        (test,) = (test for tested, test in self._column_tests("beyond") if tested == name)
        return self._text(exp.select(column(name)).from_(self.table.relation.table).where(test).limit(1))

    def _text(self, query: exp.Expression, *, pretty: bool = False) -> str:
        """The text of a query; one of the user inside it is written in the same SQL."""
        return self.table.relation.sql(query, self.dialect, self.table.connection.dialect, pretty=pretty)

    def _names(self) -> dict[str, str]:
        """Key of a value, or factor -> the name that it has in the queries."""
        keys = {WEIGHTS: "w", COUNTS: "c"}
        numbers = {key: keys.get(key, f"v{i}") for i, key in enumerate(self.values.numbers)}
        return {**numbers, **{f: f"f{i}" for i, f in enumerate(self.values.factors)}}

    def _tests(self, what: str) -> Iterable[tuple[str, exp.Expression]]:
        """Columns that are tested, and the result of the test in the queries."""
        place = self.values.columns.index
        return [(name, exp.EQ(this=column(f"{what[0]}{place(name)}"), expression=one()))
                for name, _ in self._column_tests(what)]  # fmt: skip

    def _column_tests(self, what: str) -> list[tuple[str, exp.Expression]]:
        """Columns whose raw values are tested, with the test: integers "beyond" 2^53, or "other" than numbers."""
        typeof, out = self.dialect.typeof, []
        for name in self.values.columns:
            kind = self.table.types.field(name).type
            high = exp.GT(this=column(name), expression=EXACT_INTEGER.copy())
            low = exp.LT(this=column(name), expression=exp.Neg(this=EXACT_INTEGER.copy()))
            if what == "beyond" and (typeof or (pt.is_integer(kind) and kind.bit_width == 64)):
                large = exp.paren(exp.or_(high, low))
                out.append((name, exp.and_(has_type(name, SQL_INTEGERS), large) if typeof else large))
            if what == "other" and typeof:
                out.append((name, has_type(name, SQL_OTHERS)))
        return out

    def _rows(self, *, tests: bool) -> exp.Subquery:
        """Every row with its values. tests : whether raw values are tested, too."""
        names, values = self._names(), self.values
        selected = [e.copy().as_(names[key], quoted=True) for key, e in {**values.numbers, **values.factors}.items()]
        for what in ("beyond", "other") if tests else ():
            for name, test in self._column_tests(what):
                flag = exp.Case().when(test, one()).else_(exp.Literal.number(0))
                selected.append(flag.as_(f"{what[0]}{values.columns.index(name)}", quoted=True))
        selected = selected or [one().as_("one", quoted=True)]
        return exp.select(*selected).from_(self.table.relation.table).subquery("gramian_values")

    def _states(self, *, tests: bool = False) -> exp.Subquery:
        """Every row with its values, and what becomes of it as `s`."""
        names = self._names()
        missing = exp.or_(*(is_null(name) for name in names.values()))
        state = exp.Case().when(missing, exp.Literal.number(NULL))
        weights = [equals(names[key], 0) for key in (WEIGHTS, COUNTS) if key in names]
        if weights:
            state = state.when(exp.or_(*weights), exp.Literal.number(ZERO_WEIGHT))
        variables = [names[key] for key in self.values.variables]
        nan = exp.or_(*(self.dialect.is_nan(column(name)) for name in variables))
        state = state.when(nan, exp.Literal.number(NAN))
        infinite = exp.or_(*(exp.not_(finite(name)) for name in variables))
        state = state.when(infinite, exp.Literal.number(INFINITE)).else_(exp.Literal.number(ENTERS))
        query = exp.select(exp.Star(), state.as_("s", quoted=True), *self._barrier()).from_(self._rows(tests=tests))
        return query.subquery("gramian_states")

    def _shifted(self, coordinates: Mapping[str, Coordinate] | None) -> exp.Subquery:
        """The rows that enter, their variables shifted and scaled."""
        names = self._names()
        selected: list[exp.Expression] = [column(names[f]) for f in self.values.factors]
        selected += [column(names[key]) for key in (WEIGHTS, COUNTS) if key in names]
        for key in self.values.variables:
            selected.append(self._in_coordinate(names[key], key, coordinates).as_(f"u{names[key]}", quoted=True))
        selected += [*self._part(coordinates), *self._barrier()]
        if self.complete:
            return exp.select(*selected).from_(self._rows(tests=False)).subquery("gramian_rows_that_enter")
        query = exp.select(*selected).from_(self._states()).where(equals("s", ENTERS))
        return query.subquery("gramian_rows_that_enter")

    @staticmethod
    def _in_coordinate(name: str, key: str, coordinates: Mapping[str, Coordinate] | None) -> exp.Expression:
        """A variable less its shift, times its scale."""
        if coordinates is None:
            return exp.paren(exp.Sub(this=column(name), expression=exp.Placeholder(this=f"mean_{name}")))
        coordinate, value = coordinates[key], column(name)
        if coordinate.shift:
            value = exp.paren(exp.Sub(this=value, expression=number(coordinate.shift)))
        if not coordinate.exponent:
            return value
        return exp.Mul(this=value, expression=number(2.0**-coordinate.exponent))

    def _part(self, coordinates: Mapping[str, Coordinate] | None) -> list[exp.Expression]:
        """The part of a row, by a hash of some variables; nothing where parts are not made."""
        if self.dialect.hash_function is None:
            return []
        names, hashed = self._names(), self.values.variables[-HASHED:]
        values = [self._in_coordinate(names[key], key, coordinates) for key in hashed]
        code = exp.Anonymous(this=self.dialect.hash_function, expressions=[reduce(_plus, values)])
        part = exp.BitwiseAnd(this=code, expression=exp.Literal.number(PARTS - 1))
        return [exp.paren(part).as_(PART, quoted=True)]

    def _barrier(self) -> list[exp.Expression]:
        """What makes a database compute the values of a subquery once for each row; nothing where it does anyway."""
        function = self.dialect.barrier
        return [] if function is None else [exp.Anonymous(this=function, expressions=[]).as_("once", quoted=True)]

    def _sum_of(self, product: exp.Expression | None) -> exp.Expression:
        """The sum of a product times the weight and the count of its row. product : None for the constant."""
        factors = [column(name) for key, name in self._names().items() if key in (WEIGHTS, COUNTS)]
        factors += [] if product is None else [product]
        if not factors:
            return exp.Count(this=exp.Star())
        out = factors[0]
        for factor in factors[1:]:
            out = exp.Mul(this=out, expression=factor)
        return self._sum(out)

    def _log_weight(self) -> exp.Expression:
        """The sum of the logarithms of the weights."""
        log: exp.Expression = exp.Ln(this=column("w"))
        if COUNTS in self.values.numbers:
            log = exp.Mul(this=column("c"), expression=log)
        return self._sum(log)

    def _sum(self, value: exp.Expression) -> exp.Expression:
        """The sum of doubles."""
        return exp.Anonymous(this=self.dialect.sum_function, expressions=[value])

    def _wrong(self, key: str) -> exp.Expression:
        """Whether a weight is not finite or negative, or a count no whole number."""
        name = self._names()[key]
        right = [exp.GTE(this=column(name), expression=exp.Literal.number(0)), finite(name)]
        if key == COUNTS:
            right.append(exp.EQ(this=exp.Floor(this=column(name)), expression=column(name)))
        return exp.not_(exp.and_(*right))


def _plus(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """The sum of two numbers."""
    return exp.Add(this=left, expression=right)
