"""What pictures of residuals need of a stream of rows."""

from __future__ import annotations

import numpy as np

from gramian.plots.bins import Bins, Groups
from gramian.plots.sample import Extremes, Sample
from gramian.typing import Codes, Vector

MIN_COMPLEMENT = 1e-9  # of a leverage: such a row is fitted whatever its outcome, and 1 - h is rounding


class Residuals:
    """A sample of the rows, means of groups of all of them, the most influential ones.

    columns : how many coefficients were fitted. unknown : rows without a standardised residual.
    """

    def __init__(self, columns: float) -> None:
        self.columns, self.unknown = columns, 0
        self.sample, self.extremes = Sample(), Extremes()
        self.means, self.scales = Bins(), Bins()

    def add(self, numbers: Codes, fitted: Vector, residual: Vector, standard: Vector, leverage: Vector) -> None:
        """More rows, (n,) each. standard : residuals over their standard deviations, NaN where that is not known."""
        self.sample.add(fitted, residual, standard, leverage)
        self.means.add(fitted, residual)
        defined = np.isfinite(standard)
        self.unknown += int((~defined).sum())
        self.scales.add(fitted[defined], np.sqrt(np.abs(standard[defined])), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            cook = standard**2 * leverage / (1.0 - leverage) / self.columns
        self.extremes.add(cook, numbers, fitted, standard, leverage)

    @property
    def groups(self) -> Groups | None:
        """Means, where the sample does not show all rows."""
        return None if self.sample.is_complete else self.means.groups()


def standardised(residual: Vector, leverage: Vector, sigma: float) -> Vector:
    """residual / (sigma sqrt(1 - h)); NaN where the row decides its own fit."""
    complement = 1.0 - leverage
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            complement > MIN_COMPLEMENT, residual / (sigma * np.sqrt(np.maximum(complement, MIN_COMPLEMENT))), np.nan
        )
