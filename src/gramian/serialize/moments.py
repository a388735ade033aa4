"""Codecs of moments: those of a Gram, whose layout is its design's, and those of a checkpoint, which have their own."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.formula.design import Design
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.factors.levels import canonical
from gramian.linalg.moments import Moments, levels_with_rows
from gramian.linalg.monomials import CONSTANT, Monomial
from gramian.serialize.codec import Codec, mapping, require, sequence, tagged, tuple_of
from gramian.serialize.design import COORDINATE, LevelsByFactor, cells
from gramian.serialize.record import Field, at, record
from gramian.serialize.values import (
    LEVELS,
    MAX_ROWS,
    MAX_SIZE,
    MONOMIAL,
    NUMBER,
    TEXTS,
    array,
    codes,
    each,
    finite,
)

SYMMETRY_TOLERANCE = 2.0**-20  # of the lengths of two columns: both halves are sums of up to 2^32 rounded products
ROUNDING = 1e-6  # of the largest product: what is less below zero is left of what was taken away
NOTHING: Codec[None] = tagged("nothing removed", {}).optional()
Products = NDArray[np.float64]


def cell_counts(i: int, factors: Factors, levels: LevelsByFactor, names: str) -> list[Field]:
    """Fields for the cells of a table, sorted, and the numbers of their rows. names : of arrays, by i and part."""
    name = names.format(i, "cells")
    unique = cells(name, factors, levels, "cells").checked(
        lambda out: not len(out) or np.array_equal(np.unique(out, axis=0), out),
        f"cells in order, each once, in '{name}'",
    )
    return [*at("cells[]", unique), *at("rows[]", codes(names.format(i, "rows"), MAX_ROWS, "cells"))]


def _tables(layout: Layout, levels: LevelsByFactor, names: str) -> Codec[Mapping[Factors, CellSums]]:
    """Sums over the cells of every table."""

    def table(i: int, factors: Factors, monomials: tuple[Monomial, ...]) -> Codec[CellSums]:
        sums = finite(names.format(i, "sums"), "cells", len(monomials))
        return record(CellSums, cell_counts(i, factors, levels, names), at("sums[]", sums))

    return each({factors: table(i, factors, monomials) for i, (factors, monomials) in enumerate(layout.tables)})


def check_counts(moments: Moments | ExactMoments) -> None:
    """Every row is in one cell of every table, and every level has rows."""
    _check_rows(moments)
    for factors, table in moments.tables.items():
        for i, factor in enumerate(factors):
            levels, seen = len(moments.levels[factor]), len(np.unique(table.cells[:, i]))
            require(seen == levels, f"rows of every level of {factor}", levels)


def _check_rows(moments: Moments | ExactMoments) -> None:
    for factors, table in moments.tables.items():
        rows = int(table.rows.sum())
        require(rows == moments.rows, f"{moments.rows} rows in the cells of {', '.join(factors)}", rows)


def gram_moments(design: Design, *, is_removed: bool = False, every_level: bool = True) -> Codec[Moments]:
    """Moments of what this design stores.

    is_removed : they are sums of what was taken away. every_level : every level has rows; otherwise those without are
    left out.
    """
    layout, levels, powers = design.layout, design.levels or {}, design.terms.power_sums
    width = len(layout.rows)

    def are_products(dense: Products) -> bool:
        least = np.inf if is_removed else ROUNDING * np.abs(dense).max(initial=0.0)
        return np.array_equal(dense, dense.T) and bool(dense.diagonal().min(initial=0.0) >= -least)

    def make(**sums: Any) -> Moments:
        out = Moments(layout, design.coordinates, levels=levels, **sums)
        if not every_level:
            out = out.with_levels({name: levels_with_rows(v, name, out.tables) for name, v in levels.items()})
        if not is_removed:
            check_counts(out)
            require(all(table.rows.all() for table in out.tables.values()), "rows in every cell", 0)
        return out

    return record(
        Moments,
        "rows log_weight",
        at("dense[]", finite("dense", width, width).checked(are_products, "products")),
        at("tables[]", _tables(layout, levels, "table/{}/{}")),
        at("powers[]", each({v: finite(f"powers/{i}", powers[v] + 1) for i, v in enumerate(sorted(powers))})),
        at("removed", NOTHING if is_removed else gram_moments(design, is_removed=True).under("removed/").optional()),
        make=make,
    )


def _check_layout(layout: Layout) -> None:
    factors = [f for f, _ in layout.tables]
    once = layout.dense[:1] == (CONSTANT,) and len(set(layout.rows)) == len(layout.rows)
    require(once, "the constant first, and each column once", layout.dense)
    in_order = factors == sorted(set(factors)) and all(f and list(f) == sorted(set(f)) for f in factors)
    require(in_order, "tables of factors in order", factors)


MONOMIALS = sequence(MONOMIAL).distinct("monomials that differ")
TABLES = at("tables", sequence(tuple_of(TEXTS, MONOMIALS)))
LAYOUT = record(Layout, at("dense", MONOMIALS), "responses", TABLES, check=_check_layout)
SORTED_LEVELS = mapping(LEVELS.checked(lambda levels: levels == tuple(canonical(set(levels))), "levels in order"))


def _are_squares(dense: Products) -> bool:
    return bool(np.isfinite(dense).all() and (dense.diagonal() >= 0).all())


def _is_symmetric(dense: Products) -> bool:
    """But for rounding, which may differ between the halves in BLAS."""
    size = np.sqrt(dense.diagonal())
    return not (np.abs(dense - dense.T) > SYMMETRY_TOLERANCE * size * size[:, None]).any()


def _dense(width: int) -> Codec[Products]:
    squares = "finite products with squares that are not negative"
    dense = array("dense", "float64", width, width).checked(_are_squares, squares)
    return dense.checked(_is_symmetric, "symmetric products")


def _power_sums(powers: tuple[str, ...]) -> Codec[Mapping[str, NDArray[np.float64]]]:
    names = {variable: f"powers/{i}" for i, variable in enumerate(powers)}
    return each({v: finite(name, None).checked(len, f"sums in '{name}'") for v, name in names.items()})


def _check(moments: Moments) -> None:
    """Every variable has its coordinate, every level and row of a factor its cells."""
    _check_rows(moments)
    coordinates, levels = moments.coordinates, moments.levels
    monomials = [*moments.layout.rows, *(m for _, table in moments.layout.tables for m in table)]
    variables = {v for m in monomials for v, _ in m} | moments.powers.keys()
    require(variables <= coordinates.keys(), "the coordinates of all variables", sorted(coordinates))
    require(
        {f for factors in moments.tables for f in factors} == levels.keys(), "tables of all factors", sorted(levels)
    )
    require(max(map(len, levels.values()), default=0) < MAX_SIZE, "fewer levels", "more")


def _moments(powers: tuple[str, ...], power_sums: Mapping[str, NDArray[np.float64]], **parts: Any) -> Moments:
    return Moments(powers=power_sums, **parts)


MOMENTS: Codec[Moments] = record(
    Moments,
    at("layout", LAYOUT),
    at("coordinates", mapping(COORDINATE)),
    "rows",
    at("log_weight", NUMBER.checked(isfinite, "the sum of log-weights to be finite")),
    at("levels", SORTED_LEVELS),
    at("dense[]", lambda read: _dense(len(read.layout.rows))),
    at("tables[]", lambda read: _tables(read.layout, read.levels, "{1}/{0}")),
    at("powers", of=lambda moments: tuple(moments.powers)),
    at("power_sums[]", lambda read: _power_sums(read.powers), of=lambda moments: moments.powers),
    at("removed[]", NOTHING),
    make=_moments,
    check=_check,
)
