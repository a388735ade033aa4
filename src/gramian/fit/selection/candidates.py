"""The terms that a selection chooses among, as groups of columns of one least squares problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.leastsquares.absorbed import partial_out
from gramian.fit.leastsquares.system import error_of_sums, products_in, squares_in
from gramian.formula.coding import coded_columns, highest_degree, levels_of, reduced_by_margins
from gramian.formula.coordinates import parametrize_terms
from gramian.formula.design import Design
from gramian.formula.marginality import needs
from gramian.linalg.moments import Moments
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import centre
from gramian.linalg.subsets.selection_problem import SelectionProblem, selection_problem


@dataclass(frozen=True, slots=True)
class CandidateTerms:
    """The terms that can be selected.

    Attributes
    ----------
    problem : SelectionProblem
        Groups of columns with their products.
    terms : tuple of int
        (groups,) number of the term of each group.
    base_rank : int
        Rank of what is in every model: the intercept, or the absorbed factors.
    scale : float
        Factor from an RSS of the problem to one in the units of the outcome.
    """

    problem: SelectionProblem
    terms: tuple[int, ...]
    base_rank: int
    scale: float


def candidate_terms(design: Design, moments: Moments) -> CandidateTerms:
    """The terms of a design as groups of centred columns.

    Each subset that is closed under marginality (an interaction only with its main effects) has the span of its model's
    columns, whatever the shifts of the stored columns are. moments : of the design, absorbed factors included.
    """
    levels = levels_of(moments, design.terms)
    reduced = reduced_by_margins(design.terms)
    columns = coded_columns(design.terms, reduced, levels, design.coordinates, moments.powers)
    (response,) = design.outcome
    margins = needs(design.terms)
    absorbed = design.terms.absorbed
    spanning = design.terms.absorbed_intercepts
    parametrization = parametrize_terms(columns, levels, response, design.coordinates, margins, spanning)
    stored = gram_matrix(moments, parametrization.groups)
    products, squares, base_rank = (
        products_in(stored, parametrization),
        squares_in(stored, parametrization),
        int(parametrization.constant is not None),
    )
    highest = highest_degree(columns)
    rounding_error = error_of_sums(moments, len(columns), highest)
    # the columns compete for what absorbed factors leave of the outcome
    if absorbed:
        partialled_out = partial_out(moments, design, parametrization, squares, rounding_error)
        products, base_rank = partialled_out.products, partialled_out.absorption.rank
        squares = partialled_out.squares
    centred = centre(products, parametrization.constant, squares)
    position = {int(at): i for i, at in enumerate(centred.others)}
    terms = tuple(j for j, term in enumerate(design.terms.terms) if term.atoms)
    groups = [[position[i] for i, c in enumerate(columns) if c.term == j] for j in terms]
    number = {j: g for g, j in enumerate(terms)}
    problem = selection_problem(
        centred,
        rounding_error,
        [np.array(g, np.int64) for g in groups],
        [frozenset(number[i] for i in margins[j]) for j in terms],
    )
    # the outcome was scaled twice by powers of two: when it was stored, and when it was centred
    scale = float(np.ldexp(1.0, 2 * int(np.log2(parametrization.scale / centred.y_scale))))
    return CandidateTerms(problem, terms, base_rank, scale)
