"""Keyed moments of one unit while its blocks are added in place: a product for each key's rows, or segmented sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.columns import Columns, Layout
from gramian.linalg.keyed import Key, KeyedMoments, ordered, places
from gramian.linalg.moments import canonical, positions, weigh, with_rows
from gramian.linalg.monomials import Coordinate
from gramian.linalg.tables import Tables
from gramian.typing import Codes, Level, Matrix, Vector

KEY = ""  # the key as a factor of the tables; no column is called so, and it stands first
T = TypeVar("T", bound=np.generic)
PIECE = 15_000  # multiplications in the time that one more call of BLAS costs, when they are made one by one


class KeyedAccumulator:
    """Keyed moments while they are being filled; nothing outside a unit's pass holds one."""

    def __init__(self, layout: Layout, coordinates: Mapping[str, Coordinate], powers: Mapping[str, int]) -> None:
        self.layout, self.coordinates = layout, coordinates
        width = len(layout.rows)
        self.dense = np.zeros((0, width, width))
        self.rows, self.log_weight = np.zeros(0, np.int64), np.zeros(0)
        place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
        self.tables = Tables({(KEY, *f): [place[m] for m in monomials] for f, monomials in layout.tables})
        self.extra = len(layout.extra) > 0
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
        """Add a block; False, and nothing added, where a value is not finite.

        keys : (n,) code of each row's key; sizes[KEY] says how many there are so far. cycle : the keys go round with
        this period (None: they come in any order). total, count, sizes : as for `Accumulator`.
        """
        self._grow(sizes[KEY])
        powers = {v: self._power_sums(columns.value(at), v, keys, count) for v, at in self.places_of.items()}
        if total is not None:
            weigh(columns, np.sqrt(total))
        which, products = products_by_key(columns, keys, cycle)
        if not np.isfinite(products.trace(axis1=1, axis2=2).sum()) or (
            self.extra and not np.isfinite(columns.extra.sum())
        ):
            return False
        self.dense[which] += products
        self.rows += np.bincount(keys, count, len(self.rows)).astype(np.int64)
        for variable, sums in powers.items():
            self.powers[variable] += sums
        if self.layout.tables:
            coded = replace(columns, codes={**columns.codes, KEY: keys})
            self.tables.add(coded, None if total is None else np.sqrt(total), count, sizes)
        return True

    def add_log_weights(self, keys: Codes, weight: Vector, count: Vector | None) -> None:
        """Sums of log weights, each as often as its row counts."""
        logs = np.log(weight) if count is None else np.log(weight) * count
        self.log_weight += np.bincount(keys, logs, len(self.rows))

    def finish(self, keys: Sequence[Key], levels: Mapping[str, Sequence[Level]]) -> KeyedMoments:
        """The unit's moments, keys and levels in canonical order; keys : those of the codes 0, 1, ..."""
        self._grow(len(keys))
        filled = self.tables.finish() if self.layout.tables else {}
        known = {name: canonical(with_rows(list(k), name, filled)) for name, k in levels.items()}
        order = ordered(set(keys))
        maps = {name: positions(tuple(k), known[name]) for name, k in levels.items()} | {KEY: places(keys, order)}
        at = np.argsort(maps[KEY]) if len(order) else np.zeros(0, np.int64)
        size = len(keys)
        return KeyedMoments(
            self.layout,
            self.coordinates,
            order,
            self.rows[:size][at],
            self.log_weight[:size][at],
            self.dense[:size][at],
            known,
            {f[1:]: table.recode([maps[name] for name in f]) for f, table in filled.items()},
            {v: sums[:size][at] for v, sums in self.powers.items()},
        )

    def _power_sums(self, u: Vector, variable: str, keys: Codes, count: Vector | None) -> Matrix:
        out, power = np.zeros_like(self.powers[variable]), np.ones(len(u)) if count is None else count
        for k in range(out.shape[1]):
            out[:, k] = np.bincount(keys, power, len(out))
            power = power * u
        return out

    def _grow(self, size: int) -> None:
        room = len(self.rows)
        if size <= room:
            return
        more = max(size, min(2 * room, room + 4096)) - room
        self.rows, self.log_weight = _longer(self.rows, more), _longer(self.log_weight, more)
        self.dense = _longer(self.dense, more)
        self.powers = {v: _longer(sums, more) for v, sums in self.powers.items()}


def products_by_key(columns: Columns, keys: Codes, cycle: int | None = None) -> tuple[Codes, Matrix]:
    """Which keys the rows of a block have, and the products of each key's rows, (g, m, m).

    A contiguous copy of a key's rows and one symmetric product are quickest while keys have many rows; where they have
    few, products are multiplied out and summed over runs of sorted rows.
    """
    if cycle is not None:
        firsts = np.arange(min(cycle, columns.rows))
        parts: Sequence[slice | Codes] = [slice(i, None, cycle) for i in firsts]
    else:
        order = sorted_by(keys)
        firsts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        parts = np.split(order, firsts[1:])
    which = keys[firsts] if cycle is not None else keys[order[firsts]]
    width = len(columns.gathered) + len(columns.placed)
    if width * width * columns.rows > PIECE * len(which) or len(which) < 2:
        return which, np.array([columns.dense_rows(part).products() for part in parts]).reshape(-1, width, width)
    sort = np.concatenate([np.arange(columns.rows)[part] for part in parts]) if cycle is not None else order
    starts = np.cumsum([0, *(len(range(columns.rows)[p]) if isinstance(p, slice) else len(p) for p in parts[:-1])])
    return which, segmented(columns.dense_rows(sort), starts)


def segmented(columns: Columns, starts: Codes) -> Matrix:
    """Products of runs of rows that begin at `starts`, (g, m, m)."""
    width = len(columns.gathered) + len(columns.placed)
    values = columns.buffer if columns.matrix is None else np.array([columns.value(i) for i in range(width)])
    out = np.empty((len(starts), width, width))
    for i, value in enumerate(values):
        sums = np.add.reduceat(values[i:] * value, starts, axis=1).T
        out[:, i, i:] = out[:, i:, i] = sums
    return out


def sorted_by(keys: Codes) -> Codes:
    """Rows in the order of their keys, those of one key in their own order; numbers below 2^16 are sorted by digits."""
    small = keys.astype(np.uint16) if len(keys) and keys.max() < 2**16 else keys
    return np.argsort(small, kind="stable")


def _longer(values: NDArray[T], more: int) -> NDArray[T]:
    return np.concatenate([values, np.zeros((more, *values.shape[1:]), values.dtype)])
