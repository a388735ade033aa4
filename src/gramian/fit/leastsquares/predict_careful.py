"""Predictions in double-double, for rows in which products of columns and coefficients cancel.

Coefficients of columns that nearly depend on each other are large and of opposite signs. In float64 a prediction loses
the digits that they cancel, which the coefficients themselves, refined or from exact sums, have not lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.fit.leastsquares.solution import Solved, precise_coefficients
from gramian.linalg.doubledouble import Pair
from gramian.linalg.monomials import CONSTANT, Coordinate
from gramian.linalg.products import ColumnGroup
from gramian.linalg.residuals.double_double import LinearCombination, ResidualRows
from gramian.typing import Codes, Mask, Matrix, Vector

CANCELLATION = 128.0  # sum of |x_j b_j| over |x'b|, from which on float64 loses more than two digits


def cancels(Z: Matrix, coefficients: Vector, fit: Vector, size: float) -> Mask:
    """The rows (n,) of Z whose fitted value is small against its summands.

    fit : (n,) Z times the coefficients. size : of the outcome; a prediction near zero needs no digits of its own.
    """
    return np.asarray(np.abs(Z) @ np.abs(coefficients) > CANCELLATION * np.maximum(np.abs(fit), size))


@dataclass(frozen=True, slots=True)
class CarefulPredictor:
    """X b in double-double.

    Attributes
    ----------
    groups : sequence of ColumnGroup
        The stored columns of X.
    coordinates : mapping
        Variable -> shift and scale.
    b : Pair (q,)
        Coefficients in units of the outcome.
    shift : float
        What is added.
    """

    groups: Sequence[ColumnGroup]
    coordinates: Mapping[str, Coordinate]
    b: Pair
    shift: float

    def of(
        self, rows: int, values: Mapping[str, Vector], codes: Mapping[str, Codes], sizes: Mapping[str, int]
    ) -> Vector:
        """Predictions, (rows,). values : variable -> (rows,). codes : factor -> (rows,). sizes : factor -> levels."""
        v = Pair(np.append(self.b.hi, self.shift), np.append(self.b.lo, 0.0))
        combination = LinearCombination([*self.groups, self._shift_column], v, sizes, self.coordinates)
        return combination.values(ResidualRows(rows, values, None, codes))

    @property
    def _shift_column(self) -> ColumnGroup:
        """The constant, whose coefficient is the shift: added before the sum is rounded."""
        return ColumnGroup((), np.zeros((1, 0), np.int64), (CONSTANT,), np.array([len(self.b.hi)]))


def careful_predictor(
    solved: Solved, groups: Sequence[ColumnGroup], coordinates: Mapping[str, Coordinate], shift: float
) -> CarefulPredictor | None:
    """The predictor of a fit; None where its coefficients have no more digits than those of float64."""
    if solved.solution.low is None or solved.absorbed is not None:
        return None
    return CarefulPredictor(groups, coordinates, precise_coefficients(solved), shift)
