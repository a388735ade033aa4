"""What type III tests: effects averaged over the levels of the other factors, whatever the contrasts are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product as cartesian

import numpy as np

from gramian.formula.coding import Levels, reduced_factors
from gramian.formula.terms import Term, Terms
from gramian.typing import Codes, Matrix


@dataclass(frozen=True, slots=True)
class _Places:
    """The columns of a term: codes of its factors, and which column of its numeric parts, each (k,)."""

    codes: Mapping[str, Codes]
    parts: Mapping[str, Codes]
    positions: Codes


def averaged(terms: Terms, levels: Levels) -> list[Matrix]:
    """For each term the hypotheses on all p coefficients that it is tested by, (columns of the term, p).

    With sum-to-zero contrasts the coefficients of a term are its effects averaged over the levels of all further
    factors that interact with it, each level alike. In treatment contrasts the same says: the coefficient itself plus
    those of the interactions that contain it, averaged over the levels of the further factors (zero for a reference).
    All cells need rows, and no column may be aliased.
    """
    reduced = reduced_factors(terms)
    places, width = [], 0
    for term, without in zip(terms.terms, reduced, strict=True):
        places.append(_places(term, without, levels, width))
        width += len(places[-1].positions)
    return [_rows(j, terms.terms, reduced, places, levels, width) for j in range(len(places))]


def _places(term: Term, reduced: set[str], levels: Levels, first: int) -> _Places:
    """In the order of `model_columns`."""
    choices = [
        levels.order[a][1 if a in reduced else 0 :] if isinstance(a, str) else range(len(a.names)) for a in term.atoms
    ]
    rows = [p[::-1] for p in cartesian(*reversed(choices))]
    picks = np.array(rows, np.int64).reshape(len(rows), len(term.atoms))
    codes = {a: picks[:, i] for i, a in enumerate(term.atoms) if isinstance(a, str)}
    parts = {a.label: picks[:, i] for i, a in enumerate(term.atoms) if not isinstance(a, str)}
    return _Places(codes, parts, np.arange(first, first + len(picks)))


def _rows(
    j: int, terms: Sequence[Term], reduced: Sequence[set[str]], places: list[_Places], levels: Levels, width: int
) -> Matrix:
    own = places[j]
    out = np.zeros((len(own.positions), width))
    for other in places:
        if own.codes.keys() <= other.codes.keys() and own.parts.keys() == other.parts.keys():
            out[:, other.positions] = _weights(own, other, reduced[j], levels)
    return out


def _weights(own: _Places, other: _Places, reduced: set[str], levels: Levels) -> Matrix:
    """How the columns of a term that contains this one enter its averages, (own columns, other columns)."""
    w = np.ones((len(own.positions), len(other.positions)))
    for part, picks in own.parts.items():
        w *= picks[:, None] == other.parts[part]
    for f, codes in other.codes.items():
        if f not in own.codes:
            w /= len(levels.order[f])
            continue
        same = (own.codes[f][:, None] == codes).astype(float)
        w *= same - (codes == levels.order[f][0]) if f in reduced else same
    return w
