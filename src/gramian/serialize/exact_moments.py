"""Codecs of exact moments, whose sums are arrays of digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gramian.linalg.columns import Layout
from gramian.linalg.exact.cells import ExactCells
from gramian.linalg.exact.moments import LOG_WEIGHT, ExactMoments
from gramian.linalg.exact.planes import HALF, Planes
from gramian.serialize.codec import Codec, mapping, require, sequence
from gramian.serialize.moments import check_rows
from gramian.serialize.record import at, cell_counts, fixed, record
from gramian.serialize.values import FRACTION, MONOMIAL, LevelsByFactor, array, each, integer

PLACE = integer(-(2**12), 2**12)  # planes below and above the point: more than the products of float64 numbers need


def exact_moments(layout: Layout, variables: set[str], levels: LevelsByFactor) -> Codec[ExactMoments]:
    """Exact moments of this layout, variables and levels; files have the sums of all tables after the cells of all."""
    width, tables = len(layout.rows), dict(layout.tables)
    names = {f: f"table/{i}/sums" for i, f in enumerate(tables)}
    counts = {f: cell_counts(i, f, levels, "table/{}/{}") for i, f in enumerate(tables)}

    def places(moments: ExactMoments) -> dict[str, int]:
        low = {"dense": moments.dense.low, "plain": moments.unweighted.low}
        return low | {names[f]: moments.tables[f].sums.low for f in tables}

    def make(low: Mapping[str, int], tables: Mapping[Any, ExactCells], sums: Any, **parts: Any) -> ExactMoments:
        cells = {f: replace(table, sums=sums[f]) for f, table in tables.items()}
        out = ExactMoments(layout, levels=levels, tables=cells, **parts)
        named = out.not_finite.keys() | out.scale.keys() | out.left_out.keys()
        require(named <= variables, "variables of the design", sorted(named))
        powers = {v: sum(m[0][0] == v for m in out.singles if m) + 1 for v in out.left_out}
        as_many = all(len(sums) == powers[v] for v, sums in out.left_out.items())
        require(as_many, "as many power sums of rows that were left out as of others", sorted(out.left_out))
        transposed = Planes(out.dense.low, out.dense.digits.transpose(0, 2, 1))
        require(places(out) == low and out.dense.equals(transposed), "symmetric products", "others")
        check_rows(out)
        return out

    single = MONOMIAL.checked(lambda m: m == LOG_WEIGHT or {v for v, _ in m} <= variables, "known variables")
    return record(
        ExactMoments,
        "rows",
        at("singles", sequence(single)),
        "not_finite left_out=dropped_rows scale",
        at("~power_sums_left_out=left_out", mapping(sequence(FRACTION))),
        at("low", mapping(PLACE), of=places),
        at("tables[]", each({f: record(ExactCells, counts[f], fixed("sums", Planes.zeros())) for f in tables})),
        at("dense[]", lambda read: _planes("dense", read.low, width, width)),
        at("unweighted[]", lambda read: _planes("plain", read.low, len(read.singles))),
        at(
            "sums[]",
            lambda r: each({f: _planes(names[f], r.low, len(r.tables[f].rows), len(tables[f])) for f in tables}),
            of=lambda moments: {f: table.sums for f, table in moments.tables.items()},
        ),
        make=make,
    )


def _planes(name: str, low: Mapping[str, int], *shape: int) -> Codec[Planes]:
    def back(digits: Any) -> Planes:
        is_empty, place = not digits.size, low.get(name)
        good = is_empty or (digits.min() >= -HALF and digits.max() < HALF and digits[0].any() and digits[-1].any())
        require(good, f"digits of 32 bits without empty outer planes in '{name}'", "others")
        at_zero = not is_empty or (not len(digits) and place == 0)
        expected = f"the place of the first plane of '{name}', and no planes of nothing"
        require(place is not None and at_zero, expected, place)
        return Planes(low[name], digits)

    return array(name, "int64", None, *shape).convert(lambda planes: planes.digits, back)
