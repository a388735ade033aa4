"""Codec of fits of many columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from gramian.fit.wide.design import MatrixTerm, WideDesign
from gramian.fit.wide.solution import WideAccuracy, WideSolved
from gramian.serialize.codec import Codec, require, sequence
from gramian.serialize.design import DESIGN, DROPPED
from gramian.serialize.record import at, record, row
from gramian.serialize.values import MAX_ROWS, check_known, codes, integer

COUNT = integer(0, 2**53)
ACCURACY = row(WideAccuracy, "solver requested reached steps eigenvalue_bound double_double digits[p]?", types=[COUNT])


def _matrix(i: int) -> Codec[MatrixTerm]:
    places = at("places", lambda read: codes(f"places/{i}", MAX_ROWS, read.width).present())
    return row(MatrixTerm, "name width", places, types=[COUNT])


def _solved(design: WideDesign, **parts: Any) -> WideSolved:
    return WideSolved(formula=design.narrow.formula, design=design, names=design.names, **parts)


def _check(fit: WideSolved) -> None:
    sizes = len(fit.coefficients), len(fit.origin)
    require(sizes == (len(fit.names), fit.design.width), f"values for {len(fit.names)} coefficients", sizes)
    check_known(fit, "coefficients", fit.identified)
    check_known(fit.accuracy, "digits", np.zeros(len(fit.names), bool))


WIDE_SOLVED: Codec[WideSolved] = record(
    WideSolved,
    "design=design.narrow coefficients[p]? std_errors[p]? identified[p] origin[*]",
    at("matrices=design.matrices", sequence(_matrix)),
    "aliased alpha",
    DROPPED,
    "why=reasons accuracy level weight rss tss effective condition rows rank passes",
    make=_solved,
    check=_check,
    types=[DESIGN, ACCURACY, COUNT],
)
