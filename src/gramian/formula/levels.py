"""Levels of one factor: discovered while streaming, or frozen after the first pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gramian.column import CLOSE, MANY, ArrowLevels
from gramian.errors import DataError, listing
from gramian.linalg.levels import WIDEST, LevelList, array_of, text_array, told
from gramian.typing import Codes, Level, Mask


class LevelIndex:
    """Level -> code. It grows while a unit is read; when `frozen` an unknown one is an error that names it.

    Few levels are a dictionary of Python's objects; many, of one type, are an Arrow array that is searched by hashing,
    or a range of integers that lie close together, which is not searched at all.
    """

    def __init__(self, label: str, known: Sequence[Level] = (), *, frozen: bool = False) -> None:
        self.label, self.frozen = label, frozen
        self.range: range | None = None
        self.table: _Table | None = None
        self.many = _arrow(known) if len(known) >= MANY else None
        self.few: dict[Level, int] = {} if self.many is not None else {level: i for i, level in enumerate(known)}

    @property
    def known(self) -> Sequence[Level]:
        """The levels in the order of their codes."""
        if self.range is not None:
            return LevelList(_whole(self.range))
        if self.many is None:
            return list(self.few)
        return LevelList(_text(self.many) if pa.types.is_large_string(self.many.type) else self.many.to_numpy())

    def __len__(self) -> int:
        return len(self.few if self.many is None else self.many) if self.range is None else len(self.range)

    def encode(self, codes: Codes, levels: Sequence[Level], where: str, what: str = "factor") -> Codes:
        """Codes into `levels` (-1 where absent) as codes of this index."""
        if isinstance(levels, range):
            start = self._start(levels)
            if start is not None:
                return np.where(codes < 0, -1, codes + (levels.start - start))
            found = self._looked_up(codes, levels)
            if found is not None:
                return found
            levels = LevelList(_whole(levels)) if len(levels) >= MANY else levels
        array = self._searched(levels)
        place = self._places_of_few(codes, levels) if array is None else self._places_of_many(codes, array)
        out = np.append(place, -1)[codes]
        if self.frozen and (out == -2).any():
            raise DataError(self._unknown(levels[int(codes[np.argmax(out == -2)])], what), where)
        return out

    def _start(self, levels: range) -> int | None:
        """Where the range of this index starts, if integers lie in it; the first ones choose it, with some room."""
        if self.range is None:
            if len(self) or self.frozen or len(levels) < MANY:
                return None
            room = 1 << (len(levels) - 1).bit_length()
            start = levels.start - levels.start % room
            self.range = range(start, start + (room if levels.stop <= start + room else 2 * room))
        if self.range.start <= levels.start and levels.stop <= self.range.stop:
            return self.range.start
        self.many, self.range = pa.array(_whole(self.range)), None
        return None

    def _looked_up(self, codes: Codes, levels: range) -> Codes | None:
        """Codes of integers by a table of those that are known; None where one is not, or they lie far apart."""
        if self.many is None or not pa.types.is_int64(self.many.type) or not len(self.many):
            return None
        if self.table is None or self.table.levels is not self.many:
            self.table = _table(self.many)
        low, place = self.table.low, self.table.place
        if levels.start < low or levels.stop > low + len(place):
            return None
        found = np.append(place[levels.start - low : levels.stop - low], -1)[codes]
        return None if found.min(initial=0) == -2 else found

    def _searched(self, levels: Sequence[Level]) -> Any:
        """The levels as an Arrow array to be searched; None for those that go through the dictionary."""
        if self.range is not None:
            self.many, self.range = pa.array(_whole(self.range)), None
        if self.many is None and not isinstance(levels, ArrowLevels | LevelList):
            return None
        array = levels.array if isinstance(levels, ArrowLevels) else _arrow(levels)
        known = _arrow(list(self.few)) if self.many is None else self.many
        if array is not None and known is not None:
            empty = array if not len(known) else known
            if not len(array) or not len(known) or array.type == known.type:
                self.many = known.cast(empty.type) if len(known) else array[:0]
                self.few = {}
                return array.cast(empty.type)
        self.few, self.many = {level: i for i, level in enumerate(self.known)}, None
        return None

    def _places_of_few(self, codes: Codes, levels: Sequence[Level]) -> Codes:
        if not self.frozen:
            for level in _used(codes, levels, self.few):
                self.few.setdefault(level, len(self.few))
        return np.array([self.few.get(level, -2) for level in levels], np.int64)

    def _places_of_many(self, codes: Codes, levels: Any) -> Codes:
        place = _search(levels, self.many)
        if not self.frozen and (place < 0).any():
            there = (place < 0) & _occurring(codes, len(levels))
            fresh = levels.filter(pa.array(there))
            different = pc.unique(fresh)
            place[np.flatnonzero(there)] = len(self) + np.arange(len(fresh))
            self.many = pa.concat_arrays([self.many, different])
            if len(different) < len(fresh):  # a dictionary may name a level twice
                return _search(levels, self.many)
        return place

    def _unknown(self, level: Level, what: str) -> str:
        known = listing(str(k) for k in self.known)
        if what == "outcome":
            return f"the outcome '{self.label}' has the value '{level}' beside {known}: it must have two"
        return f"factor '{self.label}' has the level '{level}', which the fit has not seen (levels: {known})"


class _Table(NamedTuple):
    """Integers by value: `place[v - low]` is where v stands among `levels`, -2 where it does not."""

    levels: Any
    low: int
    place: Codes


def _table(levels: Any) -> _Table:
    """Of integers that lie close together; for others there is no place."""
    values = levels.to_numpy()
    low, high = int(values.min()), int(values.max())
    place = np.full(high - low + 1 if high - low < CLOSE * len(values) else 0, -2, np.int64)
    if len(place):
        place[values - low] = np.arange(len(values))
    return _Table(levels, low, place)


def _text(texts: Any) -> NDArray[Any]:
    """An Arrow array of texts as NumPy's, without Python's objects where they are short."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(offsets)
    width = max(int(lengths.max(initial=0)), 1)
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    if width > WIDEST or not data.all():
        return text_array(texts.to_pylist())
    out = np.zeros((len(texts), width), np.uint8)
    out[np.arange(width) < lengths[:, None]] = data
    return out.view(f"S{width}")[:, 0]


def _whole(levels: range) -> Codes:
    return np.arange(levels.start, levels.stop, dtype=np.int64)


def _search(levels: Any, known: Any) -> Codes:
    """Places of levels among the known ones, -2 where there is none."""
    if not len(known):
        return np.full(len(levels), -2, np.int64)
    found = pc.index_in(levels, value_set=known).fill_null(-2)
    return np.asarray(found.to_numpy(zero_copy_only=False)).astype(np.int64)


def _arrow(levels: Sequence[Level]) -> Any:
    """Integers or texts as an Arrow array; None for anything else."""
    if isinstance(levels, ArrowLevels):
        return levels.array
    values = array_of(levels)
    if values is None or values.dtype.kind == "f":
        return None
    return pa.array(values) if values.dtype.kind == "i" else pa.array(told(values), pa.large_string())


def _occurring(codes: Codes, levels: int) -> Mask:
    """Which levels really occur: a dictionary may name some that no row has."""
    return np.asarray(np.bincount(codes + 1, minlength=levels + 1)[1:] > 0)


def _used(codes: Codes, levels: Sequence[Level], known: dict[Level, int]) -> list[Level]:
    """New levels that really occur, in the order of the dictionary."""
    if all(level in known for level in levels):
        return []
    seen = _occurring(codes, len(levels))
    return [level for level, there in zip(levels, seen, strict=True) if there and level is not None and level == level]
