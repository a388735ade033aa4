"""Which cluster each row is in, while the batches of a unit are read; sums by cluster that grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.passes.plan import format_bytes
from gramian.fit.vcov.clusters import Clusters, clusters_of
from gramian.formula.row_reader import Observed
from gramian.typing import Codes, Mask, Vector


class ClusterMembers:
    """Which cluster the rows of a unit's batches are in.

    place : where the clusters of the last batch stand among all. rows : of its complete rows, which of those they are
    in, -1 for none.
    """

    def __init__(self, by: Sequence[str]) -> None:
        self.by, self.clusters, self.null_clusters = by, Clusters((), np.zeros((0, len(by)), np.int64)), 0
        self.positions: Codes = np.zeros(0, np.int64)
        self.rows: Codes = np.zeros(0, np.int64)

    def read(self, batch: Batch, observed: Observed) -> None:
        """The next batch."""
        batch_clusters, group = clusters_of(batch, self.by)
        self.clusters, self.positions = self.clusters.merged(batch_clusters)
        self.rows = group if observed.row_mask is None else group[observed.row_mask]

    def of(self, rows: slice | Mask) -> tuple[Codes, Mask]:
        """Which of the last batch's clusters a block's rows are in, and which rows have one; the others are counted."""
        group = self.rows[rows]
        has_cluster = group >= 0
        self.null_clusters += int((~has_cluster).sum())
        return group, has_cluster


def added(a: Vector, b: Vector, size: int, positions: Codes) -> Vector:
    """The sum of a, whose rows stand first, and b, whose rows stand at `place`."""
    if len(a) == size == len(b) and np.array_equal(positions, np.arange(size)):
        return np.asarray(a + b)
    total = padded(a, size) if len(a) < size else a.copy()
    total[positions] += b
    return total


def padded(array: Vector, size: int) -> Vector:
    """With rows of zeros at the end."""
    if len(array) == size:
        return array
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]))])


def check_memory(by: Sequence[str], clusters: int, numbers: int, limit: int) -> None:
    """Raise DataError where so many numbers for each cluster need more than `limit` bytes."""
    if 8 * clusters * numbers > limit:
        raise DataError(
            f"{clusters:,} clusters by {' and '.join(by)}, each with {numbers:,} sums, need "
            f"{format_bytes(8 * clusters * numbers)}, more than the {format_bytes(limit)} that they may; "
            "take fewer columns or coarser clusters, or fit the data themselves with CR1, which keeps less"
        )
