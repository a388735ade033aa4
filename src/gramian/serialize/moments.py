"""Codecs of moments: those of a Gram, whose layout is its design's, and those of a checkpoint, which have their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from gramian.formula.design import Design
from gramian.linalg.columns import Factors, Layout
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.factors.cells import CellSums
from gramian.linalg.factors.levels import canonical
from gramian.linalg.moments import Moments, levels_with_rows
from gramian.linalg.monomials import CONSTANT, Monomial
from gramian.serialize.codec import Codec, mapping, require, tagged
from gramian.serialize.design import COORDINATE
from gramian.serialize.record import at, cell_counts, record
from gramian.serialize.values import LEVELS, MAX_SIZE, TEXTS, LevelsByFactor, each, finite, keyed, products

ROUNDING = 1e-6  # of the largest product: what is less below zero is left of what was taken away
NOTHING: Codec[None] = tagged("nothing", {}).optional()


def _tables(layout: Layout, levels: LevelsByFactor, names: str) -> Codec[Mapping[Factors, CellSums]]:
    """Sums over the cells of every table."""

    def table(i: int, factors: Factors, monomials: tuple[Monomial, ...]) -> Codec[CellSums]:
        sums = finite(names.format(i, "sums"), "cells", len(monomials))
        written = record(CellSums, cell_counts(i, factors, levels, names), at("sums[]", sums))
        return written.convert(lambda t: t, lambda t: replace(t, cells=t.cells.astype(np.int32)))  # files have 64 bits

    return each({factors: table(i, factors, monomials) for i, (factors, monomials) in enumerate(layout.tables)})


def check_rows(moments: Moments | ExactMoments, *, every_level: bool = True) -> None:
    """Every row is in one cell of every table, and every level has rows."""
    for factors, table in moments.tables.items():
        rows = int(table.rows.sum())
        require(rows == moments.rows, f"{moments.rows} rows in the cells of {', '.join(factors)}", rows)
        for i, factor in enumerate(factors if every_level else ()):
            levels, seen = len(moments.levels[factor]), len(np.unique(table.cells[:, i]))
            require(seen == levels, f"rows of every level of {factor}", levels)


def gram_moments(design: Design, *, is_removed: bool = False, every_level: bool = True) -> Codec[Moments]:
    """Moments of what this design stores.

    is_removed : they are sums of what was taken away, whose squares may have any sign. every_level : every level has
    rows; otherwise those without are left out.
    """
    layout, levels, powers = design.layout, design.levels or {}, design.terms.power_sums
    width = len(layout.rows)

    def make(**sums: Any) -> Moments:
        out = Moments(layout, design.coordinates, levels=levels, **sums)
        if not every_level:
            out = out.with_levels({name: levels_with_rows(v, name, out.tables) for name, v in levels.items()})
        if not is_removed:
            check_rows(out)
            require(all(table.rows.all() for table in out.tables.values()), "rows in every cell", 0)
        return out

    return record(
        Moments,
        "rows log_weight ~stated_error",
        at("dense[]", products("dense", width, width, negative=1.0 if is_removed else ROUNDING, tolerance=0.0)),
        at("tables[]", _tables(layout, levels, "table/{}/{}")),
        at("powers[]", each({v: finite(f"powers/{i}", powers[v] + 1) for i, v in enumerate(sorted(powers))})),
        at("removed/", NOTHING if is_removed else gram_moments(design, is_removed=True).optional()),
        make=make,
    )


def _check_layout(layout: Layout) -> None:
    once = layout.dense[:1] == (CONSTANT,) and len(set(layout.rows)) == len(layout.rows)
    require(once, "the constant first, and each column once", layout.dense)
    factors = [f for f, _ in layout.tables]
    in_order = factors == sorted(set(factors)) and all(f and list(f) == sorted(set(f)) for f in factors)
    require(in_order, "tables of factors in order", factors)


LAYOUT: Codec[Layout] = record(Layout, _check_layout)
SORTED_LEVELS = mapping(LEVELS.checked(lambda levels: levels == tuple(canonical(set(levels))), "levels in order"))


def _check(moments: Moments) -> None:
    """Every variable has its coordinate, every level and row of a factor its cells."""
    check_rows(moments, every_level=False)
    require(isfinite(moments.log_weight), "the sum of log-weights to be finite", moments.log_weight)
    coordinates, levels = moments.coordinates, moments.levels
    variables = moments.layout.variables | moments.powers.keys()
    require(variables <= coordinates.keys(), "the coordinates of all variables", sorted(coordinates))
    require({f for table in moments.tables for f in table} == levels.keys(), "tables of all factors", sorted(levels))
    require(max(map(len, levels.values()), default=0) < MAX_SIZE, "fewer levels", "more")


MOMENTS: Codec[Moments] = record(
    Moments,
    "layout coordinates rows log_weight",
    at("levels", SORTED_LEVELS),
    at("dense[]", lambda read: products("dense", len(read.layout.rows), len(read.layout.rows))),
    at("tables[]", lambda read: _tables(read.layout, read.levels, "{1}/{0}")),
    at("powers", keyed(TEXTS, lambda i, _: finite(f"powers/{i}", None).checked(len, f"sums in 'powers/{i}'"))),
    at("removed[]", NOTHING),
    _check,
    types=[LAYOUT, COORDINATE],
)
