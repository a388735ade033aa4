"""From a design and its moments to the terms that can be chosen among, as groups of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gramian.fit.absorbed import within
from gramian.fit.linear import in_frame, squares_in
from gramian.formula.coding import highest_degree, levels_of, model_columns
from gramian.formula.coordinates import Frame, frame_of_terms
from gramian.formula.design import Design
from gramian.formula.margins import needs
from gramian.linalg.choices import Choices, choices
from gramian.linalg.gather import BLOCK
from gramian.linalg.moments import Moments
from gramian.linalg.products import gram
from gramian.linalg.solve import centre, error_unit


@dataclass(frozen=True, slots=True)
class Terrain:
    """What can be chosen.

    problem : groups of columns. terms : the number of each group's term. base : dimension of what always stays, the
    intercept or absorbed factors. scale : what an RSS of the problem is multiplied by to be that of the outcome.
    """

    problem: Choices
    terms: tuple[int, ...]
    base: int
    scale: float


def terrain(design: Design, moments: Moments) -> Terrain:
    """The terms of a design as groups of centred columns.

    Any subset that has what its terms need has the span of its model's columns, whatever the shifts are.
    """
    levels = levels_of(moments, design.terms)
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers)
    (response,) = design.outcome
    margins = needs(design.terms)
    swept = design.terms.absorbed
    frame = frame_of_terms(columns, levels, response, design.coordinates, margins, swept)
    stored = gram(moments, frame.groups)
    products, squares, base = in_frame(stored, frame), squares_in(stored, frame), int(frame.constant is not None)
    highest = highest_degree(columns)
    unit = error_unit(moments.rows, len(columns), BLOCK + moments.rows // BLOCK, highest)
    if swept:
        left = within(moments, design, frame, squares, unit)
        products, base = left.products, left.absorption.rank
    centred = centre(products, frame.constant, squares)
    place = {int(at): i for i, at in enumerate(centred.others)}
    terms = tuple(j for j, term in enumerate(design.terms.terms) if term.atoms)
    groups = [[place[i] for i, c in enumerate(columns) if c.term == j] for j in terms]
    number = {j: g for g, j in enumerate(terms)}
    problem = choices(
        centred,
        unit,
        [np.array(g, np.int64) for g in groups],
        [frozenset(number[i] for i in margins[j]) for j in terms],
    )
    scale = (frame.scale / centred.y_scale) ** 2
    return Terrain(problem, terms, base, scale)


def nested(frame: Frame, terms: Sequence[int], allowed: Sequence[set[int]]) -> bool:
    """Whether dropping terms means dropping columns that are solved for.

    terms : (p,) number of each column's term. True if for every set of terms that has with each j those in `allowed[j]`
    the solved columns span, with the constant, the same as the model's columns.
    """
    if frame.made is None:
        return frame.response.keys() <= _constant(frame)
    inside = all(
        terms[i] in allowed[term]
        for term, made in zip(terms, frame.made, strict=True)
        for i in made.keys() - _constant(frame)
    )
    return inside and frame.response.keys() <= _constant(frame)


def _constant(frame: Frame) -> set[int]:
    return set() if frame.constant is None else {frame.constant}
