"""What the rounding of times to seconds in float64 costs.

Seconds since 1970 are 1.8e9, so that float64 has them to 2.4e-7 s: enough for years, little for a millisecond. Exact
sums take times as they are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gramian.formula.coding import ModelColumn
from gramian.formula.functions import bare
from gramian.formula.syntax import Name
from gramian.formula.terms import Terms
from gramian.linalg.certificate import EPS
from gramian.linalg.monomials import Coordinate
from gramian.typing import Vector


@dataclass(frozen=True, slots=True)
class RoundedTimes:
    """What rounded times change in a model.

    Attributes
    ----------
    lengths : ndarray of shape (p,)
        Bounds of the lengths of the changes of the model's columns.
    """

    lengths: Vector

    def relative_error(self, inverse_roots: Vector) -> float:
        """Relative error of every root of V_ii. inverse_roots : these roots, (p,).

        A change D of X changes V by V (X'D + D'X) V, and V_ii so by at most 2 V_ii sum_j |D_j| root(V_jj).
        """
        return float(np.nansum(self.lengths * inverse_roots))

    def coefficient_errors(self, inverse_roots: Vector, coefficients: Vector, std_errors: Vector) -> Vector:
        """Errors (p,) of coefficients: V X'D b, and V D'r of residuals r that do not know of the rounding."""
        moved = float(np.nansum(self.lengths * np.abs(coefficients)))
        return np.asarray(inverse_roots * moved + std_errors * self.relative_error(inverse_roots))


def rounded_times(
    terms: Terms, columns: Sequence[ModelColumn], coordinates: Mapping[str, Coordinate], rows: int
) -> RoundedTimes | None:
    """What rounding changes; None where there are no times, or where they are close to zero."""
    changes = {v: EPS * abs(c.shift) / 2.0**c.exponent for v in terms.rounded_times if (c := coordinates[v]).shift}
    if not changes:
        return None
    # monomials of shifted and scaled variables are at most about 1
    lengths = [
        sum(abs(float(c)) * power * changes.get(v, 0.0) for m, c in column.polynomial.items() for v, power in m)
        for column in columns
    ]
    return RoundedTimes(np.sqrt(rows) * np.array(lengths))


def computed_of_times(terms: Terms) -> bool:
    """Whether variables are computed of rounded times: exact sums do not help there, for they round them, too."""
    return any(not isinstance(bare(terms.variables[v]), Name) for v in terms.rounded_times)
