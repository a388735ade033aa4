"""Model columns of a generalized linear model, and their coefficients in two bases: solved and as in the formula.

The levels of factors are known only after the first pass over all rows, so the columns may change between the subsample
and the full data; `transferred` carries coefficients from one set of columns to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.formula.coding import Levels, ModelColumn, levels_of, model_columns
from gramian.formula.coordinates import Parametrization, Span, parametrize
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.blocks import Predictor
from gramian.linalg.moments import Moments
from gramian.linalg.products import without_last
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class Setting:
    """Model columns for the levels of some moments, with the parametrization in which they are solved.

    Attributes
    ----------
    design : Design
        Design with its levels.
    columns : tuple of ModelColumn
        The p columns with a coefficient.
    levels : Levels
        Levels and cells of factors.
    parametrization : Parametrization
        Basis of the solve, and its maps to and from the model's columns.
    """

    design: Design
    columns: tuple[ModelColumn, ...]
    levels: Levels
    parametrization: Parametrization

    def predictor(self, b: Vector) -> Predictor:
        """X b for any rows. b : (p,) in the solved columns."""
        groups = without_last(self.parametrization.groups)
        if self.parametrization.subspace is not None:
            b = maps.apply(self.parametrization.subspace[:-1], b, sum(len(g.positions) for g in groups))
        return Predictor(self.design.layout, tuple(groups), b)

    def same(self, other: Setting) -> bool:
        """Whether a coefficient vector has the same meaning in both settings."""
        return self.levels.names == other.levels.names and self.columns == other.columns


def setting_of(design: Design, moments: Moments, *, every_level: bool, penalized: bool) -> Setting:
    """The model columns for the levels that the moments have.

    Parameters
    ----------
    design : Design
        Design with its coordinates.
    moments : Moments
        Moments whose levels and cells define the columns of factors.
    every_level : bool
        Keep a column for the reference level of each factor, as penalised fits do.
    penalized : bool
        Solve in the columns as written, since the penalty applies to their coefficients.
    """
    levels = levels_of(moments, design.terms)
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=every_level)
    (response,) = design.outcome
    parametrization = parametrize(columns, levels, response, design.coordinates, as_written=penalized)
    return Setting(design, columns, levels, parametrization)


def model_coefficients(setting: Setting, b: Vector) -> Vector:
    """Coefficients, or a direction, mapped from the solved columns to the model's columns; (p,) both."""
    return (
        b if setting.parametrization.to_model is None else np.asarray(maps.apply(setting.parametrization.to_model, b))
    )


def solved_coefficients(setting: Setting, coefficients: Vector) -> Vector:
    """The inverse of `model_coefficients`: from the model's columns to the solved columns, (p,)."""
    return (
        coefficients
        if setting.parametrization.to_solved is None
        else np.asarray(maps.apply(setting.parametrization.to_solved, coefficients))
    )


def transferred(b: Vector, old: Setting, new: Setting) -> Vector | None:
    """Coefficients (p_new,) of the same linear predictor in another setting, whose levels include the old ones.

    None where the new columns cannot express it. A level that is new gets the effect of the reference level.
    """
    if old.same(new):
        return b
    if (old.parametrization.subspace is None) != (new.parametrization.subspace is None):
        return None
    span, out = Span(new.columns, new.levels), np.zeros(len(new.columns))
    codes = {name: _positions(names, new.levels.names[name]) for name, names in old.levels.names.items()}
    for column, value in zip(old.columns, b.tolist(), strict=True):
        cell = tuple((f, codes[f][c]) for f, c in column.cell)
        combination = span.express((cell, column.leading)) if all(c >= 0 for _, c in cell) else {}
        if combination is None:
            return None
        for i, share in combination.items():
            out[i] += float(share) * value
    return out


def _positions(old_levels: tuple[object, ...], levels: tuple[object, ...]) -> Mapping[int, int]:
    """Old code -> new code of each level, -1 for a level that the new setting lacks."""
    position = {level: i for i, level in enumerate(levels)}
    return {i: position.get(level, -1) for i, level in enumerate(old_levels)}
