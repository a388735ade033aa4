"""A point: coefficients of the columns that are solved for, and the frame in which they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.fit.leastsquares.predict import without_last
from gramian.formula.coding import Levels, ModelColumn, levels_of, model_columns
from gramian.formula.coordinates import Parametrization, Span, parametrize
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.moments import Moments
from gramian.linalg.predictor import Predictor
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class Setting:
    """Model columns, given the levels of some moments, and the frame in which they are solved for."""

    design: Design
    columns: tuple[ModelColumn, ...]
    levels: Levels
    parametrization: Parametrization

    def predictor(self, b: Vector) -> Predictor:
        """X b for any rows: b told in stored columns."""
        groups = without_last(self.parametrization.groups)
        if self.parametrization.subspace is not None:
            b = maps.apply(self.parametrization.subspace[:-1], b, sum(len(g.positions) for g in groups))
        return Predictor(self.design.layout, tuple(groups), b)

    def same(self, other: Setting) -> bool:
        """Whether coefficients mean the same in both."""
        return self.levels.names == other.levels.names and self.columns == other.columns


def setting_of(design: Design, moments: Moments, *, every_level: bool, penalized: bool) -> Setting:
    """The model's columns for the levels that the moments have."""
    levels = levels_of(moments, design.terms)
    columns = model_columns(design.terms, levels, design.coordinates, moments.powers, every_level=every_level)
    (response,) = design.outcome
    parametrization = parametrize(columns, levels, response, design.coordinates, as_written=penalized)
    return Setting(design, columns, levels, parametrization)


def model_coefficients(setting: Setting, b: Vector) -> Vector:
    """Coefficients or a direction in the model's columns."""
    return (
        b if setting.parametrization.to_model is None else np.asarray(maps.apply(setting.parametrization.to_model, b))
    )


def solved_coefficients(setting: Setting, coefficients: Vector) -> Vector:
    """The inverse of `told`."""
    return (
        coefficients
        if setting.parametrization.to_solved is None
        else np.asarray(maps.apply(setting.parametrization.to_solved, coefficients))
    )


def transferred(b: Vector, old: Setting, new: Setting) -> Vector | None:
    """The same linear predictor in another setting, whose levels include the old ones; None when it has none.

    A level that the old setting did not have contributes what its reference level does.
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
    position = {level: i for i, level in enumerate(levels)}
    return {i: position.get(level, -1) for i, level in enumerate(old_levels)}
