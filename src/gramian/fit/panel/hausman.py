"""Hausman's test of random effects: against fixed ones, or by the coefficients of group means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gramian.errors import NumericalError, OptionError
from gramian.fit.panel.solution import RANDOM, MeansTest
from gramian.inference.diagnostics import DiagnosticTest, chi_squared
from gramian.linalg.certificate import EPS

if TYPE_CHECKING:
    from gramian.fit.linear.result import LinearFit
    from gramian.fit.panel.result import PanelFit

NAME, HYPOTHESIS = "Hausman", "the effects of groups are uncorrelated with the columns"
INTERCEPT = "Intercept"


def hausman(fixed: LinearFit, random: PanelFit, *, robust: bool = False) -> DiagnosticTest:
    """Test whether random effects are consistent.

    Parameters
    ----------
    fixed : LinearFit
        The model with absorbed groups: `gm.ols("y ~ x | firm", data)`.
    random : PanelFit
        The same with random effects: `gm.random_effects("y ~ x", data, panel="firm")`.
    robust : bool, default False
        Whether the coefficients of group means beside the columns are tested, with a covariance by group, which holds
        where errors are correlated or of unequal variance (Wooldridge, 2010, chapter 10.7.3). Then the fixed effects
        serve as a check only.

    Returns
    -------
    DiagnosticTest
        Chi-square with as many degrees of freedom as both fits have coefficients in common, but for the intercept.

    Raises
    ------
    OptionError
        Where the fits are not these, of other rows, or have no coefficient in common.
    NumericalError
        Where the covariance of the difference is singular.

    Notes
    -----
    The classic statistic is d' (V_f - V_r)^-1 d for the difference d of the coefficients, as that of plm. It has a
    meaning for iid covariances only.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3], "x": [0.0, 1, 2, 1, 1, 4, 2, 1, 6],
    ...         "y": [1.0, 2.1, 2.9, 3.0, 3.2, 5.1, 2.1, 1.0, 4.8]}
    >>> fixed, random = gm.ols("y ~ x | g", rows), gm.random_effects("y ~ x", rows, panel="g")
    >>> round(gm.hausman(fixed, random).statistic, 3)
    0.007
    """
    absorbed = getattr(fixed, "absorbed", None)
    if getattr(random, "estimator", None) != RANDOM or absorbed is None or absorbed.slopes:
        raise OptionError(
            'hausman compares gm.ols("y ~ x | firm", data) with gm.random_effects("y ~ x", data, panel="firm"), in '
            "this order"
        )
    if fixed.rows != random.rows:
        raise OptionError(f"the fits are of other rows: {fixed.rows:,} and {random.rows:,}")
    common = [n for n, known in zip(random.names, random.identified, strict=True) if n != INTERCEPT and known]
    common = [n for n in common if n in fixed.names and fixed.identified[fixed.names.index(n)]]
    if not common:
        raise OptionError("the fits have no coefficient in common")
    if robust:
        return _of_means(random.panel_solved.means, common)
    if fixed.covariance.name != "iid" or random.covariance.name != "iid":
        raise OptionError("the classic test needs iid covariances of both fits; robust=True tests with one by group")
    at, beside = ([fit.names.index(n) for n in common] for fit in (fixed, random))
    d = fixed.coefficients[at] - random.coefficients[beside]
    return _chi(d, fixed.vcov[np.ix_(at, at)] - random.vcov[np.ix_(beside, beside)])


def _of_means(means: MeansTest | None, common: list[str]) -> DiagnosticTest:
    """The test of the coefficients of group means."""
    if means is None:
        raise NumericalError("the group means depend on each other or on the columns: use the classic test")
    at = [i for i, name in enumerate(means.names) if name in common]
    return _chi(means.coefficients[at], means.by_group[np.ix_(at, at)])


def _chi(d: np.ndarray, V: np.ndarray) -> DiagnosticTest:
    """Test that d is zero, with its covariance V, which need not be definite."""
    scale = 1.0 / np.sqrt(np.where(V.diagonal() != 0.0, np.abs(V.diagonal()), 1.0))
    values, vectors = np.linalg.eigh(V * scale[:, None] * scale)
    if np.abs(values).min() <= len(V) * EPS * np.abs(values).max():
        raise NumericalError("the covariance of the difference is singular: test fewer columns")
    statistic = abs(float(((vectors.T @ (scale * d)) ** 2 / values).sum()))
    return chi_squared(NAME, HYPOTHESIS, statistic, float(len(d)))
