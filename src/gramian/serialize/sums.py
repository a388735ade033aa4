"""The sums of a Gram as plain JSON with arrays, and back: layout and levels are those of its design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.linalg.columns import Factors, Layout
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.moments import Moments, levels_with_rows
from gramian.linalg.monomials import Coordinate
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays, cell_codes, codes, read_array
from gramian.typing import Level

MOMENTS = ("rows", "log_weight", "removed")
REMOVED = "removed/"
MAX_ROWS = 2**63


def sums_to_json(moments: Moments, prefix: str = "") -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Counts, and arrays of sums whose names begin with `under`; layout, levels and coordinates are the design's."""
    arrays: dict[str, NDArray[Any]] = {f"{prefix}dense": moments.dense}
    for i, (factors, _) in enumerate(moments.layout.tables):
        table = moments.tables[factors]
        arrays |= {f"{prefix}table/{i}/cells": table.cells, f"{prefix}table/{i}/rows": table.rows}
        arrays[f"{prefix}table/{i}/sums"] = table.sums
    for i, variable in enumerate(sorted(moments.powers)):
        arrays[f"{prefix}powers/{i}"] = moments.powers[variable]
    manifest: dict[str, object] = {
        "rows": int(moments.rows),
        "log_weight": plain.number_to_json(moments.log_weight),
        "removed": None,
    }
    if moments.removed is not None:
        manifest["removed"], removed = sums_to_json(moments.removed, prefix + REMOVED)
        arrays |= removed
    return manifest, arrays


def sums_from_json(
    obj: object,
    layout: Layout,
    coordinates: Mapping[str, Coordinate],
    levels: Mapping[str, Sequence[Level]],
    powers: Mapping[str, int],
    arrays: Arrays,
    prefix: str = "",
    *,
    is_removed: bool = False,
    every_level: bool = True,
) -> Moments:
    """What `from_sums` wrote, for a design that stores this layout and these powers.

    gone : they are sums of what was taken away. every_level : every level has rows; otherwise those without are left
    out.
    """
    rows, log_weight, removed = plain.fields(obj, MOMENTS)
    width = len(layout.rows)
    dense = _finite(read_array(arrays, f"{prefix}dense", "float64", (width, width)), "dense")
    if not np.array_equal(dense, dense.T) or (not is_removed and dense.diagonal().min(initial=0.0) < -_rounding(dense)):
        plain.wrong("products", "a matrix that is none of products")
    tables = {f: _table(i, f, len(m), levels, arrays, prefix) for i, (f, m) in enumerate(layout.tables)}
    if is_removed and removed is not None:
        plain.wrong("nothing removed from what was removed", removed)
    out = Moments(
        layout,
        coordinates,
        plain.integer(rows, 0, MAX_ROWS),
        plain.number_from_json(log_weight),
        dense,
        levels,
        tables,
        {v: _powers(i, powers[v], arrays, prefix) for i, v in enumerate(sorted(powers))},
        None
        if removed is None
        else sums_from_json(removed, layout, coordinates, levels, powers, arrays, prefix + REMOVED, is_removed=True),
    )
    if is_removed:
        return out
    if not every_level:
        out = out.with_levels(
            {name: levels_with_rows(level_names, name, tables) for name, level_names in levels.items()}
        )
    _check_counts(out)
    return out


def _table(
    number: int, factors: Factors, width: int, levels: Mapping[str, Sequence[Level]], arrays: Arrays, prefix: str
) -> CellSums:
    name = f"{prefix}table/{number}"
    cells = cell_codes(arrays, f"{name}/cells", factors, levels)
    if len(cells) and not np.array_equal(np.unique(cells, axis=0), cells):
        plain.wrong("cells in order, each once", name)
    rows = codes(arrays, f"{name}/rows", (len(cells),), MAX_ROWS)
    return CellSums(cells, rows, _finite(read_array(arrays, f"{name}/sums", "float64", (len(cells), width)), name))


def _powers(number: int, top: int, arrays: Arrays, prefix: str) -> NDArray[np.float64]:
    name = f"{prefix}powers/{number}"
    return _finite(read_array(arrays, name, "float64", (top + 1,)), name)


def _check_counts(moments: Moments) -> None:
    """Every row is in one cell of every table, and a level has rows."""
    for factors, table in moments.tables.items():
        if int(table.rows.sum()) != moments.rows or (len(table.rows) and table.rows.min() == 0):
            plain.wrong(f"{moments.rows} rows in the cells of {', '.join(factors)}", int(table.rows.sum()))
        for i, factor in enumerate(factors):
            if len(np.unique(table.cells[:, i])) != len(moments.levels[factor]):
                plain.wrong(f"rows of every level of {factor}", len(moments.levels[factor]))


def _finite(array: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    return array if np.isfinite(array).all() else plain.wrong(f"finite numbers in '{name}'", "others")


def _rounding(dense: NDArray[np.float64]) -> float:
    return float(np.abs(dense).max(initial=0.0)) * 1e-6
