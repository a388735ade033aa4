"""Clusters: values of one column, or combinations of values of several, numbered as they occur, merged by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Batch
from gramian.column import MAX_PLACES_PER_VALUE, Coded, raw
from gramian.errors import DataError
from gramian.fit.passes.memory import format_bytes
from gramian.formula.row_reader import Observed
from gramian.typing import Codes, Mask, Vector

ADVICE = {
    "cluster": "take fewer columns or coarser clusters, or fit the data themselves with CR1, which keeps less",
    "place": "take fewer columns, or round the coordinates to less than the cutoff, so that places are fewer",
}
DENSE = 0.9  # share of a range of integers that occurs, from which on the others stay as clusters without rows


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Clusters, in the order in which they occur.

    Attributes
    ----------
    names : tuple of Arrow arrays
        For each of the f columns its distinct values.
    cells : Codes
        (c, f) codes into them, each combination once.
    """

    names: tuple[Any, ...]
    cells: Codes

    @property
    def count(self) -> int:
        """Number of clusters, c."""
        return len(self.cells)

    def merged(self, other: Clusters) -> tuple[Clusters, Codes]:
        """These, then those that only the other has; and the position of each of the other's, (c of the other,)."""
        if not self.count:
            return other, np.arange(other.count)
        if not other.count:
            return self, np.zeros(0, np.int64)
        if self.same(other):
            return self, np.arange(self.count)
        pairs = [_union(a, b) for a, b in zip(self.names, other.names, strict=True)]
        names = tuple(union for union, _ in pairs)
        other_cells = np.column_stack(
            [positions[code] for (_, positions), code in zip(pairs, other.cells.T, strict=True)]
        )
        group = joint(np.concatenate([self.cells, other_cells]))
        positions = np.full(group.max(initial=-1) + 1, -1, np.int64)
        positions[group[: self.count]] = np.arange(self.count)
        is_new = positions[group[self.count :]] < 0
        positions[group[self.count :][is_new]] = self.count + np.arange(int(is_new.sum()))
        cells = self.cells if not is_new.any() else np.concatenate([self.cells, other_cells[is_new]])
        return Clusters(names, cells), positions[group[self.count :]]

    def same(self, other: Clusters) -> bool:
        """Whether both are the same clusters in the same order."""
        same_names = all(a.equals(b) for a, b in zip(self.names, other.names, strict=True))
        return same_names and np.array_equal(self.cells, other.cells)

    def take(self, positions: Codes) -> Clusters:
        """Those at some positions."""
        return Clusters(self.names, self.cells[positions])

    def by(self, columns: Sequence[int]) -> Codes:
        """The group of each combination by some of the columns only, (c,)."""
        return joint(self.cells[:, list(columns)])


def clusters_of(batch: Batch, columns: Sequence[str]) -> tuple[Clusters, Codes]:
    """The clusters of a batch, and the number of each row's cluster, (n,), -1 where a column is null or NaN."""
    codes, names = zip(*(_coded(batch, column) for column in columns), strict=True)
    is_null = np.logical_or.reduce([c < 0 for c in codes])
    if len(codes) == 1:
        return Clusters(names, np.arange(len(names[0]))[:, None]), codes[0]
    cells = np.column_stack(codes)[~is_null]
    group = joint(cells)
    first = np.zeros(group.max(initial=-1) + 1, np.int64)
    # assigned from the last row to the first, so that the first row of each cluster remains
    first[group[::-1]] = np.arange(len(group))[::-1]
    row_groups = np.full(batch.rows, -1, np.int64)
    row_groups[~is_null] = group
    return Clusters(names, cells[first]), row_groups


def joint(cells: Codes) -> Codes:
    """Numbers 0, 1, ... for the distinct rows of codes (c, f), without gaps; (c,)."""
    if cells.shape[1] == 1 and len(cells) and _is_count(cells[:, 0]):
        return cells[:, 0]
    group = np.zeros(len(cells), np.int64)
    for code in cells.T:
        # numbered anew after each column, so that the keys never exceed rows times codes and do not overflow
        key = group * (int(code.max(initial=0)) + 1) + code
        group = np.unique(key, return_inverse=True)[1].reshape(-1)
    return group


def _is_count(code: Codes) -> bool:
    """Whether every number up to the largest occurs."""
    return bool(np.bincount(code).all())


def _coded(batch: Batch, name: str) -> tuple[Codes, Any]:
    """Codes of a column, (n,), -1 where null or NaN, and its distinct values as an Arrow array.

    The values have one of a few types, so that those of different files compare.
    """
    integers = batch.close(name)
    if integers is not None:
        return _occurring(integers)
    column = batch.encoded(name)
    codes, names = _indices(column), column.dictionary.cast(_common_type(column.dictionary.type))
    if column is batch.columns.get(name):  # a dictionary from elsewhere may hold a value twice
        reencoded = names.dictionary_encode()
        codes, names = np.append(_indices(reencoded), -1)[codes], reencoded.dictionary
    is_null = pc.is_null(names, nan_is_null=True)
    if not pc.any(is_null).as_py():
        return codes, names
    present = np.flatnonzero(raw(is_null.cast(pa.uint8())) == 0)
    positions = np.full(len(names) + 1, -1, np.int64)
    positions[present] = np.arange(len(present))
    return positions[codes], names.take(pa.array(present))


def _occurring(column: Coded) -> tuple[Codes, Any]:
    """Codes of integers that lie close together, and the integers that occur, in increasing order.

    Where few of a range do not occur, these stay as clusters without rows: then most batches have the same clusters,
    and merging them costs nothing.
    """
    codes, levels = column
    occurs = np.bincount(codes + 1, minlength=len(levels) + 1)[1:] > 0
    first = int(levels[0])
    if np.count_nonzero(occurs) >= DENSE * len(levels):
        return codes, pa.array(np.arange(first, first + len(levels)))
    return np.append(np.cumsum(occurs) - 1, -1)[codes], pa.array(np.flatnonzero(occurs) + first)


def _indices(column: Any) -> Codes:
    """Codes of an Arrow dictionary array, -1 where null."""
    return np.asarray(raw(column.indices.cast(pa.int64()).fill_null(-1)))


def _common_type(arrow_type: Any) -> Any:
    """The type that stands for all integers, floats or strings, but for uint64, which int64 cannot hold."""
    if pa.types.is_integer(arrow_type) and arrow_type != pa.uint64():
        return pa.int64()
    if pa.types.is_floating(arrow_type):
        return pa.float64()
    if pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type) or pa.types.is_string_view(arrow_type):
        return pa.large_string()
    return arrow_type


def _union(values: Any, new: Any) -> tuple[Any, Codes]:
    """The values of both, and the positions of the new ones."""
    if not len(values) or values.equals(new):
        return new, np.arange(len(new))
    if not len(new):
        return values, np.zeros(0, np.int64)
    # a column that is an integer in one file and a float in another
    if values.type != new.type:
        values, new = _as_floats(values, new)
    positions = _positions(new, values)
    unseen = np.flatnonzero(positions < 0)
    positions[unseen] = len(values) + np.arange(len(unseen))
    return pa.concat_arrays([values, new.take(pa.array(unseen))]), positions


def _as_floats(*values: Any) -> list[Any]:
    """Arrays of two types as float64. Raises DataError where a value has no float of its own."""
    try:
        return [array.cast(pa.float64()) for array in values]
    except pa.ArrowInvalid as reason:
        types = " in one part of the data and ".join(str(array.type) for array in values)
        raise DataError(
            f"clusters are {types} in another, and cannot be compared: {reason}; give the column one type"
        ) from reason


def _positions(new: Any, values: Any) -> Codes:
    """Positions of new values among others, -1 where they do not occur; by a table where they are close integers."""
    if pa.types.is_int64(values.type):
        a, b = raw(values), raw(new)
        low, high = int(min(a.min(), b.min())), int(max(a.max(), b.max()))
        # a table over the range is many times faster than hashing, as long as it is not much longer than the values
        if high - low < MAX_PLACES_PER_VALUE * (len(a) + len(b)):
            table = np.full(high - low + 1, -1, np.int64)
            table[a - low] = np.arange(len(a))
            return np.asarray(table[b - low])
    return raw(pc.index_in(new, value_set=values).cast(pa.int64()).fill_null(-1)).copy()


class ClusterMembers:
    """The clusters of the rows of a unit, batch by batch.

    Attributes
    ----------
    clusters : Clusters
        Those of all batches so far.
    null_clusters : int
        Number of rows so far whose cluster is null.
    positions : Codes
        Of the last batch's clusters among all.
    rows : Codes
        Of each complete row of the last batch, the number of its cluster in that batch; -1 for none.
    """

    def __init__(self, by: Sequence[str]) -> None:
        self.by, self.clusters, self.null_clusters = by, Clusters((), np.zeros((0, len(by)), np.int64)), 0
        self.positions: Codes = np.zeros(0, np.int64)
        self.rows: Codes = np.zeros(0, np.int64)

    def read(self, batch: Batch, observed: Observed) -> int:
        """Take the next batch; return the number of clusters so far."""
        batch_clusters, group = clusters_of(batch, self.by)
        self.clusters, self.positions = self.clusters.merged(batch_clusters)
        self.rows = group if observed.row_mask is None else group[observed.row_mask]
        return self.clusters.count

    def of(self, rows: slice | Mask) -> tuple[Codes, Mask]:
        """Numbers of a block's clusters in the last batch, (n,), and which rows have one; the others are counted."""
        group = self.rows[rows]
        has_cluster = group >= 0
        self.null_clusters += int((~has_cluster).sum())
        return group, has_cluster


def added(a: Vector, b: Vector, size: int, positions: Codes) -> Vector:
    """The sum, with `size` rows, of a, whose rows come first, and b, whose rows are at `positions`."""
    if len(a) == size == len(b) and np.array_equal(positions, np.arange(size)):
        return np.asarray(a + b)
    total = padded(size, a)[0] if len(a) < size else a.copy()
    total[positions] += b
    return total


def padded(size: int, *arrays: Vector) -> list[Vector]:
    """Arrays with rows of zeros at the end, up to `size`."""
    return [a if len(a) == size else np.concatenate([a, np.zeros((size - len(a), *a.shape[1:]))]) for a in arrays]


def check_memory(by: Sequence[str], clusters: int, numbers: int, limit: int, group: str = "cluster") -> None:
    """Raise DataError where `numbers` float64 for each cluster need more than `limit` bytes.

    group : what a cluster is called.
    """
    if 8 * clusters * numbers > limit:
        raise DataError(
            f"{clusters:,} {group}s by {' and '.join(by)}, each with {numbers:,} sums, need "
            f"{format_bytes(8 * clusters * numbers)}, more than the {format_bytes(limit)} that they may; "
            f"{ADVICE[group]}"
        )
