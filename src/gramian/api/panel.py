"""Fits to panels: `gramian.between`, `gramian.random_effects`, `gramian.mundlak` and `gramian.hausman`."""

from __future__ import annotations

from typing import Any, Unpack

from gramian.api.settings import options_of, runner_of
from gramian.errors import OptionError
from gramian.fit.panel.fit import fit_panel
from gramian.fit.panel.hausman import hausman as hausman
from gramian.fit.panel.options import PanelOptions
from gramian.fit.panel.plan import plan_panel
from gramian.fit.panel.result import PanelFit
from gramian.fit.passes.job import Job, PassRunner, job_of
from gramian.fit.passes.plan import Plan
from gramian.formula.grammar import parse
from gramian.inference.vcov_spec import Vcov, vcov_spec
from gramian.keywords import PanelKeywords, completed, takes
from gramian.results.fitted_rows import FittedRows

WEIGHTS = (
    "weights have no accepted meaning for random effects by moments and for group means: use gm.mixed(..., weights=), "
    "the same model by likelihood, gm.ols(... | firm, weights=) for fixed effects, or counts= for rows that stand for "
    "several"
)


@takes(PanelKeywords)
def random_effects(
    formula: str, data: Any, panel: str, *, vcov: Vcov = "iid", **options: Unpack[PanelKeywords]
) -> PanelFit:
    """Linear regression with random effects of the groups of a panel, by Swamy and Arora, from one pass.

    Parameters
    ----------
    formula : str
        Such as "y ~ x", without the groups.
    data : object
        Rows in any order, as in `gramian.ols`; the panel may be unbalanced.
    panel : str
        Column that makes the groups. A row without a group is incomplete.
    vcov : "iid" or mapping, default "iid"
        Covariance of the coefficients: that of the model, or by group, {"cluster": panel} with the types CR0 and CR1.
    counts, na, collinear, where, panel_id, engine, progress
        As in `gramian.ols`.

    Returns
    -------
    PanelFit
        Coefficients, with z tests as those of plm, and the standard deviations of residuals and groups.

    Raises
    ------
    OptionError, DataError, FormulaError
        As in `gramian.ols`.
    NumericalError
        For one group, or where there are too few rows or groups for the variances.

    Notes
    -----
    The variance of the residuals is that of the regression within groups, the one of groups follows from the residuals
    of the weighted regression between groups (Baltagi and Chang, 1994), as in plm; a negative one is zero.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3], "x": [0.0, 1, 2, 1, 1, 4, 2, 1, 6],
    ...         "y": [1.0, 2.1, 2.9, 3.0, 3.2, 5.1, 2.1, 1.0, 4.8]}
    >>> gm.random_effects("y ~ x", rows, panel="g").coefficients.round(3).tolist()
    [1.33, 0.735]
    """
    return fit_of("random", formula, data, panel, vcov, **options)


@takes(PanelKeywords)
def mundlak(formula: str, data: Any, panel: str, *, vcov: Vcov = "iid", **options: Unpack[PanelKeywords]) -> PanelFit:
    """Random effects beside the group means of all columns that vary within groups (Mundlak, 1978), from one pass.

    The coefficients of these columns are those of fixed effects; those of their means, named "mean(x)", are zero where
    random effects are right.

    Parameters
    ----------
    formula, data, panel, vcov, counts, na, collinear, where, panel_id, engine, progress
        As in `gramian.random_effects`.

    Returns
    -------
    PanelFit
        As of `gramian.random_effects`.

    Raises
    ------
    OptionError, DataError, FormulaError, NumericalError
        As in `gramian.random_effects`.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"g": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4], "x": [0.0, 1, 2, 1, 1, 4, 2, 1, 6, 2, 3],
    ...         "y": [1.0, 2.1, 2.9, 3.0, 3.2, 5.1, 2.1, 1.0, 4.8, 3.3, 3.1]}
    >>> gm.mundlak("y ~ x", rows, panel="g").names
    ('Intercept', 'x', 'mean(x)')
    """
    return fit_of("mundlak", formula, data, panel, vcov, **options)


@takes(PanelKeywords)
def between(formula: str, data: Any, panel: str, **options: Unpack[PanelKeywords]) -> PanelFit:
    """Least squares of the group means of a panel, each group once, from one pass.

    Parameters
    ----------
    formula, data, panel, counts, na, collinear, where, panel_id, engine, progress
        As in `gramian.random_effects`.

    Returns
    -------
    PanelFit
        With t tests by the number of groups minus that of coefficients.

    Raises
    ------
    OptionError, DataError, FormulaError
        As in `gramian.ols`.
    NotIdentifiedError
        Where the group means of columns depend on each other.

    Examples
    --------
    >>> import gramian as gm
    >>> rows = {"g": [1, 1, 2, 2, 3, 3], "x": [0.0, 2, 1, 3, 4, 2], "y": [1.0, 3, 3, 3, 5, 6]}
    >>> gm.between("y ~ x", rows, panel="g").coefficients.round(3).tolist()
    [0.0, 1.75]
    """
    return fit_of("between", formula, data, panel, "iid", **options)


def fit_of(
    estimator: str, formula: str, data: Any, panel: str, vcov: Vcov, **options: Unpack[PanelKeywords]
) -> PanelFit:
    """The fit of an estimator by name: "random", "mundlak" or "between"."""
    runner, job, own = _job(estimator, formula, data, panel, vcov, options)
    rows = FittedRows(runner.source)
    return PanelFit(fit_panel(job, own), rows)


def plan_of(estimator: str, formula: str, data: Any, panel: str, vcov: Vcov, **options: Unpack[PanelKeywords]) -> Plan:
    """What the fit would do; reads no rows."""
    _, job, own = _job(estimator, formula, data, panel, vcov, options)
    return plan_panel(job, own)


def _job(
    estimator: str, formula: str, data: Any, panel: str, vcov: Vcov, options: PanelKeywords
) -> tuple[PassRunner, Job, PanelOptions]:
    """The runner of the passes, the job, and the options of the estimator. Raises OptionError for weights."""
    if "weights" in options:
        raise OptionError(WEIGHTS)
    given = completed(between, options)
    runner, settings = runner_of(data, given), options_of(given)
    own = PanelOptions(estimator, panel, vcov_spec(vcov))
    return runner, job_of(parse(formula), settings, runner, excluded=(panel,)), own
