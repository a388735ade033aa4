"""The two queries of a pass: what the rows are like, then sums of products about the means by cells of the factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow.types as pt
from sqlglot import exp

from gramian.data.sql.dialects import LARGEST, Dialect
from gramian.data.sql.source import Table, column
from gramian.fit.database.values import COUNTS, WEIGHTS, Values, number
from gramian.linalg.monomials import Coordinate, Monomial

PART_BITS = 6  # 64 parts, into which the rows of a cell are spread: sums of shorter sums have smaller errors
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
            out[f"count {key}"] = exp.Count(this=_column(name))
        for key in self.values.numbers:
            for what, aggregate in (("low", exp.Min), ("high", exp.Max), ("mean", exp.Avg)):
                out[f"{what} {key}"] = aggregate(this=_column(self._names()[key]))
        return out

    def ranges_sql(self, wanted: Mapping[str, exp.Expression]) -> str:
        """The text of the quicker first query."""
        selected = [e.as_(f"a{i}", quoted=True) for i, e in enumerate(wanted.values())]
        return self._text(exp.select(*selected).from_(self._rows(tests=False)))

    def survey(self) -> dict[str, exp.Expression]:
        """What the first query asks for: name -> aggregate."""
        out: dict[str, exp.Expression] = {"rows": exp.Count(this=exp.Star())}
        out |= {f"state {state}": _count(_equals("s", state)) for state in range(NULL, ENTERS + 1)}
        out |= {f"null {key}": _count(_is_null(name)) for key, name in self._names().items()}
        for key in self.values.variables:
            name = self._names()[key]
            unusable = exp.and_(exp.or_(_equals("s", NAN), _equals("s", INFINITE)), exp.not_(_finite(name)))
            out[f"not finite {key}"] = _count(unusable)
            for what, aggregate in (("low", exp.Min), ("high", exp.Max), ("mean", exp.Avg)):
                entering = exp.Case().when(_equals("s", ENTERS), _column(name))
                out[f"{what} {key}"] = aggregate(this=entering)
        for key in (WEIGHTS, COUNTS):
            if key in self.values.numbers:
                out[f"wrong {key}"] = _count(exp.and_(exp.not_(_equals("s", NULL)), self._wrong(key)))
        for what in ("beyond", "other"):
            out |= {f"{what} {name}": _count(test) for name, test in self._tests(what)}
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
        names, cells = self._names(), [_column(self._names()[f]) for f in factors]
        count = self._sum(_column("c")) if COUNTS in names else exp.Count(this=exp.Star())
        sums = {"n": count, **({"l": self._log_weight()} if WEIGHTS in names else {})}
        sums |= {f"p{i}": self._sum_of(_product(m, names)) for i, m in enumerate(monomials)}
        sizes: dict[str, exp.Expression] = {"k": exp.Count(this=exp.Star())}
        query = _grouped(cells, {**sizes, **sums}, self._shifted(coordinates), self._parts())
        if self.dialect.hash_function is not None:
            parts = query.subquery("gramian_parts")
            added = {name: self._sum(_column(name)) for name in sums}
            sizes = {"k": exp.Add(this=exp.Max(this=_column("k")), expression=exp.Count(this=exp.Star()))}
            query = _grouped(cells, {**sizes, **added}, parts)
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
        return [(name, exp.EQ(this=_column(f"{what[0]}{place(name)}"), expression=_one()))
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
                out.append((name, exp.and_(_typeof(name, SQL_INTEGERS), large) if typeof else large))
            if what == "other" and typeof:
                out.append((name, _typeof(name, SQL_OTHERS)))
        return out

    def _rows(self, *, tests: bool) -> exp.Subquery:
        """Every row with its values. tests : whether raw values are tested, too."""
        names, values = self._names(), self.values
        selected = [e.copy().as_(names[key], quoted=True) for key, e in {**values.numbers, **values.factors}.items()]
        for what in ("beyond", "other") if tests else ():
            for name, test in self._column_tests(what):
                flag = exp.Case().when(test, _one()).else_(exp.Literal.number(0))
                selected.append(flag.as_(f"{what[0]}{values.columns.index(name)}", quoted=True))
        selected = selected or [_one().as_("one", quoted=True)]
        return exp.select(*selected).from_(self.table.relation.table).subquery("gramian_values")

    def _states(self, *, tests: bool = False) -> exp.Subquery:
        """Every row with its values, and what becomes of it as `s`."""
        names = self._names()
        missing = exp.or_(*(_is_null(name) for name in names.values()))
        state = exp.Case().when(missing, exp.Literal.number(NULL))
        weights = [_equals(names[key], 0) for key in (WEIGHTS, COUNTS) if key in names]
        if weights:
            state = state.when(exp.or_(*weights), exp.Literal.number(ZERO_WEIGHT))
        variables = [names[key] for key in self.values.variables]
        nan = exp.or_(*(self.dialect.is_nan(_column(name)) for name in variables))
        state = state.when(nan, exp.Literal.number(NAN))
        infinite = exp.or_(*(exp.not_(_finite(name)) for name in variables))
        state = state.when(infinite, exp.Literal.number(INFINITE)).else_(exp.Literal.number(ENTERS))
        query = exp.select(exp.Star(), state.as_("s", quoted=True)).from_(self._rows(tests=tests))
        return query.subquery("gramian_states")

    def _shifted(self, coordinates: Mapping[str, Coordinate] | None) -> exp.Subquery:
        """The rows that enter, their variables shifted and scaled."""
        names = self._names()
        selected: list[exp.Expression] = [_column(names[f]) for f in self.values.factors]
        selected += [_column(names[key]) for key in (WEIGHTS, COUNTS) if key in names]
        for key in self.values.variables:
            selected.append(self._in_coordinate(names[key], key, coordinates).as_(f"u{names[key]}", quoted=True))
        if self.complete:
            return exp.select(*selected).from_(self._rows(tests=False)).subquery("gramian_rows_that_enter")
        query = exp.select(*selected).from_(self._states()).where(_equals("s", ENTERS))
        return query.subquery("gramian_rows_that_enter")

    @staticmethod
    def _in_coordinate(name: str, key: str, coordinates: Mapping[str, Coordinate] | None) -> exp.Expression:
        """A variable less its shift, times its scale."""
        if coordinates is None:
            return exp.paren(exp.Sub(this=_column(name), expression=exp.Placeholder(this=f"mean_{name}")))
        coordinate, value = coordinates[key], _column(name)
        if coordinate.shift:
            value = exp.paren(exp.Sub(this=value, expression=number(coordinate.shift)))
        if not coordinate.exponent:
            return value
        return exp.Mul(this=value, expression=number(2.0**-coordinate.exponent))

    def _parts(self) -> list[exp.Expression]:
        """The part of a row, by the bits of a hash of some variables; nothing where parts are not made.

        Bits, for a planner knows that a condition has two values, and then groups by hashing in the place of sorting.
        """
        if self.dialect.hash_function is None:
            return []
        names, added = self._names(), None
        for key in self.values.variables[-HASHED:]:
            value = _column(f"u{names[key]}")
            added = value if added is None else exp.Add(this=added, expression=value)
        hashed = exp.Anonymous(this=self.dialect.hash_function, expressions=[added])
        bits = (exp.Literal.number(1 << bit) for bit in range(PART_BITS))
        masked = ((exp.BitwiseAnd(this=hashed.copy(), expression=bit), bit) for bit in bits)
        return [exp.EQ(this=exp.paren(value), expression=bit.copy()) for value, bit in masked]

    def _sum_of(self, product: exp.Expression | None) -> exp.Expression:
        """The sum of a product times the weight and the count of its row. product : None for the constant."""
        factors = [_column(name) for key, name in self._names().items() if key in (WEIGHTS, COUNTS)]
        factors += [] if product is None else [product]
        if not factors:
            return exp.Count(this=exp.Star())
        out = factors[0]
        for factor in factors[1:]:
            out = exp.Mul(this=out, expression=factor)
        return self._sum(out)

    def _log_weight(self) -> exp.Expression:
        """The sum of the logarithms of the weights."""
        log: exp.Expression = exp.Ln(this=_column("w"))
        if COUNTS in self.values.numbers:
            log = exp.Mul(this=_column("c"), expression=log)
        return self._sum(log)

    def _sum(self, value: exp.Expression) -> exp.Expression:
        """The sum of doubles."""
        return exp.Anonymous(this=self.dialect.sum_function, expressions=[value])

    def _wrong(self, key: str) -> exp.Expression:
        """Whether a weight is not finite or negative, or a count no whole number."""
        name = self._names()[key]
        right = [exp.GTE(this=_column(name), expression=exp.Literal.number(0)), _finite(name)]
        if key == COUNTS:
            right.append(exp.EQ(this=exp.Floor(this=_column(name)), expression=_column(name)))
        return exp.not_(exp.and_(*right))


def _grouped(
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


def _product(monomial: Monomial, names: Mapping[str, str]) -> exp.Expression | None:
    """A product of powers of shifted variables; None for the constant."""
    factors = [_column(f"u{names[variable]}") for variable, power in monomial for _ in range(power)]
    out = None
    for factor in factors:
        out = factor if out is None else exp.Mul(this=out, expression=factor)
    return out


def _column(name: str) -> exp.Column:
    """A column of an inner query, by a name of ours."""
    return column(name)


def _one() -> exp.Literal:
    """The number 1."""
    return exp.Literal.number(1)


def _equals(name: str, value: int) -> exp.Expression:
    """Whether a column has a value."""
    return exp.EQ(this=_column(name), expression=exp.Literal.number(value))


def _is_null(name: str) -> exp.Expression:
    """Whether a column is null."""
    return exp.Is(this=_column(name), expression=exp.Null())


def _finite(name: str) -> exp.Expression:
    """Whether a number is finite: databases say that NaN is larger than any number, or that no comparison holds."""
    return exp.paren(exp.LTE(this=exp.Abs(this=_column(name)), expression=LARGEST.copy()))


def _count(condition: exp.Expression) -> exp.Expression:
    """The number of rows of which a condition is true."""
    return exp.Sum(this=exp.Case().when(condition, _one()).else_(exp.Literal.number(0)))


def _typeof(name: str, kinds: Sequence[str]) -> exp.Expression:
    """Whether a value has one of these types of SQLite."""
    values = [exp.Literal.string(kind) for kind in kinds]
    return exp.In(this=exp.Anonymous(this="typeof", expressions=[column(name)]), expressions=values)
