"""Levels of factors in canonical order: a tuple while they are few, an array when they are many.

Numbers sort by value, text by code point, False before True; numbers before text where both occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.dtypes import StringDType
from numpy.typing import NDArray

from gramian.linalg.factors.unique_codes import unique_codes
from gramian.typing import Codes, Level, Mask

MIN_ARRAY_LEVELS = 1024  # levels from which on arrays are faster than Python objects
TEXT = StringDType()
MAX_FIXED_WIDTH = 64  # bytes of the longest text, up to which an array of fixed width is used
MAX_EXACT_INTEGER = 2**53  # beyond it an integer and a float do not compare exactly


@dataclass(frozen=True, slots=True, eq=False)
class LevelList(Sequence[Level]):
    """Many levels of one type (integers, floats or text) as an array. Equal to a tuple of the same levels.

    Attributes
    ----------
    values : (n,)
        Text as UTF-8 bytes of fixed width where it is short and has no zero bytes (bytes sort by code point), else as
        variable-width strings.
    """

    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Level]:
        return iter(to_python(self.values))

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Level]: ...
    def __getitem__(self, index: int | slice) -> Level | Sequence[Level]:
        if isinstance(index, slice):
            return LevelList(self.values[index])
        # A slice keeps the array type that `to_python` converts; for the index -1 its end has to be None.
        return to_python(self.values[index : index + 1 or None])[0]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, LevelList):
            return np.array_equal(self.values, other.values)
        return isinstance(other, tuple) and tuple(self) == other

    __hash__ = None  # type: ignore[assignment]


def canonical(levels: Iterable[Level]) -> Sequence[Level]:
    """The different levels in canonical order."""
    if not isinstance(levels, LevelList):
        return tuple(sorted(set(levels), key=lambda v: (isinstance(v, str), v)))
    values = levels.values
    if (values[1:] > values[:-1]).all():
        return _sequence(values)
    return _sequence(unique_codes(values)[0])


def union(a: Sequence[Level], b: Sequence[Level]) -> Sequence[Level]:
    """The levels of both in canonical order."""
    if a is b or a == b:
        return a
    arrays = _as_arrays(a, b)
    return canonical({*a, *b}) if arrays is None else canonical(LevelList(np.concatenate(arrays)))


def positions(source: Sequence[Level], levels: Sequence[Level]) -> Codes:
    """Position of each level of `source` among `levels`, -1 for one that is not there (and has no rows)."""
    arrays = _as_arrays(source, levels)
    if arrays is None:
        place = {level: i for i, level in enumerate(levels)}
        return np.array([place.get(level, -1) for level in source], np.int64)
    different, group = unique_codes(np.concatenate(arrays))
    target_places = np.full(len(different), -1, np.int64)
    target_places[group[len(source) :]] = np.arange(len(levels))
    return np.asarray(target_places[group[: len(source)]])


def to_python(values: NDArray[Any]) -> list[Level]:
    """The levels of an array as Python objects."""
    objects: list[Any] = values.tolist()
    return [level.decode() for level in objects] if values.dtype.kind == "S" else objects


def text_array(levels: Sequence[str]) -> NDArray[Any]:
    """Texts as an array: UTF-8 bytes of fixed width where they are short and without zero bytes."""
    data = [level.encode() for level in levels]
    if max(map(len, data), default=0) > MAX_FIXED_WIDTH or any(b"\0" in level for level in data):
        return np.array(levels, TEXT)
    return np.array(data, np.bytes_)


def select_levels(levels: Sequence[Level], used: Mask) -> Sequence[Level]:
    """The levels that `used` marks, in their order."""
    if isinstance(levels, LevelList):
        return LevelList(levels.values[used])
    return tuple(level for level, flag in zip(levels, used.tolist(), strict=True) if flag)


def _sequence(values: NDArray[Any]) -> Sequence[Level]:
    """A sequence of levels: a LevelList where they are many, else a tuple."""
    return LevelList(values) if len(values) >= MIN_ARRAY_LEVELS else tuple(to_python(values))


def _as_arrays(a: Sequence[Level], b: Sequence[Level]) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Both as arrays of one type; None where Python's comparison is faster, or the only correct one."""
    if not isinstance(a, LevelList) and not isinstance(b, LevelList):
        return None
    left, right = array_of(a), array_of(b)
    if left is None or right is None:
        return None
    if not len(left) or not len(right):
        kind = left.dtype if len(left) else right.dtype
        return left.astype(kind), right.astype(kind)
    if left.dtype.kind == right.dtype.kind:
        return left, right
    kinds = {left.dtype.kind, right.dtype.kind}
    # Fixed and variable width: one side has long texts.
    if kinds == {"S", "T"}:
        return np.array(to_python(left), TEXT), np.array(to_python(right), TEXT)
    if kinds != {"i", "f"}:
        return None
    integers = left if left.dtype.kind == "i" else right
    # Beyond 2^53 the conversion to float64 would merge different integers.
    return None if np.abs(integers).max() > MAX_EXACT_INTEGER else (left.astype(np.float64), right.astype(np.float64))


def array_of(levels: Sequence[Level]) -> NDArray[Any] | None:
    """Levels of one type as an array; None for booleans, mixtures and integers beyond 64 bits."""
    if isinstance(levels, LevelList):
        return levels.values
    types = {type(level) for level in levels}
    if types == {str}:
        return text_array([str(level) for level in levels])
    if types <= {int} and all(abs(level) < 2**63 for level in levels if isinstance(level, int)):
        return np.array(levels, np.int64)
    return np.array(levels, np.float64) if types == {float} else None
