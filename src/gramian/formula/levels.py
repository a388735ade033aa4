"""Index of the levels of one factor: grows while rows are read, or is frozen for prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gramian.column import MAX_PLACES_PER_VALUE, MIN_ARROW_LEVELS, ArrowLevels
from gramian.errors import DataError, listing
from gramian.linalg.factors.levels import MAX_FIXED_WIDTH, LevelList, array_of, text_array, to_python
from gramian.typing import Codes, Level, Mask


class LevelIndex:
    """Map from level to code, which grows while a unit is read.

    Few levels are kept in a dictionary of Python objects. Many levels of one type are an Arrow array that is searched
    by hashing, or a range of integers, where the code is a difference and nothing is searched.

    Parameters
    ----------
    label : str
        The factor, for errors.
    levels : Sequence[Level]
        Levels at the start, in the order of their codes.
    frozen : bool
        Whether an unknown level is an error instead of a new code.
    """

    def __init__(self, label: str, levels: Sequence[Level] = (), *, frozen: bool = False) -> None:
        self.label, self.frozen = label, frozen
        # exactly one form is in use: the range if there is one, else the array if there is one, else the dictionary
        self.range: range | None = None
        self.table: _Table | None = None
        self.level_array = _arrow(levels) if len(levels) >= MIN_ARROW_LEVELS else None
        self.level_codes: dict[Level, int] = (
            {} if self.level_array is not None else {level: i for i, level in enumerate(levels)}
        )

    @property
    def levels(self) -> Sequence[Level]:
        """The levels in the order of their codes."""
        if self.range is not None:
            return LevelList(_range_array(self.range))
        if self.level_array is None:
            return list(self.level_codes)
        return LevelList(
            _text(self.level_array) if pa.types.is_large_string(self.level_array.type) else self.level_array.to_numpy()
        )

    def __len__(self) -> int:
        return (
            len(self.level_codes if self.level_array is None else self.level_array)
            if self.range is None
            else len(self.range)
        )

    @property
    def integers(self) -> range | None:
        """Integers of a narrow range among which all levels are; they are coded without a search. None for others."""
        if self.range is not None:
            return self.range
        table = self._lookup_table()
        return None if table is None or not len(table.place) else range(table.low, table.low + len(table.place))

    def encode(self, codes: Codes, levels: Sequence[Level], where: str, what: str = "factor") -> Codes:
        """Translate the codes of a batch into codes of this index.

        Parameters
        ----------
        codes : Codes
            (n,) positions in `levels`, -1 where the row is null.
        levels : Sequence[Level]
            Levels of the batch.
        where : str
            File and row group, for errors.
        what : str
            "factor" or "outcome", for errors.

        Returns
        -------
        Codes
            (n,) codes of this index, -1 where the row is null.

        Raises
        ------
        DataError
            The index is frozen and a row has an unknown level.
        """
        out = self._codes(codes, levels)
        if self.frozen and (out == -2).any():
            raise DataError(self._unknown(levels[int(codes[np.argmax(out == -2)])], what), where)
        return out

    def is_unknown(self, codes: Codes, levels: Sequence[Level]) -> Mask:
        """Rows (n,) with a level that a frozen index does not have. codes, levels : as of `encode`."""
        return np.asarray(self._codes(codes, levels) == -2)

    def _codes(self, codes: Codes, levels: Sequence[Level]) -> Codes:
        """As `encode`, with -2 where a frozen index does not have the level."""
        if isinstance(levels, range):
            start = self._start(levels)
            if start is not None:
                return np.where(codes < 0, -1, codes + (levels.start - start))
            encoded = self._codes_by_table(codes, levels)
            if encoded is not None:
                return encoded
            levels = LevelList(_range_array(levels)) if len(levels) >= MIN_ARROW_LEVELS else levels
        array = self._searched(levels)
        place = self._places_by_dictionary(codes, levels) if array is None else self._places_by_search(codes, array)
        # code -1 (null) picks the appended -1; -2 marks an unknown level
        return np.append(place, -1)[codes]

    def _start(self, levels: range) -> int | None:
        """Start of the range of this index where all these integers lie in it, else None.

        The first batch chooses the range, aligned and rounded up to powers of two, so that later batches probably lie
        in it. A range that is too narrow is given up for an array.
        """
        if self.range is None:
            if len(self) or self.frozen or len(levels) < MIN_ARROW_LEVELS:
                return None
            width = 1 << (len(levels) - 1).bit_length()
            start = levels.start - levels.start % width
            self.range = range(start, start + (width if levels.stop <= start + width else 2 * width))
        if self.range.start <= levels.start and levels.stop <= self.range.stop:
            return self.range.start
        self.level_array, self.range = pa.array(_range_array(self.range)), None
        return None

    def _codes_by_table(self, codes: Codes, levels: range) -> Codes | None:
        """Codes of integers from a lookup table; None where one is unknown or the known ones lie far apart."""
        table = self._lookup_table()
        if table is None:
            return None
        low, place = table.low, table.place
        if levels.start < low or levels.stop > low + len(place):
            return None
        encoded = np.append(place[levels.start - low : levels.stop - low], -1)[codes]
        return None if encoded.min(initial=0) == -2 else encoded

    def _lookup_table(self) -> _Table | None:
        """The lookup table of the levels, made when first needed; None where they are not an array of integers."""
        if self.level_array is None or not pa.types.is_int64(self.level_array.type) or not len(self.level_array):
            return None
        if self.table is None or self.table.levels is not self.level_array:
            self.table = _table(self.level_array)
        return self.table

    def _searched(self, levels: Sequence[Level]) -> Any:
        """The levels of a batch as an Arrow array to search for; None where they go through the dictionary.

        Turns the index into an array where the types allow it, and back into a dictionary where they differ.
        """
        if self.range is not None:
            self.level_array, self.range = pa.array(_range_array(self.range)), None
        if self.level_array is None and not isinstance(levels, ArrowLevels | LevelList):
            return None
        array = levels.array if isinstance(levels, ArrowLevels) else _arrow(levels)
        indexed = _arrow(list(self.level_codes)) if self.level_array is None else self.level_array
        if array is not None and indexed is not None:
            empty = array if not len(indexed) else indexed
            if not len(array) or not len(indexed) or array.type == indexed.type:
                self.level_array = indexed.cast(empty.type) if len(indexed) else array[:0]
                self.level_codes = {}
                return array.cast(empty.type)
        self.level_codes, self.level_array = {level: i for i, level in enumerate(self.levels)}, None
        return None

    def _places_by_dictionary(self, codes: Codes, levels: Sequence[Level]) -> Codes:
        """Code of each level of a batch from the dictionary, new levels added unless frozen; -2 where unknown."""
        if not self.frozen:
            for level in _new_levels(codes, levels, self.level_codes):
                self.level_codes.setdefault(level, len(self.level_codes))
        return np.array([self.level_codes.get(level, -2) for level in levels], np.int64)

    def _places_by_search(self, codes: Codes, levels: Any) -> Codes:
        """Code of each level of a batch from the Arrow array, new levels appended unless frozen; -2 where unknown."""
        place = _search(levels, self.level_array)
        if not self.frozen and (place < 0).any():
            is_new = (place < 0) & _occurring(codes, len(levels))
            # only levels that some row has: a dictionary of one file may list the levels of all
            fresh = levels.filter(pa.array(is_new))
            different = pc.unique(fresh)
            place[np.flatnonzero(is_new)] = len(self) + np.arange(len(fresh))
            self.level_array = pa.concat_arrays([self.level_array, different])
            if len(different) < len(fresh):  # a dictionary may name a level twice
                return _search(levels, self.level_array)
        return place

    def _unknown(self, level: Level, what: str) -> str:
        """Message for a level that a frozen index does not have."""
        listed = listing(str(k) for k in self.levels)
        if what == "outcome":
            return f"the outcome '{self.label}' has the value '{level}' beside {listed}: it must have two"
        return f"factor '{self.label}' has the level '{level}', which the fit has not seen (levels: {listed})"


class _Table(NamedTuple):
    """Lookup table of integers.

    Attributes
    ----------
    levels : pyarrow.Array
        The integers, in the order of their codes.
    low : int
        The smallest of them.
    place : Codes
        `place[v - low]` is the code of v, -2 where v is not among the levels.
    """

    levels: Any
    low: int
    place: Codes


def _table(levels: Any) -> _Table:
    """Lookup table of integers that lie close together; of others an empty one."""
    values = levels.to_numpy()
    low, high = int(values.min()), int(values.max())
    place = np.full(high - low + 1 if high - low < MAX_PLACES_PER_VALUE * len(values) else 0, -2, np.int64)
    if len(place):
        place[values - low] = np.arange(len(values))
    return _Table(levels, low, place)


def _text(texts: Any) -> NDArray[Any]:
    """An Arrow array of texts as a NumPy array of bytes of fixed width, without Python objects.

    Long texts, and those that contain a zero byte (which NumPy would strip), become an array by way of Python objects.
    """
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(offsets)
    width = max(int(lengths.max(initial=0)), 1)
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    # a zero byte inside a text would end it: NumPy pads its fixed-width texts with zeros
    if width > MAX_FIXED_WIDTH or not data.all():
        return text_array(texts.to_pylist())
    out = np.zeros((len(texts), width), np.uint8)
    out[np.arange(width) < lengths[:, None]] = data
    return out.view(f"S{width}")[:, 0]


def _range_array(levels: range) -> Codes:
    """A range as an int64 array."""
    return np.arange(levels.start, levels.stop, dtype=np.int64)


def _search(levels: Any, indexed: Any) -> Codes:
    """Positions of levels in an array, -2 where they are not in it."""
    if not len(indexed):
        return np.full(len(levels), -2, np.int64)
    places = pc.index_in(levels, value_set=indexed).fill_null(-2)
    return np.asarray(places.to_numpy(zero_copy_only=False)).astype(np.int64)


def _arrow(levels: Sequence[Level]) -> Any:
    """Integers or texts as an Arrow array; None for other types."""
    if isinstance(levels, ArrowLevels):
        return levels.array
    values = array_of(levels)
    if values is None or values.dtype.kind == "f":
        return None
    return pa.array(values) if values.dtype.kind == "i" else pa.array(to_python(values), pa.large_string())


def _occurring(codes: Codes, levels: int) -> Mask:
    """(levels,) which levels some row has: an Arrow dictionary may list more."""
    return np.asarray(np.bincount(codes + 1, minlength=levels + 1)[1:] > 0)


def _new_levels(codes: Codes, levels: Sequence[Level], indexed: dict[Level, int]) -> list[Level]:
    """Levels that some row has and the index does not, in the order of the dictionary."""
    if all(level in indexed for level in levels):
        return []
    seen = _occurring(codes, len(levels))
    return [
        level for level, is_used in zip(levels, seen, strict=True) if is_used and level is not None and level == level
    ]
