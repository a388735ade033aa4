"""Frames as plain JSON with arrays, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.formula.coordinates import Frame
from gramian.linalg.products import Group
from gramian.results import plain
from gramian.results.plain_design import WIDEST, Arrays, cell_codes, codes, known_factors
from gramian.typing import Level

FRAME = ("groups", "subspace", "told", "made", "response", "scale", "constant")
AS_WRITTEN = "written"  # only where a frame has it
UNDER, WRITTEN = "frame/", "frame/written/"


def from_frame(frame: Frame, under: str = UNDER) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """A frame; the cells and positions of its groups are arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    for i, group in enumerate(frame.groups):
        arrays[f"{under}cells/{i}"] = np.asarray(group.cells, np.int64)
        arrays[f"{under}positions/{i}"] = np.asarray(group.positions, np.int64)
    written, more = (None, {}) if frame.written is None else from_frame(frame.written, WRITTEN)
    values = (
        [[list(g.factors), [[list(pair) for pair in m] for m in g.monomials]] for g in frame.groups],
        _from_map(frame.subspace),
        _from_map(frame.told),
        _from_map(frame.made),
        plain.from_combination(frame.response),
        plain.from_number(frame.scale),
        frame.constant,
    )
    told: dict[str, object] = dict(zip(FRAME, values, strict=True))
    return told if written is None else {**told, AS_WRITTEN: written}, arrays | more


def frame(obj: object, width: int, names: Mapping[str, tuple[Level, ...]], arrays: Arrays, under: str = UNDER) -> Frame:
    """What `from_frame` wrote, for `width` columns that are solved for."""
    known = (*FRAME, AS_WRITTEN) if isinstance(obj, dict) and AS_WRITTEN in obj else FRAME
    groups, subspace, told, made, response, scale, constant, *more = plain.fields(obj, known)
    if (more and subspace is not None) or (under == WRITTEN and subspace is None):
        plain.wrong("columns as they are written beside others", subspace)
    read = [group(i, part, names, arrays, under) for i, part in enumerate(plain.sequence(groups))]
    stored = _stored(read)
    if subspace is None and stored != width + 1:
        plain.wrong(f"{width + 1} stored columns", stored)
    return Frame(
        read,
        _map(subspace, width + 1, stored),
        _map(told, width, width),
        _map(made, width, width),
        plain.combination(response, width),
        _scale(scale),
        plain.optional(constant, lambda at: plain.whole(at, 0, width)),
        frame(more[0], width, names, arrays, WRITTEN) if more else None,
    )


def group(number: int, obj: object, names: Mapping[str, tuple[Level, ...]], arrays: Arrays, under: str) -> Group:
    """One group of stored columns."""
    first, second = plain.sequence(obj, 2)
    factors = known_factors(first, names)
    monomials = tuple(map(plain.monomial, plain.sequence(second)))
    cells = cell_codes(arrays, f"{under}cells/{number}", factors, names)
    if not factors and len(cells) != 1:
        plain.wrong("one cell where there are no factors", len(cells))
    size = len(cells) * len(monomials)
    return Group(factors, cells, monomials, codes(arrays, f"{under}positions/{number}", (size,), WIDEST))


def _stored(groups: list[Group]) -> int:
    positions = np.concatenate([g.positions for g in groups]) if groups else np.zeros(0, np.int64)
    if not len(positions) or not np.array_equal(np.sort(positions), np.arange(len(positions))):
        plain.wrong("each stored column in one group", len(positions))
    return len(positions)


def _from_map(columns: list[plain.Combination] | None) -> object:
    return None if columns is None else [plain.from_combination(c) for c in columns]


def _map(obj: object, width: int, size: int) -> list[plain.Combination] | None:
    return plain.optional(obj, lambda part: [plain.combination(c, size) for c in plain.sequence(part, width)])


def _scale(obj: object) -> float:
    value = plain.number(obj)
    return value if 0 < value < math.inf else plain.wrong("a scale", obj)
