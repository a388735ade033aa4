"""Frames as plain JSON with arrays, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.formula.coordinates import Parametrization
from gramian.linalg.products import ColumnGroup
from gramian.serialize import values as plain
from gramian.serialize.design import MAX_SIZE, Arrays, cell_codes, codes, factor_labels
from gramian.typing import Level

FIELDS = ("groups", "subspace", "told", "made", "response", "scale", "constant")
AS_WRITTEN = "written"  # only where a frame has it
PREFIX, WRITTEN_PREFIX = "frame/", "frame/written/"


def parametrization_to_json(
    parametrization: Parametrization, prefix: str = PREFIX
) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """A frame; the cells and positions of its groups are arrays."""
    arrays: dict[str, NDArray[Any]] = {}
    for i, group in enumerate(parametrization.groups):
        arrays[f"{prefix}cells/{i}"] = np.asarray(group.cells, np.int64)
        arrays[f"{prefix}positions/{i}"] = np.asarray(group.positions, np.int64)
    written, more = (
        (None, {})
        if parametrization.as_written is None
        else parametrization_to_json(parametrization.as_written, WRITTEN_PREFIX)
    )
    values = (
        [[list(g.factors), [[list(pair) for pair in m] for m in g.monomials]] for g in parametrization.groups],
        _map_to_json(parametrization.subspace),
        _map_to_json(parametrization.to_model),
        _map_to_json(parametrization.to_solved),
        plain.combination_to_json(parametrization.response_shift),
        plain.number_to_json(parametrization.scale),
        parametrization.constant,
    )
    manifest: dict[str, object] = dict(zip(FIELDS, values, strict=True))
    return manifest if written is None else {**manifest, AS_WRITTEN: written}, arrays | more


def parametrization_from_json(
    obj: object, width: int, names: Mapping[str, tuple[Level, ...]], arrays: Arrays, prefix: str = PREFIX
) -> Parametrization:
    """What `from_frame` wrote, for `width` columns that are solved for."""
    expected = (*FIELDS, AS_WRITTEN) if isinstance(obj, dict) and AS_WRITTEN in obj else FIELDS
    groups, subspace, to_model, to_solved, response, scale, constant, *more = plain.fields(obj, expected)
    if (more and subspace is not None) or (prefix == WRITTEN_PREFIX and subspace is None):
        plain.wrong("columns as they are written beside others", subspace)
    read = [group_from_json(i, part, names, arrays, prefix) for i, part in enumerate(plain.sequence(groups))]
    stored = _stored_count(read)
    if subspace is None and stored != width + 1:
        plain.wrong(f"{width + 1} stored columns", stored)
    return Parametrization(
        read,
        _map_from_json(subspace, width + 1, stored),
        _map_from_json(to_model, width, width),
        _map_from_json(to_solved, width, width),
        plain.combination_from_json(response, width),
        _scale(scale),
        plain.optional(constant, lambda at: plain.integer(at, 0, width)),
        parametrization_from_json(more[0], width, names, arrays, WRITTEN_PREFIX) if more else None,
    )


def group_from_json(
    number: int, obj: object, names: Mapping[str, tuple[Level, ...]], arrays: Arrays, prefix: str
) -> ColumnGroup:
    """One group of stored columns."""
    first, second = plain.sequence(obj, 2)
    factors = factor_labels(first, names)
    monomials = tuple(map(plain.monomial, plain.sequence(second)))
    cells = cell_codes(arrays, f"{prefix}cells/{number}", factors, names)
    if not factors and len(cells) != 1:
        plain.wrong("one cell where there are no factors", len(cells))
    size = len(cells) * len(monomials)
    return ColumnGroup(factors, cells, monomials, codes(arrays, f"{prefix}positions/{number}", (size,), MAX_SIZE))


def _stored_count(groups: list[ColumnGroup]) -> int:
    positions = np.concatenate([g.positions for g in groups]) if groups else np.zeros(0, np.int64)
    if not len(positions) or not np.array_equal(np.sort(positions), np.arange(len(positions))):
        plain.wrong("each stored column in one group", len(positions))
    return len(positions)


def _map_to_json(columns: list[plain.Combination] | None) -> object:
    return None if columns is None else [plain.combination_to_json(c) for c in columns]


def _map_from_json(obj: object, width: int, size: int) -> list[plain.Combination] | None:
    return plain.optional(obj, lambda part: [plain.combination_from_json(c, size) for c in plain.sequence(part, width)])


def _scale(obj: object) -> float:
    value = plain.number_from_json(obj)
    return value if 0 < value < math.inf else plain.wrong("a scale", obj)
