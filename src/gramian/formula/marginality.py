"""Marginality: which terms contain which others (an interaction its main effects, a power the lower powers)."""

from __future__ import annotations

from collections.abc import Sequence

from gramian.formula.coordinates import Parametrization
from gramian.formula.terms import Term, Terms
from gramian.linalg.monomials import lower_monomials


def needs(terms: Terms) -> tuple[frozenset[int], ...]:
    """For each term the terms without which its columns would depend on the origin of the variables.

    `a:b` needs `a` and `b`, `I(x^2)` needs `x`, as far as they are in the formula; the intercept is always there and is
    not listed. Models that have what their terms need are called well-formulated.

    References
    ----------
    J. L. Peixoto, A property of well-formulated polynomial regression models, The American Statistician 44 (1990),
    26-30.
    """
    margins = [
        frozenset(i for i, other in enumerate(terms.terms) if i != j and other.atoms and _is_margin(other, term))
        for j, term in enumerate(terms.terms)
    ]
    return tuple(_closure(f, margins) for f in margins)


def _is_margin(small: Term, large: Term) -> bool:
    """Whether a term is marginal to another: same or fewer factors, and lower monomials."""
    if not set(small.factors) <= set(large.factors):
        return False
    own = set(large.leading)
    below = {m for lead in own for m in lower_monomials(lead)}
    leading = set(small.leading)
    return leading <= below and not (small.factors == large.factors and leading <= own)


def _closure(members: frozenset[int], margins: list[frozenset[int]]) -> frozenset[int]:
    """The terms that a set of terms needs, directly or through others."""
    while True:
        wider = members.union(*(margins[i] for i in members))
        if wider == members:
            return members
        members = wider


def containing_terms(terms: Terms, number: int) -> frozenset[int]:
    """The terms that contain all factors of term `number` and more, as R's `car` defines it for type II tests."""
    atoms = _atoms(terms.terms[number])
    return frozenset(i for i, other in enumerate(terms.terms) if atoms < _atoms(other)) if atoms else frozenset()


def _atoms(term: Term) -> frozenset[str]:
    """Labels of the factors and numeric terms of a term."""
    return frozenset(a if isinstance(a, str) else a.label for a in term.atoms)


def nested(parametrization: Parametrization, terms: Sequence[int], allowed: Sequence[set[int]]) -> bool:
    """Whether dropping terms means dropping columns of the solved system.

    Parameters
    ----------
    parametrization : Parametrization
        Solved columns and model columns in terms of each other.
    terms : Sequence[int]
        (p,) number of each column's term.
    allowed : Sequence[set of int]
        For each term the terms that stay in the model as long as it does.

    Returns
    -------
    bool
        True if, for every set of terms that has with each term j those in `allowed[j]`, the solved columns and the
        constant span the same space as the model's columns.
    """
    if parametrization.to_solved is None:
        return parametrization.response_shift.keys() <= _constant(parametrization)
    inside = all(
        terms[i] in allowed[term]
        for term, combination in zip(terms, parametrization.to_solved, strict=True)
        for i in combination.keys() - _constant(parametrization)
    )
    return inside and parametrization.response_shift.keys() <= _constant(parametrization)


def _constant(parametrization: Parametrization) -> set[int]:
    """Position of the constant among the solved columns, as a set of at most one."""
    return set() if parametrization.constant is None else {parametrization.constant}
