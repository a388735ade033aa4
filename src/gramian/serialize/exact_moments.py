"""Exact moments as plain JSON with arrays of digits, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.columns import Factors, Layout
from gramian.linalg.exact.cells import ExactCells
from gramian.linalg.exact.moments import LOG_WEIGHT, ExactMoments
from gramian.linalg.exact.planes import HALF, Planes
from gramian.linalg.monomials import Monomial
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays, cell_codes, codes, read_array
from gramian.typing import Level

EXACT = ("rows", "singles", "not_finite", "left_out", "scale", "low")
MAX_ROWS = 2**63
MAX_PLANE = 2**12  # planes below and above the point: more than the products of float64 numbers need
MAX_DECIMAL_PLACES = 2**12  # decimal places


def exact_to_json(moments: ExactMoments) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Counts, and the digits of sums as arrays; layout and levels are the design's."""
    planes = {"dense": moments.dense, "plain": moments.unweighted}
    arrays: dict[str, NDArray[Any]] = {}
    for i, (factors, _) in enumerate(moments.layout.tables):
        table = moments.tables[factors]
        arrays |= {f"table/{i}/cells": table.cells, f"table/{i}/rows": table.rows}
        planes[f"table/{i}/sums"] = table.sums
    manifest: dict[str, object] = {
        "rows": int(moments.rows),
        "singles": [[list(pair) for pair in m] for m in moments.singles],
        "not_finite": {v: list(map(int, counts)) for v, counts in moments.not_finite.items()},
        "left_out": int(moments.dropped_rows),
        "scale": {v: int(k) for v, k in moments.scale.items()},
        "low": {name: int(p.low) for name, p in planes.items()},
    }
    return manifest, {**arrays, **{name: p.digits for name, p in planes.items()}}


def exact_from_json(
    obj: object, layout: Layout, variables: set[str], levels: Mapping[str, Sequence[Level]], arrays: Arrays
) -> ExactMoments:
    """What `from_exact` wrote, for a design that stores this layout."""
    rows, singles, not_finite, dropped, scale, low = plain.fields(obj, EXACT)
    width, lows = len(layout.rows), plain.mapping(low, lambda at: plain.integer(at, -MAX_PLANE, MAX_PLANE))
    single = tuple(_monomial(m, variables) for m in plain.sequence(singles))
    not_finite_counts = plain.mapping(not_finite, _not_finite_counts)
    places = plain.mapping(scale, lambda k: plain.integer(k, 0, MAX_DECIMAL_PLACES))
    if not not_finite_counts.keys() | places.keys() <= variables:
        plain.wrong("variables of the design", sorted(not_finite_counts.keys() | places.keys()))
    out = ExactMoments(
        layout,
        single,
        plain.integer(rows, 0, MAX_ROWS),
        levels,
        _planes("dense", (width, width), lows, arrays),
        {f: _table(i, f, len(m), levels, lows, arrays) for i, (f, m) in enumerate(layout.tables)},
        _planes("plain", (len(single),), lows, arrays),
        not_finite_counts,
        plain.integer(dropped, 0, MAX_ROWS),
        places,
    )
    if exact_to_json(out)[0]["low"] != low or not out.dense.equals(_transposed(out.dense)):
        plain.wrong("symmetric products", "others")
    _check_counts(out)
    return out


def _planes(name: str, shape: tuple[int, ...], lows: Mapping[str, int], arrays: Arrays) -> Planes:
    digits = read_array(arrays, name, "int64", (None, *shape))
    if digits.size and not (digits.min() >= -HALF and digits.max() < HALF and digits[0].any() and digits[-1].any()):
        plain.wrong(f"digits of 32 bits without empty outer planes in '{name}'", "others")
    if not digits.size and len(digits):
        plain.wrong(f"no planes of nothing in '{name}'", len(digits))
    if name not in lows or (not len(digits) and lows[name]):
        plain.wrong(f"the place of the first plane of '{name}'", lows.get(name))
    return Planes(lows[name], digits)


def _transposed(planes: Planes) -> Planes:
    return Planes(planes.low, planes.digits.transpose(0, 2, 1))


def _table(
    number: int,
    factors: Factors,
    width: int,
    levels: Mapping[str, Sequence[Level]],
    lows: Mapping[str, int],
    arrays: Arrays,
) -> ExactCells:
    name = f"table/{number}"
    cells = cell_codes(arrays, f"{name}/cells", factors, levels)
    if len(cells) and not np.array_equal(np.unique(cells, axis=0), cells):
        plain.wrong("cells in order, each once", name)
    rows = codes(arrays, f"{name}/rows", (len(cells),), MAX_ROWS)
    return ExactCells(cells, rows, _planes(f"{name}/sums", (len(cells), width), lows, arrays))


def _check_counts(moments: ExactMoments) -> None:
    for factors, table in moments.tables.items():
        if int(table.rows.sum()) != moments.rows:
            plain.wrong(f"{moments.rows} rows in the cells of {', '.join(factors)}", int(table.rows.sum()))
        for i, factor in enumerate(factors):
            if len(np.unique(table.cells[:, i])) != len(moments.levels[factor]):
                plain.wrong(f"rows of every level of {factor}", len(moments.levels[factor]))


def _monomial(obj: object, variables: set[str]) -> Monomial:
    out = plain.monomial(obj)
    return out if out == LOG_WEIGHT or {v for v, _ in out} <= variables else plain.wrong("known variables", obj)


def _not_finite_counts(obj: object) -> tuple[int, int, int]:
    nan, infinite, minus = (plain.integer(n, 0, MAX_ROWS) for n in plain.sequence(obj, 3))
    return nan, infinite, minus
