"""Exact normal equations of a design, in the variables themselves and in the coordinates that predictions use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np

from gramian.errors import NumericalError
from gramian.fit.exact_pass import plain
from gramian.formula.coding import Cell, Levels, ModelColumn, Stored, levels_of, model_columns
from gramian.formula.coordinates import Combination, Frame, frame_of, grouped
from gramian.formula.design import Design
from gramian.formula.recoding import maps_of
from gramian.linalg.exact.fit import ExactFit, exact_fit
from gramian.linalg.exact.moments import ExactMoments
from gramian.linalg.exact.products import ExactGram, combined, exact_gram
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import Coordinate, Monomial, power_of, raw_monomial
from gramian.typing import Vector


@dataclass(frozen=True, slots=True, eq=False)
class ExactSystem:
    """Exact normal equations of a design: in the variables themselves, and in the frame of its coordinates.

    columns : of the model, in the design's coordinates. frame : what a float64 fit would solve for. raw : products of
    monomials in the variables. told, solved : the model's columns and the frame's as sums of these, the response last.
    """

    columns: tuple[ModelColumn, ...]
    levels: Levels
    frame: Frame
    raw: ExactGram
    told: list[Combination]
    solved: list[Combination]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the model's columns."""
        return tuple(c.name for c in self.columns)

    def gram(self) -> ExactGram:
        """Products of the model's columns, the response last."""
        return combined(self.raw, self.told)

    def in_frame(self) -> ExactGram:
        """Products of the columns that a float64 fit would solve for, the response last."""
        return combined(self.raw, self.solved)


def exact_system(design: Design, moments: ExactMoments, *, every_level: bool = False) -> ExactSystem:
    """The normal equations of a design from exact moments.

    Raises NumericalError where there are no rows.
    """
    if not moments.rows:
        raise NumericalError(f"no rows are left to fit '{design.formula}'")
    levels = levels_of(cast(Moments, moments), design.terms)  # both have levels and cells
    known = design.coordinates
    powers = {v: _in_u(moments.power_sums(v, top), known[v]) for v, top in design.terms.power_sums().items()}
    columns = model_columns(design.terms, levels, known, powers, every_level=every_level)
    (response,) = design.outcome
    frame = frame_of(columns, levels, response, known)
    wanted: dict[Stored, int] = {}
    outcome: Stored = ((), ((response, 1),))
    told = [_sum_of([(c.cell, m, share) for m, share in c.polynomial.items()], known, wanted) for c in columns]
    if levels.contrasts:
        told = [_through(told, column) for column in maps_of(columns, levels)[0]]
    told.append({wanted.setdefault(outcome, len(wanted)): Fraction(1)})
    stored = [_sum_of([(cell, m, Fraction(1))], known, wanted) for cell, m in _stored(frame)]
    through = frame.subspace or [{j: Fraction(1)} for j in range(len(stored))]
    solved = [_through(stored, column) for column in through]
    return ExactSystem(columns, levels, frame, exact_gram(moments, grouped(list(wanted))), told, solved)


def _stored(frame: Frame) -> list[Stored]:
    """The stored columns of a frame in their order."""
    out: dict[int, Stored] = {}
    for group in frame.groups:
        for k, m in enumerate(group.monomials):
            for position, cell in zip(group.at(k), group.cells, strict=True):
                out[int(position)] = tuple(zip(group.factors, map(int, cell), strict=True)), m
    return [out[i] for i in range(len(out))]


def _sum_of(
    parts: list[tuple[Cell, Monomial, Fraction]], known: Mapping[str, Coordinate], wanted: dict[Stored, int]
) -> dict[int, Fraction]:
    """A sum of monomials in u as a combination of those in x, which are added to `wanted`."""
    out: dict[int, Fraction] = {}
    for cell, m, share in parts:
        for raw, c in raw_monomial(m, {v: known[v].inverse for v, _ in m}).items():
            at = wanted.setdefault((cell, raw), len(wanted))
            out[at] = out.get(at, Fraction(0)) + share * c
    return {i: c for i, c in out.items() if c}


def _through(stored: list[dict[int, Fraction]], column: Mapping[int, Fraction]) -> dict[int, Fraction]:
    out: dict[int, Fraction] = {}
    for j, share in column.items():
        for i, c in stored[j].items():
            out[i] = out.get(i, Fraction(0)) + share * c
    return {i: c for i, c in out.items() if c}


def _in_u(sums: list[Fraction], coordinate: Coordinate) -> Vector:
    """Sums of powers of u from those of x, exact: an array of fractions."""
    polynomials = [power_of(coordinate.inverse, "u", k) for k in range(len(sums))]
    told = [sum((c * sums[sum(p for _, p in m)] for m, c in q.items()), Fraction(0)) for q in polynomials]
    return np.array(told, object)


def exact_linear(design: Design, moments: ExactMoments, *, every_level: bool = False) -> ExactFit:
    """Coefficients of a design from exact moments, solved for in the model's own columns.

    Raises NumericalError where there are no rows.
    """
    system = exact_system(plain(design), moments, every_level=every_level)
    return exact_fit(system.gram(), system.frame.constant, system.names, moments)
