"""Sums of every fold or group as plain JSON with arrays, and back: one set of arrays per key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from gramian.fit.gram.group_sums import GroupSums
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.keys import ByColumns, Folds, Grouping
from gramian.formula.design import Design
from gramian.linalg.keyed.moments import Key, ordered
from gramian.serialize import values as plain
from gramian.serialize.design import MAX_SIZE, Arrays
from gramian.serialize.moments import dropped_rows_from_json, dropped_rows_to_json
from gramian.serialize.sums import sums_from_json, sums_to_json
from gramian.typing import Level

CONTENT = ("folds", "by", "keys", "sums", "dropped_rows", "nowhere")


def group_sums_to_json(
    group_sums: GroupSums, levels: Mapping[str, Sequence[Level]]
) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays. levels : those of the whole, in which the codes of all parts are told."""
    part_sums, arrays = [], dict[str, NDArray[Any]]()
    for i, part in enumerate(group_sums.parts.values()):
        sums, more = sums_to_json(part.moments.with_levels(levels), _prefix(i))
        part_sums.append(sums)
        arrays |= more
    grouping = group_sums.grouping
    values = (
        grouping.cycle if isinstance(grouping, Folds) else None,
        list(grouping.names) if isinstance(grouping, ByColumns) else None,
        [[plain.level_to_json(level) for level in key] for key in group_sums.parts],
        part_sums,
        [dropped_rows_to_json(part.dropped_rows) for part in group_sums.parts.values()],
        dropped_rows_to_json(group_sums.ungrouped),
    )
    return dict(zip(CONTENT, values, strict=True)), arrays


def group_sums_from_json(obj: object, design: Design, arrays: Arrays) -> GroupSums:
    """What `from_apart` wrote, for a design; ValueError for anything else."""
    folds, by, keys, sums, dropped, ungrouped = plain.fields(obj, CONTENT)
    grouping = _grouping_from_json(folds, by)
    part_keys = tuple(
        tuple(map(plain.level_from_json, plain.sequence(key, len(grouping.names)))) for key in plain.sequence(keys)
    )
    _check_keys(grouping, part_keys)
    levels, powers = design.levels or {}, design.terms.power_sums()
    moments = [
        sums_from_json(part, design.layout, design.coordinates, levels, powers, arrays, _prefix(i), every_level=False)
        for i, part in enumerate(plain.sequence(sums, len(part_keys)))
    ]
    dropped_rows = map(dropped_rows_from_json, plain.sequence(dropped, len(part_keys)))
    parts = (
        Accumulated(part_moments, part_dropped)
        for part_moments, part_dropped in zip(moments, dropped_rows, strict=True)
    )
    return GroupSums(grouping, dict(zip(part_keys, parts, strict=True)), dropped_rows_from_json(ungrouped))


def _grouping_from_json(folds: object, by: object) -> Grouping:
    if (folds is None) == (by is None):
        plain.wrong("either folds or groups", folds)
    return Folds(plain.integer(folds, 2, MAX_SIZE)) if by is None else ByColumns(plain.texts(by))


def _check_keys(grouping: Grouping, keys: tuple[Key, ...]) -> None:
    if isinstance(grouping, Folds) and keys != tuple((i,) for i in range(len(keys))):
        plain.wrong("folds by number", keys[:3])
    if isinstance(grouping, Folds) and len(keys) != grouping.count:
        plain.wrong(f"{grouping.count} folds", len(keys))
    if not keys or len(set(keys)) != len(keys) or ordered(set(keys)) != keys:
        plain.wrong("groups in order, each once", keys[:3])


def _prefix(number: int) -> str:
    return f"key-{number}/"
