"""Partial sums of passes as plain JSON with arrays, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from gramian.fit.linearize import Linearized, Totals
from gramian.fit.passes import Accumulated
from gramian.fit.separation import Side
from gramian.results import plain
from gramian.results.plain_design import Arrays
from gramian.results.plain_moments import from_moments, from_tally, moments, tally

Plain = tuple[dict[str, object], dict[str, NDArray[Any]]]
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


FORMS: Mapping[str, Form] = {
    "accumulated": Form(Accumulated, _from_accumulated, _accumulated),
    "linearized": Form(Linearized, _from_linearized, _linearized),
}


def kind_of(partial: object) -> str | None:
    """The name under which partials of this kind are written; None where they cannot be."""
    return next((name for name, form in FORMS.items() if type(partial) is form.kind), None)
