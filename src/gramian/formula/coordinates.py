"""Parametrizations: which columns a system is solved for, and how they relate to the model's columns.

A model is shift-invariant if every lower monomial that a shift brings in is in its span: then the leading stored
columns, whose numbers are small, are solved for and mapped back exactly; else the model's own columns, formed before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain

from gramian.formula.coding import Cell, Levels, ModelColumn, Stored, constant_among, stored_columns
from gramian.formula.contrasts.maps import check_cells, contrast_maps, written_column
from gramian.linalg.columns import Factors
from gramian.linalg.maps import ExactMap, map_of
from gramian.linalg.monomials import CONSTANT, ONE, Coordinate, Monomial, degree
from gramian.linalg.products import ColumnGroup, group_columns
from gramian.typing import Positive

Combination = dict[int, Fraction]  # position -> coefficient, without zeros


@dataclass(frozen=True)  # no slots: a cached property needs a __dict__
class Parametrization:
    """The columns that a system is solved for, and the maps to and from the model's columns.

    Attributes
    ----------
    groups : list of ColumnGroup
        The stored columns whose products are needed, the response last, grouped for reading.
    subspace : list of Combination or None
        Solved column -> combination of stored columns; None when they are the stored columns themselves.
    to_model : list of Combination or None
        Solved column -> combination of model columns; None when they are the model columns themselves.
    to_solved : list of Combination or None
        Model column -> combination of solved columns, the inverse of `to_model`.
    response_shift : Combination
        Coefficients of the model columns that add up to the shift of the response.
    scale : float
        2^exponent of the response, by which solved coefficients are multiplied.
    constant : int or None
        Position of the constant among the solved columns.
    as_written : Parametrization or None
        A second parametrization, in the model's columns as written, where the first one is valid only in combinations
        of levels that the fit has seen.
    """

    groups: list[ColumnGroup]
    subspace: list[Combination] | None
    to_model: list[Combination] | None
    to_solved: list[Combination] | None
    response_shift: Combination
    scale: Positive
    constant: int | None
    as_written: Parametrization | None = None

    @cached_property
    def model_map(self) -> ExactMap | None:
        """`to_model` as a map of vectors; cached, because fits of the same columns share it."""
        return None if self.to_model is None else map_of(self.to_model)


def parametrize(
    columns: Sequence[ModelColumn],
    levels: Levels,
    response: str,
    coordinates: Mapping[str, Coordinate],
    *,
    as_written: bool = False,
    absorbed: Factors = (),
) -> Parametrization:
    """Choose the parametrization of a model.

    Parameters
    ----------
    columns : Sequence[ModelColumn]
        The p model columns.
    levels : Levels
        Levels, cells with rows and contrasts.
    response : str
        The response row.
    coordinates : Mapping[str, Coordinate]
        Variable or response row -> shift and scale.
    as_written : bool
        Forbid a shift of the response that no intercept takes up (penalised fits: the penalty is on the model's
        columns).
    absorbed : Factors
        Absorbed factors, whose levels span the constant.

    Raises
    ------
    NumericalError
        A combination of levels has no rows: contrasts other than treatment compare all of them.
    """
    parametrization = _treatment_contrasts(columns, levels, response, coordinates, as_written, absorbed)
    if not levels.contrasts:
        return parametrization
    check_cells(columns, levels)
    written = parametrize_as_written(columns, response, coordinates, levels)
    both_ways = contrast_maps(columns, levels, absorbing=bool(absorbed)) if parametrization.subspace is None else None
    return written if both_ways is None else _with_contrasts(parametrization, *both_ways, written)


def _treatment_contrasts(
    columns: Sequence[ModelColumn],
    levels: Levels,
    response: str,
    coordinates: Mapping[str, Coordinate],
    as_written: bool,
    absorbed: Factors,
) -> Parametrization:
    """The parametrization under treatment contrasts.

    Solved columns are stored columns where the model is shift-invariant, else the model's columns as written.
    """
    stored = stored_columns(columns)
    constant = constant_among(stored)
    outcome: Stored = ((), ((response, 1),))
    coordinate = coordinates[response]
    span = Span(columns, levels, absorbed)
    expanded = [span.expand(column) for column in columns]
    shift = span.express(((), CONSTANT)) if coordinate.shift else {}
    # two columns may share a leading stored column, as in poly(x, 2) + x: then only their polynomials differ
    repeated = len(span.place) < len(columns)
    if (
        repeated
        or shift is None
        or any(e is None for e in expanded)
        or (as_written and constant is None and not absorbed)
    ):
        return _as_subspace(columns, outcome, coordinate, constant)
    triangle = [e for e in expanded if e is not None]
    is_identity = all(len(e) == 1 and e.get(j) == 1 for j, e in enumerate(triangle))
    return Parametrization(
        group_columns([*stored, outcome]),
        None,
        None if is_identity else invert(triangle, [degree(c.leading) for c in columns]),
        None if is_identity else triangle,
        {j: c * Fraction(coordinate.shift) for j, c in shift.items()},
        2.0**coordinate.exponent,
        constant,
        parametrize_as_written(columns, response, coordinates) if span.partial else None,
    )


def parametrize_as_written(
    columns: Sequence[ModelColumn], response: str, coordinates: Mapping[str, Coordinate], levels: Levels | None = None
) -> Parametrization:
    """The model's columns as written, each formed as an exact combination of stored columns.

    levels : for the contrasts of the factors; None for treatment contrasts.
    """
    constant = constant_among(stored_columns(columns))
    return _as_subspace(columns, ((), ((response, 1),)), coordinates[response], constant, levels)


def _with_contrasts(
    parametrization: Parametrization,
    contrasts_in_treatment: list[Combination],
    treatment_in_contrasts: list[Combination],
    as_written: Parametrization,
) -> Parametrization:
    """A parametrization in stored columns under treatment contrasts, turned into one under those of the factors.

    The two maps are those of `contrast_maps`. as_written : the model's columns in these contrasts.
    """
    identity: list[Combination] = [{j: ONE} for j in range(len(contrasts_in_treatment))]
    return replace(
        parametrization,
        as_written=None if parametrization.as_written is None else as_written,
        to_model=_composed(treatment_in_contrasts, parametrization.to_model or identity),
        to_solved=_composed(parametrization.to_solved or identity, contrasts_in_treatment),
        response_shift=_composed(treatment_in_contrasts, [parametrization.response_shift])[0],
    )


def _composed(outer: Sequence[Combination], inner: Sequence[Combination]) -> list[Combination]:
    """Each column of `inner`, a combination of columns that `outer` expands, as one combination."""
    out = []
    for column in inner:
        total: Combination = {}
        for i, c in column.items():
            _add(total, outer[i], c)
        out.append(total)
    return out


def _as_subspace(
    columns: Sequence[ModelColumn],
    outcome: Stored,
    coordinate: Coordinate,
    constant: int | None,
    levels: Levels | None = None,
) -> Parametrization:
    """The parametrization whose solved columns are the model's columns, formed from stored columns."""
    positions: dict[Stored, int] = {}
    written = [
        {(c.cell, m): share for m, share in c.polynomial.items()} if levels is None else written_column(c, levels)
        for c in columns
    ]
    for stored in chain.from_iterable(written):
        positions.setdefault(stored, len(positions))
    # the shift of the response is a multiple of the constant, which must be stored for it
    positions.setdefault(((), CONSTANT), len(positions))
    positions[outcome] = len(positions)
    subspace = [{positions[stored]: c for stored, c in combination.items()} for combination in written]
    shift = {positions[(), CONSTANT]: Fraction(coordinate.shift)} if coordinate.shift else {}
    subspace.append({positions[outcome]: Fraction(2) ** coordinate.exponent, **shift})
    return Parametrization(group_columns(list(positions)), subspace, None, None, {}, 1.0, constant)


def parametrize_terms(
    columns: Sequence[ModelColumn],
    levels: Levels,
    response: str,
    coordinates: Mapping[str, Coordinate],
    needs: Sequence[frozenset[int]],
    absorbed: Factors = (),
) -> Parametrization:
    """A parametrization for all submodels: dropping terms means dropping their solved columns.

    Parameters
    ----------
    columns, levels, response, coordinates, absorbed
        As in `parametrize`.
    needs : Sequence[frozenset of int]
        For each term those that are in every submodel with it, beside the constant and absorbed factors.

    Notes
    -----
    Where the lower monomials that a shift brings in are in the span of the terms that a term needs, its solved columns
    are its leading stored ones; else they are the model's columns as written.
    """
    constant = constant_among(stored_columns(columns))
    first = [] if constant is None else [columns[constant]]
    expressible = set()
    for j, others in enumerate(needs):
        around = (c for c in columns if c.term in others or (c.term == j and c not in first))
        span = Span([*first, *around], levels, absorbed)
        if all(span.expand(c) is not None for c in columns if c.term == j):
            expressible.add(j)
    leading = [replace(c, polynomial={c.leading: Fraction(1)}) if c.term in expressible else c for c in columns]
    coordinate = coordinates[response]
    if constant is not None or absorbed:
        coordinate = replace(coordinate, shift=0.0)  # the constant takes it up
    return parametrize_as_written(leading, response, {**coordinates, response: coordinate})


@dataclass(slots=True)
class Span:
    """The span of the model's columns, in leading stored columns, from the structure of the model alone.

    Attributes
    ----------
    columns : Sequence[ModelColumn]
        The model columns.
    levels : Levels
        Levels and cells with rows.
    absorbed : Factors
        Absorbed factors.
    place : dict of Stored to int
        Leading stored column -> its model column.
    shapes : dict
        (factors, monomial) of the leading stored columns, as an ordered set.
    cache : dict
        Results of `express`; None where a stored column is not in the span.
    partial : bool
        Whether a sum over levels left out cells without rows: it is then valid only in rows of the other cells.
    """

    columns: Sequence[ModelColumn]
    levels: Levels
    absorbed: Factors = ()
    place: dict[Stored, int] = field(init=False)
    shapes: dict[tuple[Factors, Monomial], None] = field(init=False)
    cache: dict[Stored, Combination | None] = field(default_factory=dict)
    partial: bool = False

    def __post_init__(self) -> None:
        self.place = {stored: j for j, stored in enumerate(stored_columns(self.columns))}
        self.shapes = {(_factors(cell), m): None for cell, m in self.place} if self.levels.names else {}

    def expand(self, column: ModelColumn) -> Combination | None:
        """A model column as a combination of leading stored columns; None when it is not in their span."""
        out: Combination = {}
        cell = column.cell
        for m, c in column.polynomial.items():
            if (at := self.place.get((cell, m))) is not None and at not in out:  # the common case, without a copy
                out[at] = c
                continue
            lower = self.express((cell, m))
            if lower is None:
                return None
            _add(out, lower, c)
        return out

    def express(self, stored: Stored) -> Combination | None:
        """A stored column as a combination of leading stored columns; None when it is not in their span."""
        if (at := self.place.get(stored)) is not None:
            return {at: ONE}
        if self.absorbed and stored[1] == CONSTANT and self._is_absorbed(stored[0]):
            return {}
        if not self.levels.has_rows(stored[0]):
            return {}
        if stored not in self.cache:
            self.cache[stored] = None  # ends a circular search
            combination = self._as_reference(stored)
            self.cache[stored] = self._as_sum(stored) if combination is None else combination
        return self.cache[stored]

    def _is_absorbed(self, cell: Cell) -> bool:
        """Whether a cell without numeric part lies in the span of an absorbed factor."""
        return not cell or (len(cell) == 1 and cell[0][0] in self.absorbed)

    def _as_reference(self, stored: Stored) -> Combination | None:
        """Cell with the reference level of f = cell without f - sum of the cells with the other levels of f."""
        cell, m = stored
        for f, code in cell:
            rest = tuple(pair for pair in cell if pair[0] != f)
            if code == self.levels.order[f][0] and (_factors(cell), m) in self.shapes:
                others = [(_with(rest, f, other), m) for other in self.levels.order[f][1:]]
                total = self._sum([((rest, m), 1), *((o, -1) for o in others)])
                if total is not None:
                    return total
        return None

    def _as_sum(self, stored: Stored) -> Combination | None:
        """Cell = sum of its cells over all levels of a further factor."""
        cell, m = stored
        here = _factors(cell)
        for factors, n in self.shapes:
            if n == m and len(factors) == len(here) + 1 and set(here) < set(factors):
                (f,) = set(factors) - set(here)
                total = self._sum([((_with(cell, f, code), m), 1) for code in self.levels.order[f]])
                if total is not None:
                    return total
        return None

    def _sum(self, parts: list[tuple[Stored, int]]) -> Combination | None:
        """Signed sum of stored columns; None when one is not in the span."""
        out: Combination = {}
        for stored, sign in parts:
            expressed = self.express(stored)
            if expressed is None:
                return None
            _add(out, expressed, Fraction(sign))
        self.partial |= any(not self.levels.has_rows(cell) for (cell, _), _ in parts)
        return out


def invert(triangle: list[Combination], degrees: list[int]) -> list[Combination]:
    """Invert a triangular matrix of combinations exactly: stored columns in model columns.

    triangle : (p,) model column -> combination of stored columns, of lower degree but for its own. degrees : (p,)
    degree of each model column. Back substitution in order of degree.
    """
    out: list[Combination] = [{} for _ in triangle]
    for j in sorted(range(len(triangle)), key=degrees.__getitem__):
        diagonal = triangle[j][j]
        reciprocal = ONE if diagonal is ONE or diagonal == ONE else 1 / diagonal
        out[j][j] = reciprocal
        for i, c in triangle[j].items():
            if i != j:
                _add(out[j], out[i], -c if reciprocal is ONE else -c * reciprocal)
    return out


def _factors(cell: Cell) -> Factors:
    """Factors of a cell."""
    return tuple(f for f, _ in cell) if cell else ()


def _with(cell: Cell, factor: str, code: int) -> Cell:
    """A cell with one more factor."""
    return tuple(sorted((*cell, (factor, code))))


def _add(out: Combination, other: Combination, share: Fraction) -> None:
    """Add `share` times a combination to `out`, without zeros."""
    for i, c in other.items():
        # products with ONE are most of the work; identity is much faster to test than Fraction equality
        more = share if c is ONE else c if share is ONE else share * c
        total = out[i] + more if i in out else more
        if total:
            out[i] = total
        else:
            out.pop(i, None)
