"""Accumulation of all tables of cell sums of one unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from gramian.kernels.dense_cells import Cells
from gramian.kernels.threads import in_parts
from gramian.linalg.columns import Columns, Factors
from gramian.linalg.factors.cell_accumulator import CellAccumulator
from gramian.linalg.factors.cells import CellSums
from gramian.typing import Codes, Vector

OPERATIONS_PER_LEVEL = 32  # that new codes of tables cost, roughly
MAX_JOINT_CELLS = 4096  # cells of all factors jointly, up to which one joint table serves all others


class TablesAccumulator:
    """Accumulates sums over the cells of several sets of factors.

    While the joint cells of all factors are few, only the joint table is accumulated, and every other table is a sum
    over it; beyond that each table is accumulated separately.

    places : factors -> positions (dense block, then extra) of the monomials that are summed over their cells.
    """

    def __init__(self, places: Mapping[Factors, Sequence[int]]) -> None:
        self.places = places
        self.all_factors = tuple(sorted({f for factors in places for f in factors}))
        self.all_places = list(dict.fromkeys(p for positions in places.values() for p in positions))
        self.joint = CellAccumulator(len(self.all_factors), len(self.all_places))
        self.use_joint = len(places) > 1
        self.separate = {f: CellAccumulator(len(f), len(positions)) for f, positions in places.items()}
        self.joint_sums: dict[Factors, CellSums] = {}

    def add(self, columns: Columns, root_weight: Vector | None, count: Vector | None, sizes: Mapping[str, int]) -> None:
        """Add a block of rows.

        Parameters
        ----------
        columns : Columns
            Monomials, already multiplied by the roots of the weights.
        root_weight : (n,) or None
            Square roots of the weights. Sums are of w m, so monomials are multiplied by them once more.
        count : (n,) or None
            Frequency weight of each row.
        sizes : mapping
            Factor -> number of levels seen so far.
        """
        for factors, places, table in self._used(sizes):
            _fill(table, factors, places, columns, root_weight, count, sizes)

    def _used(self, sizes: Mapping[str, int]) -> list[tuple[Factors, Sequence[int], CellAccumulator]]:
        """The tables to which rows are added: factors, places, accumulator."""
        # Once levels are too many the joint table is finished for good, and its sums are added at the end.
        if self.use_joint and prod(sizes[f] for f in self.all_factors) > MAX_JOINT_CELLS:
            self.joint_sums, self.use_joint = self._sums_of_joint(), False
        if self.use_joint:
            return [(self.all_factors, self.all_places, self.joint)]
        return [(factors, self.places[factors], table) for factors, table in self.separate.items()]

    def dense(
        self, codes: Mapping[str, Codes], sizes: Mapping[str, int], rows: int, lanes: Callable[[Sequence[int]], Codes]
    ) -> list[Cells] | None:
        """The tables for a kernel that adds rows itself; None where one is not summed at once with so many rows.

        codes : factor -> (n,) codes. sizes : as of `add`. lanes : numbers of the columns at some places.
        """
        found = [
            (places, table.dense([codes[f] for f in factors], [sizes[f] for f in factors], rows))
            for factors, places, table in self._used(sizes)
        ]
        if any(own is None for _, own in found):
            return None
        return [own[0].cells(own[1], lanes(places)) for places, own in found if own is not None]

    def finish(self, whole: Mapping[str, int] | None = None) -> dict[Factors, CellSums]:
        """The observed cells of every table.

        whole : factors of which a table of their own may have cells without rows -> number of levels. Tables that only
        count cells are then `CellCounts` where they can be, which add as the others do. None where neither is wanted.
        """
        if self.use_joint:
            return self._sums_of_joint()
        compact = whole is None or any((f,) not in self.places for f in self.all_factors)
        sizes = {} if whole is None or compact else whole
        sums: dict[Factors, Any] = {}
        for factors, table in self.separate.items():
            total = table.partial(sizes.get(factors[0], 0) if len(factors) == 1 else 0)
            if factors in self.joint_sums and len(self.joint_sums[factors].rows):
                total = self.joint_sums[factors] + total
            sums[factors] = total.summed() if compact or len(factors) == 1 else total
        return sums

    def _sums_of_joint(self) -> dict[Factors, CellSums]:
        """Every table as a sum over the joint cells."""
        all_sums = self.joint.finish()
        return {
            factors: all_sums.project(
                [self.all_factors.index(f) for f in factors], [self.all_places.index(p) for p in positions]
            )
            for factors, positions in self.places.items()
        }


def relabelled(tables: Mapping[Factors, CellSums], maps: Mapping[str, Codes]) -> dict[Factors, CellSums]:
    """Tables with new codes, as of `CellSums.relabelled`, several at once. maps : factor -> old code -> new code."""
    out, factors = dict(tables), list(tables)

    def some(first: int, last: int) -> None:
        for f in factors[first:last]:
            out[f] = tables[f].relabelled([maps[name] for name in f])

    in_parts(some, len(factors), OPERATIONS_PER_LEVEL * sum(map(len, maps.values())))
    return out


def _fill(
    table: CellAccumulator,
    factors: Factors,
    places: Sequence[int],
    columns: Columns,
    root_weight: Vector | None,
    count: Vector | None,
    sizes: Mapping[str, int],
) -> None:
    """Add a block to one table."""

    def value(i: int) -> Vector:
        return columns.value(places[i])

    table.add([columns.codes[f] for f in factors], [sizes[f] for f in factors], value, count, root_weight)
