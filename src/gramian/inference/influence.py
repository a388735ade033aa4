"""Influence of single rows on a fit, from residuals and leverages: no row is left out and fitted again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gramian.typing import Vector

MIN_COMPLEMENT = 1e-9  # below this 1 - h is rounding: the row is fitted exactly, whatever its outcome


class Influence(NamedTuple):
    """What a row changes; NaN for rows of leverage 1.

    Attributes
    ----------
    cook : Vector
        (n,) Cook's distances.
    dffits : Vector
        (n,) change of the fitted value, in standard errors of a fit without the row.
    rstudent : Vector
        (n,) externally studentized residuals.
    """

    cook: Vector
    dffits: Vector
    rstudent: Vector


def of_linear(residual: Vector, leverage: Vector, sigma: float, columns: float, df_residual: float) -> Influence:
    """Influence in a linear fit.

    Parameters
    ----------
    residual : Vector
        (n,) residuals times roots of weights.
    leverage : Vector
        (n,) diagonal of the hat matrix.
    sigma : float
        Residual standard deviation.
    columns : float
        Number p of coefficients.
    df_residual : float
        Residual degrees of freedom.

    References
    ----------
    D. A. Belsley, E. Kuh and R. E. Welsch, Regression Diagnostics, Wiley 1980, chapter 2.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        h, rest = leverage, _complement(leverage)
        standard = residual / (sigma * np.sqrt(rest))
        rstudent = standard * np.sqrt((df_residual - 1.0) / (df_residual - standard**2))
        return Influence(standard**2 * h / rest / columns, rstudent * np.sqrt(h / rest), rstudent)


def of_generalized(
    pearson: Vector, deviance: Vector, leverage: Vector, dispersion: float, facts: tuple[float, float, float, bool]
) -> Influence:
    """Influence in a generalized linear fit by one step from it, as R's `influence.measures` of a glm.

    Parameters
    ----------
    pearson, deviance : Vector
        (n,) Pearson and deviance residuals.
    leverage : Vector
        (n,) diagonal of the hat matrix of the working rows.
    dispersion : float
        The dispersion.
    facts : tuple
        Number of coefficients, residual degrees of freedom, sum of squares of the deviance residuals (the deviance),
        and whether the dispersion is known.

    References
    ----------
    D. Pregibon, Logistic regression diagnostics, Annals of Statistics 9 (1981); D. A. Williams, Generalized linear
    model diagnostics using the deviance and single case deletions, Applied Statistics 36 (1987).
    """
    columns, df_residual, total, known = facts
    with np.errstate(divide="ignore", invalid="ignore"):
        h, rest = leverage, _complement(leverage)
        cook = (pearson / rest) ** 2 * h / (dispersion * columns)
        # residual standard deviation of the deviance residuals without the row
        sigma = np.sqrt((total - deviance**2 / rest) / (df_residual - 1.0))
        likelihood = np.sign(deviance) * np.sqrt(deviance**2 + h * pearson**2 / rest)
        return Influence(cook, deviance * np.sqrt(h) / (sigma * rest), likelihood if known else likelihood / sigma)


def _complement(leverage: Vector) -> Vector:
    """1 - h, NaN for rows of leverage 1."""
    rest = 1.0 - leverage
    return np.where(rest > MIN_COMPLEMENT, rest, np.nan)
