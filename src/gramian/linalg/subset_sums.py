"""Moments of another layout (fewer, renamed or reordered columns), read from stored moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Monomial, monomial, times
from gramian.linalg.products import cell_index
from gramian.typing import Codes

Names = Mapping[str, str]  # new name -> stored name


@dataclass(frozen=True, slots=True)
class TablePart:
    """Sums of a requested table that are read from one stored table.

    Attributes
    ----------
    source : Factors
        Factors of the stored table.
    factor_places : tuple of int
        Which of them the requested table has, in its order.
    columns : tuple of int
        Places of the sums in the stored table.
    places : tuple of int
        Their places in the requested table.
    """

    source: Factors
    factor_places: tuple[int, ...]
    columns: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SubsetPlan:
    """How moments of one layout are read from those of another.

    Attributes
    ----------
    layout : Layout
        The requested sums.
    variables, factors : mapping
        Requested name -> stored name, where they differ.
    dense : (m, m) int
        Places in a pool of sums: the stored dense products row by row, then the totals of tables.
    totals : tuple of (factors, place)
        Table columns whose totals over all cells are in the pool.
    tables : mapping
        Requested factors -> parts of the table.
    powers : mapping
        Variable -> how many power sums are stored as such, or places in the pool of those that are products.
    unavailable : tuple of (factors, monomial)
        Sums that cannot be read, in requested names. Unless it is empty, the rest has no meaning.
    """

    layout: Layout
    variables: Names
    factors: Names
    dense: Codes
    totals: tuple[tuple[Factors, int], ...]
    tables: Mapping[Factors, tuple[TablePart, ...]]
    powers: Mapping[str, int | Codes]
    unavailable: tuple[tuple[Factors, Monomial], ...]


@dataclass(frozen=True, slots=True)
class AvailableSums:
    """Sums that are stored, or requested.

    Attributes
    ----------
    layout : Layout
        The products.
    powers : mapping
        Variable -> highest power of the power sums.
    weighted : bool
        Whether the products are weighted; unweighted ones include power sums.
    """

    layout: Layout
    powers: Mapping[str, int]
    weighted: bool = False


def plan_subset(stored: AvailableSums, requested: AvailableSums, variables: Names, factors: Names) -> SubsetPlan:
    """Find every requested sum among the stored ones.

    Parameters
    ----------
    stored, requested : AvailableSums
        What there is, and what is needed.
    variables : mapping
        Variables and responses of the requested layout -> stored ones; those not in it keep their names.
    factors : mapping
        The same for factors.

    Notes
    -----
    A sum over the cells of some factors is also found in a table of more factors, by adding up its cells.
    """
    finder = _Finder(stored.layout, variables, factors)
    dense = finder.dense(requested.layout.rows)
    tables = {f: tuple(finder.parts(f, monomials)) for f, monomials in requested.layout.tables}
    powers: dict[str, int | Codes] = {}
    for v, top in requested.powers.items():
        stored_top = stored.powers.get(variables.get(v, v), -1)
        powers[v] = top + 1 if top <= stored_top else finder.powers(v, top, weighted=stored.weighted)
    unavailable = tuple(dict.fromkeys(finder.unavailable))
    return SubsetPlan(requested.layout, variables, factors, dense, tuple(finder.totals), tables, powers, unavailable)


class _Finder:
    """Looks requested sums up in a stored layout, and collects the totals it needs and what is unavailable."""

    def __init__(self, stored: Layout, variables: Names, factors: Names) -> None:
        self.stored, self.variables, self.factors = stored, variables, factors
        self.place = {m: i for i, m in enumerate(stored.rows)}
        self.tables = {f: {m: i for i, m in enumerate(monomials)} for f, monomials in stored.tables}
        self.totals: dict[tuple[Factors, int], int] = {}
        self.unavailable: list[tuple[Factors, Monomial]] = []
        self.product_places: dict[Monomial, int] | None = None

    def renamed(self, m: Monomial) -> Monomial:
        """A requested monomial in stored names."""
        if not self.variables:
            return m
        named = [(self.variables.get(v, v), p) for v, p in m]
        return tuple(sorted(named)) if len(named) > 1 else tuple(named)

    def dense(self, rows: Sequence[Monomial]) -> Codes:
        """Places (m, m) of the products of the requested rows in the pool."""
        inner = [self.renamed(m) for m in rows]
        at = np.array([self.place.get(m, -1) for m in inner], np.int64)
        out = at[:, None] * len(self.place) + at
        # A row that is not stored: its products may still be stored as products of other rows or in tables.
        for i in np.flatnonzero(at < 0).tolist():
            for j in range(len(rows)):
                out[i, j] = out[j, i] = self.total(times(inner[i], inner[j]), times(rows[i], rows[j]))
        return out

    def total(self, m: Monomial, requested: Monomial) -> int:
        """Place in the pool of the sum of a monomial over all rows, 0 where it is unavailable."""
        at = self.products.get(m)
        if at is not None:
            return at
        for factors, monomials in self.tables.items():
            if m in monomials:
                key = factors, monomials[m]
                return self.totals.setdefault(key, len(self.place) ** 2 + len(self.totals))
        self.unavailable.append(((), requested))
        return 0

    def powers(self, variable: str, top: int, *, weighted: bool) -> Codes:
        """Places of the power sums of a variable among the products, which hold them if there are no weights."""
        requested = [monomial({variable: p}) for p in range(top + 1)]
        if weighted:
            self.unavailable.append(((), requested[1]))
            return np.zeros(0, np.int64)
        return np.array([self.total(self.renamed(m), m) for m in requested], np.int64)

    @property
    def products(self) -> dict[Monomial, int]:
        """Monomial -> place of the first dense product that equals it."""
        if self.product_places is None:
            rows, width = self.stored.rows, len(self.place)
            pairs = ((times(m, rows[j]), i * width + j) for i, m in enumerate(rows) for j in range(i, width))
            self.product_places = {}
            for m, at in pairs:
                self.product_places.setdefault(m, at)
        return self.product_places

    def parts(self, factors: Factors, monomials: Sequence[Monomial]) -> Iterator[TablePart]:
        """The parts of one requested table, from as few and as small stored tables as possible."""
        stored_factors = [self.factors.get(f, f) for f in factors]
        remaining = {place: self.renamed(m) for place, m in enumerate(monomials)}
        # Tables of fewer factors have fewer cells to add up.
        for source in sorted((f for f in self.tables if set(stored_factors) <= set(f)), key=len):
            available = {place: self.tables[source][m] for place, m in remaining.items() if m in self.tables[source]}
            if available:
                factor_places = tuple(source.index(f) for f in stored_factors)
                yield TablePart(source, factor_places, tuple(available.values()), tuple(available))
                remaining = {place: m for place, m in remaining.items() if place not in available}
            if not remaining:
                return
        self.unavailable += [(factors, monomials[place]) for place in remaining]


def subset_sums(moments: Moments, plan: SubsetPlan) -> Moments:
    """The moments of the requested layout, with coordinates, levels and power sums in the requested names.

    Raises
    ------
    NumericalError
        Where the plan has unavailable sums.
    """
    if plan.unavailable:
        raise NumericalError(f"sums that are not stored: {plan.unavailable[:3]}")
    totals = [moments.tables[f].sums[:, at].sum() for f, at in plan.totals]
    pool = np.concatenate([moments.dense.reshape(-1), totals]) if totals else moments.dense.reshape(-1)
    tables = {f: _table(moments, parts) for f, parts in plan.tables.items()}
    monomials = chain(plan.layout.rows, *(table_monomials for _, table_monomials in plan.layout.tables))
    stored = {v: plan.variables.get(v, v) for v in dict.fromkeys(v for m in monomials for v, _ in m)}
    return Moments(
        plan.layout,
        {v: moments.coordinates[stored_name] for v, stored_name in stored.items()},
        moments.rows,
        moments.log_weight,
        pool[plan.dense],
        {f: moments.levels[plan.factors.get(f, f)] for f in sorted({f for factors in tables for f in factors})},
        tables,
        {
            v: moments.powers[stored[v]][:at] if isinstance(at, int) else pool[at].copy()
            for v, at in plan.powers.items()
        },
        None if moments.removed is None else subset_sums(moments.removed, plan),
        moments.stated_error,
    )


def _table(moments: Moments, parts: Sequence[TablePart]) -> CellSums:
    """A requested table, assembled from its parts."""
    projected = [moments.tables[p.source].project(p.factor_places, p.columns) for p in parts]
    first, width = projected[0], sum(len(p.places) for p in parts)
    sums = np.zeros((len(first.rows), width))
    sizes = [len(moments.levels[parts[0].source[at]]) for at in parts[0].factor_places]
    for part, piece in zip(parts, projected, strict=True):
        rows = cell_index(first.cells, piece.cells, sizes)
        for place, column in zip(part.places, piece.sums.T, strict=True):
            sums[rows[rows >= 0], place] = column[rows >= 0]
    return CellSums(first.cells, first.rows, sums)
