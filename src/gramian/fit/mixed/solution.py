"""MixedSolved: the numbers of a mixed model, as its results, tests and files use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gramian.fit.leastsquares.solution import Solved
from gramian.typing import Matrix, NotNegative, RowCounts, Size, Vector


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """Random effects that may be correlated with each other.

    Attributes
    ----------
    columns : Solved
        Their q columns: the outcome on them by least squares, of which names and maps are used.
    covariance : ndarray of shape (q, q)
        Covariance of the effects of a group.
    log_errors : ndarray of shape (q,)
        Standard errors of the logarithms of their standard deviations; NaN at a bound.
    atanh_errors : ndarray of shape (q, q)
        Standard errors of the inverse hyperbolic tangents of their correlations; NaN at a bound.
    """

    columns: Solved
    covariance: Matrix
    log_errors: Vector
    atanh_errors: Matrix

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the effects."""
        return self.columns.names


@dataclass(frozen=True, slots=True)
class MixedSolved:
    """A fit with m covariance parameters and p fixed effects, to c groups.

    Attributes
    ----------
    structural : Solved
        The fixed effects; its inverse is that of X'V^-1 X with V relative to the variance of the residuals.
    by : tuple of str
        Columns that make the groups.
    random : tuple of RandomTerm
        The random effects; those of different terms are uncorrelated.
    reml : bool
        Whether the restricted likelihood was maximised.
    deviance : float
        -2 times its logarithm.
    sigma : float
        Standard deviation of the residuals.
    log_sigma_error : float
        Standard error of its logarithm.
    parameters : ndarray of shape (m + 1, m + 1)
        Covariance of the covariance parameters, the logarithm of the residual variance last.
    derivatives : ndarray of shape (m + 1, p, p)
        Derivatives of the covariance of the fixed effects by these.
    groups : tuple of Arrow arrays
        Values (c,) of each of these columns; the groups are in their order.
    counts : ndarray of shape (c,)
        Rows of each.
    effects : ndarray of shape (c, q)
        Conditional means of the random effects of each group, term after term.
    effect_errors : ndarray of shape (c, q)
        Their conditional standard deviations.
    steps : int
        Steps of the search.
    singular : bool
        Whether some combination of random effects has no variance.
    """

    structural: Solved
    by: tuple[str, ...]
    random: tuple[RandomTerm, ...]
    reml: bool
    deviance: float
    sigma: NotNegative
    log_sigma_error: float
    parameters: Matrix
    derivatives: Matrix
    groups: tuple[Any, ...]
    counts: RowCounts
    effects: Matrix
    effect_errors: Matrix
    steps: Size
    singular: bool
