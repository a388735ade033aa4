"""What a model costs and what it explains: AIC, BIC, adjusted R squared, Mallows's Cp."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gramian.inference import goodness, likelihood

CRITERIA = ("aic", "bic", "adj_r2", "cp")


@dataclass(frozen=True, slots=True)
class ModelCriteria:
    """What models of one outcome on the same rows are measured by.

    rows : sum of counts. log_weight : sum of log weights. tss : total sum of squares, about the mean with an
    intercept. variance : residual variance of the full model, NaN when it leaves no degree of freedom.
    """

    rows: int
    log_weight: float
    tss: float
    intercept: bool
    variance: float

    def aic(self, rss: float, columns: int) -> float:
        """Akaike's criterion, counting sigma."""
        return likelihood.aic(self._loglik(rss), columns)

    def bic(self, rss: float, columns: int) -> float:
        """Schwarz's criterion, counting sigma."""
        return likelihood.bic(self._loglik(rss), columns, self.rows)

    def adj_r_squared(self, rss: float, columns: int) -> float:
        """Adjusted R squared; NaN without residual degrees of freedom."""
        share = goodness.r_squared(rss, self.tss)
        return goodness.adjusted(share, self.rows, self.rows - columns, intercept=self.intercept)

    def cp(self, rss: float, columns: int) -> float:
        """RSS / s^2 - n + 2 p with s^2 of the full model. C. L. Mallows, Technometrics 15 (1973)."""
        return rss / self.variance - self.rows + 2 * columns if self.variance > 0 else math.nan

    def badness(self, criterion: str, rss: float, columns: int) -> float:
        """The value of a criterion, turned so that less is better; infinite where no degree of freedom is left."""
        if self.rows <= columns:
            return math.inf
        if criterion == "adj_r2":
            return -self.adj_r_squared(rss, columns)
        return float({"aic": self.aic, "bic": self.bic, "cp": self.cp}[criterion](rss, columns))

    def _loglik(self, rss: float) -> float:
        return likelihood.log_likelihood(rss, self.rows, self.log_weight)
