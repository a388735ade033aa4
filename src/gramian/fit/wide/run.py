"""A wide linear fit from a source: read the rows, solve by the chosen solver, tell the answer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from gramian.batch import Source
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress, watched
from gramian.errors import AccuracyWarning, DataError, NotIdentifiedError
from gramian.fit.engine import Engine
from gramian.fit.limits import memory_limit, width_limit
from gramian.fit.options import Options
from gramian.fit.plan import readable
from gramian.fit.wide.choice import Choice
from gramian.fit.wide.design import WideDesign, wide_design
from gramian.fit.wide.reading import Reading
from gramian.fit.wide.solved import DUAL, ITERATIVE, WideAccuracy, WideSolved
from gramian.fit.wide.work import Kept, Ready, ready
from gramian.linalg.doubledouble import Pair, pair, total
from gramian.linalg.wide.dual import ridge, shortest
from gramian.linalg.wide.iterative import iterate
from gramian.linalg.wide.problem import Problem, pose
from gramian.linalg.wide.refine import Refined
from gramian.linalg.wide.rows import stacked
from gramian.typing import Mask, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a solver says. b : (p,) hi + lo, constant : hi + lo (1,), both in shifted columns. digits : (p + 1,), the
    constant's first; so are std_errors in units of sigma.
    """

    tier: str
    b: Pair
    constant: Pair
    digits: Vector
    spread: Vector
    rss: float
    effective: float
    condition: float
    steps: int = 0
    least: float = 0.0
    careful: bool = True
    singular: bool = False


def run_wide(
    formula: str, source: Source, options: Options, choice: Choice, engine: Engine, progress: Progress | None
) -> WideSolved:
    """Fit a linear model with many columns. Warns with AccuracyWarning where fewer digits are told than are wanted.

    Raises NotIdentifiedError for columns that float64 cannot tell apart under collinear="raise".
    """
    design = wide_design(formula, source.schema, options)
    dual = choice.solver == DUAL
    shortest_wanted = dual and not options.alpha
    with watched(progress, source.rows, source.size), one_thread():
        reading = Reading(design, options.drop)
        data = ready(source, reading, engine, progress, keep=dual, shift=not shortest_wanted and design.intercept)
        try:
            answer, problem = _solve(design, data, options, dual=dual)
        finally:
            if isinstance(data.work, Kept) and data.work.pool is not None:
                data.work.pool.shutdown()
    return _told(design, data, options, choice, answer, problem)


def _solve(design: WideDesign, data: Ready, options: Options, *, dual: bool) -> tuple[Answer, Problem]:
    problem = pose(data.work.fold, options.alpha, centred=design.intercept, origin=data.origin)
    if not dual:
        return _iterated(problem, options, data.rows), problem
    assert isinstance(data.work, Kept)
    rows = stacked(data.work.blocks)
    if rows.rows > width_limit():
        raise DataError(
            f"products of {rows.rows:,} rows with each other do not fit into {readable(memory_limit())}; "
            'use solver="iterative"'
        )
    if not options.alpha:
        found = shortest(rows, constant=design.intercept)
        digits = np.append(found.constant_digits, found.digits)
        unknown, one = np.full(len(digits), np.nan), Pair(*(np.array([v]) for v in found.constant))
        return Answer(DUAL, found.b, one, digits, unknown, found.rss, found.rank, found.condition), problem
    made = ridge(problem, rows, options.digits)
    effective = made.leverage + design.intercept
    return _answer(DUAL, made.found, np.sqrt(made.variances), effective, made.condition, problem.floor), problem


def _iterated(problem: Problem, options: Options, rows: int) -> Answer:
    made = iterate(problem, options.digits)
    rank = int(problem.kept.sum()) + problem.centred
    effective = float(rank) if not options.alpha else float("nan")
    unknown = np.full(len(problem.kept) + 1, np.nan)
    found = _answer(ITERATIVE, made.found, unknown, effective, made.condition, made.least, made.steps)
    if made.singular and not made.least > 0.0 and options.collinear == "raise":
        raise NotIdentifiedError(f"{SINGULAR}; leave columns out, or add a ridge penalty")
    return found


def _answer(
    tier: str, found: Refined, spread: Vector, effective: float, condition: float, least: float, steps: int = 0
) -> Answer:
    point, proof = found.point, found.proof
    constant = Pair(*(np.array([v]) for v in point.constant))
    digits = np.append(proof.constant, proof.digits)
    careful = point.careful
    return Answer(
        tier, point.b, constant, digits, spread, point.rss, effective, condition, steps, least, careful, not least > 0.0
    )


SINGULAR = "the columns depend on each other, or so nearly that float64 products cannot tell"


def _told(
    design: WideDesign, data: Ready, options: Options, choice: Choice, answer: Answer, problem: Problem
) -> WideSolved:
    names, out, shortest_wanted = design.names, ~problem.kept, answer.tier == DUAL and not options.alpha
    left_out = out if not options.alpha and not shortest_wanted else np.zeros(len(out), bool)
    b = np.where(left_out, np.nan, answer.b.hi)
    level, first = _constants(data, answer)
    skip = int(not design.intercept)
    coefficients = np.append(first, b)[skip:]
    identified = np.append(True, ~left_out)[skip:] if not shortest_wanted else np.zeros(len(names), bool)
    digits = np.append(answer.digits[0], np.where(out & ~left_out & ~shortest_wanted, 16.0, answer.digits[1:]))[skip:]
    freedom = data.rows - answer.effective
    sigma = np.sqrt(answer.rss / freedom) if freedom > 0 else np.nan
    reached = bool((digits[~np.isnan(digits)] >= options.digits).all())
    if not reached:
        warnings.warn(AccuracyWarning(_shortfall(answer, digits, options.digits, names)), stacklevel=5)
    sums = problem.totals
    centre = sums.y**2 / sums.weight if design.intercept else 0.0
    alone = design.intercept and not problem.kept.any()  # an intercept explains nothing, to the last bit
    return WideSolved(
        formula=design.narrow.formula,
        design=design,
        names=names,
        coefficients=coefficients,
        std_errors=(sigma * answer.spread)[skip:],
        identified=identified,
        aliased=_aliased(names[int(design.intercept) :], problem, left_out),
        origin=data.origin,
        level=level,
        rows=data.rows,
        weight=sums.weight,
        rss=answer.rss,
        tss=answer.rss if alone else max(sums.yy - centre, 0.0),
        rank=int(problem.kept.sum()) + design.intercept if not shortest_wanted else int(answer.effective),
        effective=answer.effective,
        condition=answer.condition,
        passes=data.work.passes,
        tally=data.tally,
        alpha=options.alpha,
        accuracy=WideAccuracy(answer.tier, options.digits, digits, reached, answer.steps, answer.least, answer.careful),
        why=choice.why,
    )


def _constants(data: Ready, answer: Answer) -> tuple[float, float]:
    """The constant at the columns' shifts, and where all columns are zero."""
    level = answer.constant + pair(np.array([data.outcome]))
    moved = total(pair(data.origin) * answer.b)
    at_zero = level - Pair(np.atleast_1d(moved.hi), np.atleast_1d(moved.lo))
    return float(level.value[0]), float(at_zero.value[0])


def _aliased(names: tuple[str, ...], problem: Problem, left_out: Mask) -> dict[str, str]:
    values = problem.constants + problem.origin
    return {names[j]: _multiple(float(values[j])) for j in np.flatnonzero(left_out).tolist()}


def _multiple(value: float) -> str:
    return "0" if not value else "Intercept" if value == 1.0 else f"{value:g}*Intercept"


def _shortfall(answer: Answer, digits: Vector, wanted: float, names: tuple[str, ...]) -> str:
    if answer.singular and answer.tier == ITERATIVE:
        return f"{SINGULAR}: no digits can be told; leave columns out, or add a ridge penalty"
    worst = int(np.nanargmin(digits))
    fewest = np.floor(10.0 * digits[worst]) / 10.0
    return (
        f"estimated digits: {names[worst]} has {fewest:.1f} of the {wanted:g} wanted; columns that nearly depend on "
        "each other, or a large offset, cost the rest: centre or leave out some"
    )
