"""Sums of every fold or group of a Gram: addition, subtraction, look-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

from gramian.errors import NumericalError, OptionError, SchemaError, did_you_mean, listing
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_keyed import KeyedAccumulated, unwrap_key
from gramian.fit.passes.keys import ByColumns, Folds, Grouping, describe_key
from gramian.formula.coding import level_name
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.change_coordinates import change_coordinates
from gramian.linalg.keyed.moments import Key, ordered
from gramian.linalg.moments import Moments
from gramian.typing import Level


@dataclass(frozen=True, slots=True, eq=False)
class GroupSums:
    """Moments and dropped rows by key.

    Attributes
    ----------
    grouping : Folds or ByColumns
        What gives each row its key.
    parts : mapping of key to Accumulated
        Sums of every fold or group, in canonical order of the keys; at least one.
    ungrouped : DroppedRows
        Rows without a key, which are dropped.
    """

    grouping: Grouping
    parts: Mapping[Key, Accumulated]
    ungrouped: DroppedRows

    @property
    def folds(self) -> int | None:
        """Number of folds, None where the keys are those of groups."""
        return self.grouping.cycle

    @property
    def by(self) -> tuple[str, ...]:
        """Columns that make the groups; empty where the keys are those of folds."""
        return self.grouping.names if self.folds is None else ()

    @property
    def groups(self) -> tuple[Level | Key, ...]:
        """Keys of the groups, a key of one part as its level; empty where the keys are those of folds."""
        return tuple(map(unwrap_key, self.parts)) if self.folds is None else ()

    @property
    def total(self) -> Accumulated:
        """The moments of all rows, summed in the order of the keys: the same bits in every run."""
        moments = reduce(add, (part.moments for part in self.parts.values()))
        return Accumulated(moments, sum((part.dropped_rows for part in self.parts.values()), self.ungrouped))

    def at(self, group: Level | Key) -> Accumulated:
        """The moments of a group. Raises OptionError for a group without rows, and for a Gram with folds."""
        if not isinstance(self.grouping, ByColumns):
            raise OptionError(f"where names a group, and this Gram stores {self.grouping}; groups need {GROUPS}")
        key = group if isinstance(group, tuple) else (group,)
        if key in self.parts:
            return self.parts[key]
        names = [_format_key(k) for k in self.parts]
        what = ", ".join(self.grouping.names)
        hint = did_you_mean(_format_key(key), names)
        raise OptionError(f"where: no rows have {what} = {_format_key(key)}{hint} (there are {listing(names)})")


FOLDS = "gm.gram(..., folds=10)"
GROUPS = 'gm.gram(..., by="group")'


def group_sums_of(keyed: KeyedAccumulated) -> GroupSums:
    """The sums by key of a keyed pass."""
    return GroupSums(keyed.grouping, dict(keyed.items()), keyed.dropped_by_key.get(None, DroppedRows()))


def add_group_sums(a: GroupSums | None, b: GroupSums | None, align: Callable[[Moments], Moments]) -> GroupSums | None:
    """Add key by key: folds are numbered within each file, so those with the same number are one fold.

    align : changes moments of the second to the layout of the first. Raises SchemaError if the groupings differ.
    """
    _check_same(a, b)
    if a is None or b is None:
        return None
    other_parts, reference = _aligned(b, align), _first_moments(a)
    parts = {}
    for key in ordered({*a.parts, *other_parts}):
        first, second = a.parts.get(key), other_parts.get(key)
        if second is not None:
            # every key in the coordinates of the first Gram, those that only the second has too, so that they add up
            second = Accumulated(change_coordinates(second.moments, reference.coordinates), second.dropped_rows)
        parts[key] = first + second if first is not None and second is not None else first or second
    return GroupSums(
        a.grouping, {key: part for key, part in parts.items() if part is not None}, a.ungrouped + b.ungrouped
    )


def subtract_group_sums(
    a: GroupSums | None, b: GroupSums | None, align: Callable[[Moments], Moments]
) -> GroupSums | None:
    """Subtract key by key; a group without remaining rows is removed, a fold stays.

    align : changes moments of the second to the layout of the first. Raises SchemaError if the groupings differ,
    NumericalError if rows of the second are not in the first.
    """
    _check_same(a, b)
    if a is None or b is None:
        return None
    parts, reference = dict(a.parts), _first_moments(a)
    for key, part in _aligned(b, align).items():
        if key not in parts:
            raise NumericalError(
                f"cannot subtract rows with {describe_key(a.grouping, key)}: there are none in the first"
            )
        try:  # the error of a difference names a level; add the group that it is about
            difference = parts[key].moments - change_coordinates(part.moments, reference.coordinates)
        except NumericalError as error:
            raise NumericalError(f"{describe_key(a.grouping, key)}: {error}") from error
        parts[key] = Accumulated(difference, parts[key].dropped_rows - part.dropped_rows)
    # folds are the same in every Gram, groups are those of its rows
    empty = [key for key, part in parts.items() if isinstance(a.grouping, ByColumns) and not _has_rows(part)]
    # at least one part stays, for the layout and coordinates of the sums
    for key in empty[: len(parts) - 1] if len(empty) == len(parts) else empty:
        del parts[key]
    return GroupSums(a.grouping, parts, a.ungrouped - b.ungrouped)


def _aligned(group_sums: GroupSums, align: Callable[[Moments], Moments]) -> dict[Key, Accumulated]:
    """Sums by key in another layout."""
    return {key: Accumulated(align(part.moments), part.dropped_rows) for key, part in group_sums.parts.items()}


def _first_moments(group_sums: GroupSums) -> Moments:
    """Moments of the first key, for the coordinates that all keys share."""
    return next(iter(group_sums.parts.values())).moments


def _has_rows(part: Accumulated) -> bool:
    """Whether a part has rows, complete or dropped."""
    return part.moments.rows > 0 or part.dropped_rows.total > 0


def _check_same(a: GroupSums | None, b: GroupSums | None) -> None:
    """Raise SchemaError unless both have the same folds or columns of groups, or both have none."""
    first, second = (None if group_sums is None else group_sums.grouping for group_sums in (a, b))
    if first != second:
        raise SchemaError(
            f"the groupings differ: {_describe(first)}, and {_describe(second)}: make both with the same folds= and by="
        )


def _describe(grouping: Grouping | None) -> str:
    """A grouping as the option that makes it, "none" without one."""
    return "none" if grouping is None else str(grouping)


def _format_key(key: Key) -> str:
    """A key as text: its levels with commas between them."""
    return ", ".join(map(level_name, key))


def validation_names(group_sums: GroupSums, keys: list[Key]) -> list[str]:
    """Names of folds or groups in the report of a cross-validation."""
    return [
        str(unwrap_key(key)) if isinstance(group_sums.grouping, Folds) else describe_key(group_sums.grouping, key)
        for key in keys
    ]
