"""Partial sums of passes as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gramian.fit.glm.accumulate import Linearized, Totals
from gramian.fit.glm.separation import LargestMoves
from gramian.fit.leastsquares.residuals import ResidualSums
from gramian.fit.passes.accumulate import Accumulated
from gramian.fit.passes.accumulate_exact import ExactAccumulated
from gramian.fit.vcov.hc import Meat
from gramian.linalg.doubledouble import Pair
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays, read_array
from gramian.serialize.exact_moments import exact_from_json, exact_to_json
from gramian.serialize.moments import (
    MAX_ROWS,
    dropped_rows_from_json,
    dropped_rows_to_json,
    layout_from_json,
    layout_to_json,
    level_names_to_json,
    moments_from_json,
    moments_to_json,
    sorted_levels,
)

Serialized = tuple[dict[str, object], dict[str, NDArray[Any]]]
EXACT = ("moments", "tally", "layout", "levels")
MEAT = ("moments", "rows", "loss", "full")
LINEARIZED = ("moments", "tally", "totals", "sides")


class Form(NamedTuple):
    """A kind of partial, how it is written, and how it is read."""

    kind: type[Any]
    write: Callable[[Any], Serialized]
    read: Callable[[Mapping[str, Any], Arrays], Any]


def _accumulated_to_json(partial: Accumulated) -> Serialized:
    moments_json, arrays = moments_to_json(partial.moments)
    return {"moments": moments_json, "tally": dropped_rows_to_json(partial.dropped_rows)}, arrays


def _accumulated_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> Accumulated:
    moments_json, dropped = plain.fields(manifest, LINEARIZED[:2])
    return Accumulated(moments_from_json(moments_json, arrays), dropped_rows_from_json(dropped))


def _linearized_to_json(partial: Linearized) -> Serialized:
    moments_json, arrays = moments_to_json(partial.moments)
    totals = [plain.number_to_json(value) for value in partial.totals]
    moves = [[plain.number_to_json(move.wrong), plain.number_to_json(move.right)] for move in partial.moves]
    return dict(
        zip(LINEARIZED, (moments_json, dropped_rows_to_json(partial.dropped_rows), totals, moves), strict=True)
    ), arrays


def _linearized_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> Linearized:
    moments_json, dropped, totals, moves = plain.fields(manifest, LINEARIZED)
    values = map(plain.number_from_json, plain.sequence(totals, len(Totals._fields)))
    pairs = plain.pairs(moves, plain.number_from_json, plain.number_from_json)
    return Linearized(
        moments_from_json(moments_json, arrays),
        dropped_rows_from_json(dropped),
        Totals(*values),
        tuple(LargestMoves(*pair) for pair in pairs),
    )


def _exact_to_json(partial: ExactAccumulated) -> Serialized:
    moments_json, arrays = exact_to_json(partial.moments)
    values = (
        moments_json,
        dropped_rows_to_json(partial.dropped_rows),
        layout_to_json(partial.moments.layout),
        level_names_to_json(partial.moments.levels),
    )
    return dict(zip(EXACT, values, strict=True)), arrays


def _exact_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> ExactAccumulated:
    moments_json, dropped, sums, levels_json = plain.fields(manifest, EXACT)
    stored = layout_from_json(sums)
    used = (*stored.rows, *(m for _, monomials in stored.tables for m in monomials))
    levels = plain.mapping(levels_json, sorted_levels)
    return ExactAccumulated(
        exact_from_json(moments_json, stored, {v for m in used for v, _ in m}, levels, arrays),
        dropped_rows_from_json(dropped),
    )


def _residuals_to_json(partial: ResidualSums) -> Serialized:
    pairs = {"products": partial.products, "square": partial.square}
    arrays = {f"{name}/{half}": getattr(pair, half) for name, pair in pairs.items() for half in ("hi", "lo")}
    return {"rows": partial.rows}, arrays


def _residuals_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> ResidualSums:
    (rows,) = plain.fields(manifest, ("rows",))
    square, products = _pair(arrays, "square", 1), _pair(arrays, "products", None)
    return ResidualSums(products, square, plain.integer(rows, 0, MAX_ROWS))


def _meat_to_json(partial: Meat) -> Serialized:
    moments_json, arrays = moments_to_json(partial.moments)
    values = (moments_json, partial.rows, plain.number_to_json(partial.loss), partial.full_leverage)
    return dict(zip(MEAT, values, strict=True)), arrays


def _meat_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> Meat:
    moments_json, rows, loss, full_leverage = plain.fields(manifest, MEAT)
    counts = (plain.integer(n, 0, MAX_ROWS) for n in (rows, full_leverage))
    return Meat(moments_from_json(moments_json, arrays), next(counts), plain.number_from_json(loss), next(counts))


def _pair(arrays: Arrays, name: str, size: int | None) -> Pair:
    hi, lo = (read_array(arrays, f"{name}/{half}", "float64", (size,)) for half in ("hi", "lo"))
    if hi.shape != lo.shape or not (np.isfinite(hi) & np.isfinite(lo)).all():
        plain.wrong(f"finite numbers and their rests in '{name}'", "other ones")
    return Pair(hi, lo)


FORMS: Mapping[str, Form] = {
    "accumulated": Form(Accumulated, _accumulated_to_json, _accumulated_from_json),
    "exact": Form(ExactAccumulated, _exact_to_json, _exact_from_json),
    "meat": Form(Meat, _meat_to_json, _meat_from_json),
    "residuals": Form(ResidualSums, _residuals_to_json, _residuals_from_json),
    "linearized": Form(Linearized, _linearized_to_json, _linearized_from_json),
}


def kind_of(partial: object) -> str | None:
    """The name under which partials of this kind are written; None where they cannot be."""
    return next((name for name, form in FORMS.items() if type(partial) is form.kind), None)
