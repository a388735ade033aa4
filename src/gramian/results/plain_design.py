"""Designs and levels as plain JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.formula import saved as syntax
from gramian.formula.coding import Levels
from gramian.formula.contrasts import TREATMENT
from gramian.formula.design import Design
from gramian.formula.functions import CONTRASTS, MAX_DEGREE
from gramian.formula.parts import Basis, Orthogonal, Part, Powers, Product, Standardized
from gramian.formula.splines import Spline
from gramian.formula.syntax import Node
from gramian.formula.terms import Factor, Term, Terms
from gramian.linalg.columns import Factors
from gramian.linalg.monomials import Coordinate
from gramian.results import plain
from gramian.typing import Level

DESIGN = ("formula", "terms", "variables", "factors", "outcome", "offsets", "weight", "count", "coordinates", "levels",
          "matrix", "absorbed", "splines")  # fmt: skip
WIDEST = 2**31
EXPONENTS = 4096
KINDS: Mapping[str, type[Any]] = {"powers": Powers, "orthogonal": Orthogonal}

Arrays = Mapping[str, NDArray[Any]]


def from_design(design: Design) -> dict[str, object]:
    """A design, its levels apart by type."""
    terms = design.terms
    values = (
        design.formula,
        [[from_atom(atom) for atom in term.atoms] for term in terms.terms],
        {name: syntax.to_json(node) for name, node in terms.variables.items()},
        {name: from_factor(factor) for name, factor in terms.factors.items()},
        {name: syntax.to_json(node) for name, node in design.outcome.items()},
        [syntax.to_json(node) for node in design.offsets],
        design.weight,
        design.count,
        {name: [plain.from_number(c.shift), c.exponent] for name, c in design.coordinates.items()},
        {name: [plain.from_level(level) for level in known] for name, known in (design.levels or {}).items()},
        None if design.matrix is None else list(design.matrix),
        list(terms.absorbed),
        {name: from_spline(spline) for name, spline in terms.splines.items()},
    )
    return dict(zip(DESIGN, values, strict=True))


def design(obj: object, *, several: bool = False) -> Design:
    """What `from_design` wrote. several : whether there may be several outcomes."""
    (
        formula,
        terms,
        variables,
        factors,
        outcome,
        offsets,
        weight,
        count,
        coordinates,
        levels,
        matrix,
        absorbed,
        splines,
    ) = plain.fields(obj, DESIGN)
    nodes = plain.mapping(variables, syntax.from_json)
    known = {name: factor(name, part) for name, part in plain.mapping(factors, lambda part: part).items()}
    out = Design(
        plain.text(formula),
        _terms(terms, nodes, known, absorbed, splines),
        plain.mapping(outcome, syntax.from_json),
        tuple(map(syntax.from_json, plain.sequence(offsets))),
        plain.optional(weight, plain.text),
        plain.optional(count, plain.text),
        plain.mapping(coordinates, coordinate),
        plain.mapping(levels, distinct_levels),
        plain.optional(matrix, _matrix),
    )
    _check(out)
    if not out.outcome or (len(out.outcome) > 1 and not several):
        plain.wrong("an outcome", list(out.outcome))
    return out


def _terms(terms: object, nodes: dict[str, Node], known: dict[str, Factor], absorbed: object, splines: object) -> Terms:
    read = tuple(Term(tuple(map(atom, plain.sequence(term)))) for term in plain.sequence(terms))
    smooth = {name: spline(name, part) for name, part in plain.mapping(splines, lambda part: part).items()}
    return Terms(read, nodes, known, plain.texts(absorbed), smooth)


def from_spline(spline: Spline) -> list[object]:
    """Expression, kind, knots."""
    knots = [plain.from_number(k) for k in spline.knots or ()]
    boundary = [plain.from_number(b) for b in spline.boundary or ()]
    return [syntax.to_json(spline.node), spline.natural, spline.degree, knots, boundary]


def spline(label: str, obj: object) -> Spline:
    """What `from_spline` wrote."""
    node, natural, degree, inner, ends = plain.sequence(obj, 5)
    knots = tuple(map(plain.number, plain.sequence(inner)))
    low, high = map(plain.number, plain.sequence(ends, 2))
    if not all(a < b for a, b in pairwise((low, *knots, high))):
        plain.wrong("knots that rise", knots)
    power = plain.whole(degree, 1, MAX_DEGREE + 1)
    return Spline(label, syntax.from_json(node), plain.flag(natural), power, len(knots), knots, (low, high))


def from_atom(atom: str | Part) -> list[object]:
    """A factor of a term: the label of a categorical column, or a numeric part."""
    match atom:
        case str():
            return ["factor", atom]
        case Product():
            return ["product", atom.label, [list(pair) for pair in atom.monomial]]
        case Standardized():
            return ["standardized", atom.label, atom.variable, atom.scaled]
        case Basis():
            return ["basis", atom.label, list(atom.columns)]
        case Powers() | Orthogonal():
            return [type(atom).__name__.lower(), atom.label, atom.variable, atom.degree]
    raise TypeError(f"a part of type {type(atom).__name__} cannot be saved")


def atom(obj: object) -> str | Part:
    """What `from_atom` wrote."""
    match obj:
        case ["factor", str(label)]:
            return label
        case ["product", str(label), powers]:
            return Product(label, plain.monomial(powers))
        case ["standardized", str(label), str(variable), bool(scaled)]:
            return Standardized(label, variable, scaled)
        case ["basis", str(label), columns]:
            return Basis(label, plain.texts(columns))
        case ["powers" | "orthogonal" as kind, str(label), str(variable), degree]:
            part: Part = KINDS[kind](label, variable, plain.whole(degree, 1, MAX_DEGREE + 1))
            return part
    raise ValueError(f"expected a part of a term, found {str(obj)[:60]!r}")


def from_factor(factor: Factor) -> list[object]:
    """Column, reference, order, and contrasts other than those of treatment."""
    reference = None if factor.reference is None else plain.from_level(factor.reference)
    order = None if factor.order is None else [plain.from_level(level) for level in factor.order]
    contrast = [] if factor.contrast == TREATMENT else [factor.contrast]
    return [factor.column, reference, order, *contrast]


def factor(label: str, obj: object) -> Factor:
    """What `from_factor` wrote."""
    column, reference, order, *more = plain.sequence(obj)
    contrast = plain.text(more[0]) if more else TREATMENT
    if len(more) > 1 or contrast not in CONTRASTS:
        plain.wrong("contrasts", more)
    known = plain.optional(order, distinct_levels)
    return Factor(label, plain.text(column), plain.optional(reference, plain.level), known, contrast)


def coordinate(obj: object) -> Coordinate:
    """Shift and exponent."""
    shift, exponent = plain.sequence(obj, 2)
    value = plain.number(shift)
    if not np.isfinite(value):
        plain.wrong("a finite shift", shift)
    return Coordinate(value, plain.whole(exponent, -EXPONENTS, EXPONENTS))


def distinct_levels(obj: object) -> tuple[Level, ...]:
    """Levels of a factor, each once."""
    out = tuple(map(plain.level, plain.sequence(obj)))
    return out if len(set(out)) == len(out) else plain.wrong("levels that differ", obj)


def from_levels(levels: Levels) -> tuple[list[object], dict[str, NDArray[Any]]]:
    """The factors of every table of cells, and arrays of orders and cells; the names are those of the design."""
    arrays = {f"order/{i}": np.array(order, np.int64) for i, order in enumerate(levels.order.values())}
    for i, (factors, cells) in enumerate(levels.cells.items()):
        arrays[f"cells/{i}"] = np.array(sorted(cells), np.int64).reshape(len(cells), len(factors))
    return [list(factors) for factors in levels.cells], arrays


def levels(obj: object, names: Mapping[str, tuple[Level, ...]], arrays: Arrays) -> Levels:
    """What `from_levels` wrote."""
    order, cells = {}, dict[Factors, frozenset[tuple[int, ...]]]()
    for i, (name, known) in enumerate(names.items()):
        order[name] = tuple(codes(arrays, f"order/{i}", (len(known),), len(known)).tolist())
        if len(set(order[name])) < len(known):
            plain.wrong("an order of all levels", order[name])
    for i, part in enumerate(plain.sequence(obj)):
        factors = known_factors(part, names)
        cells[factors] = frozenset(map(tuple, cell_codes(arrays, f"cells/{i}", factors, names).tolist()))
    return Levels(names, order, cells)


def known_factors(obj: object, names: Mapping[str, tuple[Level, ...]]) -> Factors:
    """Labels of factors, sorted, each once."""
    out = plain.texts(obj)
    return out if list(out) == sorted(set(out)) and names.keys() >= set(out) else plain.wrong("factors", obj)


def cell_codes(arrays: Arrays, name: str, factors: Factors, names: Mapping[str, Sequence[Level]]) -> NDArray[np.int64]:
    """Codes of cells, (c, f), each below the number of its factor's levels."""
    out = codes(arrays, name, (None, len(factors)), WIDEST)
    if len(out) and (out >= np.array([len(names[f]) for f in factors], np.int64)).any():
        plain.wrong("codes of levels", name)
    return out


def codes(arrays: Arrays, name: str, shape: tuple[int | None, ...], limit: int) -> NDArray[np.int64]:
    """Whole numbers from zero up to the limit, of that shape."""
    out = taken(arrays, name, "int64", shape)
    if out.size and not (out.min() >= 0 and out.max() < limit):
        plain.wrong(f"codes below {limit} in '{name}'", out.max())
    return out


def taken(arrays: Arrays, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """The array of that name, type and shape (None: any length)."""
    if name not in arrays:
        plain.wrong(f"an array '{name}'", "none")
    out = arrays[name]
    fits = len(shape) == out.ndim and all(n in (None, m) for n, m in zip(shape, out.shape, strict=True))
    if out.dtype.name != dtype or not fits:
        plain.wrong(f"'{name}' of {dtype} and shape {shape}", (out.dtype.name, out.shape))
    return out


def _matrix(obj: object) -> tuple[str, int]:
    name, width = plain.sequence(obj, 2)
    return plain.text(name), plain.whole(width, 0, WIDEST)


def _check(design: Design) -> None:
    """Everything that a term names is there."""
    atoms = [a for term in design.terms.terms for a in term.atoms]
    variables = {v for a in atoms if not isinstance(a, str) for v in a.variables}
    if not variables <= design.terms.variables.keys():
        plain.wrong("the variables of all terms", sorted(variables))
    smooth = {a.label: a.columns for a in atoms if isinstance(a, Basis)}
    if smooth != {name: s.columns for name, s in design.terms.splines.items()}:
        plain.wrong("the splines of all terms", sorted(smooth))
    factors = {*(a for a in atoms if isinstance(a, str)), *design.terms.absorbed}
    if not factors <= design.terms.factors.keys() == (design.levels or {}).keys():
        plain.wrong("the levels of all factors", list(design.levels or {}))
    if not {*design.terms.variables, *design.outcome} <= design.coordinates.keys():
        plain.wrong("the coordinates of all variables", list(design.coordinates))
