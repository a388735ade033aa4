"""A design with some of the terms of another: its sums are among those that are stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gramian.errors import OptionError, did_you_mean, listing
from gramian.formula.design import Design
from gramian.formula.syntax import label
from gramian.formula.terms import Terms

INTERCEPT = "Intercept"


def submodel(design: Design, labels: Iterable[str]) -> Design:
    """The design with the terms of these labels only ("Intercept" is one), in the order of the formula.

    Everything that its moments consist of is in the moments of `design`, in the same coordinates.
    Raises OptionError for a label that is no term of the design.
    """
    wanted = dict.fromkeys(labels)
    known = {term.label: term for term in design.terms.terms}
    for name in wanted:
        if name not in known:
            raise OptionError(f"no term '{name}'{did_you_mean(name, known)} (terms: {listing(known)})")
    kept = tuple(term for name, term in known.items() if name in wanted)
    factors = {*design.terms.absorbed, *(f for term in kept for f in term.factors)}
    variables = {v for term in kept for part in term.parts for v in part.variables}
    terms = replace(
        design.terms,
        terms=kept,
        variables={v: node for v, node in design.terms.variables.items() if v in variables},
        factors={f: factor for f, factor in design.terms.factors.items() if f in factors},
        splines={s: spline for s, spline in design.terms.splines.items() if variables.issuperset(spline.columns)},
    )
    whole = len(kept) == len(known)
    return replace(
        design,
        formula=design.formula if whole else written(design, terms),
        terms=terms,
        levels=None if design.levels is None else {f: v for f, v in design.levels.items() if f in factors},
        matrix=design.matrix if whole else None,
    )


def written(design: Design, terms: Terms) -> str:
    """A formula for these terms."""
    outcome = next(iter(design.outcome)).removeprefix("~")
    labels = [term.label for term in terms.terms if term.atoms]
    constant = len(labels) < len(terms.terms) or bool(terms.absorbed)
    first = [] if constant and labels else ["1" if constant else "0"]
    offsets = [f"offset({label(node)})" for node in design.offsets]
    absorbed = f" | {' + '.join(terms.absorbed)}" if terms.absorbed else ""
    return f"{outcome} ~ {' + '.join([*first, *labels, *offsets])}{absorbed}"
