"""Fit of a wide linear model: read the rows, solve, assemble the solution."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from gramian.batch import Source
from gramian.engines.fold import one_thread
from gramian.errors import AccuracyWarning, DataError, NotIdentifiedError, NumericalError
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.memory import format_bytes, memory_limit, width_limit
from gramian.fit.passes.options import Options
from gramian.fit.wide.accumulate import Reading
from gramian.fit.wide.design import WideDesign, wide_design
from gramian.fit.wide.solution import DUAL, ITERATIVE, WideAccuracy, WideSolved
from gramian.fit.wide.solver import SolverChoice
from gramian.fit.wide.work import PreparedRows, RowsInMemory, prepare_rows, rows_fit
from gramian.formula.grammar import Formula
from gramian.linalg.doubledouble import Pair, pair, total
from gramian.linalg.wide.dual import ridge, shortest
from gramian.linalg.wide.iterative import iterate
from gramian.linalg.wide.problem import Problem, wide_problem
from gramian.linalg.wide.refine import Refined
from gramian.linalg.wide.rows import stacked
from gramian.typing import Mask, Vector


@dataclass(frozen=True, slots=True, eq=False)
class SolverResult:
    """The result of a solver, in shifted columns.

    Attributes
    ----------
    solver : str
        "iterative" or "dual".
    b : Pair
        (p,) slopes in double-double.
    constant : Pair
        (1,) the constant in double-double.
    digits : ndarray
        (p + 1,) estimated digits, the constant's first.
    unscaled_std_errors : ndarray
        (p + 1,) standard errors divided by sigma; NaN where the solver has none.
    rss : float
        Residual sum of squares.
    effective : float
        Effective number of columns, the constant included; NaN where unknown.
    condition : float
        Condition number of the scaled columns.
    steps : int
        Steps of the iteration.
    eigenvalue_bound : float
        Lower bound of the smallest eigenvalue of the scaled products; 0 where it may be zero.
    double_double : bool
        Whether the last residual was summed in double-double.
    singular : bool
        Whether the smallest eigenvalue cannot be told from zero.
    """

    solver: str
    b: Pair
    constant: Pair
    digits: Vector
    unscaled_std_errors: Vector
    rss: float
    effective: float
    condition: float
    steps: int = 0
    eigenvalue_bound: float = 0.0
    double_double: bool = True
    singular: bool = False


@dataclass(frozen=True, slots=True)
class WideSteps:
    """The steps of a fit, decided before any row is read.

    Attributes
    ----------
    reading : Reading
        What is read.
    dual : bool
        Whether products of rows are solved; else an iteration over the columns.
    in_memory : bool
        Whether the rows are kept in memory; else every step of the iteration reads them.
    shift : bool
        Whether columns that are far from zero are shifted.
    """

    reading: Reading
    dual: bool
    in_memory: bool
    shift: bool


def wide_steps(choice: SolverChoice, formula: Formula, options: Options, source: Source) -> WideSteps:
    """The steps of a fit by a solver. Raises every error that can be found before a row is read."""
    reading = Reading(wide_design(formula, source.schema, options), options.drop)
    dual = choice.solver == DUAL
    # without a penalty and with fewer rows than columns, the solution of least norm is that of the columns as they are:
    # a shift would change which solution that is
    shift = reading.design.intercept and not (dual and not options.alpha)
    return WideSteps(reading, dual, dual or rows_fit(source, reading), shift)


def fit_by(choice: SolverChoice, formula: Formula, options: Options, runner: PassRunner) -> WideSolved:
    """Fit a linear model with very many columns by the solver that was chosen.

    Warns
    -----
    AccuracyWarning
        Where coefficients have fewer digits than were asked for.

    Raises
    ------
    NotIdentifiedError
        For columns that float64 products cannot tell apart: under collinear="raise", and where even predictions, which
        are determined nevertheless, have fewer digits than were asked for.
    DataError
        Where the products of rows do not fit into memory.
    NumericalError
        Where no rows are left.
    """
    steps = wide_steps(choice, formula, options, runner.source)
    design = steps.reading.design
    # rows are distributed over threads of our own: threads of BLAS beside them would compete for the same cores
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):  # what is not finite has no digits
        prepared = prepare_rows(runner, steps.reading, in_memory=steps.in_memory, shift=steps.shift)
        try:
            result, problem = _solve(design, prepared, options, dual=steps.dual)
        finally:
            if isinstance(prepared.work, RowsInMemory) and prepared.work.pool is not None:
                prepared.work.pool.shutdown()
    return _assemble(design, prepared, options, choice, result, problem)


def _solve(design: WideDesign, prepared: PreparedRows, options: Options, *, dual: bool) -> tuple[SolverResult, Problem]:
    """Solve by the chosen solver; returns the problem as well, for its totals."""
    problem = wide_problem(
        prepared.work.fold, options.alpha, centred=design.intercept, origin=prepared.origin, outcome=prepared.outcome
    )
    if not dual:
        return _iterated(problem, options, prepared.rows), problem
    assert isinstance(prepared.work, RowsInMemory)
    rows = stacked(prepared.work.blocks)
    if rows.rows > width_limit():
        raise DataError(
            f"products of {rows.rows:,} rows with each other do not fit into {format_bytes(memory_limit())}; "
            'use solver="iterative"'
        )
    if not options.alpha:
        minimum_norm = shortest(rows, constant=design.intercept)
        if minimum_norm.predictions < options.digits:
            raise NotIdentifiedError(_too_few(ROWS, minimum_norm.predictions, options.digits))
        digits = np.append(minimum_norm.constant_digits, minimum_norm.digits)
        unknown, constant = np.full(len(digits), np.nan), Pair(*(np.array([v]) for v in minimum_norm.constant))
        return SolverResult(
            DUAL, minimum_norm.b, constant, digits, unknown, minimum_norm.rss, minimum_norm.rank, minimum_norm.condition
        ), problem
    try:
        dual_solution = ridge(problem, rows, options.digits)
    except np.linalg.LinAlgError:
        raise NumericalError(
            f"a penalty of {options.alpha:g} is below the rounding of the products of rows; take a larger one, or "
            'solver="gram"'
        ) from None
    effective = dual_solution.leverage + design.intercept
    return _solver_result(
        DUAL, dual_solution.refined, np.sqrt(dual_solution.variances), effective, dual_solution.condition, problem.floor
    ), problem


def _iterated(problem: Problem, options: Options, rows: int) -> SolverResult:
    """Solve by conjugate gradients; standard errors would need the inverse of all products, so they are NaN."""
    iteration = iterate(problem, options.digits)
    rank = int(problem.usable.sum()) + problem.centred
    unknown = np.full(len(problem.usable) + 1, np.nan)
    # without a penalty it is the rank, if that is certain; with one the trace would need the inverse
    effective = float(rank) if iteration.least > 0.0 and not options.alpha else float("nan")
    if iteration.singular and not iteration.least > 0.0 and options.collinear == "raise":
        raise NotIdentifiedError(f"{SINGULAR}; leave columns out, or add a ridge penalty")
    if (predictions := iteration.refined.proof.predictions) < options.digits:
        raise NotIdentifiedError(_too_few(SINGULAR, predictions, options.digits))
    return _solver_result(
        ITERATIVE, iteration.refined, unknown, effective, iteration.condition, iteration.least, iteration.steps
    )


def _solver_result(
    solver: str,
    refined: Refined,
    unscaled_std_errors: Vector,
    effective: float,
    condition: float,
    eigenvalue_bound: float,
    steps: int = 0,
) -> SolverResult:
    """The result from refined coefficients and their error estimates."""
    point, proof = refined.point, refined.proof
    constant = Pair(*(np.array([v]) for v in point.constant))
    digits = np.append(proof.constant, proof.digits)
    double_double = point.careful
    return SolverResult(
        solver,
        point.b,
        constant,
        digits,
        unscaled_std_errors,
        point.rss,
        effective,
        condition,
        steps,
        eigenvalue_bound,
        double_double,
        not eigenvalue_bound > 0.0,
    )


SINGULAR = "the columns depend on each other, or so nearly that float64 products cannot tell"
ROWS = "the rows depend on each other, or so nearly that float64 products cannot tell"


def _too_few(cause: str, predictions: float, requested: float) -> str:
    """The message for predictions with too few digits."""
    digits = np.floor(10.0 * predictions) / 10.0
    return (
        f"{cause}, and predictions have {digits:.1f} of the {requested:g} digits wanted; leave some out, "
        'add a ridge penalty, ask for fewer digits, or use solver="gram"'
    )


def _assemble(
    design: WideDesign,
    prepared: PreparedRows,
    options: Options,
    choice: SolverChoice,
    result: SolverResult,
    problem: Problem,
) -> WideSolved:
    """The solution, with coefficients and digits in the order of names."""
    names, dependent = design.names, ~problem.usable
    minimum_norm = result.solver == DUAL and not options.alpha
    # a ridge penalty or the least norm gives a column that does not vary the coefficient 0; least squares gives none
    dropped = dependent if not options.alpha and not minimum_norm else np.zeros(len(dependent), bool)
    zero = dependent & ~dropped & (not minimum_norm)
    b = np.where(dropped, np.nan, result.b.hi)
    level, first = _constants(prepared, result)
    skip = int(not design.intercept)
    coefficients = np.append(first, b)[skip:]
    identified = np.append(True, ~dropped)[skip:] if not minimum_norm else np.zeros(len(names), bool)
    digits = np.append(result.digits[0], np.where(zero, 16.0, result.digits[1:]))[skip:]
    df_residual = prepared.rows - result.effective
    sigma = np.sqrt(result.rss / df_residual) if df_residual > 0 else np.nan
    reached = bool((digits[~np.isnan(digits)] >= options.digits).all())
    if not reached:
        warnings.warn(AccuracyWarning(_shortfall(result, digits, options.digits, names)), stacklevel=5)
    sums = problem.totals
    centre = sums.y**2 / sums.weight if design.intercept else 0.0
    alone = design.intercept and not problem.usable.any()  # an intercept explains nothing, to the last bit
    return WideSolved(
        formula=design.narrow.formula,
        design=design,
        names=names,
        coefficients=coefficients,
        std_errors=(sigma * result.unscaled_std_errors)[skip:],
        identified=identified,
        aliased=_aliased(names[int(design.intercept) :], problem, dropped),
        origin=prepared.origin,
        level=level,
        rows=prepared.rows,
        weight=sums.weight,
        rss=result.rss,
        tss=result.rss if alone else max(sums.yy - centre, 0.0),
        rank=int(problem.usable.sum()) + design.intercept if not minimum_norm else int(result.effective),
        effective=result.effective,
        condition=result.condition,
        passes=prepared.work.passes,
        dropped_rows=prepared.dropped_rows,
        alpha=options.alpha,
        accuracy=WideAccuracy(
            result.solver, options.digits, digits, reached, result.steps, result.eigenvalue_bound, result.double_double
        ),
        reasons=choice.reasons,
    )


def _constants(prepared: PreparedRows, result: SolverResult) -> tuple[float, float]:
    """The constant where the columns are at their shifts, and where all columns are zero."""
    level = result.constant + pair(np.array([prepared.outcome]))
    # in double-double: both terms may be far larger than the constant that remains
    shift_effect = total(pair(prepared.origin) * result.b)
    at_zero = level - Pair(np.atleast_1d(shift_effect.hi), np.atleast_1d(shift_effect.lo))
    return float(level.value[0]), float(at_zero.value[0])


def _aliased(names: tuple[str, ...], problem: Problem, dropped: Mask) -> dict[str, str]:
    """Columns that were dropped because they do not vary -> the multiple of the intercept that they are."""
    values = problem.constants + problem.origin
    return {names[j]: _multiple(float(values[j])) for j in np.flatnonzero(dropped).tolist()}


def _multiple(value: float) -> str:
    """A value times the intercept, as text."""
    return "0" if not value else "Intercept" if value == 1.0 else f"{value:g}*Intercept"


def _shortfall(result: SolverResult, digits: Vector, requested: float, names: tuple[str, ...]) -> str:
    """The warning that coefficients have fewer digits than were asked for."""
    if result.singular and result.solver == ITERATIVE:
        return (
            f"{SINGULAR}: no digits of the coefficients are certain, while predictions have those wanted; "
            "leave columns out, or add a ridge penalty"
        )
    worst = int(np.nanargmin(digits))
    fewest = np.floor(10.0 * digits[worst]) / 10.0
    return (
        f"estimated digits: {names[worst]} has {fewest:.1f} of the {requested:g} wanted; columns that nearly depend on "
        "each other, or a large offset, cost the rest: centre or leave out some"
    )
