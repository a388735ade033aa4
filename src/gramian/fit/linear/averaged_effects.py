"""Hypotheses of type III tests: effects averaged over the levels of the other factors, whatever the contrasts are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product as cartesian

import numpy as np

from gramian.formula.coding import Levels, reduced_factors
from gramian.formula.terms import Term, Terms
from gramian.typing import Codes, Matrix


@dataclass(frozen=True, slots=True)
class _Columns:
    """The k columns of a term.

    Attributes
    ----------
    positions : Codes
        (k,) among all p columns.
    parts : Mapping[str, Codes]
        Numeric term -> (k,) which of its columns.
    codings : Mapping[str, Matrix]
        Factor -> (levels, columns) value of its columns at each level, the reference first.
    picks : Mapping[str, Codes]
        Factor -> (k,) which of its columns.
    """

    positions: Codes
    parts: Mapping[str, Codes]
    codings: Mapping[str, Matrix]
    picks: Mapping[str, Codes]


def averaged_effects(terms: Terms, levels: Levels) -> list[Matrix]:
    """For each term the hypotheses L beta = 0 that its type III test tests, L (columns of the term, p).

    With sum-to-zero contrasts the coefficients of a term are its effects averaged, with equal weights, over the levels
    of all other factors that interact with it. The same hypotheses in any other coding: the effect at a level is a
    combination of the coefficients of all terms that contain this one, with their columns averaged over the levels of
    the other factors, and as differences from the reference where the term omits one. A factor that has all its levels
    takes up what is common to them, so that other terms need not contain it. Every cell must have rows, and no column
    may be aliased.

    References
    ----------
    S. R. Searle, Linear Models for Unbalanced Data, Wiley 1987.
    """
    reduced = reduced_factors(terms)
    columns, width = [], 0
    for term, without in zip(terms.terms, reduced, strict=True):
        columns.append(_columns(term, without, levels, width))
        width += len(columns[-1].positions)
    return [_rows(j, columns, reduced, width) for j in range(len(columns))]


def _coding(levels: Levels, factor: str, *, reduced: bool) -> Matrix:
    """(levels, columns) value of a factor's columns at each level: indicators, or contrasts where it is reduced."""
    count = len(levels.order[factor])
    if reduced and factor in levels.contrasts:
        return np.array(levels.contrasts[factor].C, np.float64).reshape(count, count - 1)
    return np.eye(count)[:, levels.first(factor) :] if reduced else np.eye(count)


def _columns(term: Term, reduced: set[str], levels: Levels, first: int) -> _Columns:
    """Which column of each atom every column of a term is, in the order of `model_columns`.

    first : position of the first column of the term among all.
    """
    codings = {f: _coding(levels, f, reduced=f in reduced) for f in term.factors}
    sizes = [codings[a].shape[1] if isinstance(a, str) else len(a.names) for a in term.atoms]
    # product() varies its last argument fastest: reversed twice, the first atom varies fastest
    rows = [p[::-1] for p in cartesian(*(range(n) for n in reversed(sizes)))]
    picks = np.array(rows, np.int64).reshape(len(rows), len(sizes))
    of_factors = {a: picks[:, i] for i, a in enumerate(term.atoms) if isinstance(a, str)}
    of_parts = {a.label: picks[:, i] for i, a in enumerate(term.atoms) if not isinstance(a, str)}
    return _Columns(np.arange(first, first + len(rows)), of_parts, codings, of_factors)


def _rows(j: int, columns: Sequence[_Columns], reduced: Sequence[set[str]], width: int) -> Matrix:
    """L for term j, (columns of the term, p)."""
    own = columns[j]
    out = np.zeros((len(own.positions), width))
    for other in columns:
        if not (own.picks.keys() - other.picks.keys()) & reduced[j] and own.parts.keys() == other.parts.keys():
            out[:, other.positions] = _weights(own, other, reduced[j])
    return out


def _weights(own: _Columns, other: _Columns, reduced: set[str]) -> Matrix:
    """Weight of each column of a term that contains this one in the averages, (own columns, other columns)."""
    w = np.ones((len(own.positions), len(other.positions)))
    for part, picks in own.parts.items():
        w *= picks[:, None] == other.parts[part]
    for f, coding in other.codings.items():
        if f not in own.picks:
            w *= coding.mean(axis=0)[other.picks[f]]
            continue
        effects = coding[1:] - coding[0] if f in reduced else coding
        w *= effects[own.picks[f][:, None], other.picks[f]]
    return w
