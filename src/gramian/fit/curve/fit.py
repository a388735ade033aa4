"""A curve from a source: read the formula, find a start, search, tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gramian.errors import DataError, NotIdentifiedError, NumericalError, SchemaError
from gramian.fit.curve.accumulate import CurvePass, CurveSums
from gramian.fit.curve.errors import check_effects, check_rows, not_converged, not_defined, not_determined
from gramian.fit.curve.loop import Search, SearchResult, minimise
from gramian.fit.curve.options import CurveOptions, bounds_of, start_of
from gramian.fit.curve.start import Sample, SamplePass, start_from
from gramian.fit.curve.step import Point, point_of
from gramian.fit.curve.trust_region import RANK
from gramian.fit.passes.runner import PassRunner
from gramian.formula.curve import Curve, ParsedCurve, curve_of, parameters_of, parse_curve
from gramian.formula.dropped_rows import DroppedRows
from gramian.schema import Kind, Schema
from gramian.typing import Mask, Matrix, Vector


@dataclass(frozen=True, slots=True)
class CurveSolved:
    """A fitted curve: numbers and facts, no methods.

    coefficients : (p,). inverse : (p, p), (J'WJ)^-1 of the parameters that are free; NaN for those at a bound.
    at_bound : (p,). start : (p,) where the search began. distance : the last step in standard errors.
    rss, tss : weighted sums of squares, tss about the mean. passes : trips over the data.
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

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.curve.formula

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the start."""
        return self.curve.names

    @property
    def identified(self) -> Mask:
        """Parameters that are free, (p,)."""
        return ~self.at_bound

    @property
    def aliased(self) -> Mapping[str, str]:
        """None: parameters that the data do not determine are an error."""
        return {}

    @property
    def rank(self) -> int:
        """Parameters that are free."""
        return int(self.identified.sum())

    @property
    def effective(self) -> float:
        """All parameters, those at a bound as well."""
        return float(len(self.names))


@dataclass(slots=True)
class _CurveRun:
    """Passes over the data, and the sums of the last one."""

    runner: PassRunner
    curve: Curve
    last: CurveSums | None = field(default=None)

    def evaluate(self, beta: Vector) -> Point | None:
        """The point at these parameters, None where the curve is not defined or its squares overflow."""
        self.last = self.runner.fold(CurvePass(self.curve, tuple(beta.tolist())))
        return None if self.last.undefined.rows else point_of(self.curve.shape, beta, self.last.factor)


def fit_curve(formula: str, options: CurveOptions, runner: PassRunner) -> CurveSolved:
    """Fit a curve to the rows.

    Raises FormulaError, OptionError, DataError; NumericalError where the curve is not defined at the start,
    NotIdentifiedError where the data do not determine a parameter, ConvergenceError.
    """
    curve, parsed = parsed_curve(formula, runner.source.schema, options)
    low, high = bounds_of(options.bounds, curve.names)
    if not runner.source.rereadable:
        raise DataError(
            "a curve is fitted in several passes, and these data can be read only once; "
            "pass files, a frame or a list of batches"
        )
    runner.cache_rows(curve.design.columns)
    run = _CurveRun(runner, curve)
    search = Search(low, high, 0, options.max_passes, options.tolerance)
    start = _start(run, parsed, options, search)
    first = run.evaluate(start)
    sums = run.last
    assert sums is not None
    check_rows(curve, sums)
    if first is None:
        raise NumericalError(not_defined(curve, start, sums.undefined))
    check_effects(curve, first)
    end = minimise(run.evaluate, curve.shape, first, Search(low, high, sums.rows, search.max_passes, search.tolerance))
    if end.reason is not None:
        raise not_converged(curve, end, sums.rows)
    return _solved(curve, end, search, sums, start, runner.passes)


def parsed_curve(formula: str, schema: Schema, options: CurveOptions) -> tuple[Curve, ParsedCurve]:
    parsed = parse_curve(formula, schema.names)
    names = parameters_of(parsed, schema, options.start)
    if options.weights is not None and schema[options.weights].kind is not Kind.NUMBER:
        raise SchemaError(f"weights='{options.weights}': the column is {schema[options.weights].kind}, not a number")
    return curve_of(parsed, schema, names, options.weights, options.bounds), parsed


def _start(run: _CurveRun, parsed: ParsedCurve, options: CurveOptions, search: Search) -> Vector:
    """The start that is given, completed from a sample where the curve is ready-made."""
    curve, start_values = run.curve, start_of(options.start, run.curve.names, search.low, search.high)
    required = [curve.names[at] for at in curve.shape.nonlinear]
    if parsed.named_curve is None or set(start_values).issuperset(required):
        return np.array([start_values.get(name, 0.0) for name in curve.names])
    sample: Sample = run.runner.fold(SamplePass(curve))
    if not len(sample.x):
        check_rows(curve, run.runner.fold(CurvePass(curve, (1.0,) * len(curve.names))))
    return start_from(curve, parsed.named_curve, sample, start_values, search)


def _solved(
    curve: Curve, end: SearchResult, search: Search, sums: CurveSums, start: Vector, passes: int
) -> CurveSolved:
    beta, point = end.beta, end.point
    at_bound = (beta == search.low) | (beta == search.high)
    inverse, condition = _inverse(curve, point.J, at_bound)
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
    )


def _inverse(curve: Curve, J: Matrix, at_bound: Mask) -> tuple[Matrix, float]:
    """(J'J)^-1 of the free parameters from the singular values of J, and the condition of its scaled columns."""
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
    inverse_root = (Vt.T / s) / scale[:, None]
    inverse[np.ix_(free, free)] = inverse_root @ inverse_root.T
    return inverse, float(s[0] / s[-1])
