"""Exact moments of another layout: fewer, renamed or reordered columns of the stored ones."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.columns import Factors
from gramian.linalg.exact.cells import ExactCells, merge_cells
from gramian.linalg.exact.moments import LOG_WEIGHT, ExactMoments
from gramian.linalg.exact.planes import Planes, trimmed
from gramian.linalg.monomials import monomial
from gramian.linalg.products import cell_index
from gramian.linalg.subset_sums import SubsetPlan, TablePart


def exact_extracted(moments: ExactMoments, plan: SubsetPlan) -> ExactMoments:
    """The exact moments of the requested layout, in the requested names, without rounding.

    Raises
    ------
    NumericalError
        Where the plan has unavailable sums.
    """
    if plan.unavailable:
        raise NumericalError(f"sums that are not stored: {plan.unavailable[:3]}")
    totals = [total(moments.tables[f].sums[:, at]) for f, at in plan.totals]
    pool = concatenated([flat(moments.dense), *totals])
    tables = {f: _table(moments, f, parts) for f, parts in plan.tables.items()}
    names = {stored: new for new, stored in plan.variables.items()}
    variables = dict.fromkeys(
        v for m in (*plan.layout.rows, *(m for _, ms in plan.layout.tables for m in ms)) for v, _ in m
    )
    stored_names = {v: plan.variables.get(v, v) for v in variables}
    singles = [monomial({v: p}) for v, at in plan.powers.items() for p in range(at if isinstance(at, int) else len(at))]
    unweighted = [_power(moments, plan, pool, v, p) for v, at in plan.powers.items()
             for p in range(at if isinstance(at, int) else len(at))]  # fmt: skip
    # The logarithms of weights belong to every subset of columns.
    if LOG_WEIGHT in moments.singles:
        singles.append(LOG_WEIGHT)
        unweighted.append(moments.unweighted[[moments.singles.index(LOG_WEIGHT)]])
    places = list({m: i for i, m in reversed(list(enumerate(singles)))}.items())[::-1]
    return ExactMoments(
        plan.layout,
        tuple(m for m, _ in places),
        moments.rows,
        {f: moments.levels[plan.factors.get(f, f)] for f in sorted({f for factors in tables for f in factors})},
        pool[plan.dense],
        tables,
        concatenated([unweighted[i] for _, i in places]),
        {names.get(v, v): n for v, n in moments.not_finite.items()},
        moments.dropped_rows,
        {v: moments.scale[stored] for v, stored in stored_names.items() if stored in moments.scale},
        _left_out(moments, plan),
    )


def _left_out(moments: ExactMoments, plan: SubsetPlan) -> dict[str, tuple[Fraction, ...]]:
    """Power sums of the rows that enter no other sum, of the variables whose power sums are stored as such."""
    stored = {v: (plan.variables.get(v, v), at) for v, at in plan.powers.items() if isinstance(at, int)}
    return {v: moments.left_out[name][:at] for v, (name, at) in stored.items() if name in moments.left_out}


def _power(moments: ExactMoments, plan: SubsetPlan, pool: Planes, variable: str, power: int) -> Planes:
    """One power sum, stored as such or read from the pool of products."""
    at = plan.powers[variable]
    if not isinstance(at, int):
        return pool[[int(at[power])]]
    stored = plan.variables.get(variable, variable)
    return moments.unweighted[[moments.singles.index(monomial({stored: power}))]]


def _table(moments: ExactMoments, factors: Factors, parts: Sequence[TablePart]) -> ExactCells:
    """A requested table, assembled from its parts."""
    pieces = [_projected(moments.tables[p.source], p) for p in parts]
    order = np.argsort([place for part in parts for place in part.places])
    first = pieces[0]
    sizes = [len(moments.levels[parts[0].source[at]]) for at in parts[0].factor_places]
    columns = [piece.sums[:, j] for piece in pieces for j in range(piece.sums.shape[1])]
    if any(not np.array_equal(first.cells, piece.cells) for piece in pieces):
        places = [cell_index(piece.cells, first.cells, sizes) for piece in pieces]
        columns = [piece.sums[at][:, j] for piece, at in zip(pieces, places, strict=True)
                   for j in range(piece.sums.shape[1])]  # fmt: skip
    return ExactCells(first.cells, first.rows, to_matrix(concatenated([columns[j] for j in order]), len(columns)))


def _projected(table: ExactCells, part: TablePart) -> ExactCells:
    """The sums over the cells of fewer factors."""
    sums = table.sums[:, list(part.columns)]
    return merge_cells(table.cells[:, list(part.factor_places)], table.rows, sums)


def total(column: Planes) -> Planes:
    """The sum of all elements of a vector, (1,)."""
    count = column.shape[0]
    cells = merge_cells(np.zeros((count, 1), np.int64), np.ones(count, np.int64), column[:, None])
    return flat(cells.sums) if count else Planes.zeros(1)


def flat(planes: Planes) -> Planes:
    """All elements as a vector."""
    return Planes(planes.low, planes.digits.reshape(len(planes.digits), -1))


def concatenated(parts: Sequence[Planes]) -> Planes:
    """Vectors one after another, on a common range of planes."""
    low = min((p.low for p in parts if len(p.digits)), default=0)
    high = max((p.low + len(p.digits) for p in parts), default=0)
    digits = np.zeros((max(high - low, 0), sum(p.shape[0] for p in parts)), np.int64)
    at = 0
    for part in parts:
        digits[part.low - low : part.low - low + len(part.digits), at : at + part.shape[0]] = part.digits
        at += part.shape[0]
    return trimmed(low, digits)


def to_matrix(planes: Planes, columns: int) -> Planes:
    """A vector of columns one after another, as a matrix (n, columns)."""
    count = planes.shape[0] // columns if columns else 0
    digits = planes.digits.reshape(len(planes.digits), columns, count).transpose(0, 2, 1)
    return Planes(planes.low, np.ascontiguousarray(digits))
