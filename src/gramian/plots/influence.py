"""Residuals, leverages and Cook's distances of a stream of rows, reduced to what pictures show."""

from __future__ import annotations

import numpy as np

from gramian.plots.bins import Bins, Groups
from gramian.plots.sample import Extremes, Sample
from gramian.typing import Codes, Vector

MIN_COMPLEMENT = 1e-9  # below this 1 - h is rounding: the row is fitted exactly, whatever its outcome


class Residuals:
    """Accumulates a sample of the rows, means of groups of all rows, and the rows with the largest Cook's distances.

    Attributes
    ----------
    columns : float
        Number of coefficients, by which Cook's distance is divided.
    unknown : int
        Number of rows without a standardised residual.
    sample : Sample
        Fitted values, residuals, standardised residuals and leverages of some rows.
    extremes : Extremes
        Fitted values, standardised residuals and leverages of the most influential rows.
    means, scales : Bins
        Residuals, and square roots of absolute standardised residuals, against fitted values.
    """

    def __init__(self, columns: float) -> None:
        self.columns, self.unknown = columns, 0
        self.sample, self.extremes = Sample(), Extremes()
        self.means, self.scales = Bins(), Bins()

    def add(self, numbers: Codes, fitted: Vector, residual: Vector, standard: Vector, leverage: Vector) -> None:
        """Add rows; all arrays are (n,).

        numbers : positions in the data. standard : residuals divided by their standard deviations, NaN where unknown.
        """
        self.sample.add(fitted, residual, standard, leverage)
        self.means.add(fitted, residual)
        defined = np.isfinite(standard)
        self.unknown += int((~defined).sum())
        self.scales.add(fitted[defined], np.sqrt(np.abs(standard[defined])), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            # Cook, R. D. (1977). Detection of influential observation in linear regression. Technometrics 19, 15-18.
            cook = standard**2 * leverage / (1.0 - leverage) / self.columns
        self.extremes.add(cook, numbers, fitted, standard, leverage)

    @property
    def groups(self) -> Groups | None:
        """Means of groups of rows; None where the sample has all rows, which then show more than their means."""
        return None if self.sample.is_complete else self.means.groups()


def standardised(residual: Vector, leverage: Vector, sigma: float) -> Vector:
    """Internally studentized residuals r / (sigma sqrt(1 - h)), (n,); NaN for rows of leverage 1."""
    complement = 1.0 - leverage
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            complement > MIN_COMPLEMENT, residual / (sigma * np.sqrt(np.maximum(complement, MIN_COMPLEMENT))), np.nan
        )
