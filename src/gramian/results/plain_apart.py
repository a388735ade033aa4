"""Sums of every fold or group as plain JSON with arrays, and back: one set of arrays per key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from gramian.fit.apart import Apart
from gramian.fit.keys import By, Folds, Split
from gramian.fit.passes import Accumulated
from gramian.formula.design import Design
from gramian.linalg.keyed import Key, ordered
from gramian.results import plain
from gramian.results.plain_design import WIDEST, Arrays
from gramian.results.plain_moments import from_tally, tally
from gramian.results.plain_sums import from_sums, read_sums
from gramian.typing import Level

CONTENT = ("folds", "by", "keys", "sums", "dropped_rows", "nowhere")


def from_apart(
    apart: Apart, levels: Mapping[str, Sequence[Level]]
) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays. levels : those of the whole, in which the codes of all parts are told."""
    told, arrays = [], dict[str, NDArray[Any]]()
    for i, part in enumerate(apart.parts.values()):
        sums, more = from_sums(part.moments.with_levels(levels), _under(i))
        told.append(sums)
        arrays |= more
    split = apart.split
    values = (
        split.cycle if isinstance(split, Folds) else None,
        list(split.names) if isinstance(split, By) else None,
        [[plain.from_level(level) for level in key] for key in apart.parts],
        told,
        [from_tally(part.tally) for part in apart.parts.values()],
        from_tally(apart.nowhere),
    )
    return dict(zip(CONTENT, values, strict=True)), arrays


def apart(obj: object, design: Design, arrays: Arrays) -> Apart:
    """What `from_apart` wrote, for a design; ValueError for anything else."""
    folds, by, keys, sums, left_out, nowhere = plain.fields(obj, CONTENT)
    split = _split(folds, by)
    known = tuple(tuple(map(plain.level, plain.sequence(key, len(split.names)))) for key in plain.sequence(keys))
    _check_keys(split, known)
    levels, powers = design.levels or {}, design.terms.power_sums()
    moments = [
        read_sums(part, design.layout, design.coordinates, levels, powers, arrays, _under(i), every_level=False)
        for i, part in enumerate(plain.sequence(sums, len(known)))
    ]
    tallies = map(tally, plain.sequence(left_out, len(known)))
    parts = (Accumulated(held, left) for held, left in zip(moments, tallies, strict=True))
    return Apart(split, dict(zip(known, parts, strict=True)), tally(nowhere))


def _split(folds: object, by: object) -> Split:
    if (folds is None) == (by is None):
        plain.wrong("either folds or groups", folds)
    return Folds(plain.whole(folds, 2, WIDEST)) if by is None else By(plain.texts(by))


def _check_keys(split: Split, keys: tuple[Key, ...]) -> None:
    if isinstance(split, Folds) and keys != tuple((i,) for i in range(len(keys))):
        plain.wrong("folds by number", keys[:3])
    if isinstance(split, Folds) and len(keys) != split.count:
        plain.wrong(f"{split.count} folds", len(keys))
    if not keys or len(set(keys)) != len(keys) or ordered(set(keys)) != keys:
        plain.wrong("groups in order, each once", keys[:3])


def _under(number: int) -> str:
    return f"key-{number}/"
