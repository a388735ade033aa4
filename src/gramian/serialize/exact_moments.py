"""Codecs of exact moments, whose sums are arrays of digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gramian.linalg.columns import Layout
from gramian.linalg.exact.cells import ExactCells
from gramian.linalg.exact.moments import LOG_WEIGHT, ExactMoments
from gramian.linalg.exact.planes import HALF, Planes
from gramian.serialize.codec import Codec, mapping, require, rule, sequence
from gramian.serialize.moments import check_rows
from gramian.serialize.record import at, cell_counts, fixed, record
from gramian.serialize.values import MONOMIAL, LevelsByFactor, array, each, integer

PLACE = integer(-(2**12), 2**12)  # planes below and above the point: more than the products of float64 numbers need


def exact_moments(layout: Layout, variables: set[str], levels: LevelsByFactor) -> Codec[ExactMoments]:
    """Exact moments of this layout, variables and levels; files have the sums of all tables after the cells of all."""
    width, tables = len(layout.rows), dict(layout.tables)
    names = {f: f"table/{i}/sums" for i, f in enumerate(tables)}
    of_all = {"dense", "plain", *names.values()}
    counts = {f: cell_counts(i, f, levels, "table/{}/{}") for i, f in enumerate(tables)}

    def places(moments: ExactMoments) -> dict[str, int]:
        low = {"dense": moments.dense.low, "plain": moments.unweighted.low}
        return low | {names[f]: moments.tables[f].sums.low for f in tables}

    def has_powers(moments: ExactMoments) -> bool:
        powers = {v: sum(m[0][0] == v for m in moments.singles if m) + 1 for v in moments.left_out}
        return all(len(sums) == powers[v] for v, sums in moments.left_out.items())

    def make(tables: Mapping[Any, ExactCells], sums: Any, low: Any, **parts: Any) -> ExactMoments:
        cells = {f: replace(table, sums=sums[f]) for f, table in tables.items()}
        return ExactMoments(layout, levels=levels, tables=cells, **parts)

    single = MONOMIAL.checked(lambda m: m == LOG_WEIGHT or {v for v, _ in m} <= variables, "known variables")
    return record(
        ExactMoments,
        "rows",
        at("singles", sequence(single)),
        "not_finite left_out=dropped_rows scale ~power_sums_left_out=left_out",
        at("low", mapping(PLACE).checked(lambda low: low.keys() == of_all, "places of all first planes"), of=places),
        at("tables[]", each({f: record(ExactCells, counts[f], fixed("sums", Planes.zeros())) for f in tables})),
        at("dense[]", lambda read: _planes("dense", read.low, width, width)),
        at("unweighted[]", lambda read: _planes("plain", read.low, len(read.singles))),
        at(
            "sums[]",
            lambda r: each({f: _planes(names[f], r.low, len(r.tables[f].rows), len(tables[f])) for f in tables}),
            of=lambda moments: {f: table.sums for f, table in moments.tables.items()},
        ),
        rule(lambda m: {*m.not_finite, *m.scale, *m.left_out} <= variables, "variables of the design", "scale"),
        rule(has_powers, "as many power sums of rows that were left out as of others", "left_out"),
        rule(lambda m: (m.dense.digits == m.dense.digits.swapaxes(1, 2)).all(), "symmetric products", "dense.shape"),
        check_rows,
        make=make,
    )


def _planes(name: str, low: Mapping[str, int], *shape: int) -> Codec[Planes]:
    def back(digits: Any) -> Planes:
        is_empty = not digits.size
        good = is_empty or (digits.min() >= -HALF and digits.max() < HALF and digits[0].any() and digits[-1].any())
        require(good, f"digits of 32 bits without empty outer planes in '{name}'", "others")
        require(not is_empty or (not len(digits) and low[name] == 0), f"no planes of nothing in '{name}'", low[name])
        return Planes(low[name], digits)

    return array(name, "int64", None, *shape).convert(lambda planes: planes.digits, back)
