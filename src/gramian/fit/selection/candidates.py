"""From a design and its moments to the terms that can be chosen among, as groups of columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gramian.fit.leastsquares.absorbed import partial_out
from gramian.fit.leastsquares.system import products_in, squares_in
from gramian.formula.coding import highest_degree, levels_of, model_columns
from gramian.formula.coordinates import parametrize_terms
from gramian.formula.design import Design
from gramian.formula.marginality import needs
from gramian.linalg.blocks import ROWS_PER_BLOCK
from gramian.linalg.moments import Moments
from gramian.linalg.products import gram_matrix
from gramian.linalg.solve import centre, sum_rounding_error
from gramian.linalg.subsets.selection_problem import SelectionProblem, selection_problem


@dataclass(frozen=True, slots=True)
class CandidateTerms:
    """What can be chosen.

    problem : groups of columns. terms : the number of each group's term. base : dimension of what always stays, the
    intercept or absorbed factors. scale : what an RSS of the problem is multiplied by to be that of the outcome.
    """

    problem: SelectionProblem
    terms: tuple[int, ...]
    base_rank: int
    scale: float


def candidate_terms(design: Design, moments: Moments) -> CandidateTerms:
    """The terms of a design as groups of centred columns.

    Any subset that has what its terms need has the span of its model's columns, whatever the shifts are.
    """
    levels = levels_of(moments, design.terms)
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers)
    (response,) = design.outcome
    margins = needs(design.terms)
    absorbed = design.terms.absorbed
    parametrization = parametrize_terms(columns, levels, response, design.coordinates, margins, absorbed)
    stored = gram_matrix(moments, parametrization.groups)
    products, squares, base_rank = (
        products_in(stored, parametrization),
        squares_in(stored, parametrization),
        int(parametrization.constant is not None),
    )
    highest = highest_degree(columns)
    rounding_error = sum_rounding_error(
        moments.rows, len(columns), ROWS_PER_BLOCK + moments.rows // ROWS_PER_BLOCK, highest
    )
    if absorbed:
        partialled_out = partial_out(moments, design, parametrization, squares, rounding_error)
        products, base_rank = partialled_out.products, partialled_out.absorption.rank
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
    scale = (parametrization.scale / centred.y_scale) ** 2
    return CandidateTerms(problem, terms, base_rank, scale)
