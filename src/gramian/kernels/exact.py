"""Exact products by the compiled kernels: columns are cut into digits and multiplied while these are in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.kernels.library import Library
from gramian.kernels.sums import Part, address, described
from gramian.typing import Codes, Mask, Vector

BLOCK_ROWS = 128  # rows whose products are summed in float64, as in the source
DIGIT = 24  # bits of a digit, with sign: 2^(23 + 23 + 7) = 2^53
MAX_ROWS = 1 << 14  # rows of a call
MAX_SUM_ROWS = 1 << 16  # rows whose products, below 2^(23 + 23) each, an int64 sums with one call more


@dataclass(frozen=True, slots=True, eq=False)
class DigitPlaces:
    """How k columns are cut into digits, and where these stand among all of them.

    Attributes
    ----------
    factors, limits : (k,)
        By which each column is multiplied, so that its highest digit has the unit 1; and the largest highest digit.
    counts, first, step : (k,) int
        Number of digits of each column, place of the lowest one, and how much further each other one stands.
    constant : int
        Place of the constant; -1 without one.
    width : int
        Number of digits of all columns.
    """

    factors: Vector
    limits: Vector
    counts: Codes
    first: Codes
    step: Codes
    constant: int
    width: int


def exact_products(library: Library, columns: Sequence[Vector], places: DigitPlaces) -> tuple[Codes, Mask]:
    """Sums of the products of all digits (width, width), over the rows that fit, and where a row does not, (n,).

    columns : k vectors (n,) of float64, n <= `MAX_ROWS`, that a kernel can read.
    """
    n, (parts, _) = len(columns[0]), described([Part(column) for column in columns])
    wrong, out = np.zeros(n, np.bool_), np.empty((places.width, places.width), np.int64)
    vectors = (places.factors, places.limits, places.counts, places.first, places.step)
    structure = np.zeros(len(vectors) + 3, np.int64)  # as `DigitPlaces` of the source
    structure[:-1] = *map(address, vectors), places.constant, places.width
    structure[-1:].view(np.float64)[0] = 2.0**DIGIT
    memory = np.empty(library.functions.gramian_exact_memory(places.width))
    library.functions.gramian_exact_products(
        *parts.arguments, n, address(structure), address(out), address(wrong), address(memory)
    )  # fmt: skip
    return out, wrong
