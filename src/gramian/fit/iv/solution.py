"""IvSolved: the numbers of a fit with instruments, as its results, tests and files use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from gramian.fit.leastsquares.solution import Solved
from gramian.typing import Matrix, Size

ESTIMATORS = TWO_STAGE, LIML, FULLER, GMM = "2sls", "liml", "fuller", "gmm"


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
    unused : mapping of str to str
        Instrument that depends on others -> the combination that it equals.
    within : ndarray of shape (k + 1, k + 1)
        Products of the endogenous columns and the outcome, without the exogenous columns.
    reduced : ndarray of shape (L, k + 1)
        Their coefficients on orthonormal excluded instruments, without the exogenous columns.
    exogenous : int
        Number of independent exogenous columns, the constant and absorbed levels included.
    first : tuple of Solved
        Regressions of the endogenous columns on all instruments, of those that are variables.
    """

    structural: Solved
    estimator: Annotated[str, ESTIMATORS]
    kappa: float
    endogenous: tuple[str, ...]
    excluded: tuple[str, ...]
    unused: Mapping[str, str]
    within: Matrix
    reduced: Matrix
    exogenous: Size
    first: tuple[Solved, ...] = ()
