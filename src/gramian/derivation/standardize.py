"""center(x) and scale(x) as variables of their own, exact where that is possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

from gramian.derivation.arithmetic import ZERO, Row, dot, rational
from gramian.errors import NumericalError
from gramian.formula.numeric_terms import NumericTerm, Product, Standardized
from gramian.formula.terms import Terms


def as_variables(terms: Terms, values: Mapping[str, Row], left_out: Mapping[str, Row]) -> tuple[Terms, dict[str, Row]]:
    """Terms in which each standardized variable is a variable of its own, and the values of all variables.

    left_out : further values of a variable, in rows that are not complete.
    """
    standardized = {p.label: p for term in terms.terms for p in term.numeric_terms if isinstance(p, Standardized)}
    computed = {
        label: _standardized(part, values[part.variable], left_out[part.variable])
        for label, part in standardized.items()
    }
    swapped = tuple(replace(term, atoms=tuple(map(_as_variable, term.atoms))) for term in terms.terms)
    return replace(terms, terms=swapped), {**values, **computed}


def _as_variable(atom: str | NumericTerm) -> str | NumericTerm:
    """A standardized atom as a plain variable of the same name; other atoms unchanged."""
    return Product(atom.label, ((atom.label, 1),)) if isinstance(atom, Standardized) else atom


def _standardized(part: Standardized, x: Row, left_out: Row) -> Row:
    """x minus its mean, exactly; for scale(x) divided by its standard deviation, both of all rows that have x.

    The standard deviation is a square root, so it is rounded to float64 and taken as the shortest decimal.
    """
    count = len(x) + len(left_out)
    mean = sum((*x, *left_out), ZERO) / count
    centred = tuple(v - mean for v in x)
    if not part.scaled:
        return centred
    others = tuple(v - mean for v in left_out)
    square = dot(centred, centred) + dot(others, others)
    if not square:
        raise NumericalError(f"{part.label}: the column is constant, its standard deviation is zero")
    std = rational(sqrt(square / (count - 1)))
    return tuple(v / std for v in centred)
