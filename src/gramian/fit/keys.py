"""What splits rows: folds by their numbers, or the values of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from gramian.batch import Batch
from gramian.column import Coded
from gramian.errors import DataError, OptionError, SchemaError
from gramian.formula.coding import level_name
from gramian.formula.levels import LevelIndex
from gramian.linalg.keyed import Key
from gramian.schema import Kind, Schema
from gramian.typing import Codes, Level

FOLD = "fold"


class Keying(Protocol):
    """Keys of the rows of one unit while it is read. keys : those of the codes 0, 1, ..., so far `size` of them."""

    @property
    def size(self) -> int: ...
    @property
    def keys(self) -> Sequence[Key]: ...
    def parts(self, batch: Batch) -> Mapping[str, Codes]: ...
    def codes(self, batch: Batch, parts: Mapping[str, Codes]) -> Codes: ...


@dataclass(frozen=True, slots=True)
class Folds:
    """A row's fold is its number in its file or frame, modulo `count`, counted before any row is left out."""

    count: int

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int | np.integer) or self.count < 2:
            hint = "; to leave out one group after the other, name their column in by" * isinstance(self.count, str)
            raise OptionError(f"folds must be a whole number, at least 2, found {self.count!r}{hint}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read for it: none."""
        return ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the parts of a key are called."""
        return (FOLD,)

    @property
    def cycle(self) -> int:
        """Keys of rows that follow each other go round with this period."""
        return int(self.count)

    def check(self, schema: Schema) -> None:
        """Nothing can be wrong with row numbers."""

    def start(self) -> Keying:
        """The keys of a unit."""
        return _FoldKeys(int(self.count))

    def __str__(self) -> str:
        return f"folds={self.count}"


@dataclass(frozen=True, slots=True)
class By:
    """A row's key is what it holds in these columns: text, whole numbers, booleans or dates."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or not all(isinstance(name, str) for name in self.names):
            raise OptionError(f"by must be the name of a column, or a list of names, found {self.names!r}")
        if len(set(self.names)) < len(self.names):
            raise OptionError(f"by names a column twice: {', '.join(self.names)}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read for it."""
        return self.names

    @property
    def cycle(self) -> None:
        """Keys come in any order."""
        return None

    def check(self, schema: Schema) -> None:
        """Raise ColumnError or SchemaError where a column is not there or has no levels."""
        for name in self.names:
            if schema[name].kind is Kind.OTHER:
                raise SchemaError(f"by='{name}': the column has the type {schema[name].type}, which has no levels")

    def start(self) -> Keying:
        """The keys of a unit."""
        return _ColumnKeys(self.names)

    def __str__(self) -> str:
        return f"by='{self.names[0]}'" if len(self.names) == 1 else f"by={list(self.names)}"


Split = Folds | By


def by_of(by: str | Sequence[str]) -> By:
    """The columns that `by=` names."""
    return By(tuple(by) if isinstance(by, list | tuple) else (by,))  # type: ignore[arg-type]  # By refuses the rest


def told(split: Split, key: Key) -> str:
    """A key for people: group = a, year = 2013."""
    return keyed(split.names, key)


def keyed(names: Sequence[str], key: Key) -> str:
    """The parts of a key with their names."""
    return ", ".join(f"{name} = {level_name(level)}" for name, level in zip(names, key, strict=True))


@dataclass(slots=True)
class _FoldKeys:
    count: int

    @property
    def size(self) -> int:
        return self.count

    @property
    def keys(self) -> Sequence[Key]:
        return [(fold,) for fold in range(self.count)]

    def parts(self, batch: Batch) -> Mapping[str, Codes]:
        return {}

    def codes(self, batch: Batch, parts: Mapping[str, Codes]) -> Codes:
        return (batch.first_row + np.arange(batch.rows)) % self.count


@dataclass(slots=True)
class _ColumnKeys:
    names: tuple[str, ...]
    levels: dict[str, LevelIndex] = field(init=False)
    joint: dict[Key, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.levels = {name: LevelIndex(name) for name in self.names}

    @property
    def size(self) -> int:
        return len(self.levels[self.names[0]]) if len(self.names) == 1 else len(self.joint)

    @property
    def keys(self) -> Sequence[Key]:
        return [(level,) for level in self.levels[self.names[0]].known] if len(self.names) == 1 else list(self.joint)

    def parts(self, batch: Batch) -> Mapping[str, Codes]:
        return {name: self._part(name, batch) for name in self.names}

    def codes(self, batch: Batch, parts: Mapping[str, Codes]) -> Codes:
        if len(self.names) == 1:
            return parts[self.names[0]]
        flat, there = np.zeros(batch.rows, np.int64), np.ones(batch.rows, bool)
        for name, code in parts.items():
            flat, there = flat * len(self.levels[name]) + code, there & (code >= 0)
        out = np.full(batch.rows, -1)
        at = np.flatnonzero(there)
        _, first, inverse = np.unique(flat[at], return_index=True, return_inverse=True)
        levels = [list(self.levels[name].known) for name in self.names]
        rows = zip(*(parts[name][at[first]].tolist() for name in self.names), strict=True)
        keys = [tuple(known[code] for known, code in zip(levels, row, strict=True)) for row in rows]
        out[at] = np.array([self.joint.setdefault(key, len(self.joint)) for key in keys], np.int64)[inverse]
        return out

    def _part(self, name: str, batch: Batch) -> Codes:
        codes, levels = _occurring(batch.factor(name))
        levels = [_whole(level, name, batch.where) for level in levels]
        return self.levels[name].encode(codes, levels, batch.where)


def _occurring(column: Coded) -> Coded:
    """A range of integers cut down to those that occur: each level becomes a key."""
    if not isinstance(column.levels, range):
        return column
    seen = np.bincount(column.codes + 1, minlength=len(column.levels) + 1)[1:] > 0
    place = np.append(np.cumsum(seen) - 1, -1)
    return Coded(place[column.codes], (column.levels.start + np.flatnonzero(seen)).tolist())


def _whole(level: Level, name: str, where: str) -> Level:
    """A number with a fraction names no group; whole ones that are stored as floats are whole."""
    if not isinstance(level, float) or level != level:
        return level
    if not level.is_integer():
        raise DataError(
            f"by='{name}' holds {level:g}; text, whole numbers, booleans and dates name groups, so round the column",
            where,
        )
    return int(level)
