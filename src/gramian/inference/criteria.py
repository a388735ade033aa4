"""Criteria to compare models of one outcome on the same rows: AIC, BIC, adjusted R squared, Mallows's Cp."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gramian.inference import goodness, likelihood

CRITERIA = ("aic", "bic", "adj_r2", "cp")


@dataclass(frozen=True, slots=True)
class ModelCriteria:
    """Facts of the outcome and the rows, from which the criteria of any submodel follow.

    Attributes
    ----------
    rows : int
        Number of rows, n (sum of frequencies).
    log_weight : float
        Sum of log weights.
    tss : float
        Total sum of squares, about the mean with an intercept.
    intercept : bool
        Whether the models have an intercept.
    variance : float
        Residual variance of the full model; NaN without residual degrees of freedom.
    """

    rows: int
    log_weight: float
    tss: float
    intercept: bool
    variance: float

    def aic(self, rss: float, columns: int) -> float:
        """Akaike's criterion of a model with `columns` coefficients; sigma counts as a parameter."""
        return likelihood.aic(self._loglik(rss), columns)

    def bic(self, rss: float, columns: int) -> float:
        """Schwarz's criterion; sigma counts as a parameter."""
        return likelihood.bic(self._loglik(rss), columns, self.rows)

    def adj_r_squared(self, rss: float, columns: int) -> float:
        """Adjusted R squared; NaN without residual degrees of freedom."""
        share = goodness.r_squared(rss, self.tss)
        return goodness.adjusted(share, self.rows, self.rows - columns, intercept=self.intercept)

    def cp(self, rss: float, columns: int) -> float:
        """Mallows's Cp, rss / s^2 - n + 2 p, with s^2 of the full model.

        C. L. Mallows, Some comments on Cp, Technometrics 15 (1973), 661-675.
        """
        return rss / self.variance - self.rows + 2 * columns if self.variance > 0 else math.nan

    def badness(self, criterion: str, rss: float, columns: int) -> float:
        """A criterion with its sign such that less is better; infinite without residual degrees of freedom."""
        if self.rows <= columns:
            return math.inf
        if criterion == "adj_r2":
            # the only criterion of which more is better
            return -self.adj_r_squared(rss, columns)
        return float({"aic": self.aic, "bic": self.bic, "cp": self.cp}[criterion](rss, columns))

    def _loglik(self, rss: float) -> float:
        """Maximum of the Gaussian log likelihood."""
        return likelihood.log_likelihood(rss, self.rows, self.log_weight)
