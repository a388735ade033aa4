"""Which stored sums make up the sums of another layout: fewer, renamed or reordered columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.cells import CellSums
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Monomial, monomial, times
from gramian.linalg.products import cell_index
from gramian.typing import Codes

Names = Mapping[str, str]  # new name -> stored name


@dataclass(frozen=True, slots=True)
class Part:
    """Some sums of a wanted table, read from one that is stored.

    source : the factors of the stored table. kept : which of them, by place, in the order of the wanted table.
    columns : places of the sums there. places : and in the wanted table.
    """

    source: Factors
    kept: tuple[int, ...]
    columns: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Extract:
    """How moments of one layout are read from those of another.

    layout : what is wanted. variables, factors : its names -> stored names where they differ. dense : (m, m) places in
    a pool of sums: the stored dense products row by row, then the totals of tables. totals : (factors, place) of each
    total. tables : the parts of each wanted table. powers : variable -> how many power sums are stored as such, or the
    places in the pool of those that are products. missing : (factors, monomial) of sums that cannot be read, in the
    wanted names; the rest means nothing unless there are none.
    """

    layout: Layout
    variables: Names
    factors: Names
    dense: Codes
    totals: tuple[tuple[Factors, int], ...]
    tables: Mapping[Factors, tuple[Part, ...]]
    powers: Mapping[str, int | Codes]
    missing: tuple[tuple[Factors, Monomial], ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """What is stored, or wanted: products by layout, and power sums up to which power of which variable.

    weighted : whether the products are weighted; those that are not hold the power sums as well.
    """

    layout: Layout
    powers: Mapping[str, int]
    weighted: bool = False


def extract(stored: Sums, wanted: Sums, variables: Names, factors: Names) -> Extract:
    """Find every wanted sum among those that are stored.

    variables : variables and responses of the wanted layout -> stored ones; those that are not named there keep their
    names. factors : likewise. A sum over the cells of some factors is also found in a table of more factors.
    """
    found = _Finder(stored.layout, variables, factors)
    dense = found.dense(wanted.layout.rows)
    tables = {f: tuple(found.parts(f, monomials)) for f, monomials in wanted.layout.tables}
    powers: dict[str, int | Codes] = {}
    for v, top in wanted.powers.items():
        kept = stored.powers.get(variables.get(v, v), -1)
        powers[v] = top + 1 if top <= kept else found.powers(v, top, weighted=stored.weighted)
    missing = tuple(dict.fromkeys(found.missing))
    return Extract(wanted.layout, variables, factors, dense, tuple(found.totals), tables, powers, missing)


class _Finder:
    def __init__(self, stored: Layout, variables: Names, factors: Names) -> None:
        self.stored, self.variables, self.factors = stored, variables, factors
        self.place = {m: i for i, m in enumerate(stored.rows)}
        self.tables = {f: {m: i for i, m in enumerate(monomials)} for f, monomials in stored.tables}
        self.totals: dict[tuple[Factors, int], int] = {}
        self.missing: list[tuple[Factors, Monomial]] = []
        self.known: dict[Monomial, int] | None = None

    def renamed(self, m: Monomial) -> Monomial:
        """A wanted monomial in stored names."""
        if not self.variables:
            return m
        named = [(self.variables.get(v, v), p) for v, p in m]
        return tuple(sorted(named)) if len(named) > 1 else tuple(named)

    def dense(self, rows: Sequence[Monomial]) -> Codes:
        """Places of the products of the wanted rows in the pool."""
        inner = [self.renamed(m) for m in rows]
        at = np.array([self.place.get(m, -1) for m in inner], np.int64)
        out = at[:, None] * len(self.place) + at
        for i in np.flatnonzero(at < 0).tolist():
            for j in range(len(rows)):
                out[i, j] = out[j, i] = self.total(times(inner[i], inner[j]), times(rows[i], rows[j]))
        return out

    def total(self, m: Monomial, wanted: Monomial) -> int:
        """Place in the pool of the sum of a monomial over all rows."""
        at = self.products.get(m)
        if at is not None:
            return at
        for factors, monomials in self.tables.items():
            if m in monomials:
                key = factors, monomials[m]
                return self.totals.setdefault(key, len(self.place) ** 2 + len(self.totals))
        self.missing.append(((), wanted))
        return 0

    def powers(self, variable: str, top: int, *, weighted: bool) -> Codes:
        """Places of the sums of the powers of a variable, which are products where there are no weights."""
        wanted = [monomial({variable: p}) for p in range(top + 1)]
        if weighted:
            self.missing.append(((), wanted[1]))
            return np.zeros(0, np.int64)
        return np.array([self.total(self.renamed(m), m) for m in wanted], np.int64)

    @property
    def products(self) -> dict[Monomial, int]:
        """The products of the dense block, once each."""
        if self.known is None:
            rows, width = self.stored.rows, len(self.place)
            pairs = ((times(m, rows[j]), i * width + j) for i, m in enumerate(rows) for j in range(i, width))
            self.known = {}
            for m, at in pairs:
                self.known.setdefault(m, at)
        return self.known

    def parts(self, factors: Factors, monomials: Sequence[Monomial]) -> Iterator[Part]:
        """The parts of one wanted table, from as few stored tables as there need be."""
        own = [self.factors.get(f, f) for f in factors]
        open_ = {place: self.renamed(m) for place, m in enumerate(monomials)}
        for source in sorted((f for f in self.tables if set(own) <= set(f)), key=len):
            here = {place: self.tables[source][m] for place, m in open_.items() if m in self.tables[source]}
            if here:
                kept = tuple(source.index(f) for f in own)
                yield Part(source, kept, tuple(here.values()), tuple(here))
                open_ = {place: m for place, m in open_.items() if place not in here}
            if not open_:
                return
        self.missing += [(factors, monomials[place]) for place in open_]


def extracted(moments: Moments, plan: Extract) -> Moments:
    """The moments of the wanted layout. Coordinates, levels and power sums are told in the wanted names."""
    if plan.missing:
        raise NumericalError(f"sums that are not stored: {plan.missing[:3]}")
    totals = [moments.tables[f].sums[:, at].sum() for f, at in plan.totals]
    pool = np.concatenate([moments.dense.reshape(-1), totals]) if totals else moments.dense.reshape(-1)
    tables = {f: _table(moments, parts) for f, parts in plan.tables.items()}
    monomials = chain(plan.layout.rows, *(inside for _, inside in plan.layout.tables))
    stored = {v: plan.variables.get(v, v) for v in dict.fromkeys(v for m in monomials for v, _ in m)}
    return Moments(
        plan.layout,
        {v: moments.coordinates[own] for v, own in stored.items()},
        moments.rows,
        moments.log_weight,
        pool[plan.dense],
        {f: moments.levels[plan.factors.get(f, f)] for f in sorted({f for factors in tables for f in factors})},
        tables,
        {
            v: moments.powers[stored[v]][:at] if isinstance(at, int) else pool[at].copy()
            for v, at in plan.powers.items()
        },
        None if moments.removed is None else extracted(moments.removed, plan),
    )


def _table(moments: Moments, parts: Sequence[Part]) -> CellSums:
    """A wanted table, put together from its parts."""
    projected = [moments.tables[p.source].project(p.kept, p.columns) for p in parts]
    first, width = projected[0], sum(len(p.places) for p in parts)
    sums = np.zeros((len(first.rows), width))
    sizes = [len(moments.levels[parts[0].source[at]]) for at in parts[0].kept]
    for part, piece in zip(parts, projected, strict=True):
        rows = cell_index(first.cells, piece.cells, sizes)
        for place, column in zip(part.places, piece.sums.T, strict=True):
            sums[rows[rows >= 0], place] = column[rows >= 0]
    return CellSums(first.cells, first.rows, sums)
