"""Addition and subtraction of moments in either arithmetic, float64 or exact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from gramian.errors import NumericalError, SchemaError
from gramian.linalg.change_coordinates import change_coordinates
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.moments import Moments

AnyMoments: TypeAlias = Moments | ExactMoments


def plus(a: AnyMoments, b: AnyMoments) -> AnyMoments:
    """Moments of all rows of both, in the coordinates of the first. Raises SchemaError if only one is exact."""
    match a, b:
        case Moments(), Moments():
            return a + change_coordinates(b, a.coordinates)
        case ExactMoments(), ExactMoments():
            return a + b
    raise SchemaError(MIXED)


def minus(a: AnyMoments, b: AnyMoments) -> AnyMoments:
    """Moments of the rows of the first without those of the second, in the coordinates of the first.

    Raises SchemaError if only one is exact, NumericalError if rows of the second are not in the first.
    """
    match a, b:
        case Moments(), Moments():
            return a - change_coordinates(b, a.coordinates)
        case ExactMoments(), ExactMoments():
            return _checked(a - b)
    raise SchemaError(MIXED)


MIXED = "one of the Grams is exact and the other is not: make both with the same `exact=`"


def _checked(difference: ExactMoments) -> ExactMoments:
    """A difference of exact moments. Raises NumericalError if any of its counts is negative."""
    # sums may be anything after a subtraction, but a negative count proves that the rows were not there
    for what, count in _counts(difference):
        if count < 0:
            raise NumericalError(f"{-count:,} more {what} would be subtracted than there are: they are not in the sums")
    return difference


def _counts(moments: ExactMoments) -> Iterator[tuple[str, int]]:
    """All counts of rows in exact moments, each with its description; by level first, to name the level in errors."""
    for factors, table in moments.tables.items():
        for cell, rows in zip(table.cells.tolist(), table.rows.tolist(), strict=True):
            levels = (f"{f} = {moments.levels[f][code]}" for f, code in zip(factors, cell, strict=True))
            yield f"rows with {', '.join(levels)}", rows
    yield "rows", moments.rows
    yield "rows that are not finite", moments.dropped_rows
    for variable, counts in moments.not_finite.items():
        yield f"values of {variable.removeprefix('~')} that are not finite", min(counts)
