"""A pass over rows without what the levels of absorbed factors explain of them.

Products within levels are differences of sums over all rows and what the levels explain of these. Where the levels of a
column lie far apart for what it varies within them, digits cancel. Rows from which fixed numbers close to the effects
are subtracted have the same products within levels, whatever these numbers are, and nothing large is left to cancel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch
from gramian.fit.leastsquares.residuals import rows_to_sum
from gramian.formula.design import Design
from gramian.formula.row_reader import Reader
from gramian.linalg.absorb.partial_out import Absorption, absorb
from gramian.linalg.absorb.slopes import Slopes
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.columns import Layout
from gramian.linalg.doubledouble import two_product, two_sum
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.keyed.grouped import grouped_sums
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, Monomial, times
from gramian.linalg.products import ColumnGroup, cell_index
from gramian.linalg.residuals.double_double import MonomialWriter, ResidualRows, SplitColumn
from gramian.typing import Codes, Matrix

ROUNDINGS = 4  # of a product of two rows beside that of a product of columns: each was rounded after the subtraction
PLACE = "~centred{}"  # name of a column in the place of a variable; no variable has such a name


@dataclass(frozen=True, slots=True)
class CentredSums:
    """Partial result: sums of rows without the effects of levels; partial results add.

    Attributes
    ----------
    products : ndarray of shape (q, q)
        Of the stored columns.
    levels : mapping
        Factor -> (J, levels, q) sums over its levels, times 1 and each variable with slopes.
    rows : int
        Number of rows, the sum of frequency weights.
    """

    products: Matrix
    levels: Mapping[str, Matrix]
    rows: int

    def __add__(self, other: CentredSums, /) -> CentredSums:
        levels = {f: own + other.levels[f] for f, own in self.levels.items()}
        return CentredSums(self.products + other.products, levels, self.rows + other.rows)


@dataclass(frozen=True, slots=True)
class CentredPass:
    """The task of the pass.

    Attributes
    ----------
    design : Design
        With the levels of the first pass.
    groups : tuple of ColumnGroup
        The q stored columns.
    effects : mapping
        Factor -> (J, levels, q) what is subtracted, of the indicators of its levels times 1 and each variable.
    monomials : mapping
        Factor -> 1 and these variables, J in number.
    drop : bool
        Whether incomplete rows are dropped, as in the first pass.
    """

    design: Design
    groups: tuple[ColumnGroup, ...]
    effects: Mapping[str, Matrix]
    monomials: Mapping[str, tuple[Monomial, ...]]
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.design.columns

    @property
    def long_runs(self) -> bool:
        """Whether rows are accumulated in long runs: sums over levels are dear to add."""
        return True

    @property
    def empty(self) -> CentredSums:
        """The sums of no rows."""
        width = sum(len(g.positions) for g in self.groups)
        levels = {f: np.zeros_like(own) for f, own in self.effects.items()}
        return CentredSums(np.zeros((width, width)), levels, 0)

    def accumulate(self, batches: Iterable[Batch], /) -> CentredSums:
        """The sums of one unit."""
        reader, sums = Reader(self.design, drop=self.drop), self.empty
        variables = tuple({m for by in self.monomials.values() for m in by})
        slopes = ColumnGroup((), np.zeros((1, 0), np.int64), variables, np.zeros(len(variables), np.int64))
        writer = MonomialWriter([*self.groups, slopes], self.design.coordinates)
        with np.errstate(all="ignore"):
            for batch in batches:
                rows, count = rows_to_sum(self.design, reader.read(batch), batch.where)
                for start in range(0, rows.rows, ROWS_PER_BLOCK):
                    part = rows.part(slice(start, min(start + ROWS_PER_BLOCK, rows.rows)))
                    self._add(sums, writer.block(part), part, reader.sizes)
                sums = replace(sums, rows=sums.rows + count)
        return sums

    def _add(
        self, sums: CentredSums, columns: Mapping[Monomial, SplitColumn], rows: ResidualRows, sizes: Mapping[str, int]
    ) -> None:
        """Add a block to the sums in place."""
        Z = self.centred(columns, rows, sizes)
        weight = np.ones(rows.rows) if rows.weight is None else rows.weight.value
        scaled = Z if rows.weight is None else Z * np.sqrt(weight)[:, None]
        sums.products[:] += np.dot(scaled.T, scaled)
        for factor, own in sums.levels.items():
            codes = rows.codes[factor]
            for m, total in zip(self.monomials[factor], own, strict=True):
                factors = weight if m == CONSTANT else weight * columns[m].hi
                total += grouped_sums(Z, factors, codes, len(total))

    def centred(self, columns: Mapping[Monomial, SplitColumn], rows: ResidualRows, sizes: Mapping[str, int]) -> Matrix:
        """The stored columns of a block without the effects, (n, q), rounded once."""
        hi, lo = self._stored(columns, rows, sizes)
        for factor, effects in self.effects.items():
            for m, of_levels in zip(self.monomials[factor], effects, strict=True):
                effect = of_levels[rows.codes[factor]]
                if m != CONSTANT:
                    column = columns[m]
                    if column.lo is not None:
                        lo -= column.lo[:, None] * effect
                    effect, error = two_product(column.hi[:, None], effect)
                    lo -= error
                hi, rest = two_sum(hi, -effect)
                lo += rest
        return np.asarray(hi + lo)

    def _stored(
        self, columns: Mapping[Monomial, SplitColumn], rows: ResidualRows, sizes: Mapping[str, int]
    ) -> tuple[Matrix, Matrix]:
        """Leading and trailing parts (n, q) of the stored columns."""
        width = sum(len(g.positions) for g in self.groups)
        hi, lo = np.zeros((rows.rows, width)), np.zeros((rows.rows, width))
        for group in self.groups:
            here, cell = slice(None), np.zeros(rows.rows, np.int64)
            if group.factors:
                codes = np.column_stack([rows.codes[f] for f in group.factors])
                cell = cell_index(group.cells, codes, [sizes[f] for f in group.factors])
            chosen = np.flatnonzero(cell >= 0) if group.factors else here
            for k, m in enumerate(group.monomials):
                at = (chosen, group.at(k)[cell[chosen]]) if group.factors else (here, group.positions[k])
                hi[at] = columns[m].hi[chosen]
                low = columns[m].lo
                if low is not None:
                    lo[at] = low[chosen]
        return hi, lo


@dataclass(frozen=True, slots=True)
class CentredMoments:
    """The sums of the pass as moments, in which every stored column is a variable of its own.

    Attributes
    ----------
    moments : Moments
        With tables of the absorbed factors.
    effects : mapping
        Factor -> (J, levels, q) what was subtracted from the rows.
    order : tuple of str
        The factors in the order of elimination.
    slopes : mapping
        Factor -> variables with slopes.
    """

    moments: Moments
    effects: Mapping[str, Matrix]
    order: tuple[str, ...]
    slopes: Mapping[str, Slopes]

    def absorption(self, at: Codes, rounding_error: float) -> Absorption:
        """The factors partialled out of some of the stored columns. at : (k,) their positions."""
        columns = tuple(((PLACE.format(j), 1),) for j in at.tolist())
        group = ColumnGroup((), np.zeros((1, 0), np.int64), columns, np.arange(len(at)))
        return absorb(self.moments, [group], self.order, rounding_error, self.slopes)

    def squares(self, at: Codes) -> Matrix:
        """Products (k, k) of these columns before the factors were partialled out."""
        return self.moments.dense[np.ix_(at, at)]


def centred_moments(
    sums: CentredSums, task: CentredPass, first: Moments, order: Sequence[str], slopes: Mapping[str, Slopes]
) -> CentredMoments:
    """The moments of a pass. first : those of the first pass, whose sums of weights over cells they share."""
    columns = tuple(((PLACE.format(j), 1),) for j in range(len(sums.products)))
    absorbed, tables, layouts = set(order), dict[tuple[str, ...], CellSums](), []
    for factors, monomials in first.layout.tables:
        if not absorbed.issuperset(factors):
            continue
        table = first.tables[factors]
        if len(factors) == 1:
            (factor,) = factors
            by = task.monomials[factor]
            own = np.concatenate([table.sums, *sums.levels[factor]], axis=1)
            monomials = (*monomials, *(times(c, m) for m in by for c in columns))
            table = CellSums(table.cells, table.rows, own)
        tables[factors] = table
        layouts.append((factors, monomials))
    moments = replace(
        first,
        layout=Layout(columns, (), tuple(layouts)),
        dense=sums.products,
        tables=tables,
        removed=None,
        powers={},
        stated_error=0.0,
    )
    return CentredMoments(moments, task.effects, tuple(order), slopes)
