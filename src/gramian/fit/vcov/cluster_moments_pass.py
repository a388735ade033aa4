"""The pass that sums the products of all stored columns by cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.batch import Batch
from gramian.fit.passes.accumulate import UnitAccumulator, take_rows
from gramian.fit.vcov.cluster_moments import ClusterMoments, Label, labels_of, times_weight
from gramian.fit.vcov.clusters import ClusterMembers, check_memory
from gramian.fit.vcov.dense import DenseRows
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.design import Design
from gramian.formula.levels import LevelIndex
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.keyed.grouped import grouped_products
from gramian.linalg.moments import combined_weight
from gramian.linalg.products import ColumnGroup
from gramian.typing import Codes, Mask, Matrix, Vector

MAX_PENDING_NUMBERS = 1 << 22  # in the dense rows that wait for their products


@dataclass(frozen=True, slots=True)
class ClusterMomentsPass:
    """The pass that sums products by cluster.

    Attributes
    ----------
    design : Design
        The stored columns.
    by : tuple of str
        Columns of clusters.
    limit : int
        Bytes that the products of a thread may need.
    fitted_model : FittedModel or None
        Where given, the weights are its working weights, and its residuals take the place of the outcome.
    drop : bool
        As in `Accumulate`.
    dense : DenseRows or None
        Rows that take the place of the stored columns but the outcome.
    twice : bool
        Whether every column is written once more, times the weight, and products are not weighted otherwise.
    """

    design: Design
    by: tuple[str, ...]
    limit: int = field(compare=False)
    fitted_model: FittedModel | None = None
    drop: bool = True
    dense: DenseRows | None = None
    twice: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *self.by)))

    @property
    def empty(self) -> ClusterMoments:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> ClusterMoments:
        """The sums of one unit."""
        writer = ClusterProductWriter(self)
        accumulator = (
            _OutcomeAccumulator(self, writer)
            if self.fitted_model is None
            else _ResidualAccumulator(self, self.fitted_model, writer)
        )
        with np.errstate(all="ignore"):
            for batch in batches:
                observed = accumulator.reader.read(batch)
                writer.begin(batch, observed, accumulator.layout, accumulator.reader.levels)
                accumulator.add(observed)
        return writer.finish()


class _OutcomeAccumulator(UnitAccumulator):
    """The rows of a unit, with the outcome."""

    def __init__(self, task: ClusterMomentsPass, writer: ClusterProductWriter) -> None:
        super().__init__(task.design, drop=task.drop, layout=task.design.rows_layout)
        self.writer = writer

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        if not columns.finite().all():
            return False
        weight = combined_weight(take_rows(observed.weight, rows), take_rows(observed.count, rows))
        return self.writer.write(columns, weight, 0.0, take_rows(observed.count, rows), rows)


class _ResidualAccumulator(ScoreAccumulator):
    """The rows of a unit, with working weights and residuals."""

    def __init__(self, task: ClusterMomentsPass, fitted_model: FittedModel, writer: ClusterProductWriter) -> None:
        super().__init__(fitted_model, layout=task.design.rows_layout)
        self.writer = writer

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        columns.set_response(scores.r)
        weight = scores.w if self.writer.task.twice else combined_weight(scores.w, count)
        return self.writer.write(columns, weight, scores.loss, count, rows)


class ClusterProductWriter:
    """Writes stored columns as dense rows, block by block, and adds their products by cluster.

    Rows wait in `pending` until there are enough, because one product of many rows of a cluster costs less than many
    small ones.
    """

    def __init__(self, task: ClusterMomentsPass) -> None:
        self.task, self.members = task, ClusterMembers(task.by)
        self.blocks, self.rows, self.loss = task.design.terms.blocks, 0, 0.0
        self.pending: list[tuple[Matrix, Codes, Vector]] = []
        self.labels: tuple[Label, ...] = ()
        self.total = ClusterMoments(self.members.clusters, (), np.zeros((0, 0, 0)), np.zeros(0), 0, 0.0, 0)

    def begin(self, batch: Batch, observed: Observed, layout: Layout, levels: Mapping[str, LevelIndex]) -> None:
        """Start a batch: its clusters, and the stored columns of the levels that its rows have."""
        self.members.read(batch, observed)
        self.layout, self.sizes = layout, {f: len(index) for f, index in levels.items()}
        if self.task.dense is not None:
            self._begin_dense(self.task.dense)
            return
        dense = layout.rows
        self.groups = [ColumnGroup((), np.zeros((1, 0), np.int64), dense, np.arange(len(dense)))]
        width = len(dense)
        for factors, monomials in self.blocks.items():
            if factors:
                cells = np.unique(np.column_stack([observed.codes[f] for f in factors]), axis=0)
                size = len(cells) * len(monomials)
                self.groups.append(ColumnGroup(factors, cells, tuple(monomials), width + np.arange(size)))
                width += size
        labels = labels_of(self.groups, {f: tuple(index.levels) for f, index in levels.items()})
        if self.task.twice:
            width, labels = 2 * width, (*labels, *times_weight(labels))
        # the rows that wait have the columns of the batches before
        if labels != self.labels:
            self.flush()
        self.labels = labels
        check_memory(self.task.by, self.members.clusters.count, width**2, self.task.limit)

    def _begin_dense(self, dense: DenseRows) -> None:
        """Start a batch of dense rows: the same columns in all batches, the outcome last."""
        width = dense.width + 1
        self.labels = tuple([((), ((f"column {i}", 1),)) for i in range(width)])
        if self.task.twice:
            width, self.labels = 2 * width, (*self.labels, *times_weight(self.labels))
        check_memory(self.task.by, self.members.clusters.count, width**2, self.task.limit)

    def _rows(self, columns: Columns) -> Matrix:
        """The rows of a block, the outcome last."""
        if self.task.dense is None:
            return stored_rows(columns, self.layout, self.groups, self.sizes)
        return np.column_stack([self.task.dense.rows(columns, self.layout, self.sizes), columns.buffer[-1]])

    def write(
        self, columns: Columns, weight: Vector | None, loss: float, count: Vector | None, rows: slice | Mask
    ) -> bool:
        """Append the rows of a block, multiplied by the root of their weights. loss : of the block."""
        group, has_cluster = self.members.of(rows)
        Z = self._rows(columns)
        if self.task.twice:
            Z, weight = np.hstack([Z, Z if weight is None else Z * weight[:, None]]), count
        # the root, so that a product of two columns has the weight once
        if weight is not None:
            Z *= np.sqrt(weight)[:, None]
        counts = np.ones(columns.rows) if count is None else count
        self.pending.append((Z[has_cluster], self.members.positions[group[has_cluster]], counts[has_cluster]))
        self.rows, self.loss = self.rows + int(counts.sum()), self.loss + loss
        # at least twice the size of the products, or adding these to the total would take longest
        max_pending = max(MAX_PENDING_NUMBERS, 2 * self.members.clusters.count * Z.shape[1] ** 2)
        if sum(Z.size for Z, _, _ in self.pending) > max_pending:
            self.flush()
        return True

    def flush(self) -> None:
        """Add the products of the rows that are waiting."""
        if not self.pending:
            return
        Z, group, counts = (np.concatenate(parts) for parts in zip(*self.pending, strict=True))
        self.pending = []
        present, local = np.unique(group, return_inverse=True)
        if len(present):
            products = grouped_products(Z, local, len(present))
            rows = np.bincount(local, counts, len(present)).astype(float)
            clusters = self.members.clusters.take(present)
            self.total += ClusterMoments(clusters, self.labels, products, rows, 0, 0.0, 0)

    def finish(self) -> ClusterMoments:
        """The unit's partial result."""
        self.flush()
        return replace(self.total, rows=self.rows, loss=self.loss, null_clusters=self.members.null_clusters)
