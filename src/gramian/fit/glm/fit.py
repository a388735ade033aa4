"""Fit of a generalized linear model: start from a subsample, then Newton steps on all rows, one pass each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Source
from gramian.engines.fold import one_thread
from gramian.errors import ConvergenceError, DataError, NumericalError
from gramian.fit.glm.accumulate import Totals
from gramian.fit.glm.design import bare_design, complete_design
from gramian.fit.glm.iterate import IterationHistory, iterate, linear_convergence, quadratic_convergence
from gramian.fit.glm.loop import Run
from gramian.fit.glm.options import GlmOptions
from gramian.fit.glm.proposal import Evaluated, converges_linearly, uses_observed_information
from gramian.fit.glm.separation import SeparationFoundError
from gramian.fit.glm.solution import GlmSolved
from gramian.fit.glm.step import solution_at
from gramian.fit.leastsquares.model_columns import to_model_columns
from gramian.fit.leastsquares.outcome import LARGEST_SQUARE, SMALLEST_SQUARE, check_lengths
from gramian.fit.leastsquares.solution import Solved
from gramian.fit.passes.job import PassRunner
from gramian.fit.vcov.fit import check_information, check_theta, check_vcov, with_robust
from gramian.fit.vcov.scores import FittedModel
from gramian.formula.coding import empty_cells
from gramian.formula.design import Design
from gramian.formula.grammar import Formula
from gramian.formula.syntax import label
from gramian.inference.estimators import IID
from gramian.inference.vcov_spec import OBSERVED, VcovSpec
from gramian.linalg.cholesky_step import MAX_COLUMNS
from gramian.models.glm import GLM
from gramian.typing import Vector

MAX_SE_CHANGE = 1e-7  # relative change of a standard error that the last step may still cause
MAX_CHECK_STEP = 10.0  # tolerances that a pass at the answer may find it to be off by; rounding, mostly


def fit_glm(formula: Formula, options: GlmOptions, runner: PassRunner) -> GlmSolved:
    """Fit a generalized linear model to a source.

    Raises
    ------
    DataError
        Where the source can be read only once, or a value is not possible for the family.
    SeparationError
        Where the likelihood has no maximum at finite coefficients.
    ConvergenceError
        Where the iteration does not converge within `max_passes`.
    NumericalError
        Where no rows are left, or sums or coefficients overflow.
    """
    return fit_steps(glm_steps(formula, options, runner.source), options, runner)


def fit_steps(steps: GlmSteps, options: GlmOptions, runner: PassRunner) -> GlmSolved:
    """Run the steps of a fit. Raises what `fit_glm` does after the first row."""
    runner.cache_rows(steps.columns)
    # with few columns threads of BLAS cost more than they save: passes use one anyway, and the solves are small
    narrow = len(steps.design.layout.rows) <= MAX_COLUMNS
    with one_thread() if narrow else nullcontext():
        return _fit(steps, options, runner)


@dataclass(frozen=True, slots=True)
class GlmSteps:
    """The steps of a fit, decided before any row is read.

    Attributes
    ----------
    design : Design
        The terms on these columns, without what the first rows say.
    columns : tuple of str
        Columns of all passes, those of clusters included; rows of small files are cached.
    scoring : bool
        Whether steps are Fisher's scoring, by the expected information where the observed one differs from it.
    observed_information : bool
        Whether steps use the observed information; standard errors then take a pass for the expected one.
    estimate_theta : bool
        Whether theta takes a step in each pass, too.
    vcov : VcovSpec or None
        The robust covariance, which takes a pass of its own; None for the model-based one.
    """

    design: Design
    columns: tuple[str, ...]
    scoring: bool
    observed_information: bool
    estimate_theta: bool
    vcov: VcovSpec | None

    @property
    def quadratic(self) -> bool:
        """Whether steps converge quadratically, as Newton's do."""
        # theta and the coefficients take separate steps, so that even Newton's converge linearly if theta is estimated
        return not self.scoring and not self.estimate_theta

    @property
    def covariance_passes(self) -> tuple[str, ...]:
        """What passes of the covariance sum, one for each."""
        if self.vcov is None:
            return ()
        differs = self.scoring or self.observed_information or self.estimate_theta
        derivatives = ("second derivatives",) if self.vcov.information == OBSERVED and differs else ()
        return (*derivatives, *(() if self.vcov.kind == IID else ("scores",)))

    @property
    def checks_answer(self) -> bool:
        """Whether a pass at the answer follows for the expected information, which the steps do not compute."""
        return self.observed_information or self.estimate_theta or bool(self.design.terms.absorbed)


def glm_steps(formula: Formula, options: GlmOptions, source: Source, excluded: Sequence[str] = ()) -> GlmSteps:
    """The steps of a fit. Raises every error that can be found before a row is read.

    excluded : columns that `.` does not stand for.
    """
    if not source.rereadable:
        raise DataError("these data can be read once only, but a generalized linear model takes two to four passes")
    if options.robust is not None:
        check_vcov(
            options.robust,
            source.schema,
            absorbed=tuple(map(label, formula.absorbed)),
            penalized=options.common.alpha is not None,
            is_glm=True,
        )
        check_theta(options.robust, estimated=options.estimate_theta)
    design, model, vcov = bare_design(formula, source.schema, options, excluded), options.model, options.robust
    if vcov is not None:
        check_information(vcov, design.terms.absorbed, differs=not model.is_canonical or options.estimate_theta)
    return GlmSteps(
        design,
        columns=(*design.columns, *(() if vcov is None else vcov.clusters)),
        scoring=converges_linearly(model),
        observed_information=uses_observed_information(model),
        estimate_theta=options.estimate_theta,
        vcov=vcov,
    )


def _fit(steps: GlmSteps, options: GlmOptions, runner: PassRunner) -> GlmSolved:
    """Run the iteration and assemble the solution."""
    run, design, history = _run(steps, options, runner), complete_design(steps.design, runner.source), None
    while history is None:
        try:
            history = _iterated(run, steps, design)
        except SeparationFoundError as found:
            run = _without_rows(run, found, steps)
    last, b, deviance = _finish(run, history, checks_answer=steps.checks_answer)
    return _solved(run, last, b, deviance, tuple(history.lengths))


def _iterated(run: Run, steps: GlmSteps, design: Design) -> IterationHistory[Evaluated]:
    """The iteration, from its start to its last step. Raises as `fit_glm`, and SeparationFoundError."""
    predicted = quadratic_convergence if steps.quadratic else linear_convergence
    passes = run.runner.passes if run.dropped.total else 0  # those before rows were left out do not count
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # any start may fail
        first = run.begin(design)
    _check_weight(first.linearized.totals.weight)
    options = run.options
    return iterate(first, run.evaluate, predicted, options.tolerance, options.max_passes, run.runner.passes - passes)


def _without_rows(run: Run, found: SeparationFoundError, steps: GlmSteps) -> Run:
    """The fit begun anew, without rows that a direction separates. Raises SeparationError where these are not known."""
    from gramian.fit.glm.separated import without_separated_rows  # few fits leave rows out

    dropped = without_separated_rows(run, found)
    if dropped is None:
        assert found.__cause__ is not None
        raise found.__cause__
    after = _run(steps, run.options, run.runner)
    after.dropped = run.separated + dropped
    return after


def _run(steps: GlmSteps, options: GlmOptions, runner: PassRunner) -> Run:
    """The fit under way."""
    if not steps.design.terms.absorbed:
        return Run(runner, options)
    from gramian.fit.glm.absorbed.run import AbsorbedRun  # few fits absorb factors

    return AbsorbedRun(runner, options)


def _check_outcome(run: Run, b: Vector, mean: float, response: str) -> None:
    """Raise NumericalError where the squares of an outcome with constant variance underflow.

    b : (p,) coefficients, which are zero only where the outcome is.
    """
    square = max(run.null_model.deviance, mean * mean)
    if run.options.model.family.variance_function.name == "constant" and b.any() and square < float(SMALLEST_SQUARE):
        check_lengths(np.array([max(abs(mean), math.sqrt(square), 1e-200)]), [response])


def _check_weight(weight: float) -> None:
    """Raise NumericalError where weights are so small or large that sums lose their digits."""
    if weight and not float(SMALLEST_SQUARE) <= weight <= float(LARGEST_SQUARE):
        raise NumericalError(f"the weights add up to {weight:.3g}: multiply them by a power of ten")


def _finish(run: Run, history: IterationHistory[Evaluated], *, checks_answer: bool) -> tuple[Evaluated, Vector, float]:
    """The point whose information and totals are reported, the final coefficients (p,) and their deviance.

    The last step is taken without a pass where nothing more is needed: its deviance follows from the quadratic model,
    and its standard errors are those of the last point, if the information no longer changes.
    """
    point = history.current
    b, model = point.trial(1.0)
    # The relative change of a standard error is linear in the step: scale the last one seen to the step still to be
    # taken.
    se_change = (
        point.se_change * point.length / history.lengths[-2]
        if len(history.lengths) > 1 and history.lengths[-2]
        else 0.0
    )
    if not checks_answer and not math.isnan(run.null_model.deviance) and se_change <= MAX_SE_CHANGE:
        return point, b, point.step.deviance
    return _check(run, point, b, model)


def _check(run: Run, point: Evaluated, b: Vector, model: GLM) -> tuple[Evaluated, Vector, float]:
    """Pass at the final coefficients: for their expected information, the null deviance, and to confirm convergence.

    Returns as `_finish`; takes further steps while the check finds one that is longer than rounding explains.
    """
    for _ in range(run.options.max_passes):
        last = run.check(point, b, model)
        if last is None:
            break
        settled = last.length <= MAX_CHECK_STEP * run.options.tolerance
        # steps that grow lead away: further passes would not confirm this solution
        if not settled and last.length > point.length:
            break
        b, model = last.trial(1.0)
        if settled and not math.isnan(run.null_model.deviance):
            return last, b, last.step.deviance
        point = last
    reason = "a mean is out of range" if last is None else f"the next step is {last.length:.3g} standard errors long"
    raise ConvergenceError(
        f"no convergence: at what seemed to be the answer {reason}; the link '{model.link.name}' may not fit these data"
    )


def _solved(run: Run, last: Evaluated, b: Vector, deviance: float, lengths: tuple[float, ...]) -> GlmSolved:
    """Assemble the solution from the last point.

    b : (p,) final coefficients. lengths : of all steps, in standard errors.
    """
    options, model, totals = run.options, last.model, last.linearized.totals
    outcome_totals = totals if options.estimate_theta else run.outcome_totals
    assert outcome_totals is not None
    linear_part = _linear(run, last, b, outcome_totals)
    if not (np.isfinite(linear_part.coefficients) | ~linear_part.identified).all():
        raise NumericalError("the coefficients overflow; scale the columns, or use another link")
    (response,) = last.setting.design.outcome
    _check_outcome(run, b, linear_part.mean, response)
    levels = 0 if linear_part.absorbed is None else linear_part.absorbed.rank
    alone = linear_part.intercept and linear_part.rank + levels == 1  # the model is the null model, to the last bit
    if options.robust is not None:
        theta = model.family.theta if options.estimate_theta else None
        fitted_model = FittedModel(linear_part, model, options.common.drop, estimated_theta=theta)
        moments = None if linear_part.absorbed is None else last.linearized.moments
        linear_part = with_robust(fitted_model, deviance, options.robust, run.runner, moments, run.absorption(last))
    return GlmSolved(
        linear=linear_part,
        model=model,
        estimated_theta=options.estimate_theta,
        deviance=deviance,
        null_deviance=deviance if alone else run.null_model.deviance,
        base=outcome_totals.base,
        size=outcome_totals.size,
        lengths=lengths,
        binary=last.setting.design.binary,
    )


def _linear(run: Run, last: Evaluated, b: Vector, outcome_totals: Totals) -> Solved:
    """The last step as a weighted linear fit on the scale of the link, with the inverse of the expected information."""
    setting, step, options, width = last.setting, last.step, run.options, len(last.setting.columns)
    absorbed = run.absorbed(last, b)
    names, collinear = tuple(c.name for c in setting.columns), options.common.collinear
    rows = last.linearized.moments.rows
    solution = solution_at(setting, step, rows, last.b, options.common.alpha)
    solution = replace(solution, coefficients=b[:width])
    absorbed_factors = setting.design.terms.absorbed and setting.design.terms.absorbed_texts
    model_columns = to_model_columns(
        setting.parametrization, solution, step.products, names, collinear, absorbed=absorbed_factors
    )
    return Solved(
        formula=setting.design.formula,
        design=setting.design,
        levels=setting.levels,
        parametrization=setting.parametrization,
        solution=solution,
        names=names,
        terms=tuple(c.term for c in setting.columns),
        coefficients=model_columns.coefficients,
        inverse=model_columns.inverse,
        identified=model_columns.identified,
        aliased=model_columns.aliased,
        empty_cells=empty_cells(setting.design.terms, setting.levels),
        intercept=setting.parametrization.constant is not None or bool(setting.design.terms.absorbed_intercepts),
        rows=rows,
        weight=outcome_totals.weight,
        log_weight=0.0,
        rss=max(float(step.products.hi[-1, -1]), 0.0),
        tss=math.nan,
        mean=outcome_totals.outcome / outcome_totals.weight,
        rank=int(solution.independent.sum()),
        leverage=solution.leverage + (0 if absorbed is None else absorbed.rank),
        condition=solution.condition,
        passes=run.runner.passes,
        dropped_rows=last.linearized.dropped_rows + run.separated,
        alpha=options.common.alpha,
        absorbed=absorbed,
        inverse_roots=model_columns.inverse_roots,
    )
