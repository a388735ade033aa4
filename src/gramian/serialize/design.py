"""Codecs of designs, of dropped rows, and of levels and their cells."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from gramian.formula.coding import Levels, contrasts_of, indicators_of
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.numeric_terms import Orthogonal, Powers, Product, SplineBasis, Standardized
from gramian.formula.splines import Spline
from gramian.formula.syntax import label as text_of
from gramian.formula.terms import Factor, Term
from gramian.linalg.absorb.slopes import Slopes
from gramian.linalg.columns import Factors
from gramian.linalg.monomials import Coordinate
from gramian.serialize.codec import Codec, mapping, require, rule, sequence, tagged
from gramian.serialize.expressions import NODE
from gramian.serialize.record import at, derived, fixed, record, row
from gramian.serialize.values import LEVELS, NUMBER, TEXT, cells, each, factors_of, keyed, positions

DROPPED_ROWS = row(DroppedRows, "causes columns")
DROPPED = "dropped_rows=dropped_rows.causes missing=dropped_rows.columns"

COORDINATE = row(Coordinate, "shift exponent")
ATOMS = {
    "factor": TEXT.alone(),
    "product": row(Product),
    "standardized": row(Standardized),
    "basis": row(SplineBasis),
    "powers": row(Powers),
    "orthogonal": row(Orthogonal),
}
TERM = sequence(tagged("a part of a term", ATOMS)).convert(lambda term: term.atoms, Term, Term)


def _factor(label: str) -> Codec[Factor]:
    same = [*fixed("label", label), *at("column reference order")]
    column = row(Factor, same, "~contrast")
    text = rule(lambda f: f.node is None or text_of(f.node) == f.column, "the text of a factor", "column")
    every = row(Factor, same, "contrast node omitted", text, types=[NODE])  # of expressions and of i()
    return Codec(
        lambda factor, members: (column if factor.node is factor.omitted is None else every).write(factor, members),
        lambda obj, members: (every if isinstance(obj, list) and len(obj) == 6 else column).read(obj, members),
    )


def _spline(label: str) -> Codec[Spline]:
    places = [*at("knots", sequence(NUMBER)), *at("ends=boundary", sequence(NUMBER, 2))]
    inner = derived("inner", lambda read: len(read.knots))
    rising = rule(
        lambda s: all(a < b for a, b in pairwise((s.boundary[0], *s.knots, s.boundary[1]))), "knots that rise", "knots"
    )
    return row(Spline, fixed("label", label), "node natural degree", places, inner, rising, types=[NODE])


def _check(design: Design) -> None:
    """Everything that a term names is there."""
    terms, levels = design.terms, design.levels or {}
    atoms = [a for term in terms.terms for a in term.atoms]
    parts: list[Any] = [*(a for a in atoms if not isinstance(a, str)), *terms.slopes.values()]
    variables = {v for part in parts for v in part.variables} | {*terms.rounded_times}
    require(variables <= terms.variables.keys(), "the variables of all terms", sorted(variables))
    splines = {a.label: a.columns for a in atoms if isinstance(a, SplineBasis)}
    require(terms.slopes.keys() <= {*terms.absorbed}, "slopes of absorbed factors", list(terms.slopes))
    same = splines == {name: s.columns for name, s in terms.splines.items()}
    require(same, "the splines of all terms", sorted(splines))
    factors = {*(a for a in atoms if isinstance(a, str)), *terms.absorbed}
    require(factors <= terms.factors.keys() == levels.keys(), "the levels of all factors", list(levels))
    variables = {*terms.variables, *design.outcome}
    require(variables <= design.coordinates.keys(), "the coordinates of all variables", list(design.coordinates))
    require(design.outcome, "an outcome", [])


DESIGN_OF_MANY = record(
    Design,
    "formula terms[<]=terms.terms variables[<]=terms.variables",
    at("factors[<]=terms.factors", mapping(_factor)),
    "outcome[<] offsets weight count coordinates[<]",
    at("levels", mapping(LEVELS), of=lambda design: design.levels or {}),
    "matrix absorbed=terms.absorbed",
    at("splines[<]=terms.splines", mapping(_spline)),
    "~rounded_times=terms.rounded_times ~slopes[<]=terms.slopes",
    _check,
    types=[NODE, TERM, COORDINATE, row(Slopes, "variables intercept")],
)
DESIGN = DESIGN_OF_MANY.checked(lambda design: len(design.outcome) == 1, "an outcome")


def _order(name: str, size: int) -> Codec[tuple[int, ...]]:
    return positions(name, size, size).distinct("an order of all levels")


def levels_of(design: Design) -> Codec[Levels]:
    """Levels of the factors that have coefficients; the JSON has the factors of every table of cells."""
    names = {f: tuple(v) for f, v in (design.levels or {}).items() if f in design.terms.coefficient_factors}

    def table(i: int, factors: Factors) -> Codec[frozenset[tuple[int, ...]]]:
        return cells(f"cells/{i}", factors, names).convert(
            lambda table: np.reshape(sorted(table), (len(table), len(factors))),
            lambda array: frozenset(map(tuple, array.tolist())),
        )

    return row(
        Levels,
        at("order[]", each({n: _order(f"order/{i}", len(levels)) for i, (n, levels) in enumerate(names.items())})),
        at("cells", keyed(sequence(factors_of(names)), table)),
        make=lambda order, cells: Levels(
            names, order, cells, contrasts_of(design.terms, names, order), indicators_of(design.terms)
        ),
    ).unwrapped()
