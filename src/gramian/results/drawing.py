"""Choice of the picture of a fit: coefficients without data; with data the fitted line, residuals or calibration."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gramian.batch import Source
from gramian.data.source import source_of
from gramian.errors import NumericalError, OptionError, one_of
from gramian.plots.bins import Bins
from gramian.plots.influence import Residuals
from gramian.plots.sample import Sample
from gramian.results.rows import RowwiseFit

LEVEL = 0.95  # of the intervals in pictures
GRID = 401  # points of a fitted curve; odd, so that the middle is one of them
KINDS = ("coefficients", "event", "line", "diagnostics", "residuals", "qq", "scale", "leverage", "binned")
CALIBRATION, BINNED = "calibration", "binned"


def draw(rowwise: RowwiseFit, data: Any, kind: str | None, kinds: tuple[str, ...]) -> Any:
    """The picture of a fit.

    Parameters
    ----------
    rowwise : RowwiseFit
        The fit.
    data : object or None
        Rows, in any form that a fit accepts; None for a picture of the coefficients.
    kind : str or None
        One of `kinds`. None chooses: an event study where the formula has i(), coefficients without data, the line
        where there is one numeric predictor, calibration of a binomial model, and residuals otherwise.
    kinds : tuple of str
        Kinds that this model has.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        Where the kind is unknown, or needs rows or a single numeric predictor that are not there.
    NumericalError
        Where there is nothing to draw.
    MissingExtraError
        Without matplotlib.
    """
    import gramian.plots.matplotlib  # noqa: F401  # where it is missing, say so before anything is read

    if kind is not None:
        one_of("kind", kind, kinds)
    if kind == "event" or (kind is None and rowwise.design.terms.event_terms):
        return rowwise.fit.iplot()
    if kind == "coefficients" or (kind is None and data is None):
        return _coefficients(rowwise)
    if data is None:
        raise OptionError(f"kind='{kind}' needs the rows, as in plot(data, kind='{kind}'): a fit holds no data")
    source = source_of(data)
    x = rowwise.single_predictor(source.schema)
    if kind == "line" and x is None:
        raise OptionError(
            f"kind='line' needs one predictor that is a number, found {', '.join(rowwise.predictors) or 'none'}"
        )
    if x is not None and kind in (None, "line"):
        return _line(rowwise, source, x)
    if kind == CALIBRATION or (kind is None and rowwise.binomial):
        return _calibration(rowwise, source)
    if kind == BINNED:
        return _binned(rowwise, source)
    return _residuals(rowwise, source, kind or "diagnostics")


def _coefficients(rowwise: RowwiseFit) -> Any:
    """Coefficients with their confidence intervals."""
    from gramian.plots.coefficients import coefficients

    fit = rowwise.fit
    options: dict[str, Any] = {"term_numbers": rowwise.terms, "title": fit.formula, "x_label": rowwise.unit}
    return coefficients(fit.names, fit.coefficients, fit.conf_int(LEVEL), level=LEVEL, **options)


def _line(rowwise: RowwiseFit, source: Source, name: str) -> Any:
    """Rows and the fitted line or curve against the single predictor `name`."""
    from gramian.plots.points import Curve, line

    sample, bins = Sample(), Bins()
    for rows in rowwise.read(source):
        x = rows.batch.numbers(name).values[rows.complete]
        sample.add(x, rows.y)
        bins.add(x, rows.y, rowwise.mean(rows.values[0]), rows.weight, rows.counts)
    _check(len(sample))
    # The range of all rows: the sample may lack the extreme ones.
    grid = np.linspace(bins.minimum, bins.maximum, GRID)
    intervals = rowwise.fit.predict({name: grid}, interval="confidence", level=LEVEL)
    y, low, high = (intervals[column].to_numpy(zero_copy_only=False) for column in ("fit", "low", "high"))
    # Outcomes of 0 and 1 show nothing as points, so that means of groups are drawn even where all rows are.
    groups = None if sample.is_complete and not rowwise.binomial else bins.groups()
    means = None if groups is None else (groups, groups.wilson if rowwise.binomial else groups.interval)
    # where a search stopped there is nothing that a band would say
    band = None if rowwise.stopped else np.stack([low, high])
    fitted = Curve(grid, y, band, LEVEL, rowwise.stopped, rowwise.title)
    names = (name, rowwise.outcome)
    return line(sample[0], sample[1], fitted, names=names, description=sample.description, groups=means)


def _calibration(rowwise: RowwiseFit, source: Source) -> Any:
    """Observed shares against predicted probabilities."""
    from gramian.plots.calibration import calibration

    bins, seen = Bins(), 0
    for rows in rowwise.read(source):
        seen += len(rows.y)
        mu = rowwise.mean(rows.values[0])
        bins.add(mu, rows.y, mu, rows.weight, rows.counts)
    _check(seen)
    return calibration(bins, title=f"Calibration of {rowwise.fit.formula}", outcome=rowwise.outcome)


def _binned(rowwise: RowwiseFit, source: Source) -> Any:
    """Mean residuals of groups of rows with like predictions."""
    from gramian.plots.calibration import binned_residuals

    bins, seen = Bins(), 0
    for rows in rowwise.read(source):
        seen += len(rows.y)
        mu = rowwise.mean(rows.values[0])
        bins.add(mu, rows.y - mu, mu, rows.weight, rows.counts)
    _check(seen)
    return binned_residuals(bins, title=f"Binned residuals of {rowwise.fit.formula}", outcome=rowwise.outcome)


def _residuals(rowwise: RowwiseFit, source: Source, kind: str) -> Any:
    """One or all pictures of the residuals."""
    from gramian.plots import residuals

    if not rowwise.fit.df_residual > 0:
        raise NumericalError("there are as many coefficients as rows, so no residuals are left to look at")
    diagnostics = Residuals(rowwise.columns)
    for rows in rowwise.read(source):
        diagnostics.add(rows.numbers, *rowwise.evaluate(rows)[:4])
    _check(len(diagnostics.sample))
    if diagnostics.unknown == diagnostics.sample.rows:
        raise NumericalError("the residuals are all zero, so there is nothing to look at")
    names = residuals.AxisNames(rowwise.fit.formula, *rowwise.axis)
    draw = residuals.diagnostics if kind == "diagnostics" else partial(residuals.panel, kind)
    return draw(diagnostics, names)


def _check(rows: int) -> None:
    """Raise NumericalError without rows."""
    if not rows:
        raise NumericalError("the data have no complete rows to draw")
