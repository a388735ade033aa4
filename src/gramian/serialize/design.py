"""Designs and levels as plain JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramian.formula.coding import Levels
from gramian.formula.contrasts import TREATMENT
from gramian.formula.design import Design
from gramian.formula.functions import CONTRASTS, MAX_DEGREE
from gramian.formula.numeric_terms import NumericTerm, Orthogonal, Powers, Product, SplineBasis, Standardized
from gramian.formula.splines import Spline
from gramian.formula.syntax import Node
from gramian.formula.terms import Factor, Term, Terms
from gramian.linalg.columns import Factors
from gramian.linalg.monomials import Coordinate
from gramian.serialize import expressions as syntax
from gramian.serialize import values as plain
from gramian.typing import Level

DESIGN = ("formula", "terms", "variables", "factors", "outcome", "offsets", "weight", "count", "coordinates", "levels",
          "matrix", "absorbed", "splines")  # fmt: skip
MAX_SIZE = 2**31
MAX_EXPONENT = 4096
KINDS: Mapping[str, type[Any]] = {"powers": Powers, "orthogonal": Orthogonal}

Arrays = Mapping[str, NDArray[Any]]


def design_to_json(design: Design) -> dict[str, object]:
    """A design, its levels apart by type."""
    terms = design.terms
    values = (
        design.formula,
        [[atom_to_json(atom) for atom in term.atoms] for term in terms.terms],
        {name: syntax.node_to_json(node) for name, node in terms.variables.items()},
        {name: factor_to_json(factor) for name, factor in terms.factors.items()},
        {name: syntax.node_to_json(node) for name, node in design.outcome.items()},
        [syntax.node_to_json(node) for node in design.offsets],
        design.weight,
        design.count,
        {name: [plain.number_to_json(c.shift), c.exponent] for name, c in design.coordinates.items()},
        {
            name: [plain.level_to_json(level) for level in factor_levels]
            for name, factor_levels in (design.levels or {}).items()
        },
        None if design.matrix is None else list(design.matrix),
        list(terms.absorbed),
        {name: spline_to_json(spline) for name, spline in terms.splines.items()},
    )
    return dict(zip(DESIGN, values, strict=True))


def design_from_json(obj: object, *, multiple_outcomes: bool = False) -> Design:
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
    nodes = plain.mapping(variables, syntax.node_from_json)
    factors_by_label = {
        name: factor_from_json(name, part) for name, part in plain.mapping(factors, lambda part: part).items()
    }
    out = Design(
        plain.text(formula),
        _terms(terms, nodes, factors_by_label, absorbed, splines),
        plain.mapping(outcome, syntax.node_from_json),
        tuple(map(syntax.node_from_json, plain.sequence(offsets))),
        plain.optional(weight, plain.text),
        plain.optional(count, plain.text),
        plain.mapping(coordinates, coordinate_from_json),
        plain.mapping(levels, distinct_levels),
        plain.optional(matrix, _matrix),
    )
    _check(out)
    if not out.outcome or (len(out.outcome) > 1 and not multiple_outcomes):
        plain.wrong("an outcome", list(out.outcome))
    return out


def _terms(
    terms: object, nodes: dict[str, Node], factors: dict[str, Factor], absorbed: object, splines: object
) -> Terms:
    read = tuple(Term(tuple(map(atom_from_json, plain.sequence(term)))) for term in plain.sequence(terms))
    smooth = {name: spline_from_json(name, part) for name, part in plain.mapping(splines, lambda part: part).items()}
    return Terms(read, nodes, factors, plain.texts(absorbed), smooth)


def spline_to_json(spline: Spline) -> list[object]:
    """Expression, kind, knots."""
    knots = [plain.number_to_json(k) for k in spline.knots or ()]
    boundary = [plain.number_to_json(b) for b in spline.boundary or ()]
    return [syntax.node_to_json(spline.node), spline.natural, spline.degree, knots, boundary]


def spline_from_json(label: str, obj: object) -> Spline:
    """What `from_spline` wrote."""
    node, natural, degree, inner, ends = plain.sequence(obj, 5)
    knots = tuple(map(plain.number_from_json, plain.sequence(inner)))
    low, high = map(plain.number_from_json, plain.sequence(ends, 2))
    if not all(a < b for a, b in pairwise((low, *knots, high))):
        plain.wrong("knots that rise", knots)
    power = plain.integer(degree, 1, MAX_DEGREE + 1)
    return Spline(label, syntax.node_from_json(node), plain.flag(natural), power, len(knots), knots, (low, high))


def atom_to_json(atom: str | NumericTerm) -> list[object]:
    """A factor of a term: the label of a categorical column, or a numeric part."""
    match atom:
        case str():
            return ["factor", atom]
        case Product():
            return ["product", atom.label, [list(pair) for pair in atom.monomial]]
        case Standardized():
            return ["standardized", atom.label, atom.variable, atom.scaled]
        case SplineBasis():
            return ["basis", atom.label, list(atom.columns)]
        case Powers() | Orthogonal():
            return [type(atom).__name__.lower(), atom.label, atom.variable, atom.degree]
    raise TypeError(f"a part of type {type(atom).__name__} cannot be saved")


def atom_from_json(obj: object) -> str | NumericTerm:
    """What `from_atom` wrote."""
    match obj:
        case ["factor", str(label)]:
            return label
        case ["product", str(label), powers]:
            return Product(label, plain.monomial(powers))
        case ["standardized", str(label), str(variable), bool(scaled)]:
            return Standardized(label, variable, scaled)
        case ["basis", str(label), columns]:
            return SplineBasis(label, plain.texts(columns))
        case ["powers" | "orthogonal" as kind, str(label), str(variable), degree]:
            part: NumericTerm = KINDS[kind](label, variable, plain.integer(degree, 1, MAX_DEGREE + 1))
            return part
    raise ValueError(f"expected a part of a term, found {str(obj)[:60]!r}")


def factor_to_json(factor: Factor) -> list[object]:
    """Column, reference, order, and contrasts other than those of treatment."""
    reference = None if factor.reference is None else plain.level_to_json(factor.reference)
    order = None if factor.order is None else [plain.level_to_json(level) for level in factor.order]
    contrast = [] if factor.contrast == TREATMENT else [factor.contrast]
    return [factor.column, reference, order, *contrast]


def factor_from_json(label: str, obj: object) -> Factor:
    """What `from_factor` wrote."""
    column, reference, order, *more = plain.sequence(obj)
    contrast = plain.text(more[0]) if more else TREATMENT
    if len(more) > 1 or contrast not in CONTRASTS:
        plain.wrong("contrasts", more)
    ordered = plain.optional(order, distinct_levels)
    return Factor(label, plain.text(column), plain.optional(reference, plain.level_from_json), ordered, contrast)


def coordinate_from_json(obj: object) -> Coordinate:
    """Shift and exponent."""
    shift, exponent = plain.sequence(obj, 2)
    value = plain.number_from_json(shift)
    if not np.isfinite(value):
        plain.wrong("a finite shift", shift)
    return Coordinate(value, plain.integer(exponent, -MAX_EXPONENT, MAX_EXPONENT))


def distinct_levels(obj: object) -> tuple[Level, ...]:
    """Levels of a factor, each once."""
    out = tuple(map(plain.level_from_json, plain.sequence(obj)))
    return out if len(set(out)) == len(out) else plain.wrong("levels that differ", obj)


def levels_to_json(levels: Levels) -> tuple[list[object], dict[str, NDArray[Any]]]:
    """The factors of every table of cells, and arrays of orders and cells; the names are those of the design."""
    arrays = {f"order/{i}": np.array(order, np.int64) for i, order in enumerate(levels.order.values())}
    for i, (factors, cells) in enumerate(levels.cells.items()):
        arrays[f"cells/{i}"] = np.array(sorted(cells), np.int64).reshape(len(cells), len(factors))
    return [list(factors) for factors in levels.cells], arrays


def levels_from_json(obj: object, names: Mapping[str, tuple[Level, ...]], arrays: Arrays) -> Levels:
    """What `from_levels` wrote."""
    order, cells = {}, dict[Factors, frozenset[tuple[int, ...]]]()
    for i, (name, values) in enumerate(names.items()):
        order[name] = tuple(codes(arrays, f"order/{i}", (len(values),), len(values)).tolist())
        if len(set(order[name])) < len(values):
            plain.wrong("an order of all levels", order[name])
    for i, part in enumerate(plain.sequence(obj)):
        factors = factor_labels(part, names)
        cells[factors] = frozenset(map(tuple, cell_codes(arrays, f"cells/{i}", factors, names).tolist()))
    return Levels(names, order, cells)


def factor_labels(obj: object, names: Mapping[str, tuple[Level, ...]]) -> Factors:
    """Labels of factors, sorted, each once."""
    out = plain.texts(obj)
    return out if list(out) == sorted(set(out)) and names.keys() >= set(out) else plain.wrong("factors", obj)


def cell_codes(arrays: Arrays, name: str, factors: Factors, names: Mapping[str, Sequence[Level]]) -> NDArray[np.int64]:
    """Codes of cells, (c, f), each below the number of its factor's levels."""
    out = codes(arrays, name, (None, len(factors)), MAX_SIZE)
    if len(out) and (out >= np.array([len(names[f]) for f in factors], np.int64)).any():
        plain.wrong("codes of levels", name)
    return out


def codes(arrays: Arrays, name: str, shape: tuple[int | None, ...], limit: int) -> NDArray[np.int64]:
    """Whole numbers from zero up to the limit, of that shape."""
    out = read_array(arrays, name, "int64", shape)
    if out.size and not (out.min() >= 0 and out.max() < limit):
        plain.wrong(f"codes below {limit} in '{name}'", out.max())
    return out


def read_array(arrays: Arrays, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
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
    return plain.text(name), plain.integer(width, 0, MAX_SIZE)


def _check(design: Design) -> None:
    """Everything that a term names is there."""
    atoms = [a for term in design.terms.terms for a in term.atoms]
    variables = {v for a in atoms if not isinstance(a, str) for v in a.variables}
    if not variables <= design.terms.variables.keys():
        plain.wrong("the variables of all terms", sorted(variables))
    smooth = {a.label: a.columns for a in atoms if isinstance(a, SplineBasis)}
    if smooth != {name: s.columns for name, s in design.terms.splines.items()}:
        plain.wrong("the splines of all terms", sorted(smooth))
    factors = {*(a for a in atoms if isinstance(a, str)), *design.terms.absorbed}
    if not factors <= design.terms.factors.keys() == (design.levels or {}).keys():
        plain.wrong("the levels of all factors", list(design.levels or {}))
    if not {*design.terms.variables, *design.outcome} <= design.coordinates.keys():
        plain.wrong("the coordinates of all variables", list(design.coordinates))
