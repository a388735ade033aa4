"""Fit of a curve: parse the formula, find a start, search, assemble the solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.batch import Source
from gramian.errors import DataError, NotIdentifiedError, NumericalError
from gramian.fit.curve.accumulate import CurvePass, CurveSums
from gramian.fit.curve.errors import check_effects, check_rows, not_converged, not_defined, not_determined
from gramian.fit.curve.loop import Search, SearchResult, minimise
from gramian.fit.curve.options import CurveOptions, bounds_of, start_of
from gramian.fit.curve.start import Sample, SamplePass, start_from
from gramian.fit.curve.step import Point, point_of
from gramian.fit.curve.trust_region import RANK
from gramian.fit.leastsquares.outcome import check_lengths
from gramian.fit.leastsquares.solution import RobustCovariance
from gramian.fit.passes.job import PassRunner
from gramian.formula.curves.curve import Curve, ParsedCurve, curve_of, parameters_of, parse_curve
from gramian.formula.dropped_rows import DroppedRows
from gramian.formula.kinds import check_numeric_option
from gramian.models.curves import NamedCurve
from gramian.schema import Schema
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class CurveSolved:
    """The solution of a nonlinear regression: numbers and facts, as they are saved.

    Attributes
    ----------
    curve : Curve
        The curve, resolved for the source.
    coefficients : ndarray
        (p,) estimates.
    inverse : ndarray
        (p, p) inverse of J'WJ of the free parameters; NaN for those at a bound.
    at_bound : ndarray of bool
        (p,) parameters that lie on a bound.
    start : ndarray
        (p,) start of the search.
    rows : int
        Rows that entered.
    weight, log_weight : float
        Sum of the weights, and of their logarithms.
    rss, tss : float
        Weighted sums of squares of the residuals, and of the outcome about its mean.
    noise : float
        Rounding error of the rss.
    condition : float
        Condition number of J with columns of length one.
    distance : float
        Length of the last step, in standard errors.
    passes : int
        Passes over the data.
    dropped_rows : DroppedRows
        Counts of rows that did not enter.
    failure : str
        Why the search did not converge, and what to try; empty where it did. The estimates are then those of the last
        point, and the inverse is NaN where they are not determined there.
    robust : RobustCovariance or None
        A robust covariance; None for sigma^2 (J'WJ)^-1.
    """

    curve: Curve
    coefficients: Vector
    inverse: Matrix
    at_bound: Mask
    start: Vector
    rows: int
    weight: float
    log_weight: float
    rss: float
    tss: float
    noise: float
    condition: float
    distance: float
    passes: int
    dropped_rows: DroppedRows
    failure: str = ""
    robust: RobustCovariance | None = None

    @property
    def formula(self) -> str:
        """The formula as it was written."""
        return self.curve.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of `coefficients`."""
        return self.curve.names

    @property
    def identified(self) -> Mask:
        """Which parameters are free, not at a bound, (p,)."""
        return ~self.at_bound

    @property
    def aliased(self) -> Mapping[str, str]:
        """Always empty: parameters that the data do not determine raise NotIdentifiedError."""
        return {}

    @property
    def rank(self) -> int:
        """Number of free parameters."""
        return int(self.identified.sum())

    @property
    def effective(self) -> float:
        """Number of all parameters, those at a bound included."""
        return float(len(self.names))


@dataclass(slots=True)
class _CurveRun:
    """The passes of one fit.

    Attributes
    ----------
    runner : PassRunner
        Runs and counts passes.
    curve : Curve
        The curve.
    last : CurveSums or None
        Sums of the last pass, which the messages about bad rows need.
    """

    runner: PassRunner
    curve: Curve
    last: CurveSums | None = field(default=None)

    def evaluate(self, beta: Vector) -> Point | None:
        """The point at these parameters, (p,); None where the curve is not finite or its squares overflow."""
        self.last = self.runner.fold(CurvePass(self.curve, tuple(beta.tolist())))
        return None if self.last.undefined.rows else point_of(self.curve.shape, beta, self.last.factor)


@dataclass(frozen=True, slots=True)
class CurveSteps:
    """The steps of a fit, decided before any row is read.

    Attributes
    ----------
    curve : Curve
        The curve on these columns.
    named_curve : NamedCurve or None
        The ready-made curve that it is, which can find its own start.
    start_values : mapping
        Parameter -> start, of those that are given.
    samples : bool
        Whether the start is completed from a sample, which a cheap pass draws.
    search : Search
        Bounds, and when the search ends.
    """

    curve: Curve
    named_curve: NamedCurve | None
    start_values: Mapping[str, float]
    samples: bool
    search: Search


def curve_steps(formula: str, options: CurveOptions, source: Source) -> CurveSteps:
    """The steps of a fit. Raises every error that can be found before a row is read."""
    curve, parsed = parsed_curve(formula, source.schema, options)
    low, high = bounds_of(options.bounds, curve.names)
    if options.vcov is not None:
        from gramian.fit.curve.robust import check_curve_vcov  # most curves have none

        check_curve_vcov(options.vcov, source.schema)
    if not source.rereadable:
        raise DataError(
            "a curve is fitted in several passes, and these data can be read only once; "
            "pass files, a frame or a list of batches"
        )
    start_values = start_of(options.start, curve.names, low, high)
    # linear parameters need no start: they are solved for at every point
    required = {curve.names[at] for at in curve.shape.nonlinear}
    samples = parsed.named_curve is not None and not required <= set(start_values)
    search = Search(low, high, 0, options.max_passes, options.tolerance)
    return CurveSteps(curve, parsed.named_curve, start_values, samples, search)


def fit_curve(formula: str, options: CurveOptions, runner: PassRunner) -> CurveSolved:
    """Fit a curve to a source.

    Parameters
    ----------
    formula : str
        The formula of the curve.
    options : CurveOptions
        Start, bounds, weights, and when to stop.
    runner : PassRunner
        Runs the passes.

    Raises
    ------
    FormulaError, OptionError, SchemaError
        Where the formula or an option does not make sense for the source.
    DataError
        Where the source can be read only once.
    NumericalError
        Where no rows are left, or the curve is not finite at the start.
    NotIdentifiedError
        Where the data do not determine a parameter.
    """
    steps = curve_steps(formula, options, runner.source)
    curve, search = steps.curve, steps.search
    # every trial point costs a pass: hold the rows in memory where they fit
    runner.cache_rows((*curve.design.columns, *(() if options.vcov is None else options.vcov.clusters)))
    run = _CurveRun(runner, curve)
    start = _start(run, steps)
    first = run.evaluate(start)
    sums = run.last
    assert sums is not None
    check_rows(curve, sums)
    if first is None:
        raise NumericalError(not_defined(curve, start, sums.undefined))
    _check_range(curve, first, sums.factor)
    check_effects(curve, first)
    try:
        end = minimise(run.evaluate, curve.shape, first, replace(search, rows=sums.rows))
    except np.linalg.LinAlgError:
        raise NumericalError(
            "on the way from the start, derivatives of the curve left the range of float64; start elsewhere, or "
            "rescale the data"
        ) from None
    solved = _solved(curve, end, search, sums, start, runner.passes)
    if options.vcov is None or solved.failure:
        return solved
    from gramian.fit.curve.robust import with_robust

    return with_robust(solved, options.vcov, runner)


def _check_range(curve: Curve, point: Point, factor: Matrix) -> None:
    """Raise NumericalError where the outcome, or a derivative of the curve, has squares that float64 cannot hold.

    factor : of the pass, its last columns the outcome and the constant. Largest elements, whose squares may be zero.
    """
    sizes = np.append(np.abs(point.J).max(axis=0, initial=0.0), np.abs(factor[:, -2]).max(initial=0.0))
    check_lengths(sizes, [*(f"the derivative by {name}" for name in curve.names), *curve.design.outcome])


def parsed_curve(formula: str, schema: Schema, options: CurveOptions) -> tuple[Curve, ParsedCurve]:
    """The curve resolved for a source's schema, and its formula as parsed. Reads no rows."""
    parsed = parse_curve(formula, schema.names)
    names = parameters_of(parsed, schema, options.start, options.bounds)
    if options.weights is not None:
        check_numeric_option("weights", options.weights, schema)
    return curve_of(parsed, schema, names, options.weights, options.bounds, options.start or ()), parsed


def _start(run: _CurveRun, steps: CurveSteps) -> Vector:
    """Start of the search, (p,): as given, completed from a sample where the curve is a ready-made one."""
    curve = steps.curve
    if not steps.samples or steps.named_curve is None:
        return np.array([steps.start_values.get(name, 0.0) for name in curve.names])
    sample: Sample = run.runner.fold(SamplePass(curve))
    # no complete row: a pass at any parameters has the counts that the message needs
    if not len(sample.x):
        check_rows(curve, run.runner.fold(CurvePass(curve, (1.0,) * len(curve.names))))
    return start_from(curve, steps.named_curve, sample, steps.start_values, steps.search)


def _solved(
    curve: Curve, end: SearchResult, search: Search, sums: CurveSums, start: Vector, passes: int
) -> CurveSolved:
    """Assemble the solution at the end of a search; where it did not converge, at its last point."""
    point, failure = end.point, "" if end.reason is None else not_converged(curve, end)
    beta = point.beta if failure else end.beta
    _check_range(curve, point, sums.factor)
    at_bound = (beta == search.low) | (beta == search.high)
    try:
        inverse, condition = _inverse(curve, point.J, at_bound)
    except NotIdentifiedError:
        if not failure:
            raise
        inverse, condition = np.full((len(beta), len(beta)), np.nan), np.inf
    # the last column of the pass is 1, so the square of its factor is the sum of weights
    one = sums.factor[:, -1]
    return CurveSolved(
        curve=curve,
        coefficients=beta,
        inverse=inverse,
        at_bound=at_bound,
        start=start,
        rows=sums.rows,
        weight=float(one @ one),
        log_weight=sums.log_weight,
        rss=float(point.loss),
        tss=float(point.tss),
        noise=float(point.rounding_error),
        condition=condition,
        distance=float(end.distance),
        passes=passes,
        dropped_rows=sums.dropped_rows,
        failure=failure,
    )


def _inverse(curve: Curve, J: Matrix, at_bound: Mask) -> tuple[Matrix, float]:
    """(J'J)^-1 of the free parameters, (p, p), by singular values, and the condition number of the scaled columns.

    J : (m, p), weighted. Raises NotIdentifiedError where columns depend on each other.
    """
    free = ~at_bound
    inverse = np.full((len(free), len(free)), np.nan)
    if not free.any():
        return inverse, 1.0
    lengths = np.linalg.norm(J[:, free], axis=0)
    scale = np.where(lengths > 0, lengths, 1.0)
    _, s, Vt = np.linalg.svd(J[:, free] / scale, full_matrices=False)
    if s[-1] <= RANK * s[0]:
        names = [name for name, is_free in zip(curve.names, free, strict=True) if is_free]
        raise NotIdentifiedError(not_determined(names, Vt[-1]))
    # from singular values of J itself: J'J would square the condition number
    inverse_root = (Vt.T / s) / scale[:, None]
    inverse[np.ix_(free, free)] = inverse_root @ inverse_root.T
    return inverse, float(s[0] / s[-1])
