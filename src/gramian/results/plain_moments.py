"""Moments as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.formula.tally import Tally
from gramian.linalg.cells import CellSums
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.levels import canonical
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT, Monomial
from gramian.results import plain
from gramian.results.plain_design import (
    WIDEST,
    Arrays,
    cell_codes,
    codes,
    coordinate,
    distinct_levels,
    known_factors,
    taken,
)
from gramian.typing import Level

MOST_ROWS = 2**63
ALIKE = (
    2.0**-20
)  # of the lengths of two columns: both halves are sums of up to 2^32 rounded products, whatever BLAS did
MOMENTS = ("layout", "coordinates", "rows", "log_weight", "levels", "powers")
LAYOUT = ("dense", "responses", "tables")


def from_moments(moments: Moments) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays, which are the sums as they are and the cells of every table.

    Whole in themselves, unlike a Gram's, whose layout is that of its design.
    """
    if moments.removed is not None:
        raise ValueError("moments that rows were taken away from are kept as a Gram")
    values = (
        from_layout(moments.layout),
        {name: [plain.from_number(c.shift), c.exponent] for name, c in moments.coordinates.items()},
        int(moments.rows),
        plain.from_number(moments.log_weight),
        from_levels(moments.levels),
        list(moments.powers),
    )
    arrays: dict[str, NDArray[Any]] = {"dense": moments.dense}
    for i, table in enumerate(moments.tables[factors] for factors, _ in moments.layout.tables):
        arrays |= {f"cells/{i}": table.cells, f"rows/{i}": table.rows, f"sums/{i}": table.sums}
    arrays |= {f"powers/{i}": sums for i, sums in enumerate(moments.powers.values())}
    return dict(zip(MOMENTS, values, strict=True)), arrays


def moments(manifest: object, arrays: Arrays) -> Moments:
    """What `from_moments` wrote; ValueError for anything else: wrong shapes, no symmetry, levels out of order."""
    told, coordinates, rows, log_weight, known, powers = plain.fields(manifest, MOMENTS)
    made, names = layout(told), plain.mapping(known, sorted_levels)
    out = Moments(
        layout=made,
        coordinates=plain.mapping(coordinates, coordinate),
        rows=plain.whole(rows, 0, MOST_ROWS),
        log_weight=_finite("the sum of log-weights", plain.number(log_weight)),
        dense=_dense(arrays, len(made.rows)),
        levels=names,
        tables={f: _table(i, f, m, names, arrays) for i, (f, m) in enumerate(made.tables)},
        powers={name: _powers(i, arrays) for i, name in enumerate(plain.texts(powers))},
    )
    _check(out)
    if from_moments(out)[1].keys() != arrays.keys():
        plain.wrong("no arrays but those of moments", sorted(arrays))
    return out


def from_tally(tally: Tally) -> list[object]:
    """Rows left out, by cause and by column."""
    return [dict(tally.causes), dict(tally.columns)]


def tally(obj: object) -> Tally:
    """What `from_tally` wrote."""
    causes, columns = (plain.mapping(part, _count) for part in plain.sequence(obj, 2))
    return Tally(causes, columns)


def layout(obj: object) -> Layout:
    """Which sums there are."""
    dense, responses, tables = plain.fields(obj, LAYOUT)
    block, names = _monomials(dense), plain.texts(responses)
    if not block or block[0] != CONSTANT or len({*block, *(((n, 1),) for n in names)}) != len(block) + len(names):
        plain.wrong("the constant first, and each column once", dense)
    pairs = plain.pairs(tables, plain.texts, _monomials)
    if [factors for factors, _ in pairs] != sorted({factors for factors, _ in pairs}):
        plain.wrong("tables of factors in order", [factors for factors, _ in pairs])
    return Layout(block, names, tuple(pairs))


def sorted_levels(obj: object) -> tuple[Level, ...]:
    """The levels of a factor in canonical order."""
    known = distinct_levels(obj)
    return known if known == tuple(canonical(set(known))) else plain.wrong("levels in order", known)


def from_levels(levels: Mapping[str, Sequence[Level]]) -> dict[str, object]:
    """The levels of every factor."""
    return {name: [plain.from_level(level) for level in known] for name, known in levels.items()}


def from_layout(layout: Layout) -> dict[str, object]:
    """Which sums there are."""
    tables = [[list(factors), _from_monomials(monomials)] for factors, monomials in layout.tables]
    return dict(zip(LAYOUT, (_from_monomials(layout.dense), list(layout.responses), tables), strict=True))


def _from_monomials(monomials: Sequence[Monomial]) -> list[object]:
    return [[list(pair) for pair in m] for m in monomials]


def _monomials(obj: object) -> tuple[Monomial, ...]:
    out = tuple(map(plain.monomial, plain.sequence(obj)))
    return out if len(set(out)) == len(out) else plain.wrong("monomials that differ", obj)


def _dense(arrays: Arrays, width: int) -> NDArray[np.float64]:
    out = taken(arrays, "dense", "float64", (width, width))
    if not np.isfinite(out).all() or (out.diagonal() < 0).any():
        plain.wrong("finite products with squares that are not negative", "other ones")
    size = np.sqrt(out.diagonal())
    if (np.abs(out - out.T) > ALIKE * size * size[:, None]).any():
        plain.wrong("symmetric products", "other ones")
    return out


def _table(
    i: int, factors: Factors, monomials: Sequence[Monomial], names: Mapping[str, tuple[Level, ...]], arrays: Arrays
) -> CellSums:
    if not factors or known_factors(list(factors), names) != factors:
        plain.wrong("a table of known factors", factors)
    cells = cell_codes(arrays, f"cells/{i}", factors, names)
    sums = taken(arrays, f"sums/{i}", "float64", (len(cells), len(monomials)))
    order = np.lexsort(cells.T[::-1])
    if not np.array_equal(order, np.arange(len(cells))) or (cells[1:] == cells[:-1]).all(axis=1).any():
        plain.wrong(f"cells in order, each once, in 'cells/{i}'", "other ones")
    if not np.isfinite(sums).all():
        plain.wrong(f"finite sums in 'sums/{i}'", "other ones")
    return CellSums(cells, codes(arrays, f"rows/{i}", (len(cells),), MOST_ROWS), sums)


def _powers(i: int, arrays: Arrays) -> NDArray[np.float64]:
    out = taken(arrays, f"powers/{i}", "float64", (None,))
    return out if len(out) and np.isfinite(out).all() else plain.wrong(f"finite sums in 'powers/{i}'", out)


def _check(told: Moments) -> None:
    """What holds between the parts: every variable has its coordinate, every level and row of a factor its cells."""
    layout = told.layout
    used = {v for m in _all_monomials(layout) for v, _ in m}
    if not used <= told.coordinates.keys() or not told.powers.keys() <= told.coordinates.keys():
        plain.wrong("the coordinates of all variables", sorted(told.coordinates))
    if {f for factors in told.tables for f in factors} != told.levels.keys():
        plain.wrong("tables of all factors", sorted(told.levels))
    for factors, table in told.tables.items():
        if int(table.rows.sum()) != told.rows:
            plain.wrong(f"{told.rows} rows in the cells of {', '.join(factors)}", int(table.rows.sum()))
    if max((len(known) for known in told.levels.values()), default=0) >= WIDEST:
        plain.wrong("fewer levels", "more")


def _all_monomials(layout: Layout) -> Iterator[Monomial]:
    yield from layout.rows
    for _, monomials in layout.tables:
        yield from monomials


def _finite(what: str, value: float) -> float:
    return value if np.isfinite(value) else plain.wrong(f"{what} to be finite", value)


def _count(obj: object) -> int:
    return plain.whole(obj, 0, MOST_ROWS)
