"""The function behind `gramian.curve`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gramian.data.source import source_of
from gramian.engines.choice import Engine, engine_of
from gramian.engines.progress import Progress
from gramian.fit.curve.fit import run_curve
from gramian.fit.curve.options import Bounds, curve_options
from gramian.fit.curve.result import CurveFit


def curve(
    formula: str,
    data: Any,
    start: Mapping[str, float] | None = None,
    *,
    bounds: Bounds | None = None,
    weights: str | None = None,
    max_passes: int = 50,
    tolerance: float = 1e-8,
    engine: Engine | str | None = None,
    progress: Progress | None = None,
) -> CurveFit:
    """Nonlinear least squares: a curve written as a formula, or a ready-made one.

    formula : such as "y ~ top / (1 + exp(-rate * (x - mid)))"; names that are not columns are parameters. Or
    "y ~ logistic(x)" with one of logistic, logistic4, gompertz, richards, weibull, michaelis, exponential, tanh,
    arctan, gaussian, power; it finds its own start.
    start : parameter -> value. Parameters that the curve is linear in follow from the others at every step, so their
    value does not matter. bounds : parameter -> (low, high), None for an open end.
    weights : column of analytic weights. max_passes : trips over the data of the search, at most.
    tolerance : the last step in standard errors. Raises FormulaError, OptionError, DataError, NumericalError;
    ConvergenceError where the search does not arrive.

    >>> from gramian.results.curve_api import curve
    >>> data = {"x": [0, 1, 2, 3, 4], "y": [1.0, 0.61, 0.35, 0.24, 0.13]}
    >>> fit = curve("y ~ a * exp(-k * x)", data, start={"a": 1, "k": 1})
    >>> fit.names
    ('a', 'k')
    """
    options = curve_options(start, bounds, weights, max_passes, tolerance)
    return CurveFit(run_curve(formula, source_of(data), options, engine_of(engine, data), progress))
