"""One generalized linear fit: its passes, and the state that they share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.engines.fold import one_thread
from gramian.errors import ConvergenceError, NumericalError, SeparationError
from gramian.fit.glm import separation
from gramian.fit.glm.accumulate import Linearize, Linearized, Totals
from gramian.fit.glm.columns import Setting, setting_of, transferred
from gramian.fit.glm.iterate import IterationHistory, PastIterate, slow_steps
from gramian.fit.glm.null_model import NullModel, intercept
from gramian.fit.glm.options import GlmOptions
from gramian.fit.glm.proposal import (
    NEARBY,
    Evaluated,
    Trial,
    converges_linearly,
    propose_move,
    se_change,
    uses_observed_information,
)
from gramian.fit.glm.row_cache import RowCache, cache_rows
from gramian.fit.glm.start import GAUSSIAN, Start, subsample_start
from gramian.fit.glm.step import MAX_THETA, Step, newton, theta_length
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.system import solved_products
from gramian.fit.passes.accumulate import Accumulate, Accumulated
from gramian.fit.passes.job import PassRunner
from gramian.fit.passes.memory import checked_width
from gramian.fit.passes.subsample import draw, subsample
from gramian.formula.design import Design
from gramian.formula.dropped_rows import NO_ROWS, DroppedRows
from gramian.linalg import maps
from gramian.linalg.absorb.partial_out import Absorption
from gramian.linalg.moments import Moments
from gramian.linalg.monomials import CONSTANT
from gramian.models.glm import GLM
from gramian.typing import Vector


class NoRowsError(NumericalError):
    """No row is complete. dropped_rows : why."""

    def __init__(self, message: str, dropped_rows: DroppedRows) -> None:
        super().__init__(message)
        self.dropped_rows = dropped_rows


NULL_ROWS = 1 << 18  # rows of the sample from which the null model's intercept is started


@dataclass(slots=True)
class Run:
    """The passes of one fit, with what one pass leaves for the next.

    Attributes
    ----------
    runner : PassRunner
        Runs and counts passes.
    options : GlmOptions
        What was asked for.
    row_cache : RowCache or None
        All rows in memory, where they are few.
    null_model : NullModel
        The model with an intercept only, updated by every pass.
    outcome_totals : Totals or None
        Totals of the first pass; those of the outcome alone are the same in all.
    column_stds : ndarray or None
        (p,) scale of the model's columns, see `_column_stds`; computed where separation is suspected.
    separation_ratios : list of float
        Wrong share of each step checked for separation, see `separation.separating_index`.
    dropped : DroppedRows
        Rows that directions separate, which have been left out of the source.
    """

    runner: PassRunner
    options: GlmOptions
    row_cache: RowCache | None = None
    null_model: NullModel = field(default_factory=NullModel)
    outcome_totals: Totals | None = None
    column_stds: Vector | None = None
    separation_ratios: list[float] = field(default_factory=list)
    dropped: DroppedRows = field(default_factory=DroppedRows)

    @property
    def separated(self) -> DroppedRows:
        """Rows that were left out because coefficients have no finite value."""
        return self.dropped

    def absorbed(self, last: Evaluated, b: Vector) -> Absorbed | None:
        """Estimates of absorbed factors; None without any."""
        return None

    def absorption(self, last: Evaluated) -> Absorption | None:
        """The elimination of absorbed factors at the last point; None without any."""
        return None

    def linearize(self, task: Linearize) -> Linearized:
        """One pass, over the cached rows where there is a cache."""
        if self.row_cache is None:
            return self.runner.fold(task)
        # blocks are small: more threads in BLAS would cost more than they save
        with self.runner.watched_pass(), one_thread():
            return self.row_cache.fold(task)

    def begin(self, design: Design) -> Evaluated:
        """Start from a subsample, and make the first pass over all rows, after which all levels are known."""
        self.row_cache = cache_rows(self.runner, self._task(design, self.options.model))
        (response,) = design.outcome
        sample = (self.row_cache and self.row_cache.sample(response)) or draw(self.runner.source, design)
        if design.offsets:
            self.null_model = NullModel(
                intercept(self.options.model, subsample(sample, NULL_ROWS), response), fixed=False
            )
        start = subsample_start(sample, design, self.options, self.row_cache)
        del sample  # its memory is free again before the passes
        return self._from_outcome(design) if start is None else self._from_subsample(design, start)

    def _from_subsample(self, design: Design, start: Start) -> Evaluated:
        """First pass at the coefficients of the subsample.

        Where these give a mean out of range, or cannot be expressed in the columns of all rows, the start is the
        outcome.
        """
        names = start.setting.levels.names
        task = self._task(replace(design, levels=names) if names else design, start.model)
        task = replace(task, predictor=start.setting.predictor(start.coefficients))
        linearized = self.linearize(task)
        if not math.isfinite(linearized.totals.deviance):
            return self._from_outcome(design)
        setting = self._first_setting(design, linearized)
        b = transferred(start.coefficients, start.setting, setting)
        return self._from_outcome(design) if b is None else self._evaluated(setting, b, start.model, task, linearized)

    def _from_outcome(self, design: Design) -> Evaluated:
        """First pass at the family's starting means, which need no coefficients, then one at the coefficients found."""
        model = self.options.model
        linearized = self.linearize(self._task(design, model))
        if not math.isfinite(linearized.totals.deviance):
            # a Gaussian pass gives levels and totals for any outcome, where the family's starting means fail under this
            # link
            linearized = self.linearize(Linearize(design, GAUSSIAN, likelihood=True, drop=self.options.common.drop))
            return self._from_constant(self._first_setting(design, linearized), model)
        setting = self._first_setting(design, linearized)
        b = self.step(setting, linearized, None, model).move
        del linearized  # its sums would take memory in the next pass
        return self.evaluate_at(setting, b, model) or self._from_constant(setting, model)

    def _from_constant(self, setting: Setting, model: GLM) -> Evaluated:
        """Start from the coefficients of the null model, whose means are possible.

        Raises ConvergenceError where even these give a mean out of range.
        """
        point = self.evaluate_at(setting, self.constant_start(setting), model)
        if point is None:
            raise ConvergenceError(
                f"no start: with the link '{model.link.name}' no coefficients were found that give possible means for "
                f"the family '{model.family.name}'; use another link, or keep the intercept"
            )
        return point

    def _first_setting(self, design: Design, linearized: Linearized) -> Setting:
        """The model columns and the start of the null model, from the first pass over all rows.

        Raises NumericalError where no rows are left or the columns are too many for memory.
        """
        if not linearized.moments.rows:
            causes = ", ".join(f"{n:,} {cause}" for cause, n in linearized.dropped_rows.causes.items())
            reason = f": {linearized.dropped_rows.total:,} left out ({causes})" if causes else NO_ROWS
            message = f"no rows are left to fit '{design.formula}'{reason}"
            raise NoRowsError(message, linearized.dropped_rows)
        checked_width(design.terms, _sizes(design, linearized.moments))
        design = replace(design, levels=linearized.moments.levels)
        setting = self.setting(design, linearized.moments)
        self._begin_null(setting, linearized.totals)
        return setting

    def setting(self, design: Design, moments: Moments) -> Setting:
        """The model columns for the levels that the moments have."""
        common = self.options.common
        return setting_of(design, moments, every_level=common.every_level, penalized=common.alpha is not None)

    def step(self, setting: Setting, linearized: Linearized, b: Vector | None, model: GLM) -> Step:
        """One Newton step from b, (p,)."""
        return newton(setting, linearized, b, self.options.common.alpha, model.family.known_dispersion)

    def move(self, model: GLM, step: Step, iterates: tuple[PastIterate, ...]) -> Vector:
        """The move to try from the last of some iterates, (p,)."""
        return propose_move(model, step, iterates)

    def constant_start(self, setting: Setting) -> Vector:
        """The coefficients (p,) of the null model."""
        b = np.zeros(len(setting.columns))
        if setting.parametrization.constant is not None and self.null_model.eta is not None:
            b[setting.parametrization.constant] = self.null_model.eta
        return b

    def _begin_null(self, setting: Setting, totals: Totals) -> None:
        """Start the null model from the mean outcome.

        Raises SeparationError where the outcome does not vary and lies at an end of its range.
        """
        mean, top = totals.outcome / totals.weight, self.options.model.family.separable_end
        has_constant = setting.parametrization.constant is not None or bool(setting.design.terms.absorbed_intercepts)
        if top is not None and has_constant and (mean == 0.0 or (mean == top and not totals.interior_weight)):
            raise separation.constant_outcome(mean)
        # without an intercept the null model has nothing to estimate: its linear predictor is the offset
        if not has_constant:
            self.null_model = NullModel(0.0)
        elif self.null_model.eta is None:
            eta = float(self.options.model.link.link(np.array([mean]))[0])
            self.null_model = replace(self.null_model, eta=eta)
            if self.null_model.fixed and top == 1.0 and not totals.interior_weight:
                # 0/1 outcomes without an offset: the deviance in closed form, which saves its sum in the next pass
                failures = totals.weight - totals.outcome
                self.null_model.deviance = -2.0 * (totals.outcome * math.log(mean) + failures * math.log1p(-mean))

    def evaluate_at(self, setting: Setting, b: Vector, model: GLM) -> Evaluated | None:
        """Pass at b, (p,); None where a mean is out of range."""
        task = replace(self._task(setting.design, model), predictor=setting.predictor(b))
        linearized = self.linearize(task)
        return (
            self._evaluated(setting, b, model, task, linearized) if math.isfinite(linearized.totals.deviance) else None
        )

    def check(self, point: Evaluated, b: Vector, model: GLM) -> Evaluated | None:
        """Pass at the final coefficients b, (p,), with the expected information; None where a mean is out of range."""
        task = replace(
            self._task(point.setting.design, model), predictor=point.setting.predictor(b), observed_information=False
        )
        linearized = self.linearize(task)
        if not math.isfinite(linearized.totals.deviance):
            return None
        return self._evaluated(
            point.setting, b, model, task, linearized, point.past_iterates if converges_linearly(model) else ()
        )

    def evaluate(self, trial: Trial, history: IterationHistory[Evaluated]) -> Evaluated:
        """Pass at a trial point; also checks candidate directions of separation where steps do not shrink.

        The loss is infinite where a mean is out of range. Raises SeparationError.
        """
        point = history.current
        b, model = trial
        candidates = self._candidate_directions(point, history.lengths)
        task = replace(
            self._task(point.setting.design, model), predictor=point.setting.predictor(b), candidates=candidates
        )
        linearized = self.linearize(task)
        self._check_separation(point, linearized)
        if not math.isfinite(linearized.totals.deviance):
            # the search answers an infinite loss by halving the step
            return replace(point, loss=math.inf)
        new = self._evaluated(
            point.setting, b, model, task, linearized, point.past_iterates if point.step.length < NEARBY else ()
        )
        return replace(new, se_change=se_change(point.step, new.step))

    def directions(self, point: Evaluated) -> tuple[Vector, Vector, Vector]:
        """Candidate directions (p,): the last step, the same without its small parts, and the coefficients."""
        return (
            point.step.move,
            separation.without_small_parts(point.step.move, point.setting, self.stds(point.setting)),
            point.b,
        )

    def stds(self, setting: Setting) -> Vector:
        """Scale of the model's columns, (p,), from a pass of its own when they are first needed."""
        if self.column_stds is None:
            self.column_stds = _column_stds(
                setting, self.runner.fold(Accumulate(setting.design, self.options.common.drop))
            )
        return self.column_stds

    def separation_error(self, direction: Vector, setting: Setting) -> SeparationError:
        """The error that names what a separating direction is made of."""
        return separation.separation_error(direction, setting, self.stds(setting))

    def _candidate_directions(
        self, point: Evaluated, lengths: Sequence[float]
    ) -> separation.CandidateDirections | None:
        """The candidates for the next pass.

        None under a penalty, for families that cannot separate, and while steps shrink as Newton's do.
        """
        top = self.options.model.family.separable_end
        if top is None or self.options.common.alpha or not slow_steps(lengths):
            return None
        directions = self.directions(point)
        return separation.CandidateDirections(tuple(point.setting.predictor(d) for d in directions), top)

    def _check_separation(self, point: Evaluated, linearized: Linearized) -> None:
        """Raise SeparationError, or SeparationFoundError, where a candidate direction separates the outcome."""
        if not linearized.moves:
            self.separation_ratios = []
            return
        self.separation_ratios = [*self.separation_ratios, linearized.moves[0].ratio]
        separating = separation.separating_index(linearized.moves, self.separation_ratios)
        if separating is None:
            return
        direction, move = self.directions(point)[separating], linearized.moves[separating]
        error = self.separation_error(direction, point.setting)
        if not self.options.drop_separated:
            raise error
        raise separation.SeparationFoundError(
            point.setting, direction, move.ratio, move.right, error.columns
        ) from error

    def _evaluated(
        self,
        setting: Setting,
        b: Vector,
        model: GLM,
        task: Linearize,
        linearized: Linearized,
        past_iterates: tuple[PastIterate, ...] = (),
    ) -> Evaluated:
        """The point b with its Newton step, from the sums of the pass at b.

        Updates the null model and the outcome's totals. Raises ConvergenceError where theta grows without bound.
        """
        if task.null is not None:
            self.null_model.update(linearized.totals)
        theta, totals, estimated = model.family.theta, linearized.totals, self.options.estimate_theta
        if estimated and theta is not None and theta >= MAX_THETA and totals.theta_score > 0.0:
            raise ConvergenceError(
                "no convergence: the counts vary no more than a Poisson distribution does, so theta grows without end; "
                'use family="poisson", or give theta='
            )
        if task.likelihood:
            self.outcome_totals = linearized.totals
        step = self.step(setting, linearized, b, model)
        length = math.hypot(step.length, theta_length(totals)) if estimated else step.length
        # when theta changes, the terms of the likelihood that depend on theta and the outcome alone belong to the loss
        loss = totals.deviance + step.penalty - (2.0 * totals.base if estimated else 0.0)
        iterates = (*past_iterates, PastIterate(b, step.move))
        move = self.move(model, step, iterates)
        return Evaluated(setting, b, model, linearized, step, length, loss, move, iterates)

    def _task(self, design: Design, model: GLM) -> Linearize:
        """The pass that is due: the sums of the null model and of the outcome only while they are needed."""
        estimated = self.options.estimate_theta
        return Linearize(
            design,
            model,
            null=self.null_model.eta if estimated or math.isnan(self.null_model.deviance) else None,
            observed_information=uses_observed_information(model),
            likelihood=estimated or self.outcome_totals is None,
            theta=estimated,
            drop=self.options.common.drop,
        )


def _sizes(design: Design, moments: Moments) -> dict[str, int]:
    """Factor whose levels have coefficients -> their number."""
    return {name: len(moments.levels[name]) for name in design.terms.coefficient_factors}


def _column_stds(setting: Setting, accumulated: Accumulated) -> Vector:
    """Scale of each model column, (p,): 1 for levels of factors, the standard deviation for numeric columns.

    A coefficient times this is how far it moves a typical row, so that coefficients can be compared.
    """
    products, parametrization = (
        solved_products(accumulated.moments, setting.parametrization).hi[:-1, :-1],
        setting.parametrization,
    )
    if parametrization.constant is not None:
        ones = products[parametrization.constant]
        # centre: subtract the projection on the constant
        products = products - np.outer(ones, ones) / ones[parametrization.constant]
    norms = (
        np.sqrt(np.maximum(products.diagonal(), 0.0))
        if parametrization.to_solved is None
        else maps.combination_norms(parametrization.to_solved, products)
    )
    is_level = np.array([c.leading == CONSTANT for c in setting.columns])
    return np.where(is_level, 1.0, norms / math.sqrt(accumulated.moments.weight))
