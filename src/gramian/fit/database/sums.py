"""The answers to the second query as the moments that a pass over rows would have given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from gramian.errors import DataError
from gramian.fit.database.queries import Queries
from gramian.fit.database.survey import Survey
from gramian.fit.database.values import COUNTS, WEIGHTS
from gramian.fit.passes.accumulate import Accumulated
from gramian.formula.design import Design
from gramian.linalg.certificate import EPS
from gramian.linalg.columns import Factors
from gramian.linalg.factors.cells import CellSums, sum_duplicates
from gramian.linalg.factors.levels import canonical, positions
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Monomial, highest_degree, times
from gramian.typing import Level, Matrix

MAX_NUMBERS = 100_000  # that one query hands over: 0.8 MB; beyond it each table of cells has a query of its own
COMPENSATED = 4  # additions whose rounding errors are left where each one's is carried along


@dataclass(frozen=True, slots=True)
class Answer:
    """Sums by cells, as one query gives them.

    Attributes
    ----------
    levels : Mapping[str, Sequence of Level]
        Factor -> its levels.
    cells : CellSums
        Sums of monomials in every cell.
    log_weight : float
        Sum of the logarithms of the weights.
    longest : int
        Additions on the longest path of any sum.
    """

    levels: Mapping[str, Sequence[Level]]
    cells: CellSums
    log_weight: float
    longest: int


def sums_of(queries: Queries, design: Design, survey: Survey) -> Accumulated:
    """Ask the second query: once for the cells of all factors where these are few, else once for every table.

    Raises DataError where the answers are not of the same rows as the first query's.
    """
    layout, factors = design.layout, tuple(design.terms.factors)
    pairs, monomials = _pairs(design), monomials_of(design)
    tables: dict[Factors, CellSums] = {}
    joint = _asked(queries, design, factors, monomials, most=MAX_NUMBERS // (len(monomials) + len(factors) + 1))
    if joint is not None:
        place = {m: i for i, m in enumerate(monomials)}
        for names, ms in layout.tables:
            tables[names] = joint.cells.project([factors.index(f) for f in names], [place[m] for m in ms])
        whole, levels, longest = joint, dict(joint.levels), joint.longest
    else:
        whole = _all_of(queries, design, (), list(dict.fromkeys(pairs.values())))
        answers = {names: _all_of(queries, design, names, ms) for names, ms in layout.tables}
        longest = max(a.longest for a in (whole, *answers.values()))
        levels = {f: next(a.levels[f] for names, a in answers.items() if f in names) for f in factors}
        tables = {names: _aligned(answer, names, levels) for names, answer in answers.items()}
        monomials = list(dict.fromkeys(pairs.values()))
    total = dict(zip(monomials, whole.cells.sums.sum(axis=0), strict=True))
    dense = np.zeros((len(layout.rows), len(layout.rows)))
    for (i, j), m in pairs.items():
        dense[i, j] = dense[j, i] = total[m]
    rows = int(whole.cells.rows.sum())
    _check_same(queries, survey, rows, [int(table.rows.sum()) for table in tables.values()])
    error = stated_error(longest, highest_degree(monomials), compensated=queries.dialect.compensated)
    moments = Moments(
        layout, design.coordinates, rows, whole.log_weight, dense, levels, tables, stated_error=error
    )  # fmt: skip
    return Accumulated(moments, survey.dropped_rows)


def _pairs(design: Design) -> dict[tuple[int, int], Monomial]:
    """Products of the dense block: positions of two columns, the first not before the second, and their product."""
    rows = design.layout.rows
    return {(i, j): times(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows[: i + 1])}


def monomials_of(design: Design) -> list[Monomial]:
    """All products that are summed, each once."""
    return list(dict.fromkeys([*_pairs(design).values(), *(m for _, ms in design.layout.tables for m in ms)]))


def stated_error(longest: int, highest: int, *, compensated: bool) -> float:
    """By what part of the lengths of both columns a sum of products is off, whatever the order of the additions.

    A sum of n terms in any order is off by at most n u times the sum of their magnitudes, u = 2^-53 (Higham 2002,
    section 4.2); where rows are summed by parts, n is the rows of the largest part and the number of parts. Each
    product of d shifted variables has 2 d roundings, and weights, scales and centring six more.
    """
    return ((COMPENSATED if compensated else longest) + 2 * highest + 6) * EPS


def _asked(
    queries: Queries, design: Design, factors: Sequence[str], monomials: Sequence[Monomial], most: int
) -> Answer | None:
    """The answer of one query; None where there are more cells than `most`."""
    limit = most + 1 if factors else None
    found = queries.table.connection.rows(queries.sums_sql(factors, monomials, design.coordinates, limit))
    if factors and len(found) > most:
        return None
    return _answer(queries, factors, len(monomials), found)


def _all_of(queries: Queries, design: Design, factors: Sequence[str], monomials: Sequence[Monomial]) -> Answer:
    """The answer of one query, however many cells there are."""
    found = queries.table.connection.rows(queries.sums_sql(factors, monomials, design.coordinates))
    return _answer(queries, factors, len(monomials), found)


def _answer(queries: Queries, factors: Sequence[str], sums: int, found: Sequence[tuple[Any, ...]]) -> Answer:
    """The rows of an answer: levels, number of rows, logarithms of weights, sums."""
    found = [row for row in found if row[len(factors)] and row[len(factors) + 1]]  # no rows: a row of nulls
    levels, codes = {}, np.zeros((len(found), len(factors)), np.int64)
    for i, name in enumerate(factors):
        column = [_level(row[i], name, queries.table.where) for row in found]
        levels[name] = canonical(column)
        codes[:, i] = positions(column, levels[name])
    weighted = WEIGHTS in queries.values.numbers
    first = len(factors) + 2 + weighted
    values: Matrix = np.array([row[first:] for row in found], np.float64).reshape(len(found), sums)
    _check_finite(values, queries.table.where)
    rows = np.array([int(row[len(factors) + 1]) for row in found], np.int64)
    # the rows of the largest part, then the parts of a cell, then the cells
    longest = max((int(row[len(factors)]) for row in found), default=0) + len(found)
    log_weight = float(sum(row[first - 1] for row in found)) if weighted else 0.0
    return Answer(levels, sum_duplicates(codes, rows, values), log_weight, longest)


def _level(value: Any, name: str, where: str) -> Level:
    """A level as everywhere: dates as ISO texts. Raises DataError for a value of another type."""
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str | bool | int):
        raise DataError(f"factor '{name}' has the level {value!r} of the type {type(value).__name__}", where)
    return value


def _aligned(answer: Answer, factors: Factors, levels: Mapping[str, Sequence[Level]]) -> CellSums:
    """Cells by the codes of common levels."""
    return answer.cells.recode([positions(answer.levels[f], levels[f]) for f in factors])


def _check_finite(values: Matrix, where: str) -> None:
    """Raise DataError where a sum overflowed."""
    if not np.isfinite(values).all():
        raise DataError("a sum of products is beyond the largest float64; rescale the largest column", where)


def _check_same(queries: Queries, survey: Survey, rows: int, others: Sequence[int]) -> None:
    """Raise DataError where queries saw different rows."""
    expected = None if COUNTS in queries.values.numbers else survey.rows
    seen = {rows, *others} | (set() if expected is None else {expected})
    if len(seen) > 1:
        raise DataError(
            f"had {' and then '.join(f'{n:,}' for n in sorted(seen))} complete rows from one query to the next: it "
            "changed meanwhile; fit from a copy, or in a transaction of the level REPEATABLE READ",
            queries.table.where,
        )
