"""Intervals and p-values from the draws of a bootstrap: percentile, basic (Hall's), and t.

All are one thing: of the statistic (b - theta) / s, or of b itself, the quantiles over the draws take the place of
those of a distribution. Quantiles are order statistics at (draws + 1) times a probability, and a p-value is the
smallest level whose interval leaves zero out, so that both decide alike.

References
----------
A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, Cambridge University Press 1997.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.errors import OptionError, one_of
from gramian.typing import Matrix, Vector

KINDS = ("percentile", "basic", "t")


@dataclass(frozen=True, slots=True)
class DrawnEstimates:
    """Estimates of a fit, and those of the draws that have one.

    Attributes
    ----------
    estimates : Vector
        (p,) of the fit.
    draws : Matrix
        (d, p).
    std_errors : Vector or None
        (p,) of the fit; None where t intervals are not had.
    draw_errors : Matrix or None
        (d, p) of the draws.
    """

    estimates: Vector
    draws: Matrix
    std_errors: Vector | None = None
    draw_errors: Matrix | None = None

    @property
    def t(self) -> Matrix:
        """Statistics (d, p) of the draws."""
        assert self.draw_errors is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((self.draws - self.estimates) / self.draw_errors)

    def interval(self, kind: str, level: float) -> Matrix:
        """Intervals, (p, 2).

        Raises OptionError for an unknown kind, and for a level that so few draws do not have.
        """
        self._check(kind)
        low, high = self._quantiles(self.t if kind == "t" else self.draws, level)
        if kind == "percentile":
            return np.column_stack([low, high])
        if kind == "basic":
            return np.column_stack([2.0 * self.estimates - high, 2.0 * self.estimates - low])
        assert self.std_errors is not None
        return np.column_stack([self.estimates - high * self.std_errors, self.estimates - low * self.std_errors])

    def p_values(self, kind: str) -> Vector:
        """P-values (p,) of the hypotheses that a coefficient is 0."""
        self._check(kind)
        if kind == "t":
            assert self.std_errors is not None
            with np.errstate(divide="ignore", invalid="ignore"):
                draws, own = self.t, self.estimates / self.std_errors
        else:
            draws, own = self.draws, 2.0 * self.estimates if kind == "basic" else np.zeros(len(self.estimates))
        fewer = np.minimum((draws <= own).sum(axis=0), (draws >= own).sum(axis=0))
        p = np.minimum(1.0, 2.0 * (fewer + 1) / (len(draws) + 1))
        return np.where(np.isnan(self.estimates), np.nan, p)

    def largest(self, level: float) -> float:
        """Half-width, in standard errors, of intervals that hold together: a quantile of the largest statistic."""
        errors = self.draws.std(axis=0, ddof=1) if self.draw_errors is None else self.draw_errors
        with np.errstate(divide="ignore", invalid="ignore"):
            statistics = np.abs(self.draws - self.estimates) / errors
        has_one = np.isfinite(statistics).any(axis=0)
        return float(np.quantile(statistics[:, has_one].max(axis=1), level, method="inverted_cdf"))

    def _check(self, kind: str) -> None:
        """Raise OptionError for an unknown kind, and for t where the draws have no standard errors."""
        one_of("kind", kind, KINDS)
        if kind == "t" and self.draw_errors is None:
            raise OptionError(
                "t intervals need a standard error of each draw, which one pass over rows does not give; take "
                "'percentile' or 'basic', or draw clusters"
            )

    def _quantiles(self, draws: Matrix, level: float) -> tuple[Vector, Vector]:
        """The quantiles (p,) that leave half of 1 - level on each side."""
        if not 0.0 < level < 1.0:
            raise OptionError(f"level must lie between 0 and 1, found {level!r}")
        tail = 0.5 * (1.0 - level)
        if tail * (len(draws) + 1) < 1.0 - 1e-9:
            fewest = math.ceil(1.0 / tail - 1e-6) - 1
            raise OptionError(
                f"{len(draws):,} draws have no interval of level {level:g}: take draws={fewest} or more, or a lower "
                "level"
            )
        low, high = np.quantile(draws, [tail, 1.0 - tail], axis=0, method="weibull")
        return low, high
