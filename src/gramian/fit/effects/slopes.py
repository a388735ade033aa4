"""Derivatives of the linear predictor by a column, through every variable that is a function of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gramian.fit.effects.model import EffectModel
from gramian.fit.effects.rows import EffectRows
from gramian.formula.syntax import Node, names
from gramian.linalg.blocks import Predictor, PreparedPredictor
from gramian.linalg.columns import Columns
from gramian.linalg.monomials import CONSTANT
from gramian.typing import Codes, Vector


@dataclass(frozen=True, slots=True)
class VariableSlope:
    """Derivative of the linear predictor by one variable: a combination of stored columns again.

    Attributes
    ----------
    node : Node
        The expression of the variable, or the one inside its spline.
    spline : tuple of str and int, or None
        Label of the spline and position of the column in it.
    targets, sources, factors : arrays (e,)
        The derivative of column `targets[i]` is `factors[i]` times column `sources[i]`.
    predictor : PreparedPredictor
        The derivative in the rows of a block.
    constant : float or None
        The derivative where it is the same in all rows.
    """

    node: Node
    spline: tuple[str, int] | None
    targets: Codes
    sources: Codes
    factors: Vector
    predictor: PreparedPredictor
    constant: float | None

    def values(self, columns: Columns, sizes: Mapping[str, int]) -> Vector | float:
        """The derivative in the rows of a block."""
        return self.predictor(columns, sizes) if self.constant is None else self.constant

    def inner(self, rows: EffectRows, column: str) -> Vector | None:
        """Derivative (n,) of the variable by the column; None where it is 1 in every row."""
        return (
            rows.derivative(self.node, column) if self.spline is None else rows.spline_derivative(*self.spline, column)
        )

    def add_gradient(self, sums: Vector, out: Vector) -> None:
        """Add the gradient to out : (q,). sums : (q,) weighted sums of the stored columns."""
        np.add.at(out, self.targets, self.factors * sums[self.sources])


@dataclass(frozen=True, slots=True)
class SlopeByColumn:
    """Derivative of the linear predictor by a column of the data: the chain rule over variables and offsets."""

    column: str
    variables: tuple[VariableSlope, ...]
    offsets: tuple[Node, ...]

    def offset(self, rows: EffectRows) -> Vector | None:
        """Derivative (n,) of the offsets; None where there are none that depend on the column."""
        parts = [rows.derivative(node, self.column) for node in self.offsets]
        return None if not parts else np.sum([np.ones(rows.count) if p is None else p for p in parts], axis=0)


def slope_by(model: EffectModel, column: str) -> SlopeByColumn:
    """The derivative by a column of numbers."""
    terms = model.design.terms
    places = {name: (label, i) for label, s in terms.splines.items() for i, name in enumerate(s.columns)}
    variables = [v for v, node in terms.variables.items() if column in names(node)]
    offsets = tuple(node for node in model.design.offsets if column in names(node))
    return SlopeByColumn(column, tuple(_by_variable(model, v, places.get(v)) for v in variables), offsets)


def _by_variable(model: EffectModel, variable: str, spline: tuple[str, int] | None) -> VariableSlope:
    """The derivative by one variable."""
    entries = model.derivative_entries(variable)
    targets, sources = (np.array([e[i] for e in entries], np.int64) for i in (0, 1))
    factors = np.array([e[2] for e in entries])
    b = np.zeros(model.width)
    np.add.at(b, sources, factors * model.coefficients[targets])
    constant = {model.places[(), CONSTANT]}
    only_constant = constant.issuperset(sources.tolist())
    predictor = Predictor(model.layout, model.groups, b).prepare()
    value = float(b.sum()) if only_constant else None
    return VariableSlope(model.design.terms.variables[variable], spline, targets, sources, factors, predictor, value)
