"""Keyed moments of one unit, accumulated in place: one matrix product for each key's rows, or segmented sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.factors.levels import canonical, positions
from gramian.linalg.factors.tables import TablesAccumulator
from gramian.linalg.keyed.moments import Key, KeyedMoments, ordered, places
from gramian.linalg.keyed.segmented_products import PendingRows, sorted_by
from gramian.linalg.moments import apply_weights, levels_with_rows
from gramian.linalg.monomials import Coordinate
from gramian.typing import Codes, Level, Matrix, Vector

KEY = ""  # name of the key among the factors of tables; no column has it, and it sorts first
T = TypeVar("T", bound=np.generic)
MULTIPLICATIONS_PER_CALL = 15_000  # multiplications of segmented sums in the time of one more call of BLAS


class KeyedAccumulator:
    """Sums the keyed moments of one unit, block by block, in place; used within one pass only."""

    def __init__(self, layout: Layout, coordinates: Mapping[str, Coordinate], powers: Mapping[str, int]) -> None:
        self.layout, self.coordinates = layout, coordinates
        width = len(layout.rows)
        self.dense = np.zeros((0, width, width))
        self.rows, self.log_weight = np.zeros(0, np.int64), np.zeros(0)
        self.pending, self.scratch = PendingRows(), np.zeros(0)
        place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
        self.tables = TablesAccumulator({(KEY, *f): [place[m] for m in monomials] for f, monomials in layout.tables})
        self.has_extra = len(layout.extra) > 0
        self.powers = {v: np.zeros((0, top + 1)) for v, top in powers.items()}
        self.places_of = {v: place[((v, 1),)] for v in powers}

    def add(
        self,
        columns: Columns,
        keys: Codes,
        total: Vector | None,
        count: Vector | None,
        sizes: Mapping[str, int],
        cycle: int | None = None,
    ) -> bool:
        """Add a block of rows. Returns False, with nothing added, where a value is not finite.

        Parameters
        ----------
        columns : Columns
            Monomials of the block.
        keys : (n,) int
            Code of each row's key; sizes[KEY] says how many there are so far.
        total, count, sizes
            | As for `Accumulator`.
        cycle : int or None
            Row i has the key of row i - cycle (round-robin folds); None: keys come in any order.
        """
        self._grow(sizes[KEY])
        # Before weighting, which overwrites the columns.
        powers = {v: self._power_sums(columns.value(at), v, keys, count) for v, at in self.places_of.items()}
        if total is not None:
            columns = apply_weights(columns, np.sqrt(total))
        row_counts = np.bincount(keys, minlength=len(self.rows))
        if (self.has_extra and not np.isfinite(columns.extra.sum())) or not self._add_products(
            columns, keys, row_counts, cycle
        ):
            return False
        self.rows += row_counts if count is None else np.bincount(keys, count, len(row_counts)).astype(np.int64)
        for variable, sums in powers.items():
            self.powers[variable] += sums
        if self.layout.tables:
            coded = replace(columns, codes={**columns.codes, KEY: keys})
            self.tables.add(coded, None if total is None else np.sqrt(total), count, sizes)
        return True

    def add_products(self, products: Matrix, keys: Codes, rows: Codes) -> bool:
        """Add the products (g, m, m) of g keys, each of so many rows; False, with nothing added, if not finite."""
        if not np.isfinite(products.trace(axis1=1, axis2=2).sum()):
            return False
        self._grow(int(keys.max(initial=-1)) + 1)
        self.dense[keys] += products
        self.rows[keys] += rows
        return True

    def _add_products(self, columns: Columns, keys: Codes, row_counts: Codes, cycle: int | None) -> bool:
        """Add the products of each key's rows: one matrix product a key, or pending rows where keys have too few rows.

        Returns False, with nothing added, where a product is not finite.
        """
        present, width = np.flatnonzero(row_counts), self.dense.shape[1]
        # Many keys with few rows each: the calls of BLAS would cost more than the products.
        if width * width * columns.rows < MULTIPLICATIONS_PER_CALL * len(present):
            return self._add_pending(_dense_block(columns), keys)
        parts = (
            _rows_by_key(keys, present, row_counts)
            if cycle is None
            else [slice(k, None, cycle) for k in range(len(present))]
        )
        products = np.array([self._products(columns, part) for part in parts])
        if not np.isfinite(products.trace(axis1=1, axis2=2).sum()):
            return False
        self.dense[present if cycle is None else keys[:cycle]] += products
        return True

    def _add_pending(self, values: Matrix, keys: Codes) -> bool:
        """Collect rows until there are more of their keys; False where a value is not finite."""
        if not np.isfinite(np.einsum("ij,ij->", values, values)):
            return False
        if self.pending.add(values, keys):
            self.pending.flush(self.dense)
        return True

    def _products(self, columns: Columns, rows: slice | Codes) -> Matrix:
        """Products of the dense block over some rows, from a copy in which each monomial is contiguous."""
        if isinstance(rows, slice):
            copy = self._workspace(len(columns.buffer), len(range(columns.rows)[rows]))
            np.copyto(copy, columns.buffer[:, rows])
        else:
            copy = self._workspace(len(columns.buffer), len(rows))
            np.take(columns.buffer, rows, axis=1, out=copy, mode="clip")
        if columns.matrix is None:
            return np.asarray(np.dot(copy, copy.T))  # a few hundred rows, for which panels are not faster
        return replace(columns, buffer=copy, matrix=columns.matrix[rows]).products()

    def _workspace(self, *shape: int) -> Matrix:
        """Scratch memory, reused by every block: a fresh allocation costs more than the copy into it."""
        size = prod(shape)
        if self.scratch.size < size:
            self.scratch = np.empty(size)
        return self.scratch[:size].reshape(shape)

    def add_log_weights(self, keys: Codes, weight: Vector, count: Vector | None) -> None:
        """Add the logarithms of weights, each times the frequency weight of its row."""
        logs = np.log(weight) if count is None else np.log(weight) * count
        self.log_weight += np.bincount(keys, logs, len(self.rows))

    def finish(self, keys: Sequence[Key], levels: Mapping[str, Sequence[Level]]) -> KeyedMoments:
        """The unit's moments, with keys and levels in canonical order. keys : the keys of the codes 0, 1, ..."""
        self._grow(len(keys))
        self.pending.flush(self.dense)
        filled = self.tables.finish() if self.layout.tables else {}
        canonical_levels = {name: canonical(levels_with_rows(k, name, filled)) for name, k in levels.items()}
        order = ordered(set(keys))
        maps = {name: positions(k, canonical_levels[name]) for name, k in levels.items()} | {KEY: places(keys, order)}
        at = np.argsort(maps[KEY]) if len(order) else np.zeros(0, np.int64)
        size = len(keys)
        return KeyedMoments(
            self.layout,
            self.coordinates,
            order,
            self.rows[:size][at],
            self.log_weight[:size][at],
            self.dense[:size][at],
            canonical_levels,
            {f[1:]: table.recode([maps[name] for name in f]) for f, table in filled.items()},
            {v: sums[:size][at] for v, sums in self.powers.items()},
        )

    def add_left_out(self, variable: str, values: Vector, keys: Codes, count: Vector | None, size: int) -> None:
        """Add rows that have a variable and enter no other sum to its power sums. values, keys, count : (k,).

        size : number of keys so far.
        """
        self._grow(size)
        self.powers[variable] += self._power_sums(self.coordinates[variable].stored(values), variable, keys, count)

    def _power_sums(self, u: Vector, variable: str, keys: Codes, count: Vector | None) -> Matrix:
        """Unweighted power sums by key, (g, top + 1). u : (n,) values of the variable."""
        out, power = np.zeros_like(self.powers[variable]), np.ones(len(u)) if count is None else count
        for k in range(out.shape[1]):
            out[:, k] = np.bincount(keys, power, len(out))
            power = power * u
        return out

    def _grow(self, size: int) -> None:
        """Make room for `size` keys, and an eighth more, so that growth by single keys costs little."""
        capacity = len(self.rows)
        if size <= capacity:
            return
        # Geometric growth: copies cost a constant factor in all.
        more = max(size, capacity + capacity // 8) - capacity
        self.rows, self.log_weight = _extended(self.rows, more), _extended(self.log_weight, more)
        self.dense = _extended(self.dense, more)
        self.powers = {v: _extended(sums, more) for v, sums in self.powers.items()}


def _rows_by_key(keys: Codes, present: Codes, row_counts: Codes) -> list[Codes]:
    """The rows of each key, in their own order."""
    return np.split(sorted_by(keys), np.cumsum(row_counts[present])[:-1])


def _dense_block(columns: Columns) -> Matrix:
    """The dense block as one array (m, n), in the order of the layout."""
    if columns.matrix is None:
        return columns.buffer
    return np.array([columns.value(i) for i in range(len(columns.buffer_positions) + len(columns.matrix_positions))])


def _extended(values: NDArray[T], more: int) -> NDArray[T]:
    """The array with zeros appended to its first axis."""
    return np.concatenate([values, np.zeros((more, *values.shape[1:]), values.dtype)])
