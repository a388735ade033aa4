"""Exact normal equations of a design: in the model's columns, and in the columns that a float64 fit solves for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.passes.accumulate_exact import unshifted
from gramian.formula.coding import Cell, Levels, ModelColumn, Stored, levels_of, model_columns
from gramian.formula.contrasts.maps import written_column
from gramian.formula.coordinates import Combination, Parametrization, parametrize
from gramian.formula.design import Design
from gramian.linalg.exact.fit import ExactFit, exact_fit
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.exact.products import ExactGram, combined, exact_gram
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate, Monomial, power_of, raw_monomial
from gramian.linalg.products import group_columns
from gramian.typing import Vector


@dataclass(frozen=True, slots=True, eq=False)
class ExactSystem:
    """Exact normal equations of a design with p columns, in two bases.

    Attributes
    ----------
    columns : tuple of ModelColumn
        The model's columns, in the design's coordinates.
    levels : Levels
        Levels of the factors.
    parametrization : Parametrization
        The columns that a float64 fit would solve for.
    raw : ExactGram
        Products of monomials in the variables themselves, without shift.
    model_combinations : list of p + 1 Combinations
        The model's columns, then the response, as combinations of these monomials.
    solved_combinations : list of p + 1 Combinations
        The columns that a float64 fit solves for, then the response, as combinations of these monomials.
    """

    columns: tuple[ModelColumn, ...]
    levels: Levels
    parametrization: Parametrization
    raw: ExactGram
    model_combinations: list[Combination]
    solved_combinations: list[Combination]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the model's columns."""
        return tuple(c.name for c in self.columns)

    def gram(self) -> ExactGram:
        """Products of the model's columns, the response last."""
        return combined(self.raw, self.model_combinations)

    def solved_gram(self) -> ExactGram:
        """Products of the columns that a float64 fit would solve for, the response last."""
        return combined(self.raw, self.solved_combinations)


def exact_system(design: Design, moments: ExactMoments, *, every_level: bool = False) -> ExactSystem:
    """The normal equations of a design from exact moments. Raises NumericalError without rows.

    every_level : whether factors have a column for each level, without a reference level.
    """
    if not moments.rows:
        raise NumericalError(f"no rows are left to fit '{design.formula}'")
    levels = levels_of(cast(Moments, moments), design.terms)  # both have levels and cells
    coordinates = design.coordinates
    powers = {
        v: _shifted_power_sums(moments.power_sums(v, top), coordinates[v]) for v, top in design.terms.power_sums.items()
    }
    columns = model_columns(design.terms, levels, coordinates, powers, every_level=every_level)
    (response,) = design.outcome
    parametrization = parametrize(columns, levels, response, coordinates)
    positions: dict[Stored, int] = {}
    outcome: Stored = ((), ((response, 1),))
    model_combinations = [
        _raw_combination(
            [(*stored, share) for stored, share in written_column(c, levels).items()], coordinates, positions
        )
        for c in columns
    ]
    model_combinations.append({positions.setdefault(outcome, len(positions)): Fraction(1)})
    stored = [
        _raw_combination([(cell, m, Fraction(1))], coordinates, positions)
        for cell, m in _stored_columns(parametrization)
    ]
    # fractions, never floats: shifts and scales are dyadic, so these combinations are exact
    subspace = parametrization.subspace or [{j: Fraction(1)} for j in range(len(stored))]
    solved_combinations = [_composed(stored, column) for column in subspace]
    return ExactSystem(
        columns,
        levels,
        parametrization,
        exact_gram(moments, group_columns(list(positions))),
        model_combinations,
        solved_combinations,
    )


def _stored_columns(parametrization: Parametrization) -> list[Stored]:
    """The stored columns of a parametrization in the order of their positions."""
    columns: dict[int, Stored] = {}
    for group in parametrization.groups:
        for k, m in enumerate(group.monomials):
            for position, cell in zip(group.at(k), group.cells, strict=True):
                columns[int(position)] = tuple(zip(group.factors, map(int, cell), strict=True)), m
    return [columns[i] for i in range(len(columns))]


def _raw_combination(
    parts: list[tuple[Cell, Monomial, Fraction]], coordinates: Mapping[str, Coordinate], positions: dict[Stored, int]
) -> dict[int, Fraction]:
    """A combination of monomials in u = (x - shift) / scale as one of monomials in x.

    positions : monomial in x -> its position; monomials that it does not have yet are added.
    """
    combination: dict[int, Fraction] = {}
    for cell, m, share in parts:
        for raw, c in raw_monomial(m, {v: coordinates[v].inverse for v, _ in m}).items():
            at = positions.setdefault((cell, raw), len(positions))
            combination[at] = combination.get(at, Fraction(0)) + share * c
    return {i: c for i, c in combination.items() if c}


def _composed(stored: list[dict[int, Fraction]], column: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """A combination of combinations as one combination, without zeros."""
    composed: dict[int, Fraction] = {}
    for j, share in column.items():
        for i, c in stored[j].items():
            composed[i] = composed.get(i, Fraction(0)) + share * c
    return {i: c for i, c in composed.items() if c}


def _shifted_power_sums(sums: list[Fraction], coordinate: Coordinate) -> Vector:
    """Sums of powers 0, 1, ... of u = (x - shift) / scale from those of x: an array of fractions."""
    polynomials = [power_of(coordinate.inverse, "u", k) for k in range(len(sums))]
    shifted = [sum((c * sums[sum(p for _, p in m)] for m, c in q.items()), Fraction(0)) for q in polynomials]
    return np.array(shifted, object)


def exact_linear(design: Design, moments: ExactMoments, *, every_level: bool = False) -> ExactFit:
    """Coefficients of a design from exact moments, solved for in the model's columns.

    every_level : whether factors have a column for each level, without a reference level. Raises NumericalError without
    rows.
    """
    system = exact_system(unshifted(design), moments, every_level=every_level)
    return exact_fit(system.gram(), system.parametrization.constant, system.names, moments)
