"""Keyed moments: the moments of every key (group, fold or cluster) in stacked arrays. They add like moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.errors import NumericalError
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.factors.levels import positions as level_positions
from gramian.linalg.factors.levels import union
from gramian.linalg.moments import Moments, levels_with_rows
from gramian.linalg.monomials import Coordinate
from gramian.typing import Codes, Level, Mask, Matrix, Vector

Key = tuple[Level, ...]  # one level of each column that makes the key


@dataclass(frozen=True, slots=True)
class KeyedMoments:
    """Moments of g keys, in the same coordinates and with the same levels.

    Attributes
    ----------
    layout : Layout
        Which products are summed.
    coordinates : mapping
        Variable -> shift and scale.
    keys : tuple of g keys
        In canonical order.
    rows : (g,) int
        Rows of each key.
    log_weight : (g,)
        Sums of the logarithms of the weights.
    dense : (g, m, m)
        Products of the dense block.
    levels : mapping
        Factor -> levels, of all keys together.
    tables : mapping
        Factors -> sums over cells whose first code is the position of the key.
    powers : mapping
        Variable -> (g, top + 1) power sums.
    """

    layout: Layout
    coordinates: Mapping[str, Coordinate]
    keys: tuple[Key, ...]
    rows: Codes
    log_weight: Vector
    dense: Matrix
    levels: Mapping[str, Sequence[Level]]
    tables: Mapping[Factors, CellSums]
    powers: Mapping[str, Matrix]

    def __len__(self) -> int:
        return len(self.keys)

    def __add__(self, other: KeyedMoments, /) -> KeyedMoments:
        if (self.layout, self.coordinates) != (other.layout, other.coordinates):
            raise NumericalError("moments of different columns or in different coordinates do not add")
        keys = self.keys if self.keys == other.keys else ordered({*self.keys, *other.keys})
        own_places, other_places = places(self.keys, keys), places(other.keys, keys)
        levels = {name: union(own_levels, other.levels[name]) for name, own_levels in self.levels.items()}
        mine, theirs = self._recoded_tables(own_places, levels), other._recoded_tables(other_places, levels)

        def added(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
            return _add_stacks(left, own_places, right, other_places, len(keys))

        return replace(
            self,
            keys=keys,
            rows=added(self.rows, other.rows),
            log_weight=added(self.log_weight, other.log_weight),
            dense=added(self.dense, other.dense),
            levels=levels,
            tables={f: table + theirs[f] for f, table in mine.items()},
            powers={v: added(sums, other.powers[v]) for v, sums in self.powers.items()},
        )

    def _recoded_tables(self, at: Codes, levels: Mapping[str, Sequence[Level]]) -> dict[Factors, CellSums]:
        """The tables with the key's code k replaced by at[k], and with the codes of other levels."""
        maps = {name: level_positions(own_levels, levels[name]) for name, own_levels in self.levels.items()}
        return {f: table.recode([at, *(maps[name] for name in f)]) for f, table in self.tables.items()}

    def at(self, place: int) -> Moments:
        """The moments of one key, with the levels that occur there."""
        tables = {f: _of_key(table, place) for f, table in self.tables.items()}
        return self._moments(tables, slice(place, place + 1))

    @property
    def total(self) -> Moments:
        """The moments of all rows."""
        return self.of(np.arange(len(self)))

    def of(self, chosen: Sequence[int] | Codes) -> Moments:
        """The moments of several keys together, by their positions."""
        selected = np.zeros(len(self), bool)
        selected[chosen] = True
        tables = {f: _of_keys(table, selected) for f, table in self.tables.items()}
        return self._moments(tables, selected)

    def _moments(self, tables: Mapping[Factors, CellSums], rows: slice | Mask) -> Moments:
        """Moments from tables without keys and the sums of the rows (keys) given."""
        moments = Moments(
            self.layout,
            self.coordinates,
            int(self.rows[rows].sum()),
            float(self.log_weight[rows].sum()),
            self.dense[rows].sum(axis=0),
            self.levels,
            tables,
            {v: sums[rows].sum(axis=0) for v, sums in self.powers.items()},
        )
        return moments.with_levels(
            {name: levels_with_rows(factor_levels, name, tables) for name, factor_levels in self.levels.items()}
        )


def ordered(keys: set[Key]) -> tuple[Key, ...]:
    """Keys in canonical order: compared column by column, numbers before text."""
    if len({tuple(map(type, key)) for key in keys}) == 1:
        return tuple(sorted(keys))
    return tuple(sorted(keys, key=lambda key: [(isinstance(v, str), v) for v in key]))


def places(keys: Sequence[Key], among: Sequence[Key]) -> Codes:
    """Position of each key among others that contain it."""
    place = {key: i for i, key in enumerate(among)}
    return np.array([place[key] for key in keys], np.int64)


def _add_stacks(
    left: NDArray[Any], left_places: Codes, right: NDArray[Any], right_places: Codes, size: int
) -> NDArray[Any]:
    """Sum of two stacks whose items belong at these places of a stack of `size` items."""
    # Fast path of equal keys, the usual case between blocks of one source.
    if len(left) == len(right) == size:
        return np.asarray(left + right)
    out = np.zeros((size, *left.shape[1:]), left.dtype)
    out[left_places] = left
    if len(right) == size:
        out += right
    else:
        out[right_places] += right
    return out


def _of_key(table: CellSums, place: int) -> CellSums:
    """The cells of one key, without the key; a slice, since cells are sorted with the key first."""
    start, stop = np.searchsorted(table.cells[:, 0], (place, place + 1))
    return CellSums(table.cells[start:stop, 1:], table.rows[start:stop], table.sums[start:stop])


def _of_keys(table: CellSums, selected: Mask) -> CellSums:
    """Sums over the cells of the selected keys together."""
    mask = selected[table.cells[:, 0]]
    chosen = CellSums(table.cells[mask], table.rows[mask], table.sums[mask])
    width = table.cells.shape[1]
    return chosen.project(range(1, width), range(table.sums.shape[1]))
