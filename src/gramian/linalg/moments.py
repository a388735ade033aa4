"""Moments: weighted sums of products of stored columns.

Moments of disjoint sets of rows add and subtract elementwise, and every linear model is computed from them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.columns import Columns, Factors, Layout
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.factors.levels import canonical, positions, select_levels, union
from gramian.linalg.factors.tables import TablesAccumulator, relabelled
from gramian.linalg.monomials import Coordinate, Monomial, power_sums
from gramian.linalg.self_products import MAX_COMPILED_WIDTH, mirror_upper
from gramian.typing import Level, Mask, Matrix, NotNegative, Vector

REUSED_WIDTHS = range(128, MAX_COMPILED_WIDTH + 1)  # columns for whose products memory is used again


@dataclass(frozen=True, slots=True)
class Moments:
    """Weighted sums of products over rows, in coordinates u = (x - shift) / 2^exponent that are fixed before the pass.

    Attributes
    ----------
    layout : Layout
        Which products are summed.
    coordinates : mapping
        Variable -> its shift and scale.
    rows : int
        Number of rows, the sum of the frequency weights.
    log_weight : float
        Sum of the logarithms of the weights, which likelihoods need.
    dense : (m, m)
        Products of the monomials of the dense block, responses last; the first is the constant.
    levels : mapping
        Factor -> its levels in canonical order.
    tables : mapping
        Factors -> sums of monomials over the cells of these factors.
    powers : mapping
        Variable -> (top + 1,) unweighted sums of u^0, u^1, ..., for variables whose columns depend on their
        distribution (orthogonal polynomials); over all rows that have the variable, also those that enter nothing else.
    removed : Moments or None
        Sum of all moments that were ever subtracted, with `removed` None itself. The squares that ever entered the sum
        of a column, on which its rounding error depends, are diag(self) + 2 diag(removed).
    stated_error : float
        Relative rounding error of sums that were made elsewhere, as a part of the lengths of both columns; 0 for ours.
    """

    layout: Layout
    coordinates: Mapping[str, Coordinate]
    rows: int
    log_weight: float
    dense: Matrix
    levels: Mapping[str, Sequence[Level]]
    tables: Mapping[Factors, CellSums]
    powers: Mapping[str, Vector] = field(default_factory=dict)
    removed: Moments | None = None
    stated_error: NotNegative = 0.0

    @property
    def weight(self) -> float:
        """Sum of the weights, the square of the constant column."""
        return float(self.dense[0, 0])

    @property
    def has_subtracted(self) -> bool:
        """Whether rows were subtracted; `removed` may also hold only the rounding of a change of coordinates."""
        return self.removed is not None and self.removed.rows > 0

    def __add__(self, other: Moments, /) -> Moments:
        return self._plus(other, None)

    def added_to(self, earlier: Moments) -> Moments:
        """earlier + self; the products are written into the memory of this one, which is of no further use."""
        return earlier._plus(self, self.dense)

    def _plus(self, other: Moments, dense: Matrix | None) -> Moments:
        """The sum. dense : memory for its products."""
        mine, theirs = _aligned(self, other)
        return replace(
            mine,
            rows=self.rows + other.rows,
            log_weight=self.log_weight + other.log_weight,
            dense=np.add(self.dense, other.dense, out=dense),
            tables={f: table + theirs.tables[f] for f, table in mine.tables.items()},
            powers={v: sums + other.powers[v] for v, sums in self.powers.items()},
            removed=add_optional(mine.removed, theirs.removed),
            stated_error=max(self.stated_error, other.stated_error),
        )

    def __sub__(self, other: Moments, /) -> Moments:
        """Moments without the rows of `other`; levels and cells that have no rows left are removed with their sums.

        Raises
        ------
        NumericalError
            Where `other` has more rows or weight, in total or in some cell, than these moments.
        """
        return _subtract(self, other)

    def with_levels(self, levels: Mapping[str, Sequence[Level]]) -> Moments:
        """The same sums with the codes of other (more, fewer or reordered) levels."""
        if levels == self.levels:
            return self
        maps = {name: positions(own_levels, levels[name]) for name, own_levels in self.levels.items()}
        tables = {f: table.recode([maps[name] for name in f]) for f, table in self.tables.items()}
        removed = None if self.removed is None else self.removed.with_levels(levels)
        return replace(self, levels=dict(levels), tables=tables, removed=removed)

    def with_observed_levels(self) -> Moments:
        """The same sums without levels that have no rows, and with all cells counted."""
        used = {name: _has_rows(own, name, self.tables) for name, own in self.levels.items()}
        maps = {name: np.where(own, np.cumsum(own) - 1, -1) for name, own in used.items()}
        levels = {name: select_levels(own, used[name]) for name, own in self.levels.items()}
        return replace(self, levels=levels, tables=relabelled(self.tables, maps))


def first_moments(moments: Moments, blocks: Mapping[Factors, Sequence[Monomial]]) -> Vector:
    """Sums of the stored columns themselves, which stand among the products: (q,).

    blocks : factors -> monomials in their cells. In the order of the blocks, in each by monomial, then by cell that has
    rows.
    """
    parts = []
    for factors, monomials in blocks.items():
        if factors:
            place = {m: i for i, m in enumerate(dict(moments.layout.tables)[factors])}
            table = moments.tables[factors]
            parts.append(table.sums[table.rows > 0][:, [place[m] for m in monomials]].T.ravel())
        else:
            place = {m: i for i, m in enumerate(moments.layout.rows)}
            parts.append(moments.dense[0, [place[m] for m in monomials]])  # column 0 is the constant
    return np.concatenate(parts)


def add_optional(a: Moments | None, b: Moments | None) -> Moments | None:
    """Sum of two moments of which either may be missing."""
    return a + b if a is not None and b is not None else a or b


def _subtract(moments: Moments, other: Moments) -> Moments:
    """Difference of two moments, checked before anything is subtracted."""
    mine, theirs = _aligned(moments, other)
    for f, table in mine.tables.items():
        _check_cells(f, table, theirs.tables[f], mine.levels)
    _check_weights(mine, theirs)
    tables = {f: table - theirs.tables[f] for f, table in mine.tables.items()}
    difference = replace(
        mine,
        rows=mine.rows - theirs.rows,
        log_weight=mine.log_weight - theirs.log_weight,
        dense=mine.dense - theirs.dense,
        tables=tables,
        powers={v: sums - theirs.powers[v] for v, sums in mine.powers.items()},
        # A sum of n terms keeps the rounding errors of all terms that entered it, also of those subtracted again: their
        # squares are recorded, so that error bounds stay valid.
        removed=add_optional(add_optional(mine.removed, replace(theirs, removed=None)), theirs.removed),
        stated_error=max(mine.stated_error, theirs.stated_error),
    )
    levels = {name: levels_with_rows(factor_levels, name, tables) for name, factor_levels in difference.levels.items()}
    # Levels that lost their last row are removed, so that a + b - b has the levels of a.
    return difference.with_levels(levels) if difference.rows else _cleared(difference.with_levels(levels))


def _aligned(a: Moments, b: Moments) -> tuple[Moments, Moments]:
    """Both moments with the union of their levels.

    Raises
    ------
    NumericalError
        Where they are of different columns or in different coordinates.
    """
    if (a.layout, a.coordinates) != (b.layout, b.coordinates):
        raise NumericalError("moments of different columns or in different coordinates do not add")
    levels = {name: union(own_levels, b.levels[name]) for name, own_levels in a.levels.items()}
    return a.with_levels(levels), b.with_levels(levels)


def _cleared(moments: Moments) -> Moments:
    """Moments of no rows: everything is set to zero, since the sums hold nothing but rounding errors."""
    return replace(
        moments,
        log_weight=0.0,
        dense=np.zeros_like(moments.dense),
        powers={v: np.zeros_like(sums) for v, sums in moments.powers.items()},
        removed=None,
    )


def _check_cells(factors: Factors, have: CellSums, take: CellSums, levels: Mapping[str, Sequence[Level]]) -> None:
    """Raise NumericalError if some cell would have fewer than no rows after the subtraction."""
    difference = have - take
    if not len(difference.rows) or difference.rows.min() > 0:
        return
    cell = difference.cells[int(np.argmin(difference.rows))]
    cell_text = ", ".join(f"{f} = {levels[f][code]}" for f, code in zip(factors, cell, strict=True))
    requested, available = (int(t.rows[(t.cells == cell).all(axis=1)].sum()) for t in (take, have))
    raise NumericalError(
        f"cannot subtract {requested:,} rows with {cell_text} from {available:,}: they are not part of the sums"
    )


def _check_weights(have: Moments, take: Moments) -> None:
    """Raise NumericalError if a sum of squares would become negative beyond rounding, or the weight not positive.

    Squares are compared with the bound n u sum(w u^2) of the rounding error of a sum of n terms in any order (Higham
    2002, section 4.2).
    """
    if take.rows > have.rows:
        raise NumericalError(f"cannot subtract {take.rows:,} rows from {have.rows:,}: they are not part of the sums")
    if take.rows == have.rows:
        return
    squares, ever_summed = have.dense.diagonal() - take.dense.diagonal(), have.dense.diagonal() + take.dense.diagonal()
    rounding = (have.rows + take.rows + len(ever_summed)) * (np.finfo(float).eps / 2)  # n u bounds any order of adding
    for m, square, largest in zip(have.layout.rows, squares.tolist(), ever_summed.tolist(), strict=True):
        if square < -rounding * largest or (not m and square <= rounding * largest):
            what = "*".join(f"{v.lstrip('~')}^{2 * p}" for v, p in m) or "the weights"
            raise NumericalError(f"the sum of {what} would become {square:.3g}: the rows are not part of the sums")


def levels_with_rows(levels: Sequence[Level], factor: str, tables: Mapping[Factors, CellSums]) -> Sequence[Level]:
    """The levels of a factor that occur in its smallest table; a level seen only in incomplete rows does not count."""
    return select_levels(levels, _has_rows(levels, factor, tables))


def _has_rows(levels: Sequence[Level], factor: str, tables: Mapping[Factors, CellSums]) -> Mask:
    """Mask of the levels of a factor that occur in its smallest table of sums."""
    counted = ((f, t) for f, t in tables.items() if factor in f and isinstance(t, CellSums))
    factors, table = min(counted, key=lambda pair: len(pair[1].rows))
    used = np.zeros(len(levels), np.bool_)
    used[table.cells[table.rows != 0, factors.index(factor)]] = True
    return used


class Accumulator:
    """Sums the moments of one unit, block by block, in place; used within one pass only."""

    def __init__(self, layout: Layout, coordinates: Mapping[str, Coordinate], powers: Mapping[str, int]) -> None:
        self.layout, self.coordinates = layout, coordinates
        width = len(layout.rows)
        self.dense = np.zeros((width, width))
        self.scratch: Matrix | None = None
        self.rows, self.log_weight = 0, 0.0
        place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
        places = {f: [place[m] for m in monomials] for f, monomials in layout.tables}
        self.tables = TablesAccumulator(places) if places else None
        self.has_extra = len(layout.extra) > 0
        self.powers = {v: np.zeros(top + 1) for v, top in powers.items()}
        self.left_out = {v: np.zeros(top + 1) for v, top in powers.items()}
        self.places_of = {v: place[((v, 1),)] for v in powers}

    def add(self, columns: Columns, total: Vector | None, count: Vector | None, sizes: Mapping[str, int]) -> bool:
        """Add a block of rows. Returns False, with nothing added, where a value is not finite.

        Parameters
        ----------
        columns : Columns
            Monomials of the block. Its buffer is overwritten where there are weights and no workspace.
        total : (n,) or None
            Factor of each row's products, >= 0 (`combined_weight`).
        count : (n,) or None
            Frequency weight of each row.
        sizes : mapping
            Factor -> number of levels seen so far.
        """
        # Before weighting, which overwrites the columns.
        power_sums = self._power_sums(columns, count)
        if total is not None:
            columns = apply_weights(columns, np.sqrt(total))
        if self.has_extra and not np.isfinite(columns.extra.sum()):
            return False
        if not columns.add_products(self.dense, self._memory_for(columns)):
            return False
        self.count_rows(columns.rows, count)
        for variable, sums in power_sums.items():
            self.powers[variable] += sums
        if self.tables is not None:
            self.tables.add(columns, None if total is None else np.sqrt(total), count, sizes)
        return True

    def add_products(self, products: Matrix, rows: int, count: Vector | None) -> bool:
        """Add the weighted products of rows that enter no other sum; False, with nothing added, if one is not finite.

        products : (m, m). count : (n,) frequency weight of each of the n = `rows` rows, or None.
        """
        if not np.isfinite(products.diagonal().sum()):
            return False
        self.dense += products
        self.count_rows(rows, count)
        return True

    def add_to_tables(self, columns: Columns, total: Vector, count: Vector | None, sizes: Mapping[str, int]) -> None:
        """Add rows to the sums over cells alone. columns : without weights; the others as of `add`."""
        if self.tables is not None:
            self.tables.add(columns, total, count, sizes)

    def in_order(self, where: Any) -> Matrix:
        """A copy of the products (m, m), rows and columns in the order of these positions. where : their `grid`."""
        return np.array(self.dense[where], order="C")  # of slices, too, that would be a view

    def replace_products(self, where: Any, products: Matrix, rows: int, count: Vector | None = None) -> bool:
        """Take products to which rows were added; False, with nothing changed, where one is not finite.

        where : their positions, as for `in_order`. rows, count : of the rows that were added, as of `add_products`.
        """
        if not np.isfinite(products.diagonal().sum()):
            return False
        self.dense[where] = products
        self.count_rows(rows, count)
        return True

    def count_rows(self, rows: int, count: Vector | None) -> None:
        """Count rows that were added, each as often as its frequency weight says."""
        self.rows += rows if count is None else int(count.sum())

    def _memory_for(self, columns: Columns) -> Matrix | None:
        """Memory for the products of the wider part of a block, the same for all: new pages would cost more."""
        width = max(len(columns.buffer_positions), len(columns.matrix_positions))
        if width not in REUSED_WIDTHS:  # the products of more are added in place
            return None
        if self.scratch is None or len(self.scratch) != width:
            self.scratch = np.empty((width, width))
        return self.scratch

    def _power_sums(self, columns: Columns, count: Vector | None) -> dict[str, Vector]:
        """Sums of the powers of the variables in `powers`, unweighted but for frequencies."""
        return {
            variable: power_sums(columns.value(self.places_of[variable]), count, len(sums))
            for variable, sums in self.powers.items()
        }

    def add_left_out(self, variable: str, values: Vector, count: Vector | None) -> None:
        """Add rows that have a variable and enter no other sum to its power sums. values, count : (k,)."""
        u = self.coordinates[variable].stored(values)
        self.left_out[variable] += power_sums(u, count, len(self.left_out[variable]))

    def add_log_weights(self, weight: Vector, count: Vector | None) -> None:
        """Add the logarithms of weights, each times the frequency weight of its row."""
        logs = np.log(weight)
        self.log_weight += float(logs.sum() if count is None else logs @ count)

    def finish(
        self, levels: Mapping[str, Sequence[Level]], *, complete: bool = False, ranges: Container[str] | None = None
    ) -> Moments:
        """The moments of the unit, with levels in canonical order.

        complete : whether these are the levels of all units, in canonical order, of which none is to be left out.
        ranges : factors whose levels are in canonical order and stay as they are, those without rows among them; the
        moments are then partial sums for `with_observed_levels`. None for moments that are complete by themselves.
        """
        kept = {} if ranges is None else {name: len(own) for name, own in levels.items() if name in ranges}
        tables = {} if self.tables is None else self.tables.finish(None if ranges is None else kept)
        if len(self.dense) > MAX_COMPILED_WIDTH:
            mirror_upper(self.dense)
        raw = Moments(
            self.layout,
            self.coordinates,
            self.rows,
            self.log_weight,
            self.dense,
            levels,
            tables,
            {v: sums + self.left_out[v] for v, sums in self.powers.items()},
        )
        if complete:
            return raw
        return raw.with_levels(
            {n: own if n in kept else canonical(levels_with_rows(own, n, tables)) for n, own in levels.items()}
        )


def combined_weight(weight: Vector | None, count: Vector | None) -> Vector | None:
    """The factor (n,) of each row's products: weight times frequency weight, None where there is neither."""
    if weight is None or count is None:
        return count if weight is None else weight
    return weight * count


def apply_weights(columns: Columns, root_weight: Vector) -> Columns:
    """Multiply every monomial by the square roots of the weights, in place or into the workspace if there is one."""
    if columns.workspace is None:
        out = columns
    else:
        width = len(columns.buffer)
        out = replace(columns, buffer=columns.workspace[:width], extra=columns.workspace[width:], workspace=None)
    np.multiply(columns.buffer, root_weight, out=out.buffer)
    np.multiply(columns.extra, root_weight, out=out.extra)
    return out
