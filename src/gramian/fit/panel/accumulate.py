"""The pass that sums the products of stored columns within groups, and those of all rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gramian.batch import Batch
from gramian.column import Numbers
from gramian.fit.panel.by_group import PanelSums, ProductsByGroup
from gramian.fit.passes.accumulate import UnitAccumulator, take_rows
from gramian.fit.vcov.cluster_moments import Label, labels_of
from gramian.fit.vcov.clusters import ClusterMembers, check_memory, clusters_of
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed, Reader
from gramian.linalg.columns import Columns, Factors
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.keyed.grouped import grouped_sums
from gramian.linalg.moments import combined_weight
from gramian.linalg.monomials import Monomial
from gramian.linalg.products import ColumnGroup
from gramian.typing import Codes, Mask, Matrix, Vector

MAX_PENDING_NUMBERS = 1 << 22  # in the dense rows that wait for their products
Shape = tuple[Factors, Monomial]  # stored columns of all levels of some factors


@dataclass(frozen=True, slots=True)
class AccumulateGroups:
    """The task of the pass.

    Attributes
    ----------
    design : Design
        The stored columns, with the shift and scale of every variable.
    by : tuple of str
        Columns that make the groups; a row that has a null there is incomplete.
    limit : int
        Bytes that the products of a thread may need.
    shapes : frozenset of Shape or None
        The columns whose products with all are kept by group; None for all of them.
    drop : bool
        As in `Accumulate`.
    """

    design: Design
    by: tuple[str, ...]
    limit: int = field(compare=False)
    shapes: frozenset[Shape] | None = None
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *self.by)))

    @property
    def empty(self) -> PanelSums:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> PanelSums:
        """The sums of one unit."""
        accumulator = _GroupAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.read(batch)
        return accumulator.grouped()


class _GroupReader(Reader):
    """Reads batches as `Reader` does; a row without a group is incomplete."""

    def __init__(self, task: AccumulateGroups) -> None:
        super().__init__(task.design, drop=task.drop)
        self.by = task.by

    def _complete(self, batch: Batch, numbers: dict[str, Numbers], codes: dict[str, Codes]) -> Mask | None:
        groups = {name: clusters_of(batch, [name])[1] for name in self.by if name not in codes}
        return super()._complete(batch, numbers, {**codes, **groups})


class _GroupAccumulator(UnitAccumulator):
    """The sums of one unit. Rows wait until there are many: sums of few cost as much."""

    def __init__(self, task: AccumulateGroups) -> None:
        super().__init__(task.design, drop=task.drop)
        self.task, self.reader = task, _GroupReader(task)
        self.reader.left_out = self.left_out if self.power_variables else None
        self.members = ClusterMembers(task.by)
        self.pending: list[tuple[Matrix, Codes, Vector | None, Vector]] = []
        self.left: tuple[Label, ...] = ()
        self.right: tuple[Label, ...] = ()
        self.groups = ProductsByGroup(self.members.clusters, (), (), np.zeros((0, 0, 0)), np.zeros(0))

    def read(self, batch: Batch) -> None:
        """Add the rows of a batch."""
        observed = self.reader.read(batch)
        self.members.read(batch, observed)
        self._begin(observed)
        self.add(observed)

    def _begin(self, observed: Observed) -> None:
        """The stored columns of the levels that the rows of a batch have."""
        dense = self.task.design.rows_layout.rows
        self.columns = [ColumnGroup((), np.zeros((1, 0), np.int64), dense, np.arange(len(dense)))]
        width = len(dense)
        for factors, monomials in self.task.design.terms.blocks.items():
            if factors:
                cells = np.unique(np.column_stack([observed.codes[f] for f in factors]), axis=0)
                size = len(cells) * len(monomials)
                self.columns.append(ColumnGroup(factors, cells, tuple(monomials), width + np.arange(size)))
                width += size
        right = labels_of(self.columns, {f: tuple(index.levels) for f, index in self.reader.levels.items()})
        if right != self.right:
            self._flush()  # the rows that wait have the columns of the batches before
        self.right, self.left = right, tuple(label for label in right if self._is_kept(label))
        self.at = [right.index(label) for label in self.left]
        check_memory(self.task.by, self.members.clusters.count, len(self.left) * len(right), self.task.limit)

    def _is_kept(self, label: Label) -> bool:
        """Whether products with a column are kept by group."""
        cell, monomial = label
        return self.task.shapes is None or (tuple(f for f, _ in cell), monomial) in self.task.shapes

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        """Add the rows of a block to the sums of their groups and of all; False, with nothing added, if not finite."""
        weight, count = take_rows(observed.weight, rows), take_rows(observed.count, rows)
        Z = stored_rows(columns, self.layout, self.columns, self.reader.sizes)
        if not super().block(columns, observed, rows):  # it may overwrite the columns
            return False
        group, _ = self.members.of(rows)
        counts = np.ones(len(Z)) if count is None else count
        self.pending.append((Z, self.members.positions[group], combined_weight(weight, count), counts))
        if sum(Z.size for Z, _, _, _ in self.pending) > MAX_PENDING_NUMBERS:
            self._flush()
        return True

    def _flush(self) -> None:
        """Add the products of the rows that wait."""
        if not self.pending:
            return
        rows, groups, weights, counts = zip(*self.pending, strict=True)
        self.pending = []
        Z, group = np.concatenate(rows), np.concatenate(groups)
        weight = None if weights[0] is None else np.concatenate(weights)
        present, local = np.unique(group, return_inverse=True)
        products = _products(Z, self.at, weight, local, len(present))
        sizes = np.bincount(local, np.concatenate(counts), len(present)).astype(float)
        self.groups += ProductsByGroup(self.members.clusters.take(present), self.left, self.right, products, sizes)

    def grouped(self) -> PanelSums:
        """The unit's partial result."""
        self._flush()
        return PanelSums(self.groups, self.finish())


def _products(Z: Matrix, left: Sequence[int], weight: Vector | None, group: Codes, groups: int) -> Matrix:
    """Weighted products (groups, l, r) of the columns of Z (n, r) at some positions with all of them."""
    out = np.empty((groups, len(left), Z.shape[1]))
    for i, at in enumerate(left):
        out[:, i] = grouped_sums(Z, Z[:, at] if weight is None else weight * Z[:, at], group, groups)
    return out
