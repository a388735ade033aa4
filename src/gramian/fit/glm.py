"""Generalized linear models: a pilot, then normal equations in a row, one pass each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.batch import Source
from gramian.engines.progress import Progress, watched
from gramian.errors import DataError, NumericalError, SeparationError
from gramian.fit.glm_options import GlmOptions
from gramian.fit.glm_step import Step, newton
from gramian.fit.iterate import Trail, iterate, linear, quadratic
from gramian.fit.linear import tell
from gramian.fit.linearize import Linearize, Linearized
from gramian.fit.pilot import next_model, pilot
from gramian.fit.point import Setting, carried, setting_of
from gramian.fit.run import Engine
from gramian.fit.separation import Suspect
from gramian.formula.coding import empty_cells
from gramian.formula.design import Design
from gramian.formula.tally import Tally
from gramian.linalg.solve import Solution
from gramian.models.glm import GLM
from gramian.typing import Mask, Matrix, Vector

STUCK = 0.4  # steps that shrink by less than this are not Newton's near a solution


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A point that a pass has been made at, and Newton's step from there."""

    setting: Setting
    b: Vector
    model: GLM
    done: Linearized
    step: Step

    @property
    def length(self) -> float:
        """In standard errors."""
        return self.step.length

    @property
    def loss(self) -> float:
        """Deviance and penalty."""
        return self.step.loss

    def trial(self, share: float) -> Vector:
        """The point reached by that share of the step."""
        return self.b + share * self.step.move


@dataclass(slots=True)
class Run:
    """One fit under way: everything that stays the same from pass to pass."""

    source: Source
    options: GlmOptions
    engine: Engine
    progress: Progress | None
    null: float | None = None
    null_deviance: float = field(default=np.nan)
    null_moved: float = field(default=np.inf)

    def fold(self, task: Linearize) -> Linearized:
        """One pass."""
        with watched(self.progress, self.source.rows, self.source.size):
            return self.engine.fold(self.source, task, progress=self.progress)

    def begin(self, design: Design) -> Evaluated:
        """The pilot, and the first pass, after which the levels are known."""
        start = pilot(self.source, design, self.options)
        if start is None:
            return self._from_outcome(design)
        task = self._task(replace(design, levels=start.setting.levels.names), start.model)
        done = self.fold(replace(task, at=start.setting.predictor(start.coefficients)))
        setting = self._setting(design, done)
        b = carried(start.coefficients, start.setting, setting)
        if b is None or not np.isfinite(done.totals.deviance):
            return self._from_outcome(design)
        return self._evaluated(setting, b, start.model, done)

    def _from_outcome(self, design: Design) -> Evaluated:
        """Without a pilot: the family's own starting means, then a pass at what they give."""
        done = self.fold(self._task(design, self.options.model))
        setting = self._setting(design, done)
        first = newton(setting, done, None, self.options.common.alpha, self._known(self.options.model))
        return self.evaluate_at(setting, first.move, self.options.model, None)

    def _setting(self, design: Design, done: Linearized) -> Setting:
        if not done.moments.rows:
            raise NumericalError(f"no rows are left to fit '{design.formula}': {done.tally.total:,} left out")
        common = self.options.common
        design = replace(design, levels=done.moments.levels)
        penalized = common.alpha is not None
        return setting_of(design, done.moments, every_level=common.every_level, penalized=penalized)

    def evaluate_at(self, setting: Setting, b: Vector, model: GLM, suspect: Suspect | None) -> Evaluated:
        """A pass at b."""
        task = self._task(setting.design, model)
        done = self.fold(replace(task, at=setting.predictor(b), null=self.null, suspect=suspect))
        return self._evaluated(setting, b, model, done)

    def evaluate(self, trial: object, trail: Trail[Evaluated]) -> Evaluated:
        """A pass at a trial point of the loop; where steps do not settle, it looks for separation on the way."""
        at = trail.at
        assert isinstance(trial, np.ndarray)
        new = self.evaluate_at(at.setting, trial, next_model(at.model, at.done, self.options), self._suspect(trail))
        if new.done.side.separated:
            raise _separation(at)
        return new

    def _suspect(self, trail: Trail[Evaluated]) -> Suspect | None:
        top = {"proportion": 1.0, "positive": np.inf}.get(self.options.model.family.law.domain)
        lengths = trail.lengths
        slow = len(lengths) >= 2 and lengths[-1] > STUCK * lengths[-2]
        if top is None or not slow or not self.options.model.family.check(np.zeros(1))[0] == False:  # noqa: E712
            return None
        return Suspect(trail.at.setting.predictor(trail.at.step.move), top)

    def _evaluated(self, setting: Setting, b: Vector, model: GLM, done: Linearized) -> Evaluated:
        self._note_null(setting, model, done)
        step = newton(setting, done, b, self.options.common.alpha, self._known(model))
        return Evaluated(setting, b, model, done, step)

    def _known(self, model: GLM) -> float | None:
        return model.family.known_dispersion

    def _task(self, design: Design, model: GLM) -> Linearize:
        drop, canonical = self.options.common.drop, is_canonical(model)
        return Linearize(design, model, observed=not canonical, theta=self.options.estimate_theta, drop=drop)

    def _note_null(self, setting: Setting, model: GLM, done: Linearized) -> None:
        """Follow the model with an intercept only (or with the offset only) beside the one that is fitted."""
        totals = done.totals
        if self.null is not None:
            self.null_deviance, self.null_moved = totals.null_deviance, 0.0
            if setting.frame.constant is not None and setting.design.offsets:
                self.null_moved = totals.null_score / totals.null_information
                self.null += self.null_moved
        elif setting.frame.constant is None:
            self.null = 0.0
        else:
            self.null = float(model.link.link(np.array([totals.outcome / totals.weight]))[0])


def is_canonical(model: GLM) -> bool:
    """Whether expected and observed information are the same."""
    pairs = {"gaussian": "identity", "binomial": "logit", "quasibinomial": "logit", "poisson": "log"}
    pairs |= {"quasipoisson": "log", "gamma": "inverse", "inverse_gaussian": "inverse_squared"}
    return pairs.get(model.family.name) == model.link.name


@dataclass(frozen=True, slots=True)
class GlmSolved:
    """A generalized linear fit; fields as in `Solved` where they have the same names.

    inverse : (p, p), inverse of the expected information at dispersion 1. meat : (p, p), sum of squared scores, told in
    the columns that were solved for, when a robust covariance is wanted. pearson : Pearson's chi-square. base, size :
    terms of the log-likelihood. lengths : of all steps, in standard errors.
    """

    setting: Setting
    model: GLM
    solution: Solution
    coefficients: Vector
    inverse: Matrix
    robust: Matrix | None
    identified: Mask
    aliased: Mapping[str, str]
    empty_cells: Mapping[str, int]
    rows: int
    weight: float
    deviance: float
    null_deviance: float
    dispersion: float
    base: float
    size: float
    rank: int
    leverage: float
    condition: float
    passes: int
    lengths: tuple[float, ...]
    tally: Tally
    options: GlmOptions


def run_glm(
    design: Design, source: Source, options: GlmOptions, engine: Engine, progress: Progress | None
) -> GlmSolved:
    """Fit a generalized linear model to a design whose coordinates are fixed.

    Raises DataError for a source that can be read once, SeparationError, ConvergenceError, NumericalError.
    """
    if not source.rereadable:
        raise DataError("these data can be read once only, but a generalized linear model takes two to four passes")
    run = Run(source, options, engine, progress)
    predicted = quadratic if is_canonical(options.model) and not options.estimate_theta else linear
    trail = iterate(run.begin(design), run.evaluate, predicted, options.tolerance, options.max_passes)
    at, passes = trail.at, trail.passes
    b, model = at.trial(1.0), next_model(at.model, at.done, options)
    last = at
    if not is_canonical(model) or np.isnan(run.null_deviance) or abs(run.null_moved) > 1e-10:
        last, passes = _again(run, at.setting, b, model, passes)
    robust = None if options.robust is None else _meat(run, at.setting, b, model)
    return _solved(run, last, b, model, robust, passes + (robust is not None), tuple(trail.lengths))


def _again(run: Run, setting: Setting, b: Vector, model: GLM, passes: int) -> tuple[Evaluated, int]:
    """Passes at the solution, for expected information and the null model."""
    for _ in range(run.options.max_passes):
        task = Linearize(setting.design, model, setting.predictor(b), run.null, drop=run.options.common.drop)
        last = run._evaluated(setting, b, model, run.fold(task))
        passes += 1
        if abs(run.null_moved) <= 1e-10 * max(1.0, abs(run.null or 0.0)):
            break
    return last, passes


def _meat(run: Run, setting: Setting, b: Vector, model: GLM) -> Linearized:
    return run.fold(Linearize(setting.design, model, setting.predictor(b), meat=True, drop=run.options.common.drop))


def _solved(
    run: Run, last: Evaluated, b: Vector, model: GLM, meat: Linearized | None, passes: int, lengths: tuple[float, ...]
) -> GlmSolved:
    setting, step, totals = last.setting, last.step, last.done.totals
    names = tuple(c.name for c in setting.columns)
    collinear = run.options.common.collinear
    whole = replace(step.solution, coefficients=b)
    told, inverse, known, aliased = tell(setting.frame, whole, step.products, names, collinear)
    deviance = totals.deviance if np.array_equal(last.b, b) else totals.deviance - _gain(step)
    return GlmSolved(
        setting=setting,
        model=model,
        solution=whole,
        coefficients=told,
        inverse=inverse,
        robust=None if meat is None else sandwich_of(whole, setting, meat, names, collinear),
        identified=known,
        aliased=aliased,
        empty_cells=empty_cells(setting.design.terms, setting.levels),
        rows=last.done.moments.rows,
        weight=totals.weight,
        deviance=max(deviance, 0.0),
        null_deviance=run.null_deviance,
        dispersion=step.dispersion,
        base=totals.base,
        size=totals.size,
        rank=int(whole.kept.sum()),
        leverage=whole.leverage,
        condition=whole.condition,
        passes=passes,
        lengths=lengths,
        tally=last.done.tally,
        options=run.options,
    )


def _gain(step: Step) -> float:
    """What the last step, which is not evaluated again, takes off the deviance."""
    return step.length**2 * step.dispersion


def sandwich_of(
    solution: Solution, setting: Setting, meat: Linearized, names: tuple[str, ...], collinear: str
) -> Matrix:
    """A^-1 M A^-1 in the model's columns."""
    from gramian.fit.linear import solved_products

    M = solved_products(meat.moments, setting.frame)
    inner = solution.inverse @ M.hi[:-1, :-1] @ solution.inverse
    return tell(setting.frame, replace(solution, inverse=inner), M, names, collinear)[1]


def _separation(at: Evaluated) -> SeparationError:
    frame, names = at.setting.frame, tuple(c.name for c in at.setting.columns)
    direction = replace(at.step.solution, coefficients=at.step.move)
    told, *_ = tell(replace(frame, response={}), direction, at.step.products, names, "drop")
    reach = np.abs(np.nan_to_num(told)) * np.sqrt(np.maximum(_squares(at), 0.0))
    if frame.constant is not None and len(names) > 1:
        reach[frame.constant] = 0.0
    guilty = tuple(n for n, r in zip(names, reach, strict=True) if r > 0.01 * reach.max())
    shown = ", ".join(guilty[:8]) + (f", ... {len(guilty) - 8} more" if len(guilty) > 8 else "")
    return SeparationError(
        f"the outcome is separated by {shown}: the likelihood rises without end as the coefficient grows, so there is no "
        "finite answer; use a penalty (ridge=1), leave the column out, or merge the level with another",
        guilty,
    )


def _squares(at: Evaluated) -> Vector:
    """Centred squares of the columns, unweighted scale only: what a unit of the coefficient moves."""
    S = at.step.products.hi[:-1, :-1]
    constant = at.setting.frame.constant
    squares = S.diagonal().copy()
    if constant is not None and S[constant, constant] > 0:
        squares -= S[constant] ** 2 / S[constant, constant]
    return np.asarray(squares)
