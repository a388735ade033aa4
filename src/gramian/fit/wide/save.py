"""Codec of fits of many columns."""

from __future__ import annotations

from operator import attrgetter

from gramian.fit.wide.design import MatrixTerm
from gramian.fit.wide.solution import WideAccuracy, WideSolved
from gramian.serialize.codec import Codec, rule, sequence
from gramian.serialize.design import DESIGN, DROPPED
from gramian.serialize.record import at, record, row
from gramian.serialize.values import MAX_ROWS, codes, integer, known

COUNT = integer(0, 2**53)
ACCURACY = row(WideAccuracy, "solver requested reached steps eigenvalue_bound double_double digits[p]?", types=[COUNT])


def _matrix(i: int) -> Codec[MatrixTerm]:
    places = at("places", lambda read: codes(f"places/{i}", MAX_ROWS, read.width).present())
    return row(MatrixTerm, "name width", places, types=[COUNT])


WIDE_SOLVED: Codec[WideSolved] = record(
    WideSolved,
    "design=design.narrow coefficients[p]? std_errors[p]? identified[p] origin[*]",
    at("matrices=design.matrices", sequence(_matrix)),
    "aliased alpha",
    DROPPED,
    "why=reasons accuracy level weight rss tss effective condition rows rank passes",
    rule(lambda fit: len(fit.origin) == fit.design.width, "shifts of {0.design.width} columns", "origin.shape"),
    rule(lambda fit: len(fit.names) == len(fit.identified), "{0.identified.size} coefficients", "names"),
    known("coefficients", attrgetter("identified")),
    known("accuracy.digits", lambda fit: fit.identified & False),  # NaN also where they were not estimated
    make=lambda design, **parts: WideSolved(design.narrow.formula, design, design.names, **parts),
    types=[DESIGN, ACCURACY, COUNT],
)
