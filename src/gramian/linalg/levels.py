"""Levels of factors in canonical order: a tuple while they are few, an array when they are many.

Numbers stand by value, text by code point, false before true; numbers before text where both occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.dtypes import StringDType
from numpy.typing import NDArray

from gramian.linalg.distinct import distinct
from gramian.typing import Codes, Level, Mask

MANY = 1024  # levels from which on arrays are quicker than Python's objects
TEXT = StringDType()
WIDEST = 64  # bytes of a text, up to which all are kept in the same width
LARGEST = 2**53  # beyond it an integer and a float do not compare exactly


@dataclass(frozen=True, slots=True, eq=False)
class LevelList(Sequence[Level]):
    """Many levels of one type: integers, floats or text. Equal to a tuple of the same levels.

    values : text as UTF-8 of fixed width where it is short and has no zero bytes, which sorts by code point.
    """

    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Level]:
        return iter(told(self.values))

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Level]: ...
    def __getitem__(self, index: int | slice) -> Level | Sequence[Level]:
        if isinstance(index, slice):
            return LevelList(self.values[index])
        return told(self.values[index : index + 1 or None])[0]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, LevelList):
            return np.array_equal(self.values, other.values)
        return isinstance(other, tuple) and tuple(self) == other

    __hash__ = None  # type: ignore[assignment]


def canonical(levels: Iterable[Level]) -> Sequence[Level]:
    """Different levels in canonical order."""
    if not isinstance(levels, LevelList):
        return tuple(sorted(set(levels), key=lambda v: (isinstance(v, str), v)))
    values = levels.values
    if (values[1:] > values[:-1]).all():
        return _sequence(values)
    return _sequence(distinct(values)[0])


def union(a: Sequence[Level], b: Sequence[Level]) -> Sequence[Level]:
    """Levels of both in canonical order."""
    if a is b or a == b:
        return a
    arrays = _arrays(a, b)
    return canonical({*a, *b}) if arrays is None else canonical(LevelList(np.concatenate(arrays)))


def positions(known: Sequence[Level], levels: Sequence[Level]) -> Codes:
    """Where each known level stands among `levels`; -1 for one that is not there (and has no rows)."""
    arrays = _arrays(known, levels)
    if arrays is None:
        place = {level: i for i, level in enumerate(levels)}
        return np.array([place.get(level, -1) for level in known], np.int64)
    different, group = distinct(np.concatenate(arrays))
    found = np.full(len(different), -1, np.int64)
    found[group[len(known) :]] = np.arange(len(levels))
    return np.asarray(found[group[: len(known)]])


def told(values: NDArray[Any]) -> list[Level]:
    """Levels of an array as Python's objects."""
    plain: list[Any] = values.tolist()
    return [level.decode() for level in plain] if values.dtype.kind == "S" else plain


def text_array(levels: Sequence[str]) -> NDArray[Any]:
    """Texts as an array."""
    data = [level.encode() for level in levels]
    if max(map(len, data), default=0) > WIDEST or any(b"\0" in level for level in data):
        return np.array(levels, TEXT)
    return np.array(data, np.bytes_)


def chosen(known: Sequence[Level], used: Mask) -> Sequence[Level]:
    """The levels that `used` marks, in their order."""
    if isinstance(known, LevelList):
        return LevelList(known.values[used])
    return tuple(level for level, there in zip(known, used.tolist(), strict=True) if there)


def _sequence(values: NDArray[Any]) -> Sequence[Level]:
    return LevelList(values) if len(values) >= MANY else tuple(told(values))


def _arrays(a: Sequence[Level], b: Sequence[Level]) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Both as arrays of one type; None where Python's comparison is quicker, or the only one that is right."""
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
    if kinds == {"S", "T"}:
        return np.array(told(left), TEXT), np.array(told(right), TEXT)
    if kinds != {"i", "f"}:
        return None
    whole = left if left.dtype.kind == "i" else right
    return None if np.abs(whole).max() > LARGEST else (left.astype(np.float64), right.astype(np.float64))


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
