"""Generalized linear models: a pilot, then normal equations in a row, one pass each."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import replace

import numpy as np

from gramian.batch import Source
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress
from gramian.errors import ConvergenceError, DataError, NumericalError
from gramian.fit.engine import Engine
from gramian.fit.glm_options import GlmOptions
from gramian.fit.glm_point import Evaluated, is_canonical, sharpened
from gramian.fit.glm_run import Run
from gramian.fit.glm_setup import bare_design, ready
from gramian.fit.glm_solved import GlmSolved
from gramian.fit.glm_step import solution_at
from gramian.fit.iterate import Trail, iterate, linear, quadratic
from gramian.fit.linearize import Totals
from gramian.fit.resident import resident
from gramian.fit.robust import Reading, check_recipe, with_robust
from gramian.fit.sample import few
from gramian.fit.solved import Solved
from gramian.fit.told import tell
from gramian.formula.coding import empty_cells
from gramian.formula.design import Design
from gramian.linalg.quick import NARROW
from gramian.models.glm import GLM
from gramian.typing import Vector

SHAKEN = 1e-7  # relative change of a standard error that the last step may still cause
CHECKED = 10.0  # tolerances that a pass at the answer may find it to be off by; rounding, mostly


def run_glm(formula: str, source: Source, options: GlmOptions, engine: Engine, progress: Progress | None) -> GlmSolved:
    """Fit a generalized linear model.

    Raises DataError for a source that can be read once, SeparationError, ConvergenceError, NumericalError.
    """
    if not source.rereadable:
        raise DataError("these data can be read once only, but a generalized linear model takes two to four passes")
    if options.robust is not None:
        check_recipe(options.robust, source.schema, options.common.alpha, general=True)
    clusters = () if options.robust is None else options.robust.clusters
    bare = bare_design(formula, source.schema, options)
    source = resident(source, (*bare.columns, *clusters))
    with one_thread() if few(source) and len(bare.layout.rows) <= NARROW else nullcontext():
        return _run(bare, source, options, engine, progress)


def _run(bare: Design, source: Source, options: GlmOptions, engine: Engine, progress: Progress | None) -> GlmSolved:
    run = Run(source, options, engine, progress)
    newton = is_canonical(options.model) or sharpened(options.model)
    predicted = quadratic if newton and not options.estimate_theta else linear
    first = run.begin(ready(bare, source))
    trail = iterate(first, run.evaluate, predicted, options.tolerance, options.max_passes, run.passes)
    last, b, deviance = _finish(run, trail)
    return _solved(run, last, b, deviance, tuple(trail.lengths))


def _finish(run: Run, trail: Trail[Evaluated]) -> tuple[Evaluated, Vector, float]:
    """The answer: the point that information and totals are taken from, the coefficients, their deviance."""
    at = trail.at
    b, model = at.trial(1.0)
    shaken = at.shaken * at.length / trail.lengths[-2] if len(trail.lengths) > 1 and trail.lengths[-2] else 0.0
    exact = not sharpened(model) and not run.options.estimate_theta  # information is the expected one, of this model
    if exact and run.null.known and shaken <= SHAKEN:
        return at, b, at.step.deviance
    return _check(run, at, b, model)


def _check(run: Run, at: Evaluated, b: Vector, model: GLM) -> tuple[Evaluated, Vector, float]:
    """Passes at the answer: for its expected information, the null model, and whether it is one."""
    for _ in range(run.options.max_passes):
        last = run.check(at, b, model)
        if last is None:
            break
        settled = last.length <= CHECKED * run.options.tolerance
        if not settled and last.length > at.length:
            break
        b, model = last.trial(1.0)
        if settled and run.null.known:
            return last, b, last.step.deviance
        at = last
    how = "a mean is out of range" if last is None else f"the next step is {last.length:.3g} standard errors long"
    raise ConvergenceError(
        f"no convergence: at what seemed to be the answer {how}; the link '{model.link.name}' may not fit these data"
    )


def _solved(run: Run, last: Evaluated, b: Vector, deviance: float, lengths: tuple[float, ...]) -> GlmSolved:
    options, model, totals = run.options, last.model, last.done.totals
    outcome = totals if options.estimate_theta else run.outcome
    assert outcome is not None
    linear_part = _linear(run, last, b, outcome)
    if not (np.isfinite(linear_part.coefficients) | ~linear_part.identified).all():
        raise NumericalError("the coefficients overflow; scale the columns, or use another link")
    alone = linear_part.intercept and linear_part.rank == 1  # the model is the null model, to the last bit
    if options.robust is not None:
        reading = Reading(run.source, run.engine, run.progress, options.common.drop)
        linear_part = with_robust(linear_part, model, deviance, options.robust, reading)
    return GlmSolved(
        linear=linear_part,
        model=model,
        estimated_theta=options.estimate_theta,
        deviance=deviance,
        null_deviance=deviance if alone else run.null.deviance,
        base=outcome.base,
        size=outcome.size,
        lengths=lengths,
        binary=last.setting.design.binary,
    )


def _linear(run: Run, last: Evaluated, b: Vector, outcome: Totals) -> Solved:
    """The last step as a weighted linear fit."""
    setting, step, options = last.setting, last.step, run.options
    names, collinear = tuple(c.name for c in setting.columns), options.common.collinear
    rows = last.done.moments.rows
    solution = replace(solution_at(setting, step, rows, last.b, options.common.alpha), coefficients=b)
    told = tell(setting.frame, solution, step.products, names, collinear)
    return Solved(
        formula=setting.design.formula,
        design=setting.design,
        levels=setting.levels,
        frame=setting.frame,
        solution=solution,
        names=names,
        terms=tuple(c.term for c in setting.columns),
        coefficients=told.coefficients,
        inverse=told.inverse,
        identified=told.identified,
        aliased=told.aliased,
        empty_cells=empty_cells(setting.design.terms, setting.levels),
        intercept=setting.frame.constant is not None,
        rows=rows,
        weight=outcome.weight,
        log_weight=0.0,
        rss=max(float(step.products.hi[-1, -1]), 0.0),
        tss=math.nan,
        mean=outcome.outcome / outcome.weight,
        rank=int(solution.kept.sum()),
        leverage=solution.leverage,
        condition=solution.condition,
        passes=run.passes,
        tally=last.done.tally,
        alpha=options.common.alpha,
    )
