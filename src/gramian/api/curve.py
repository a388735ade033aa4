"""Nonlinear curves: `gramian.curve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

from gramian.api.settings import runner_of
from gramian.errors import ConvergenceError
from gramian.fit.curve.fit import fit_curve
from gramian.fit.curve.loop import MAX_PASSES, TOLERANCE
from gramian.fit.curve.options import curve_options
from gramian.fit.curve.result import CurveFit
from gramian.fit.vcov.names import vcov_of_data
from gramian.inference.estimators import IID
from gramian.inference.vcov_spec import vcov_spec
from gramian.keywords import CurveKeywords, completed, takes
from gramian.results.fitted_rows import FittedRows


@takes(CurveKeywords, max_passes=MAX_PASSES, tolerance=TOLERANCE)
def curve(
    formula: str,
    data: Any,
    start: Mapping[str, float] | None = None,
    **options: Unpack[CurveKeywords],
) -> CurveFit:
    """Nonlinear least squares: a curve written as a formula, or a ready-made one.

    Parameters
    ----------
    formula : str
        Such as "y ~ top / (1 + exp(-rate * (x - mid)))"; names that are not columns are parameters. Or "y ~
        logistic(x)" with one of logistic, logistic4, gompertz, richards, weibull, michaelis, exponential, tanh, arctan,
        gaussian, power; these find their own start.
    data : object
        Rows, in any form that `gramian.ols` accepts; they are read several times.
    start : mapping of str to float, optional
        Start of the parameters that the curve is not linear in. The values of the others follow from these at every
        step, so they need none, unless they have bounds.
    bounds : mapping of str to (low, high), optional
        Bounds of parameters; None for an open end.
    weights : str, optional
        Column of analytic weights.
    max_passes : int, default 200
        Largest number of passes over the data.
    tolerance : float, default 1e-9
        Error of the parameters that ends the search, in standard errors.
    vcov : str or mapping, default "iid"
        Covariance of the parameters: "HC0" to "HC4", {"cluster": "firm"} with the types CR0 and CR1, and by the columns
        of times or places, as in `gramian.ols`; by the derivatives of the curve, in one more pass.
    where : str, optional
        Condition on the rows that enter, such as "x > 0 & carrier == 'AA'" (see `gramian.rows`).
    panel_id : tuple of str and str, optional
        Columns of panels and times, by which the rows are in order; then there are lags (see `gramian.rows`).
    engine : Engine or str, optional
        Where the work is done; by default in threads of this process.
    progress : bool or Progress, optional
        True for a bar (in a notebook of tqdm, else of rich); or an object that is informed of rows and bytes read.

    Returns
    -------
    CurveFit

    Raises
    ------
    FormulaError
        Where the formula cannot be parsed.
    OptionError
        Where an option has a value without meaning.
    DataError
        Where the data cannot be read, or not several times.
    NotIdentifiedError
        Where the data do not determine a parameter.
    ConvergenceError
        Where the iteration does not converge; its `last` is the fit where it stopped.

    Examples
    --------
    >>> import gramian as gm
    >>> data = {"x": [0, 1, 2, 3, 4], "y": [1.0, 0.61, 0.35, 0.24, 0.13]}
    >>> fit = gm.curve("y ~ a * exp(-k * x)", data, start={"k": 1})
    >>> fit.names
    ('a', 'k')
    """
    given = completed(curve, options)
    settings = curve_options(start, given["bounds"], given["weights"], given["max_passes"], given["tolerance"])
    runner = runner_of(data, given)
    if given["vcov"] != IID:
        settings = replace(settings, vcov=vcov_spec(vcov_of_data(given["vcov"], runner.source.schema)))
    rows = FittedRows(runner.source)  # before the fit keeps rows in the place of the source
    fit = CurveFit(fit_curve(formula, settings, runner), rows)
    if not fit.converged:
        raise ConvergenceError(fit.solved.failure, fit)
    return fit
