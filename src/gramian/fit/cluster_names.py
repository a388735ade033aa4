"""Which clusters there are: values of one column or of several, numbered as they are seen, merged by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gramian.batch import Batch
from gramian.column import CLOSE, Coded, raw
from gramian.typing import Codes

DENSE = 0.9  # share of a range of integers that occurs, from which on none is left out


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Clusters, those of a batch that was seen earlier first.

    names : for each column its values, an Arrow array. cells : (c, f) codes into them, each combination once.
    """

    names: tuple[Any, ...]
    cells: Codes

    @property
    def count(self) -> int:
        """Combinations."""
        return len(self.cells)

    def merged(self, other: Clusters) -> tuple[Clusters, Codes]:
        """These, then what only the other has; and where each of the other's stands."""
        if not self.count:
            return other, np.arange(other.count)
        if not other.count:
            return self, np.zeros(0, np.int64)
        if self.same(other):
            return self, np.arange(self.count)
        pairs = [_union(a, b) for a, b in zip(self.names, other.names, strict=True)]
        names = tuple(union for union, _ in pairs)
        theirs = np.column_stack([place[code] for (_, place), code in zip(pairs, other.cells.T, strict=True)])
        group = joint(np.concatenate([self.cells, theirs]))
        place = np.full(group.max(initial=-1) + 1, -1, np.int64)
        place[group[: self.count]] = np.arange(self.count)
        fresh = place[group[self.count :]] < 0
        place[group[self.count :][fresh]] = self.count + np.arange(int(fresh.sum()))
        cells = self.cells if not fresh.any() else np.concatenate([self.cells, theirs[fresh]])
        return Clusters(names, cells), place[group[self.count :]]

    def same(self, other: Clusters) -> bool:
        """Whether both are the same clusters in the same order."""
        alike = all(a.equals(b) for a, b in zip(self.names, other.names, strict=True))
        return alike and np.array_equal(self.cells, other.cells)

    def take(self, keep: Codes) -> Clusters:
        """Some of the combinations."""
        return Clusters(self.names, self.cells[keep])

    def by(self, columns: Sequence[int]) -> Codes:
        """The group of each combination by some of the columns only, (c,)."""
        return joint(self.cells[:, list(columns)])


def clusters_of(batch: Batch, columns: Sequence[str]) -> tuple[Clusters, Codes]:
    """The clusters of a batch, and which of them each row is in, (n,), -1 where a column is null or NaN."""
    codes, names = zip(*(_coded(batch, column) for column in columns), strict=True)
    absent = np.logical_or.reduce([c < 0 for c in codes])
    if len(codes) == 1:
        return Clusters(names, np.arange(len(names[0]))[:, None]), codes[0]
    cells = np.column_stack(codes)[~absent]
    group = joint(cells)
    first = np.zeros(group.max(initial=-1) + 1, np.int64)
    first[group[::-1]] = np.arange(len(group))[::-1]
    out = np.full(batch.rows, -1, np.int64)
    out[~absent] = group
    return Clusters(names, cells[first]), out


def joint(cells: Codes) -> Codes:
    """A number for each different row of codes (c, f), from zero on without gaps."""
    if cells.shape[1] == 1 and len(cells) and _is_count(cells[:, 0]):
        return cells[:, 0]
    group = np.zeros(len(cells), np.int64)
    for code in cells.T:
        key = group * (int(code.max(initial=0)) + 1) + code
        group = np.unique(key, return_inverse=True)[1].reshape(-1)
    return group


def _is_count(code: Codes) -> bool:
    return bool(np.bincount(code).all())


def _coded(batch: Batch, name: str) -> tuple[Codes, Any]:
    """Codes, -1 where absent, and the values, each once, of a few types so that those of different files compare."""
    close = batch.close(name)
    if close is not None:
        return _occurring(close)
    column = batch.encoded(name)
    codes, names = _indices(column), column.dictionary.cast(_common(column.dictionary.type))
    if column is batch.columns.get(name):  # a dictionary from elsewhere may hold a value twice
        again = names.dictionary_encode()
        codes, names = np.append(_indices(again), -1)[codes], again.dictionary
    gone = pc.is_null(names, nan_is_null=True)
    if not pc.any(gone).as_py():
        return codes, names
    there = np.flatnonzero(raw(gone.cast(pa.uint8())) == 0)
    place = np.full(len(names) + 1, -1, np.int64)
    place[there] = np.arange(len(there))
    return place[codes], names.take(pa.array(there))


def _occurring(column: Coded) -> tuple[Codes, Any]:
    """Codes of integers that lie close together, and those that occur, in their order.

    Where few are missing they stay, without rows: then most batches have the same integers.
    """
    codes, levels = column
    there = np.bincount(codes + 1, minlength=len(levels) + 1)[1:] > 0
    first = int(levels[0])
    if np.count_nonzero(there) >= DENSE * len(levels):
        return codes, pa.array(np.arange(first, first + len(levels)))
    return np.append(np.cumsum(there) - 1, -1)[codes], pa.array(np.flatnonzero(there) + first)


def _indices(column: Any) -> Codes:
    """Codes of an Arrow dictionary array, -1 where absent."""
    return np.asarray(raw(column.indices.cast(pa.int64()).fill_null(-1)))


def _common(kind: Any) -> Any:
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.large_string()
    return kind


def _union(known: Any, new: Any) -> tuple[Any, Codes]:
    """The values of both, and where the new ones stand."""
    if not len(known) or known.equals(new):
        return new, np.arange(len(new))
    if not len(new):
        return known, np.zeros(0, np.int64)
    if known.type != new.type:
        known, new = known.cast(pa.float64()), new.cast(pa.float64())
    place = _places(new, known)
    missing = np.flatnonzero(place < 0)
    place[missing] = len(known) + np.arange(len(missing))
    return pa.concat_arrays([known, new.take(pa.array(missing))]), place


def _places(new: Any, known: Any) -> Codes:
    """Where values stand among those that are known, -1 where they do not; by a table if they are close integers."""
    if pa.types.is_int64(known.type):
        a, b = raw(known), raw(new)
        low, high = int(min(a.min(), b.min())), int(max(a.max(), b.max()))
        if high - low < CLOSE * (len(a) + len(b)):
            table = np.full(high - low + 1, -1, np.int64)
            table[a - low] = np.arange(len(a))
            return np.asarray(table[b - low])
    return raw(pc.index_in(new, value_set=known).cast(pa.int64()).fill_null(-1)).copy()
