"""Keyed moments: for each cluster the products of all stored columns, from which every sub-model has CR0, CR1 and CR3.

They add by name: clusters, levels and columns that one part does not have are zero there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Batch
from gramian.errors import NumericalError
from gramian.fit.passes.accumulate import UnitAccumulator, take_rows
from gramian.fit.vcov.clusters import ClusterMembers, Clusters, added, check_memory
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.coordinates import Parametrization
from gramian.formula.design import Design
from gramian.formula.levels import LevelIndex
from gramian.formula.row_reader import Observed
from gramian.linalg import maps
from gramian.linalg.columns import Columns, Layout
from gramian.linalg.dense_rows import stored_rows
from gramian.linalg.keyed.grouped import grouped_products
from gramian.linalg.moments import combined_weight
from gramian.linalg.monomials import Monomial
from gramian.linalg.products import ColumnGroup
from gramian.linalg.subspace import dense
from gramian.typing import Codes, Level, Mask, Matrix, Vector

Label = tuple[tuple[tuple[str, Level], ...], Monomial]  # a stored column: a cell of levels times a monomial
MAX_PENDING_NUMBERS = 1 << 22  # of rows that are written out together


@dataclass(frozen=True, slots=True)
class ClusterMoments:
    """Weighted products (c, q, q) of the stored columns `labels`, one matrix a cluster; the outcome is one of them.

    counts : rows of each. rows, loss : of all that was seen (loss 0 without an answer). absent : rows whose cluster is
    null.
    """

    clusters: Clusters
    labels: tuple[Label, ...]
    products: Matrix
    counts: Vector
    rows: int
    loss: float
    null_clusters: int

    def __add__(self, other: ClusterMoments, /) -> ClusterMoments:
        clusters, positions = self.clusters.merged(other.clusters)
        labels = tuple(dict.fromkeys((*self.labels, *other.labels)))
        return ClusterMoments(
            clusters,
            labels,
            added(self.select(labels), other.select(labels), clusters.count, positions),
            added(self.counts, other.counts, clusters.count, positions),
            self.rows + other.rows,
            self.loss + other.loss,
            self.null_clusters + other.null_clusters,
        )

    def select(self, labels: Sequence[Label]) -> Matrix:
        """The products of these columns, in this order; zero for a column that no row has."""
        if tuple(labels) == self.labels:
            return self.products
        position = {label: i for i, label in enumerate(self.labels)}
        pairs = [(i, position[label]) for i, label in enumerate(labels) if label in position]
        products = np.zeros((len(self.products), len(labels), len(labels)))
        targets, sources = np.array([k[0] for k in pairs], np.int64), np.array([k[1] for k in pairs], np.int64)
        products[:, targets[:, None], targets] = self.products[:, sources[:, None], sources]
        return products


def solved_by_cluster(
    cluster_moments: ClusterMoments,
    parametrization: Parametrization,
    names: Mapping[str, tuple[Level, ...]],
    *,
    outcome_is_residual: bool = False,
) -> tuple[Matrix, Matrix]:
    """Products (c, p, p) of the columns that a model solves for, and with its outcome, (c, p).

    names : levels that the frame's codes refer to. judged : the outcome is a residual, in no coordinates.
    Raises NumericalError where a column was not stored.
    """
    labels = labels_of(parametrization.groups, names)
    unstored = {m for _, m in labels} - {m for _, m in cluster_moments.labels}
    if unstored:
        raise NumericalError(f"the clusters keep no products of {', '.join(map(_format_monomial, unstored))}")
    P = cluster_moments.select(labels)
    if parametrization.subspace is not None:
        K = dense([maps.sparse(c) for c in parametrization.subspace], len(labels))
        if outcome_is_residual:
            K[:, -1] = np.eye(len(labels))[-1]
        P = K.T @ P @ K
    return P[:, :-1, :-1], P[:, :-1, -1]


def scores_by_cluster(products: Matrix, cross: Matrix, b: Vector, scale: float) -> Matrix:
    """Scores (c, p) at the coefficients b of the columns that were solved for; scale : of their outcome."""
    return np.asarray((cross - products @ b) * scale)


def labels_of(groups: Sequence[ColumnGroup], names: Mapping[str, tuple[Level, ...]]) -> tuple[Label, ...]:
    """Stored columns by name, in the order of their positions."""
    labels: dict[int, Label] = {}
    for group in groups:
        cells = [
            tuple((f, names[f][c]) for f, c in zip(group.factors, cell, strict=True)) for cell in group.cells.tolist()
        ]
        for k, m in enumerate(group.monomials):
            labels |= {int(p): (cell, m) for p, cell in zip(group.at(k), cells, strict=True)}
    return tuple(labels[p] for p in range(len(labels)))


def _format_monomial(m: Monomial) -> str:
    return " * ".join(f"{v.lstrip('~')}^{p}" if p > 1 else v.lstrip("~") for v, p in m) or "the constant"


@dataclass(frozen=True, slots=True)
class ClusterMomentsPass:
    """One trip over the rows. answer : weights and residuals (which then stand for the outcome) are those at it.

    by : columns of clusters. limit : bytes that the products may need.
    """

    design: Design
    by: tuple[str, ...]
    limit: int
    fitted_model: FittedModel | None = None
    drop: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.design.columns, *self.by)))

    @property
    def empty(self) -> ClusterMoments:
        """No rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> ClusterMoments:
        """One unit."""
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
    """Rows as they are."""

    def __init__(self, task: ClusterMomentsPass, writer: ClusterProductWriter) -> None:
        super().__init__(task.design, drop=task.drop, layout=task.design.rows_layout)
        self.writer = writer

    def block(self, columns: Columns, observed: Observed, rows: slice | Mask) -> bool:
        if not columns.finite().all():
            return False
        weight = combined_weight(take_rows(observed.weight, rows), take_rows(observed.count, rows))
        return self.writer.write(columns, weight, 0.0, take_rows(observed.count, rows), rows)


class _ResidualAccumulator(ScoreAccumulator):
    """Rows with their weights and residuals at an answer."""

    def __init__(self, task: ClusterMomentsPass, fitted_model: FittedModel, writer: ClusterProductWriter) -> None:
        super().__init__(fitted_model, layout=task.design.rows_layout)
        self.writer = writer

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        columns.set_response(scores.r)
        return self.writer.write(columns, combined_weight(scores.w, count), scores.loss, count, rows)


class ClusterProductWriter:
    """Writes the stored columns of a batch out, block by block, and adds their products by cluster."""

    def __init__(self, task: ClusterMomentsPass) -> None:
        self.task, self.members = task, ClusterMembers(task.by)
        self.blocks, self.rows, self.loss = task.design.terms.blocks(), 0, 0.0
        self.pending: list[tuple[Matrix, Codes, Vector]] = []
        self.labels: tuple[Label, ...] = ()
        self.total = ClusterMoments(self.members.clusters, (), np.zeros((0, 0, 0)), np.zeros(0), 0, 0.0, 0)

    def begin(self, batch: Batch, observed: Observed, layout: Layout, levels: Mapping[str, LevelIndex]) -> None:
        """A batch: its clusters, and the stored columns that its rows have."""
        self.members.read(batch, observed)
        self.layout, self.sizes = layout, {f: len(index) for f, index in levels.items()}
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
        if labels != self.labels:
            self.flush()
        self.labels = labels
        check_memory(self.task.by, self.members.clusters.count, width**2, self.task.limit)

    def write(
        self, columns: Columns, weight: Vector | None, loss: float, count: Vector | None, rows: slice | Mask
    ) -> bool:
        """The rows of a block, multiplied by the root of their weights."""
        group, has_cluster = self.members.of(rows)
        Z = stored_rows(columns, self.layout, self.groups, self.sizes)
        if weight is not None:
            Z *= np.sqrt(weight)[:, None]
        counts = np.ones(columns.rows) if count is None else count
        self.pending.append((Z[has_cluster], self.members.positions[group[has_cluster]], counts[has_cluster]))
        self.rows, self.loss = self.rows + int(counts.sum()), self.loss + loss
        max_pending = max(
            MAX_PENDING_NUMBERS, 2 * self.members.clusters.count * Z.shape[1] ** 2
        )  # or adding up would take longest
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
