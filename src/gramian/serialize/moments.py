"""Moments as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.factors.levels import canonical
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, Monomial
from gramian.serialize import values as plain
from gramian.serialize.design import (
    MAX_SIZE,
    Arrays,
    cell_codes,
    codes,
    coordinate_from_json,
    distinct_levels,
    factor_labels,
    read_array,
)
from gramian.typing import Level

MAX_ROWS = 2**63
SYMMETRY_TOLERANCE = (
    2.0**-20
)  # of the lengths of two columns: both halves are sums of up to 2^32 rounded products, whatever BLAS did
MOMENTS = ("layout", "coordinates", "rows", "log_weight", "levels", "powers")
LAYOUT = ("dense", "responses", "tables")


def moments_to_json(moments: Moments) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays, which are the sums as they are and the cells of every table.

    Whole in themselves, unlike a Gram's, whose layout is that of its design.
    """
    if moments.removed is not None:
        raise ValueError("moments that rows were taken away from are kept as a Gram")
    values = (
        layout_to_json(moments.layout),
        {name: [plain.number_to_json(c.shift), c.exponent] for name, c in moments.coordinates.items()},
        int(moments.rows),
        plain.number_to_json(moments.log_weight),
        level_names_to_json(moments.levels),
        list(moments.powers),
    )
    arrays: dict[str, NDArray[Any]] = {"dense": moments.dense}
    for i, table in enumerate(moments.tables[factors] for factors, _ in moments.layout.tables):
        arrays |= {f"cells/{i}": table.cells, f"rows/{i}": table.rows, f"sums/{i}": table.sums}
    arrays |= {f"powers/{i}": sums for i, sums in enumerate(moments.powers.values())}
    return dict(zip(MOMENTS, values, strict=True)), arrays


def moments_from_json(manifest: object, arrays: Arrays) -> Moments:
    """What `from_moments` wrote; ValueError for anything else: wrong shapes, no symmetry, levels out of order."""
    layout_json, coordinates, rows, log_weight, levels_json, powers = plain.fields(manifest, MOMENTS)
    sums_layout, names = layout_from_json(layout_json), plain.mapping(levels_json, sorted_levels)
    out = Moments(
        layout=sums_layout,
        coordinates=plain.mapping(coordinates, coordinate_from_json),
        rows=plain.integer(rows, 0, MAX_ROWS),
        log_weight=_finite("the sum of log-weights", plain.number_from_json(log_weight)),
        dense=_dense(arrays, len(sums_layout.rows)),
        levels=names,
        tables={f: _table(i, f, m, names, arrays) for i, (f, m) in enumerate(sums_layout.tables)},
        powers={name: _powers(i, arrays) for i, name in enumerate(plain.texts(powers))},
    )
    _check(out)
    if moments_to_json(out)[1].keys() != arrays.keys():
        plain.wrong("no arrays but those of moments", sorted(arrays))
    return out


def dropped_rows_to_json(dropped_rows: DroppedRows) -> list[object]:
    """Rows left out, by cause and by column."""
    return [dict(dropped_rows.causes), dict(dropped_rows.columns)]


def dropped_rows_from_json(obj: object) -> DroppedRows:
    """What `from_tally` wrote."""
    causes, columns = (plain.mapping(part, _count) for part in plain.sequence(obj, 2))
    return DroppedRows(causes, columns)


def layout_from_json(obj: object) -> Layout:
    """Which sums there are."""
    dense, responses, tables = plain.fields(obj, LAYOUT)
    block, names = _monomials_from_json(dense), plain.texts(responses)
    if not block or block[0] != CONSTANT or len({*block, *(((n, 1),) for n in names)}) != len(block) + len(names):
        plain.wrong("the constant first, and each column once", dense)
    pairs = plain.pairs(tables, plain.texts, _monomials_from_json)
    if [factors for factors, _ in pairs] != sorted({factors for factors, _ in pairs}):
        plain.wrong("tables of factors in order", [factors for factors, _ in pairs])
    return Layout(block, names, tuple(pairs))


def sorted_levels(obj: object) -> tuple[Level, ...]:
    """The levels of a factor in canonical order."""
    levels = distinct_levels(obj)
    return levels if levels == tuple(canonical(set(levels))) else plain.wrong("levels in order", levels)


def level_names_to_json(levels: Mapping[str, Sequence[Level]]) -> dict[str, object]:
    """The levels of every factor."""
    return {name: [plain.level_to_json(level) for level in values] for name, values in levels.items()}


def layout_to_json(layout: Layout) -> dict[str, object]:
    """Which sums there are."""
    tables = [[list(factors), _monomials_to_json(monomials)] for factors, monomials in layout.tables]
    return dict(zip(LAYOUT, (_monomials_to_json(layout.dense), list(layout.responses), tables), strict=True))


def _monomials_to_json(monomials: Sequence[Monomial]) -> list[object]:
    return [[list(pair) for pair in m] for m in monomials]


def _monomials_from_json(obj: object) -> tuple[Monomial, ...]:
    out = tuple(map(plain.monomial, plain.sequence(obj)))
    return out if len(set(out)) == len(out) else plain.wrong("monomials that differ", obj)


def _dense(arrays: Arrays, width: int) -> NDArray[np.float64]:
    out = read_array(arrays, "dense", "float64", (width, width))
    if not np.isfinite(out).all() or (out.diagonal() < 0).any():
        plain.wrong("finite products with squares that are not negative", "other ones")
    size = np.sqrt(out.diagonal())
    if (np.abs(out - out.T) > SYMMETRY_TOLERANCE * size * size[:, None]).any():
        plain.wrong("symmetric products", "other ones")
    return out


def _table(
    i: int, factors: Factors, monomials: Sequence[Monomial], names: Mapping[str, tuple[Level, ...]], arrays: Arrays
) -> CellSums:
    if not factors or factor_labels(list(factors), names) != factors:
        plain.wrong("a table of known factors", factors)
    cells = cell_codes(arrays, f"cells/{i}", factors, names)
    sums = read_array(arrays, f"sums/{i}", "float64", (len(cells), len(monomials)))
    order = np.lexsort(cells.T[::-1])
    if not np.array_equal(order, np.arange(len(cells))) or (cells[1:] == cells[:-1]).all(axis=1).any():
        plain.wrong(f"cells in order, each once, in 'cells/{i}'", "other ones")
    if not np.isfinite(sums).all():
        plain.wrong(f"finite sums in 'sums/{i}'", "other ones")
    return CellSums(cells, codes(arrays, f"rows/{i}", (len(cells),), MAX_ROWS), sums)


def _powers(i: int, arrays: Arrays) -> NDArray[np.float64]:
    out = read_array(arrays, f"powers/{i}", "float64", (None,))
    return out if len(out) and np.isfinite(out).all() else plain.wrong(f"finite sums in 'powers/{i}'", out)


def _check(sums: Moments) -> None:
    """What holds between the parts: every variable has its coordinate, every level and row of a factor its cells."""
    layout = sums.layout
    used = {v for m in _all_monomials(layout) for v, _ in m}
    if not used <= sums.coordinates.keys() or not sums.powers.keys() <= sums.coordinates.keys():
        plain.wrong("the coordinates of all variables", sorted(sums.coordinates))
    if {f for factors in sums.tables for f in factors} != sums.levels.keys():
        plain.wrong("tables of all factors", sorted(sums.levels))
    for factors, table in sums.tables.items():
        if int(table.rows.sum()) != sums.rows:
            plain.wrong(f"{sums.rows} rows in the cells of {', '.join(factors)}", int(table.rows.sum()))
    if max((len(levels) for levels in sums.levels.values()), default=0) >= MAX_SIZE:
        plain.wrong("fewer levels", "more")


def _all_monomials(layout: Layout) -> Iterator[Monomial]:
    yield from layout.rows
    for _, monomials in layout.tables:
        yield from monomials


def _finite(what: str, value: float) -> float:
    return value if np.isfinite(value) else plain.wrong(f"{what} to be finite", value)


def _count(obj: object) -> int:
    return plain.integer(obj, 0, MAX_ROWS)
