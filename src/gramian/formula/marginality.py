"""Which terms belong to which others: an interaction to its main effects, a power to the lower powers."""

from __future__ import annotations

from collections.abc import Sequence

from gramian.formula.coordinates import Parametrization
from gramian.formula.terms import Term, Terms
from gramian.linalg.monomials import lower_monomials


def needs(terms: Terms) -> tuple[frozenset[int], ...]:
    """For each term the terms without which its columns would depend on where the variables have their zeros.

    `a:b` needs `a` and `b`, `I(x^2)` needs `x`, as far as they are in the formula; nothing needs the intercept, which
    is always there. Such models are called well-formulated. J. L. Peixoto, The American Statistician 44 (1990).
    """
    margins = [
        frozenset(i for i, other in enumerate(terms.terms) if i != j and other.atoms and _is_margin(other, term))
        for j, term in enumerate(terms.terms)
    ]
    return tuple(_closure(f, margins) for f in margins)


def _is_margin(small: Term, large: Term) -> bool:
    if not set(small.factors) <= set(large.factors):
        return False
    own = set(large.leading)
    below = {m for lead in own for m in lower_monomials(lead)}
    leading = set(small.leading)
    return leading <= below and not (small.factors == large.factors and leading <= own)


def _closure(members: frozenset[int], margins: list[frozenset[int]]) -> frozenset[int]:
    while True:
        wider = members.union(*(margins[i] for i in members))
        if wider == members:
            return members
        members = wider


def containing_terms(terms: Terms, number: int) -> frozenset[int]:
    """The terms that contain all factors of this one, and more: those that it is marginal to, as R's `car` has it."""
    atoms = _atoms(terms.terms[number])
    return frozenset(i for i, other in enumerate(terms.terms) if atoms < _atoms(other)) if atoms else frozenset()


def _atoms(term: Term) -> frozenset[str]:
    return frozenset(a if isinstance(a, str) else a.label for a in term.atoms)


def nested(parametrization: Parametrization, terms: Sequence[int], allowed: Sequence[set[int]]) -> bool:
    """Whether dropping terms means dropping columns that are solved for.

    terms : (p,) number of each column's term. True if for every set of terms that has with each j those in `allowed[j]`
    the solved columns span, with the constant, the same as the model's columns.
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
    return set() if parametrization.constant is None else {parametrization.constant}
