"""The pass of CR0 and CR1: sums of scores, one row for each cluster and one column for each stored column.

They add by the names of clusters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from gramian.batch import Batch
from gramian.fit.vcov.clusters import ClusterMembers, Clusters, added, check_memory, padded
from gramian.fit.vcov.dense import DenseRows
from gramian.fit.vcov.nesting import NONE, Nesting
from gramian.fit.vcov.scores import FittedModel, ScoreAccumulator, Scores
from gramian.formula.row_reader import Observed
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.columns import Columns
from gramian.linalg.keyed.grouped import grouped_sums
from gramian.linalg.products import cell_index
from gramian.typing import Codes, Mask, Matrix, Vector

TOGETHER = 8 * ROWS_PER_BLOCK  # rows that are summed together, or as many as there are clusters
# columns that lie a power of two apart in memory share cache lines, which makes transposing them slow
HEIGHT = ROWS_PER_BLOCK - 8


@dataclass(frozen=True, slots=True)
class ClusterScores:
    """Sums of scores by cluster.

    Attributes
    ----------
    clusters : Clusters
        The c clusters.
    sums : Matrix
        (c, q) sums of s_i x_i over the rows of each, x_i a row of stored columns; then of the scores of log alpha,
        where theta was estimated.
    counts : Vector
        (c,) rows of each cluster.
    rows : int
        Number of rows, those without a cluster included.
    loss : float
        Their residual sum of squares, or deviance.
    null_clusters : int
        Number of rows whose cluster is null.
    nesting : Nesting or None
        In which clusters the levels of absorbed factors are; None without such factors.
    largest_score : float
        The largest score of a row, per root of its weight.
    """

    clusters: Clusters
    sums: Matrix
    counts: Vector
    rows: int
    loss: float
    null_clusters: int
    nesting: Nesting | None
    largest_score: float

    def __add__(self, other: ClusterScores, /) -> ClusterScores:
        clusters, positions = self.clusters.merged(other.clusters)
        size, nesting = clusters.count, None
        if self.nesting is not None and other.nesting is not None:
            nesting = self.nesting.merged(other.nesting.renumbered(positions), clusters)
        return ClusterScores(
            clusters,
            added(self.sums, other.sums, size, positions),
            added(self.counts, other.counts, size, positions),
            self.rows + other.rows,
            self.loss + other.loss,
            self.null_clusters + other.null_clusters,
            nesting,
            max(self.largest_score, other.largest_score),
        )


@dataclass(frozen=True, slots=True)
class ClusterPass:
    """The pass that sums scores by cluster.

    Attributes
    ----------
    fitted_model : FittedModel
        The fit whose scores are summed.
    by : tuple of str
        Columns of clusters.
    limit : int
        Bytes that the sums of a thread may need.
    dense : DenseRows or None
        Rows that take the place of the stored columns, such as those beside absorbed factors.
    group : str
        What a cluster is called in messages.
    """

    fitted_model: FittedModel
    by: tuple[str, ...]
    limit: int = field(compare=False)
    dense: DenseRows | None = None
    group: str = "cluster"

    @property
    def width(self) -> int:
        """Number of columns whose scores are summed; the last is log alpha where theta was estimated."""
        if self.dense is not None:
            return self.dense.width
        return self.fitted_model.width + (self.fitted_model.estimated_theta is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the data that are read."""
        return tuple(dict.fromkeys((*self.fitted_model.design.columns, *self.by)))

    @property
    def empty(self) -> ClusterScores:
        """The sums over no rows."""
        return self.accumulate(())

    def accumulator(self) -> ClusterScoreAccumulator:
        """What adds the rows of a unit."""
        return ClusterScoreAccumulator(self)

    def accumulate(self, batches: Iterable[Batch], /) -> ClusterScores:
        """The sums of one unit."""
        accumulator = self.accumulator()
        with np.errstate(all="ignore"):
            for batch in batches:
                accumulator.read(batch)
        return accumulator.summed()


class ClusterScoreAccumulator(ScoreAccumulator):
    """The sums of one unit.

    Numeric columns of several blocks are written into `scratch` and summed by cluster together; a column of a factor is
    zero but in one level, so its scores are added one by one. Sums are made for the clusters of a batch, as it numbers
    them, and then added to those of the unit.
    """

    def __init__(self, task: ClusterPass) -> None:
        super().__init__(task.fitted_model, layout=task.fitted_model.design.rows_layout)
        self.height = HEIGHT
        self.task, self.members = task, ClusterMembers(task.by)
        self.total, self.counts = np.zeros((0, task.width)), np.zeros(0)
        row_position = {m: i for i, m in enumerate((*self.layout.rows, *self.layout.extra))}
        numbers = [g for g in task.fitted_model.groups if not g.factors]
        numeric = [(p, m) for g in numbers for p, m in zip(g.positions, g.monomials, strict=True)]
        self.row_positions = [row_position[m] for _, m in numeric]
        self.cells = [(g, [row_position[m] for m in g.monomials]) for g in task.fitted_model.groups if g.factors]
        self.positions = np.array([p for p, _ in numeric], np.int64)
        if task.dense is not None:  # their columns of factors are not sparse
            self.cells, self.positions = [], np.arange(task.width)
        levels = {f: len(e) - 1 for f, e in task.fitted_model.effects.items()}
        self.nesting = Nesting.empty(levels, len(task.by)) if levels else None
        self.pending: list[tuple[Codes, Vector, Vector | None]] = []
        self.pending_rows, self.scratch = 0, np.empty((0, len(self.positions)))

    def read(self, batch: Batch) -> None:
        """Add the rows of a batch. Raises DataError where the sums do not fit into memory."""
        observed = self.reader.read(batch)
        clusters = self.members.read(batch, observed)
        check_memory(self.task.by, clusters, self.task.width, self.task.limit, self.task.group)
        self.total, self.counts = padded(clusters, self.total, self.counts)
        height = min(max(TOGETHER, len(self.members.positions)) + HEIGHT, observed.rows)
        if len(self.scratch) < height:
            self.scratch = np.empty((height, len(self.positions)))
        self.add(observed)
        self._flush()

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Add the rows of a block: write its numeric columns, add the scores of its factors."""
        group, has_cluster = self.members.of(rows)
        s, row_counts = scores.s if count is None else scores.s * count, count
        if self.nesting is not None:
            codes = {factor: columns.codes[factor][has_cluster] for factor in self.nesting.owner}
            self.nesting.add(self.members.clusters, codes, self.members.positions[group[has_cluster]])
        if not has_cluster.all():
            s, group = np.where(has_cluster, s, 0.0), np.maximum(group, 0)
            row_counts = has_cluster.astype(np.float64) if count is None else has_cluster * count
        if scores.log_alpha is not None and len(self.total):
            log_alpha = scores.log_alpha if count is None else scores.log_alpha * count
            log_alpha = np.where(has_cluster, log_alpha, 0.0)
            np.add.at(self.total[:, -1], self.members.positions[group], log_alpha)
        self._write(columns, self.scratch[self.pending_rows : self.pending_rows + columns.rows])
        self.pending.append((group, s, row_counts))
        self.pending_rows += columns.rows
        self._add_cells(columns, group, s)
        if self.pending_rows >= max(TOGETHER, len(self.members.positions)):
            self._flush()
        return True

    def _write(self, columns: Columns, out: Matrix) -> None:
        """Write the numeric columns of a block, or all columns of dense rows, to `out` (n, q)."""
        if self.task.dense is not None:
            out[:] = self.task.dense.rows(columns, self.layout, self.reader.sizes)
        elif columns.matrix is None and self.row_positions == list(range(len(self.row_positions))):
            out[:] = columns.buffer[: len(self.row_positions)].T
        else:
            for k, place in enumerate(self.row_positions):
                out[:, k] = columns.value(place)

    def _add_cells(self, columns: Columns, group: Codes, s: Vector) -> None:
        """Add each row's score to the column of its level, for every factor."""
        flat = self.total.reshape(-1)
        for g, places in self.cells if len(flat) else ():
            codes = np.column_stack([columns.codes[f] for f in g.factors])
            cell = cell_index(g.cells, codes, [self.reader.sizes[f] for f in g.factors])
            present = np.flatnonzero(cell >= 0)
            # add.at and not +=, because rows of a block may have the same cluster and level
            start = self.members.positions[group[present]] * self.task.width
            for k, place in enumerate(places):
                np.add.at(flat, start + g.at(k)[cell[present]], s[present] * columns.value(place)[present])

    def _flush(self) -> None:
        """Sum the rows that are waiting; a row without a cluster has a score and a count of zero."""
        positions = self.members.positions
        if self.pending and len(positions):
            groups, scores, counts = zip(*self.pending, strict=True)
            group = np.concatenate(groups)
            row_counts = (
                None if all(c is None for c in counts) else np.concatenate(list(map(_row_counts, groups, counts)))
            )
            self.counts[positions] += np.bincount(group, row_counts, len(positions))
            rows = self.scratch[: self.pending_rows]
            _add_in_place(
                self.total, positions, self.positions, grouped_sums(rows, np.concatenate(scores), group, len(positions))
            )
        self.pending, self.pending_rows = [], 0

    def summed(self) -> ClusterScores:
        """The unit's partial result, clusters without rows left out."""
        # integers of a range that do not occur have numbers, but no rows
        nonempty = np.flatnonzero(self.counts > 0)
        clusters, positions = self.members.clusters.take(nonempty), np.full(len(self.counts), NONE)
        positions[nonempty] = np.arange(len(nonempty))
        return ClusterScores(
            clusters,
            self.total[nonempty],
            self.counts[nonempty],
            self.rows,
            self.loss,
            self.members.null_clusters,
            None if self.nesting is None else self.nesting.renumbered(positions),
            self.largest_score,
        )


def _row_counts(group: Codes, count: Vector | None) -> Vector:
    """Counts of rows, (n,); ones where there is no column of counts."""
    return np.ones(len(group)) if count is None else count


def _add_in_place(total: Matrix, row_positions: Codes, positions: Codes, sums: Matrix) -> None:
    """Add to some rows and columns of a matrix in place."""
    # selecting by index copies, which takes longer than the sum: not where all are selected
    if len(positions) < total.shape[1]:
        total[np.ix_(row_positions, positions)] += sums
    elif _is_all(row_positions, len(total)):
        total += sums
    else:
        total[row_positions] += sums


def _is_all(positions: Codes, size: int) -> bool:
    """Whether these are 0, 1, ..., size - 1."""
    return len(positions) == size and bool((positions == np.arange(size)).all())
