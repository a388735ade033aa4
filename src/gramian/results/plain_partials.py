"""Partial sums of passes as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gramian.fit.exact_pass import ExactAccumulated
from gramian.fit.linearize import Linearized, Totals
from gramian.fit.meat import Meat
from gramian.fit.passes import Accumulated
from gramian.fit.residuals import ResidualSums
from gramian.fit.separation import Side
from gramian.linalg.doubledouble import Pair
from gramian.results import plain
from gramian.results.plain_design import Arrays, taken
from gramian.results.plain_exact import exact, from_exact
from gramian.results.plain_moments import (
    MOST_ROWS,
    from_layout,
    from_levels,
    from_moments,
    from_tally,
    layout,
    moments,
    sorted_levels,
    tally,
)

Plain = tuple[dict[str, object], dict[str, NDArray[Any]]]
EXACT = ("moments", "tally", "layout", "levels")
MEAT = ("moments", "rows", "loss", "full")
MORE = ("moments", "tally", "totals", "sides")


class Form(NamedTuple):
    """A kind of partial, how it is written, and how it is read."""

    kind: type[Any]
    write: Callable[[Any], Plain]
    read: Callable[[Mapping[str, Any], Arrays], Any]


def _from_accumulated(partial: Accumulated) -> Plain:
    told, arrays = from_moments(partial.moments)
    return {"moments": told, "tally": from_tally(partial.tally)}, arrays


def _accumulated(manifest: Mapping[str, Any], arrays: Arrays) -> Accumulated:
    told, left_out = plain.fields(manifest, MORE[:2])
    return Accumulated(moments(told, arrays), tally(left_out))


def _from_linearized(partial: Linearized) -> Plain:
    told, arrays = from_moments(partial.moments)
    totals = [plain.from_number(value) for value in partial.totals]
    sides = [[plain.from_number(side.wrong), plain.from_number(side.right)] for side in partial.sides]
    return dict(zip(MORE, (told, from_tally(partial.tally), totals, sides), strict=True)), arrays


def _linearized(manifest: Mapping[str, Any], arrays: Arrays) -> Linearized:
    told, left_out, totals, sides = plain.fields(manifest, MORE)
    values = map(plain.number, plain.sequence(totals, len(Totals._fields)))
    both = plain.pairs(sides, plain.number, plain.number)
    return Linearized(moments(told, arrays), tally(left_out), Totals(*values), tuple(Side(*pair) for pair in both))


def _from_exact(partial: ExactAccumulated) -> Plain:
    told, arrays = from_exact(partial.moments)
    values = (told, from_tally(partial.tally), from_layout(partial.moments.layout), from_levels(partial.moments.levels))
    return dict(zip(EXACT, values, strict=True)), arrays


def _exact(manifest: Mapping[str, Any], arrays: Arrays) -> ExactAccumulated:
    told, left_out, sums, known = plain.fields(manifest, EXACT)
    stored = layout(sums)
    used = (*stored.rows, *(m for _, monomials in stored.tables for m in monomials))
    levels = plain.mapping(known, sorted_levels)
    return ExactAccumulated(exact(told, stored, {v for m in used for v, _ in m}, levels, arrays), tally(left_out))


def _from_residuals(partial: ResidualSums) -> Plain:
    pairs = {"products": partial.products, "square": partial.square}
    arrays = {f"{name}/{half}": getattr(pair, half) for name, pair in pairs.items() for half in ("hi", "lo")}
    return {"rows": partial.rows}, arrays


def _residuals(manifest: Mapping[str, Any], arrays: Arrays) -> ResidualSums:
    (rows,) = plain.fields(manifest, ("rows",))
    square, products = _pair(arrays, "square", 1), _pair(arrays, "products", None)
    return ResidualSums(products, square, plain.whole(rows, 0, MOST_ROWS))


def _from_meat(partial: Meat) -> Plain:
    told, arrays = from_moments(partial.moments)
    values = (told, partial.rows, plain.from_number(partial.loss), partial.full)
    return dict(zip(MEAT, values, strict=True)), arrays


def _meat(manifest: Mapping[str, Any], arrays: Arrays) -> Meat:
    told, rows, loss, full = plain.fields(manifest, MEAT)
    counts = (plain.whole(n, 0, MOST_ROWS) for n in (rows, full))
    return Meat(moments(told, arrays), next(counts), plain.number(loss), next(counts))


def _pair(arrays: Arrays, name: str, size: int | None) -> Pair:
    hi, lo = (taken(arrays, f"{name}/{half}", "float64", (size,)) for half in ("hi", "lo"))
    if hi.shape != lo.shape or not (np.isfinite(hi) & np.isfinite(lo)).all():
        plain.wrong(f"finite numbers and their rests in '{name}'", "other ones")
    return Pair(hi, lo)


FORMS: Mapping[str, Form] = {
    "accumulated": Form(Accumulated, _from_accumulated, _accumulated),
    "exact": Form(ExactAccumulated, _from_exact, _exact),
    "meat": Form(Meat, _from_meat, _meat),
    "residuals": Form(ResidualSums, _from_residuals, _residuals),
    "linearized": Form(Linearized, _from_linearized, _linearized),
}


def kind_of(partial: object) -> str | None:
    """The name under which partials of this kind are written; None where they cannot be."""
    return next((name for name, form in FORMS.items() if type(partial) is form.kind), None)
