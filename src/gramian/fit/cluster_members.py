"""Which cluster each row is in, while the batches of a unit are read; sums by cluster that grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gramian.batch import Batch
from gramian.errors import DataError
from gramian.fit.cluster_names import Clusters, clusters_of
from gramian.fit.plan import readable
from gramian.formula.reading import Observed
from gramian.typing import Codes, Mask, Vector


class Members:
    """Which cluster the rows of a unit's batches are in.

    place : where the clusters of the last batch stand among all. rows : of its complete rows, which of those they are
    in, -1 for none.
    """

    def __init__(self, by: Sequence[str]) -> None:
        self.by, self.clusters, self.absent = by, Clusters((), np.zeros((0, len(by)), np.int64)), 0
        self.place: Codes = np.zeros(0, np.int64)
        self.rows: Codes = np.zeros(0, np.int64)

    def read(self, batch: Batch, observed: Observed) -> None:
        """The next batch."""
        found, group = clusters_of(batch, self.by)
        self.clusters, self.place = self.clusters.merged(found)
        self.rows = group if observed.kept is None else group[observed.kept]

    def of(self, rows: slice | Mask) -> tuple[Codes, Mask]:
        """Which of the last batch's clusters a block's rows are in, and which rows have one; the others are counted."""
        group = self.rows[rows]
        known = group >= 0
        self.absent += int((~known).sum())
        return group, known


def added(a: Vector, b: Vector, size: int, place: Codes) -> Vector:
    """The sum of a, whose rows stand first, and b, whose rows stand at `place`."""
    if len(a) == size == len(b) and np.array_equal(place, np.arange(size)):
        return np.asarray(a + b)
    out = grown(a, size) if len(a) < size else a.copy()
    out[place] += b
    return out


def grown(array: Vector, size: int) -> Vector:
    """With rows of zeros at the end."""
    if len(array) == size:
        return array
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]))])


def check_memory(by: Sequence[str], clusters: int, numbers: int, limit: int) -> None:
    """Raise DataError where so many numbers for each cluster need more than `limit` bytes."""
    if 8 * clusters * numbers > limit:
        raise DataError(
            f"{clusters:,} clusters by {' and '.join(by)}, each with {numbers:,} sums, need "
            f"{readable(8 * clusters * numbers)}, more than the {readable(limit)} that they may; "
            "take fewer columns or coarser clusters, or fit the data themselves with CR1, which keeps less"
        )
