"""PanelSolved: the numbers of a fit to a panel, as its results and files use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from gramian.fit.leastsquares.solution import Solved
from gramian.formula.dropped_rows import DroppedRows
from gramian.typing import Mask, Matrix, Name, NotNegative, RowCounts, Size, Vector

ESTIMATORS = BETWEEN, RANDOM, MUNDLAK = ("between", "random", "mundlak")


@dataclass(frozen=True, slots=True)
class MeansTest:
    """Coefficients of group means beside the columns themselves, which are zero where random effects are right.

    Attributes
    ----------
    names : tuple of str
        Columns that vary within groups.
    coefficients : ndarray of shape (m,)
        Of their means.
    iid, by_group : ndarray of shape (m, m)
        Their covariance, for independent errors and by group.
    """

    names: tuple[Name, ...]
    coefficients: Vector
    iid: Matrix
    by_group: Matrix


@dataclass(frozen=True, slots=True)
class PanelSolved:
    """A fit to a panel, with k coefficients.

    Attributes
    ----------
    structural : Solved
        The regression of all rows on the columns of the formula by least squares, of which names and maps are used;
        with the coefficients of the fit, unless there are those of means.
    estimator : str
        One of `ESTIMATORS`.
    panel : str
        The column that makes the groups.
    names : tuple of str
        Names of the coefficients.
    coefficients : ndarray of shape (k,)
        Estimates, NaN where the columns do not determine them.
    identified : ndarray of bool, shape (k,)
        Whether they do.
    covariance : ndarray of shape (k, k)
        Their covariance.
    kind, description : str
        Name of the covariance, in short and in a line.
    df : float
        Degrees of freedom of t; infinite for the normal distribution.
    sigma : float
        Standard deviation of the residuals of the regression.
    sigma_residual, sigma_group : float
        Standard deviations of the residuals and of the effects of groups; NaN for the between estimator.
    r_squared : float
        Share of the square about the mean that the regression explains.
    groups : int
        Number of groups.
    sizes : ndarray of shape (2,)
        Fewest and most rows of a group.
    quasi : ndarray of shape (2,)
        The smallest and the largest share of its mean that is subtracted from a group.
    means : MeansTest or None
        For Hausman's test; None for other estimators than random effects.
    """

    structural: Solved
    estimator: Annotated[str, ESTIMATORS]
    panel: str
    names: tuple[Name, ...]
    coefficients: Vector
    identified: Mask
    covariance: Matrix
    kind: str
    description: str
    df: float
    sigma: NotNegative
    sigma_residual: float
    sigma_group: float
    r_squared: float
    groups: Size
    sizes: RowCounts
    quasi: Vector
    means: MeansTest | None = None

    @property
    def formula(self) -> str:
        """The formula as it was written."""
        return self.structural.formula

    @property
    def aliased(self) -> Mapping[str, str]:
        """Columns that depend on others."""
        return self.structural.aliased

    @property
    def rows(self) -> int:
        """Rows that entered."""
        return self.structural.rows

    @property
    def weight(self) -> float:
        """Sum of weights."""
        return self.structural.weight

    @property
    def rank(self) -> int:
        """Number of coefficients that were estimated."""
        return int(self.identified.sum())

    @property
    def effective(self) -> float:
        """The same, less the rows that are not groups for the between estimator."""
        return float(self.rank)

    @property
    def condition(self) -> float:
        """Condition of the columns by least squares."""
        return self.structural.condition

    @property
    def passes(self) -> int:
        """Number of passes."""
        return self.structural.passes

    @property
    def dropped_rows(self) -> DroppedRows:
        """Rows that did not enter."""
        return self.structural.dropped_rows
