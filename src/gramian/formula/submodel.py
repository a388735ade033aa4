"""Submodels: designs with a subset of the terms, whose moments are a subset of the stored ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gramian.errors import OptionError, did_you_mean, listing
from gramian.formula.design import Design
from gramian.formula.syntax import label
from gramian.formula.terms import Terms

INTERCEPT = "Intercept"


def submodel(design: Design, labels: Iterable[str]) -> Design:
    """The design with only the terms of these labels, in the order of the formula.

    All its moments are among those of `design`, in the same coordinates, so that it can be fitted without the data.

    Parameters
    ----------
    design : Design
        The larger design.
    labels : Iterable[str]
        Labels of the terms; the intercept is "Intercept".

    Raises
    ------
    OptionError
        A label is not a term of the design.
    """
    requested = dict.fromkeys(labels)
    terms_by_label = {term.label: term for term in design.terms.terms}
    for name in requested:
        if name not in terms_by_label:
            raise OptionError(
                f"no term '{name}'{did_you_mean(name, terms_by_label)} (terms: {listing(terms_by_label)})"
            )
    terms = design.terms.only(tuple(term for name, term in terms_by_label.items() if name in requested))
    unchanged = len(terms.terms) == len(terms_by_label)
    return replace(
        design,
        formula=design.formula if unchanged else formula_text(design, terms),
        terms=terms,
        levels=None if design.levels is None else {f: v for f, v in design.levels.items() if f in terms.factors},
        matrix=design.matrix if unchanged else None,
    )


def formula_text(design: Design, terms: Terms) -> str:
    """Text of a formula with the outcome, offsets and absorbed factors of the design, and these terms."""
    outcome = next(iter(design.outcome)).removeprefix("~")
    labels = [term.label for term in terms.terms if term.atoms]
    constant = len(labels) < len(terms.terms) or bool(terms.absorbed_intercepts)
    # an absorbed factor spans the constant, so that "0 +" would be wrong
    first = [] if constant and labels else ["1" if constant else "0"]
    offsets = [f"offset({label(node)})" for node in design.offsets]
    absorbed = f" | {' + '.join(terms.absorbed_texts)}" if terms.absorbed else ""
    return f"{outcome} ~ {' + '.join([*first, *labels, *offsets])}{absorbed}"
