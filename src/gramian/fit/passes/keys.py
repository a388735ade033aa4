"""Grouping of rows: folds by row number, or groups by the values of columns."""

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
from gramian.linalg.keyed.moments import Key
from gramian.schema import Kind, Schema
from gramian.typing import Codes, Level

FOLD = "fold"


class RowKeys(Protocol):
    """Codes of the keys of one unit's rows, batch by batch.

    keys : the keys of the codes 0, 1, ..., `size` of them so far. parts : codes (n,) of each column of a batch.
    codes : (n,) code of the key of every row of a batch, -1 where a part is missing.
    """

    @property
    def size(self) -> int: ...
    @property
    def keys(self) -> Sequence[Key]: ...
    def parts(self, batch: Batch) -> Mapping[str, Codes]: ...
    def codes(self, batch: Batch, parts: Mapping[str, Codes]) -> Codes: ...


class Grouping(Protocol):
    """What gives each row its key: folds, groups by columns, or groups and periods.

    names : of the parts of a key. columns : those that are read for it. cycle : with which keys of consecutive rows
    repeat, None where they come in any order. check : raises for a schema without these columns. start : begins the
    codes of a unit.
    """

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def cycle(self) -> int | None: ...
    def check(self, schema: Schema) -> None: ...
    def start(self) -> RowKeys: ...


@dataclass(frozen=True, slots=True)
class Folds:
    """Folds: a row's fold is its number in its file or data frame modulo `count`, counted before any row is dropped.

    Attributes
    ----------
    count : int
        Number of folds, at least 2.

    Raises
    ------
    OptionError
        If `count` is not such a number.
    """

    count: int

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int | np.integer) or self.count < 2:
            hint = "; to leave out one group after the other, name their column in by" * isinstance(self.count, str)
            raise OptionError(f"folds must be a whole number, at least 2, found {self.count!r}{hint}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read to find a row's fold: none."""
        return ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts of a key."""
        return (FOLD,)

    @property
    def cycle(self) -> int:
        """Period with which the keys of consecutive rows repeat."""
        return int(self.count)

    def check(self, schema: Schema) -> None:
        """Accept any schema: row numbers need no column."""

    def start(self) -> RowKeys:
        """Begin the codes of a unit."""
        return _FoldKeys(int(self.count))

    def __str__(self) -> str:
        return f"folds={self.count}"


@dataclass(frozen=True, slots=True)
class ByColumns:
    """Groups: a row's key is its values in these columns, which hold text, integers, booleans or dates.

    Attributes
    ----------
    names : tuple of str
        The columns, without repetition.

    Raises
    ------
    OptionError
        If `names` are no names of columns, or name one twice.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or not all(isinstance(name, str) for name in self.names):
            raise OptionError(f"by must be the name of a column, or a list of names, found {self.names!r}")
        if len(set(self.names)) < len(self.names):
            raise OptionError(f"by names a column twice: {', '.join(self.names)}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read to find a row's key."""
        return self.names

    @property
    def cycle(self) -> None:
        """No period: keys come in any order."""
        return None

    def check(self, schema: Schema) -> None:
        """Raise ColumnError if a column does not exist, SchemaError if its type has no levels."""
        for name in self.names:
            if schema[name].kind is Kind.OTHER:
                raise SchemaError(f"by='{name}': the column has the type {schema[name].type}, which has no levels")

    def start(self) -> RowKeys:
        """Begin the codes of a unit."""
        return ColumnKeys(self.names)

    def __str__(self) -> str:
        return f"by='{self.names[0]}'" if len(self.names) == 1 else f"by={list(self.names)}"


def by_columns(by: str | Sequence[str]) -> ByColumns:
    """The grouping that the option `by=` asks for: one name, or a list of names."""
    return ByColumns(tuple(by) if isinstance(by, list | tuple) else (by,))  # type: ignore[arg-type]  # checked there


def describe_key(grouping: Grouping, key: Key) -> str:
    """A key as text for messages: "group = a, year = 2013"."""
    return format_key(grouping.names, key)


def format_key(names: Sequence[str], key: Key) -> str:
    """A key as text, given the names of its parts."""
    return ", ".join(f"{name} = {level_name(level)}" for name, level in zip(names, key, strict=True))


@dataclass(slots=True)
class _FoldKeys:
    """Codes of folds, which are the numbers of the folds."""

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
        return batch.row_numbers % self.count


@dataclass(slots=True)
class ColumnKeys:
    """Codes of keys in order of first appearance. joint : key -> code, used only where several columns make a key."""

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
        return [(level,) for level in self.levels[self.names[0]].levels] if len(self.names) == 1 else list(self.joint)

    def parts(self, batch: Batch) -> Mapping[str, Codes]:
        return {name: self.part(name, batch) for name in self.names}

    def codes(self, batch: Batch, parts: Mapping[str, Codes]) -> Codes:
        if len(self.names) == 1:
            return parts[self.names[0]]
        # a mixed-radix number for each combination within this batch: only distinct ones are looked up as tuples
        flat, present = np.zeros(batch.rows, np.int64), np.ones(batch.rows, bool)
        for name, code in parts.items():
            flat, present = flat * len(self.levels[name]) + code, present & (code >= 0)
        out = np.full(batch.rows, -1)
        complete = np.flatnonzero(present)
        _, first, inverse = np.unique(flat[complete], return_index=True, return_inverse=True)
        levels = [list(self.levels[name].levels) for name in self.names]
        rows = zip(*(parts[name][complete[first]].tolist() for name in self.names), strict=True)
        keys = [tuple(names[code] for names, code in zip(levels, row, strict=True)) for row in rows]
        out[complete] = np.array([self.joint.setdefault(key, len(self.joint)) for key in keys], np.int64)[inverse]
        return out

    def part(self, name: str, batch: Batch) -> Codes:
        """Codes (n,) of one column of a batch in the unit's index of levels, -1 where missing."""
        codes, levels = _only_occurring(batch.factor(name))
        levels = [_as_group_level(level, name, batch.where) for level in levels]
        return self.levels[name].encode(codes, levels, batch.where)


def _only_occurring(column: Coded) -> Coded:
    """A column with only the levels that occur in it: a range of integers may be long, and each level becomes a key."""
    if not isinstance(column.levels, range):
        return column
    occurs = np.bincount(column.codes + 1, minlength=len(column.levels) + 1)[1:] > 0
    code_of = np.append(np.cumsum(occurs) - 1, -1)
    return Coded(code_of[column.codes], (column.levels.start + np.flatnonzero(occurs)).tolist())


def _as_group_level(level: Level, name: str, where: str) -> Level:
    """A float as the integer that it is, other levels as they are. Raises DataError for a number with a fraction."""
    if not isinstance(level, float) or level != level:
        return level
    if not level.is_integer():
        raise DataError(
            f"by='{name}' holds {level:g}; text, whole numbers, booleans and dates name groups, so round the column",
            where,
        )
    return int(level)
