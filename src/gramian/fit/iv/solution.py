"""IvSolved: the numbers of a fit with instruments, as its results, tests and files use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gramian.fit.leastsquares.solution import Solved
from gramian.keywords import ESTIMATORS
from gramian.typing import Matrix, Size

TWO_STAGE, LIML, FULLER, GMM = ESTIMATORS


@dataclass(frozen=True, slots=True)
class RobustMoments:
    """What robust tests of instruments need, by the conventions of the covariance in force.

    Attributes
    ----------
    reduced : ndarray of shape ((k + 1) L, (k + 1) L)
        Covariance of `IvSolved.reduced`, column after column.
    endogeneity : ndarray of shape (k, k)
        Covariance of the moments that test endogeneity.
    df : float
        Degrees of freedom of the first stages.
    df_endogeneity : float
        Those of the regression that tests endogeneity.
    """

    reduced: Matrix
    endogeneity: Matrix
    df: float
    df_endogeneity: float


@dataclass(frozen=True, slots=True)
class IvSolved:
    """A fit with k endogenous columns and L excluded instruments.

    Attributes
    ----------
    structural : Solved
        The model; its inverse is that of the products of projected columns.
    estimator : str
        One of `ESTIMATORS`.
    kappa : float
        k of the k-class; 1 for 2SLS.
    endogenous : tuple of str
        Names of the endogenous columns.
    excluded : tuple of str
        Names of the excluded instruments.
    unused : tuple of str
        Names of excluded instruments that depend on others, and are not used.
    within : ndarray of shape (k + 1, k + 1)
        Products of the endogenous columns and the outcome, without the exogenous columns.
    reduced : ndarray of shape (L, k + 1)
        Their coefficients on orthonormal excluded instruments, without the exogenous columns.
    exogenous : int
        Number of independent exogenous columns, the constant and absorbed levels included.
    first : tuple of Solved
        Regressions of the endogenous columns on all instruments, of those that are variables.
    robust : RobustMoments or None
        For robust tests; None for iid errors.
    hansen : float or None
        Hansen's J of the two-step GMM with the robust covariance; None for iid errors.
    fuller : float
        Fuller's constant.
    """

    structural: Solved
    estimator: Annotated[str, ESTIMATORS]
    kappa: float
    endogenous: tuple[str, ...]
    excluded: tuple[str, ...]
    unused: tuple[str, ...]
    within: Matrix
    reduced: Matrix
    exogenous: Size
    first: tuple[Solved, ...] = ()
    robust: RobustMoments | None = None
    hansen: float | None = None
    fuller: float = 1.0
