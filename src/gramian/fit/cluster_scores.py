"""Scores summed by cluster: one pass, sums of (clusters x columns) that add by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gramian.batch import Batch
from gramian.fit.cluster_members import Members, added, check_memory, grown
from gramian.fit.cluster_names import Clusters
from gramian.fit.demeaned import Demeaned
from gramian.fit.nesting import NONE, Nesting
from gramian.fit.scores import Answer, ScoreLift, Scores
from gramian.formula.reading import Observed
from gramian.linalg.columns import Columns
from gramian.linalg.gather import BLOCK, Gather
from gramian.linalg.grouped import grouped_sums
from gramian.linalg.products import cell_index
from gramian.typing import Codes, Mask, Matrix, Vector

TOGETHER = 8 * BLOCK  # rows that are summed together, or as many as there are clusters
HEIGHT = BLOCK - 8  # columns that lie a power of two apart fall onto each other in the cache when they are turned


@dataclass(frozen=True, slots=True)
class ClusterScores:
    """Sums of scores: (c, q), one row a cluster, in stored columns.

    counts : rows of each. rows, loss : of all that was seen. absent : rows whose cluster is null. nesting : of absorbed
    factors.
    """

    clusters: Clusters
    sums: Matrix
    counts: Vector
    rows: int
    loss: float
    absent: int
    nesting: Nesting

    def __add__(self, other: ClusterScores, /) -> ClusterScores:
        clusters, place = self.clusters.merged(other.clusters)
        return ClusterScores(
            clusters,
            added(self.sums, other.sums, clusters.count, place),
            added(self.counts, other.counts, clusters.count, place),
            self.rows + other.rows,
            self.loss + other.loss,
            self.absent + other.absent,
            self.nesting.merged(other.nesting.moved(place), clusters),
        )


@dataclass(frozen=True, slots=True)
class ClusterPass:
    """One trip over the rows at an answer. by : columns of clusters. limit : bytes that the sums may need.

    demeaned : what absorbed factors explain of the columns, None without any.
    """

    answer: Answer
    by: tuple[str, ...]
    limit: int
    drop: bool = True
    demeaned: Demeaned | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.answer.design.columns, *self.by)))

    @property
    def empty(self) -> ClusterScores:
        """No rows."""
        return self.lift(())

    def lift(self, batches: Iterable[Batch], /) -> ClusterScores:
        """One unit."""
        lift = ClusterLift(self)
        with np.errstate(all="ignore"):
            for batch in batches:
                lift.read(batch)
        return lift.summed()


class ClusterLift(ScoreLift):
    """One unit under way: its numeric columns are written out, a few blocks of rows, and summed by cluster together.

    Sums are made for the clusters of a batch, as it numbers them, and then added to those of the unit.
    """

    def __init__(self, task: ClusterPass) -> None:
        super().__init__(task.answer, drop=task.drop, layout=task.answer.design.rows_layout)
        self.gather = Gather(self.layout, self.gather.coordinates, task.answer.design.placed, HEIGHT)
        self.task, self.members = task, Members(task.by)
        self.total, self.counts = np.zeros((0, task.answer.width)), np.zeros(0)
        place = {m: i for i, m in enumerate((*self.layout.rows, *self.layout.extra))}
        numbers = [g for g in task.answer.groups if not g.factors]
        numeric = [(p, m) for g in numbers for p, m in zip(g.positions, g.monomials, strict=True)]
        self.places = [place[m] for _, m in numeric]
        self.cells = [(g, [place[m] for m in g.monomials]) for g in task.answer.groups if g.factors]
        self.positions = np.array([p for p, _ in numeric], np.int64)
        if task.demeaned is not None:  # of which no column is zero anywhere
            self.cells, self.positions = [], np.arange(task.answer.width)
        self.nesting = Nesting.empty({f: len(e) - 1 for f, e in task.answer.effects.items()}, len(task.by))
        self.waiting: list[tuple[Codes, Vector, Vector | None]] = []
        self.filled, self.scratch = 0, np.empty((0, len(self.positions)))

    def read(self, batch: Batch) -> None:
        """A batch: its rows, then their sums."""
        observed = self.reader.read(batch)
        self.members.read(batch, observed)
        clusters = self.members.clusters.count
        check_memory(self.task.by, clusters, self.task.answer.width, self.task.limit)
        self.total, self.counts = grown(self.total, clusters), grown(self.counts, clusters)
        height = min(max(TOGETHER, len(self.members.place)) + HEIGHT, observed.rows)
        if len(self.scratch) < height:
            self.scratch = np.empty((height, len(self.positions)))
        self.add(observed)
        self._flush()

    def take(
        self, columns: Columns, scores: Scores, count: Vector | None, observed: Observed, rows: slice | Mask
    ) -> bool:
        """Write the numeric columns of a block out, add the scores of its factors."""
        group, known = self.members.of(rows)
        s, each = scores.s if count is None else scores.s * count, count
        if self.nesting.owner:
            self._nest(columns, self.members.place[group[known]], known)
        if not known.all():
            s, group = np.where(known, s, 0.0), np.maximum(group, 0)
            each = known.astype(np.float64) if count is None else known * count
        self._write(columns, self.scratch[self.filled : self.filled + columns.rows])
        self.waiting.append((group, s, each))
        self.filled += columns.rows
        self._add_cells(columns, group, s)
        if self.filled >= max(TOGETHER, len(self.members.place)):
            self._flush()
        return True

    def _write(self, columns: Columns, out: Matrix) -> None:
        """The columns that are not those of factors; beside absorbed ones all."""
        if self.task.demeaned is not None:
            out[:] = self.task.demeaned.rows(columns, self.layout, self.reader.sizes)
        elif columns.matrix is None and self.places == list(range(len(self.places))):
            out[:] = columns.buffer[: len(self.places)].T
        else:
            for k, place in enumerate(self.places):
                out[:, k] = columns.value(place)

    def _nest(self, columns: Columns, group: Codes, known: Mask) -> None:
        """Which clusters the levels of absorbed factors are in."""
        codes = {factor: columns.codes[factor][known] for factor in self.nesting.owner}
        self.nesting.add(self.members.clusters, codes, group)

    def _add_cells(self, columns: Columns, group: Codes, s: Vector) -> None:
        """The one column of each factor that a row is in."""
        flat = self.total.reshape(-1)
        for g, places in self.cells if len(flat) else ():
            codes = np.column_stack([columns.codes[f] for f in g.factors])
            cell = cell_index(g.cells, codes, [self.reader.sizes[f] for f in g.factors])
            there = np.flatnonzero(cell >= 0)
            start = self.members.place[group[there]] * self.task.answer.width
            for k, place in enumerate(places):
                np.add.at(flat, start + g.at(k)[cell[there]], s[there] * columns.value(place)[there])

    def _flush(self) -> None:
        """Add the rows that are waiting; a row without a cluster counts nowhere."""
        place = self.members.place
        if self.waiting and len(place):
            groups, scores, counts = zip(*self.waiting, strict=True)
            group = np.concatenate(groups)
            each = None if all(c is None for c in counts) else np.concatenate(list(map(_each, groups, counts)))
            self.counts[place] += np.bincount(group, each, len(place))
            rows = self.scratch[: self.filled]
            _added(self.total, place, self.positions, grouped_sums(rows, np.concatenate(scores), group, len(place)))
        self.waiting, self.filled = [], 0

    def summed(self) -> ClusterScores:
        """The unit's partial result, clusters without rows left out."""
        there = np.flatnonzero(self.counts > 0)
        clusters, place = self.members.clusters.take(there), np.full(len(self.counts), NONE)
        place[there] = np.arange(len(there))
        return ClusterScores(
            clusters,
            self.total[there],
            self.counts[there],
            self.rows,
            self.loss,
            self.members.absent,
            self.nesting.moved(place),
        )


def _each(group: Codes, count: Vector | None) -> Vector:
    return np.ones(len(group)) if count is None else count


def _added(total: Matrix, place: Codes, positions: Codes, sums: Matrix) -> None:
    """Add to some rows and columns of a matrix in place; quickly where they are all of them."""
    if len(positions) < total.shape[1]:
        total[np.ix_(place, positions)] += sums
    elif _is_all(place, len(total)):
        total += sums
    else:
        total[place] += sums


def _is_all(place: Codes, size: int) -> bool:
    return len(place) == size and bool((place == np.arange(size)).all())
