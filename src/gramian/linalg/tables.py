"""All tables of cell sums of one unit while they are being filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from gramian.linalg.cells import CellSums, Table
from gramian.linalg.columns import Columns, Factors
from gramian.typing import Vector

JOINT = 4096  # cells of all factors together up to which one table is filled for all


class Tables:
    """Sums over the cells of several sets of factors.

    While the cells of all factors together are few, only these are filled, and every other table is a sum over them;
    beyond that each table is filled for itself.

    places : factors -> positions (dense block, then extra) of the monomials that are summed over their cells.
    """

    def __init__(self, places: Mapping[Factors, Sequence[int]]) -> None:
        self.places = places
        self.all = tuple(sorted({f for factors in places for f in factors}))
        self.union = list(dict.fromkeys(p for positions in places.values() for p in positions))
        self.joint = Table(len(self.all), len(self.union))
        self.together = len(places) > 1
        self.separate = {f: Table(len(f), len(positions)) for f, positions in places.items()}
        self.earlier: dict[Factors, CellSums] = {}

    def add(self, columns: Columns, root: Vector | None, count: Vector | None, sizes: Mapping[str, int]) -> None:
        """Add a block. root : square roots of the weights that the monomials have been multiplied by, or None."""
        if self.together and prod(sizes[f] for f in self.all) > JOINT:
            self.earlier, self.together = self._sums_of_joint(), False
        if self.together:
            _fill(self.joint, self.all, self.union, columns, root, count, sizes)
            return
        for factors, table in self.separate.items():
            _fill(table, factors, self.places[factors], columns, root, count, sizes)

    def finish(self) -> dict[Factors, CellSums]:
        """The observed cells of every table."""
        if self.together:
            return self._sums_of_joint()
        done = {f: table.finish() for f, table in self.separate.items()}
        return {f: self.earlier[f] + t if f in self.earlier else t for f, t in done.items()}

    def _sums_of_joint(self) -> dict[Factors, CellSums]:
        whole = self.joint.finish()
        return {
            factors: whole.project([self.all.index(f) for f in factors], [self.union.index(p) for p in positions])
            for factors, positions in self.places.items()
        }


def _fill(
    table: Table,
    factors: Factors,
    places: Sequence[int],
    columns: Columns,
    root: Vector | None,
    count: Vector | None,
    sizes: Mapping[str, int],
) -> None:
    def value(i: int) -> Vector:
        values = columns.value(places[i])
        return values if root is None else values * root

    table.add([columns.codes[f] for f in factors], [sizes[f] for f in factors], value, count)
