"""The pass that sums what randomization inference needs of every unit of assignment: clusters, or single rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError, OptionError
from gramian.fit.passes.memory import format_bytes
from gramian.fit.vcov.basis import Basis
from gramian.fit.vcov.clusters import ClusterMembers, Clusters, added, check_memory
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.row_reader import Observed
from gramian.linalg.columns import Columns
from gramian.typing import Codes, Mask, Matrix, Vector

WEIGHT, RESIDUAL, BASIS = 0, 1, 2  # positions in the sums; those of the basis are the last


@dataclass(frozen=True, slots=True)
class UnitSums:
    """Sums of units of assignment; partial results add.

    Attributes
    ----------
    clusters : Clusters
        By the columns of clusters and strata, or of strata alone where rows are the units.
    group : Codes
        (u,) the number of each unit's cluster; of rows that of its stratum, in their order.
    sums : Matrix
        (u, 2 + k) of weights, of weights times residuals, and times rows of the basis.
    low, high : Vector
        (u,) smallest and largest treatment.
    gram : Matrix
        (k, k) products of the basis.
    rows : int
        Number of rows.
    loss : float
        Their residual sum of squares.
    null_clusters : int
        Rows without a cluster or stratum.
    by_row : bool
        Whether rows are the units.
    """

    clusters: Clusters
    group: Codes
    sums: Matrix
    low: Vector
    high: Vector
    gram: Matrix
    rows: int
    loss: float
    null_clusters: int
    by_row: bool

    def __add__(self, other: UnitSums, /) -> UnitSums:
        clusters, positions = self.clusters.merged(other.clusters)
        if self.by_row:
            own = positions[other.group] if clusters.count else other.group  # without strata there are no clusters
            group = np.concatenate([self.group, own])
            parts = [np.concatenate(pair) for pair in zip(self._values, other._values, strict=True)]
        else:
            group, size = np.arange(clusters.count), clusters.count
            low, high = np.full(size, np.inf), np.full(size, -np.inf)
            for one, at in ((self, np.arange(len(self.low))), (other, positions)):
                low[at], high[at] = np.minimum(low[at], one.low), np.maximum(high[at], one.high)
            parts = [added(self.sums, other.sums, size, positions), low, high]
        sums, low, high = parts
        return UnitSums(
            clusters, group, sums, low, high, self.gram + other.gram, self.rows + other.rows, self.loss + other.loss,
            self.null_clusters + other.null_clusters, self.by_row,
        )  # fmt: skip

    @property
    def _values(self) -> tuple[Matrix, Vector, Vector]:
        return self.sums, self.low, self.high


@dataclass(frozen=True, slots=True)
class UnitPass:
    """The pass.

    Attributes
    ----------
    fitted_model : FittedModel
        The fit.
    basis : Basis
        Of its columns.
    treatment : Vector
        (k,) the treatment as a combination of the basis.
    by : tuple of str
        Columns of clusters and strata.
    by_row : bool
        Whether rows are the units.
    limit : int
        Bytes that the sums may need.
    """

    fitted_model: FittedModel
    basis: Basis
    treatment: Vector
    by: tuple[str, ...]
    by_row: bool
    limit: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return tuple(dict.fromkeys((*self.fitted_model.design.columns, *self.by)))

    @property
    def empty(self) -> UnitSums:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulate(self, batches: Iterable[Batch], /) -> UnitSums:
        """The sums of one run."""
        accumulator = _UnitAccumulator(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                observed = accumulator.reader.read(batch)
                accumulator.begin(batch, observed)
                accumulator.add(observed)
        return accumulator.summed()


class _UnitAccumulator(ScoreAccumulator):
    """The sums of one run: rows wait, and are summed by cluster at its end."""

    def __init__(self, task: UnitPass) -> None:
        super().__init__(task.fitted_model, layout=task.fitted_model.design.rows_layout)
        self.task, self.members, k = task, ClusterMembers(task.by), task.basis.width
        self.waiting: list[tuple[Matrix, Codes]] = []
        self.gram = np.zeros((k, k))

    def begin(self, batch: Batch, observed: Observed) -> None:
        """Take the clusters of a batch."""
        if self.task.by:
            self.members.read(batch, observed)

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block."""
        if count is not None and self.task.by_row:
            raise OptionError("rows that stand for several (counts=) are not assigned one by one: give cluster=")
        Z = self.task.basis.rows(columns, self.layout, self.reader.sizes)
        w = scores.w if count is None else scores.w * count
        weighted = Z * w[:, None]
        gram = weighted.T @ Z
        if not np.isfinite(gram.diagonal().sum()):
            return False
        values = np.column_stack([w, w * scores.r, weighted, Z @ self.task.treatment])
        if not self.task.by:
            self.waiting.append((values, np.zeros(len(Z), np.int64)))
        else:
            group, has_cluster = self.members.of(rows)
            self.waiting.append((values[has_cluster], self.members.positions[group[has_cluster]]))
        self.gram += gram
        return True

    def summed(self) -> UnitSums:
        """The partial result."""
        k = self.task.basis.width
        values = np.concatenate([np.zeros((0, k + 3)), *(v for v, _ in self.waiting)])
        group = np.concatenate([np.zeros(0, np.int64), *(g for _, g in self.waiting)])
        sums, treatment = values[:, :-1], values[:, -1]
        low, high = treatment, treatment
        if self.task.by_row:
            self._check(len(values))
        else:
            count = self.members.clusters.count
            check_memory(self.task.by, count, k + 4, self.task.limit)
            low, high = np.full(count, np.inf), np.full(count, -np.inf)
            np.minimum.at(low, group, treatment)
            np.maximum.at(high, group, treatment)
            sums = np.column_stack([np.bincount(group, v, count) for v in sums.T]).reshape(count, k + 2)
            group = np.arange(count)
        return UnitSums(
            self.members.clusters, group, sums, low, high, self.gram, self.rows, self.loss,
            self.members.null_clusters, self.task.by_row,
        )  # fmt: skip

    def _check(self, rows: int) -> None:
        """Raise DataError where the rows do not fit into memory."""
        total = self.task.fitted_model.solved.rows
        needed = 8 * max(rows, total) * (self.task.basis.width + 5)
        if needed > self.task.limit:
            raise DataError(
                f"the assignment of {total:,} single rows needs {format_bytes(needed)}, more than the "
                f"{format_bytes(self.task.limit)} that it may; assign clusters (cluster=), of which sums are kept"
            )
