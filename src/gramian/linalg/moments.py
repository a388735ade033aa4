"""Moments: weighted sums of products of stored columns. They add; every linear model comes from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.errors import NumericalError
from gramian.linalg.cells import CellSums
from gramian.linalg.columns import Columns, Factors, Layout
from gramian.linalg.levels import canonical, chosen, positions, union
from gramian.linalg.monomials import Coordinate
from gramian.linalg.tables import Tables
from gramian.typing import Level, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over rows, in fixed coordinates.

    layout : which sums. coordinates : variable -> its fixed shift and scale. rows : number of rows (sum of counts).
    log_weight : sum of the logarithms of the weights. dense : (m, m) products of the dense block, responses last.
    levels : factor -> its levels in canonical order. tables : factors -> sums over their cells.
    powers : variable -> unweighted sums of u^0, u^1, ... (of variables whose columns depend on their distribution).
    """

    layout: Layout
    coordinates: Mapping[str, Coordinate]
    rows: int
    log_weight: float
    dense: Matrix
    levels: Mapping[str, Sequence[Level]]
    tables: Mapping[Factors, CellSums]
    powers: Mapping[str, Vector] = field(default_factory=dict)

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return float(self.dense[0, 0])

    def __add__(self, other: Moments, /) -> Moments:
        if (self.layout, self.coordinates) != (other.layout, other.coordinates):
            raise NumericalError("moments of different columns or in different coordinates do not add")
        levels = {name: union(known, other.levels[name]) for name, known in self.levels.items()}
        mine, theirs = self.with_levels(levels), other.with_levels(levels)
        return replace(
            mine,
            rows=self.rows + other.rows,
            log_weight=self.log_weight + other.log_weight,
            dense=self.dense + other.dense,
            tables={f: table + theirs.tables[f] for f, table in mine.tables.items()},
            powers={v: sums + other.powers[v] for v, sums in self.powers.items()},
        )

    def with_levels(self, levels: Mapping[str, Sequence[Level]]) -> Moments:
        """The same sums told with other (more, or reordered) levels."""
        if levels == self.levels:
            return self
        maps = {name: positions(known, levels[name]) for name, known in self.levels.items()}
        tables = {f: table.recode([maps[name] for name in f]) for f, table in self.tables.items()}
        return replace(self, levels=dict(levels), tables=tables)


def with_rows(known: Sequence[Level], factor: str, tables: Mapping[Factors, CellSums]) -> Sequence[Level]:
    """The levels of a factor that have rows: a level that only incomplete rows had is none."""
    factors, table = min(((f, t) for f, t in tables.items() if factor in f), key=lambda pair: len(pair[1].rows))
    used = np.zeros(len(known), np.bool_)
    used[table.cells[:, factors.index(factor)]] = True
    return chosen(known, used)


class Accumulator:
    """Moments of one unit while its blocks are added in place; nothing outside a unit's pass holds one."""

    def __init__(self, layout: Layout, coordinates: Mapping[str, Coordinate], powers: Mapping[str, int]) -> None:
        self.layout, self.coordinates = layout, coordinates
        width = len(layout.rows)
        self.dense = np.zeros((width, width))
        self.rows, self.log_weight = 0, 0.0
        place = {m: i for i, m in enumerate((*layout.rows, *layout.extra))}
        self.tables = Tables({f: [place[m] for m in monomials] for f, monomials in layout.tables})
        self.extra = len(layout.extra) > 0
        self.powers = {v: np.zeros(top + 1) for v, top in powers.items()}
        self.places_of = {v: place[((v, 1),)] for v in powers}

    def add(self, columns: Columns, total: Vector | None, count: Vector | None, sizes: Mapping[str, int]) -> bool:
        """Add a block; False, and nothing added, where a value is not finite.

        total : (n,) >= 0, what each row's products are multiplied by, or None. count : (n,) how many rows each row
        stands for, or None. sizes : levels so far. The buffer of `columns` is overwritten when there are weights.
        """
        plain = self._power_sums(columns, count)
        if total is not None:
            weigh(columns, np.sqrt(total))
        products = columns.products()
        if not np.isfinite(products.diagonal().sum()) or (self.extra and not np.isfinite(columns.extra.sum())):
            return False
        self.dense += products
        self.rows += columns.rows if count is None else int(count.sum())
        for variable, sums in plain.items():
            self.powers[variable] += sums
        self.tables.add(columns, None if total is None else np.sqrt(total), count, sizes)
        return True

    def _power_sums(self, columns: Columns, count: Vector | None) -> dict[str, Vector]:
        out = {}
        for variable, sums in self.powers.items():
            u, power = columns.value(self.places_of[variable]), np.ones(columns.rows) if count is None else count
            values = [power.sum()]
            for _ in range(len(sums) - 1):
                power = power * u
                values.append(power.sum())
            out[variable] = np.array(values)
        return out

    def add_log_weights(self, weight: Vector, count: Vector | None) -> None:
        """Sum of log weights, each as often as its row counts."""
        logs = np.log(weight)
        self.log_weight += float(logs.sum() if count is None else logs @ count)

    def finish(self, levels: Mapping[str, Sequence[Level]]) -> Moments:
        """The unit's moments, levels in canonical order."""
        tables = self.tables.finish()
        raw = Moments(
            self.layout,
            self.coordinates,
            self.rows,
            self.log_weight,
            self.dense,
            levels,
            tables,
            self.powers,
        )
        return raw.with_levels({n: canonical(with_rows(known, n, tables)) for n, known in levels.items()})


def combined(weight: Vector | None, count: Vector | None) -> Vector | None:
    """What a row's products are multiplied by."""
    if weight is None or count is None:
        return count if weight is None else weight
    return weight * count


def weigh(columns: Columns, root: Vector) -> None:
    """Multiply every monomial by the root of the weight, in place."""
    np.multiply(columns.buffer, root, out=columns.buffer)
    np.multiply(columns.extra, root, out=columns.extra)
