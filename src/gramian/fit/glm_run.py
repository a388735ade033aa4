"""One generalized linear fit under way: its passes, and what is known from one to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gramian.batch import Source
from gramian.engines.blas import one_thread
from gramian.engines.progress import Progress, watched
from gramian.errors import ConvergenceError, NumericalError
from gramian.fit import separation
from gramian.fit.anderson import Past
from gramian.fit.engine import Engine
from gramian.fit.glm_null import Null, intercept
from gramian.fit.glm_options import GlmOptions
from gramian.fit.glm_point import NEARBY, Evaluated, Trial, is_slow, proposed, shaken, sharpened
from gramian.fit.glm_step import MOST_THETA, newton, theta_length
from gramian.fit.held import Held, hold
from gramian.fit.iterate import Trail
from gramian.fit.limits import check_width
from gramian.fit.linear import solved_products
from gramian.fit.linearize import Linearize, Linearized, Totals
from gramian.fit.passes import Accumulate, Accumulated
from gramian.fit.pilot import PLAIN, Start, pilot
from gramian.fit.point import Setting, carried, setting_of
from gramian.fit.sample import draw, thinned
from gramian.formula.design import Design
from gramian.linalg import maps
from gramian.linalg.monomials import CONSTANT
from gramian.models.glm import GLM
from gramian.typing import M, Pass, Vector

NULL_ROWS = 1 << 18  # of the sample, for the null model's start


@dataclass(slots=True)
class Run:
    """What stays the same from pass to pass, and what a pass adds.

    held : all rows, where they are few. outcome : totals that depend on the outcome alone.
    spread : of the columns, ratios : of steps, see `separation`.
    """

    source: Source
    options: GlmOptions
    engine: Engine
    progress: Progress | None
    passes: int = 0
    held: Held | None = None
    null: Null = field(default_factory=Null)
    outcome: Totals | None = None
    spread: Vector | None = None
    ratios: list[float] = field(default_factory=list)

    def fold(self, task: Pass[M]) -> M:
        """One pass."""
        self.passes += 1
        with watched(self.progress, self.source.rows, self.source.size):
            return self.engine.fold(self.source, task, progress=self.progress)

    def linearize(self, task: Linearize) -> Linearized:
        """One pass, over the rows that are held where they are."""
        if self.held is None:
            return self.fold(task)
        self.passes += 1
        with watched(self.progress, self.source.rows, self.source.size), one_thread():
            done = self.held.fold(task)
            if self.progress is not None:
                self.progress.advance(self.source.rows or 0, self.source.size or 0)
        return done

    def begin(self, design: Design) -> Evaluated:
        """The pilot, and the first pass, after which the levels are known."""
        self.held = hold(self.source, self._task(design, self.options.model), self.engine)
        (response,) = design.outcome
        sample = (self.held and self.held.sample(response)) or draw(self.source, design)
        if design.offsets:
            self.null = Null(intercept(self.options.model, thinned(sample, NULL_ROWS), response), fixed=False)
        start = pilot(sample, design, self.options, self.held)
        del sample
        return self._from_outcome(design) if start is None else self._from_pilot(design, start)

    def _from_pilot(self, design: Design, start: Start) -> Evaluated:
        names = start.setting.levels.names
        task = self._task(replace(design, levels=names) if names else design, start.model)
        task = replace(task, at=start.setting.predictor(start.coefficients))
        done = self.linearize(task)
        if not math.isfinite(done.totals.deviance):
            return self._from_outcome(design)
        setting = self._first(design, done)
        b = carried(start.coefficients, start.setting, setting)
        return self._from_outcome(design) if b is None else self._evaluated(setting, b, start.model, task, done)

    def _from_outcome(self, design: Design) -> Evaluated:
        """Without a pilot: the family's own starting means, then a pass at what they give."""
        model = self.options.model
        done = self.linearize(self._task(design, model))
        if not math.isfinite(done.totals.deviance):
            done = self.linearize(Linearize(design, PLAIN, likelihood=True, drop=self.options.common.drop))
            return self._from_constant(self._first(design, done), model)
        setting = self._first(design, done)
        first = newton(setting, done, None, self.options.common.alpha, model.family.known_dispersion)
        return self.at(setting, first.move, model) or self._from_constant(setting, model)

    def _from_constant(self, setting: Setting, model: GLM) -> Evaluated:
        """From the null model, whose means are possible."""
        b = np.zeros(len(setting.columns))
        if setting.frame.constant is not None and self.null.eta is not None:
            b[setting.frame.constant] = self.null.eta
        at = self.at(setting, b, model)
        if at is None:
            raise ConvergenceError(
                f"no start: with the link '{model.link.name}' no coefficients were found that give possible means for "
                f"the family '{model.family.name}'; use another link, or keep the intercept"
            )
        return at

    def _first(self, design: Design, done: Linearized) -> Setting:
        """The model's columns, and where the null model stands, once all rows have been seen."""
        if not done.moments.rows:
            causes = ", ".join(f"{n:,} {cause}" for cause, n in done.tally.causes.items())
            why = f": {done.tally.total:,} left out ({causes})" if causes else ": the data are empty"
            raise NumericalError(f"no rows are left to fit '{design.formula}'{why}")
        common = self.options.common
        check_width(design.terms, {name: len(known) for name, known in done.moments.levels.items()})
        design = replace(design, levels=done.moments.levels)
        penalized = common.alpha is not None
        setting = setting_of(design, done.moments, every_level=common.every_level, penalized=penalized)
        self._begin_null(setting, done.totals)
        return setting

    def _begin_null(self, setting: Setting, totals: Totals) -> None:
        """Raises SeparationError for an outcome without variation at an edge of its range."""
        mean, top = totals.outcome / totals.weight, separation.top_of(self.options.model.family)
        has_constant = setting.frame.constant is not None
        if top is not None and has_constant and (mean == 0.0 or (mean == top and not totals.inner)):
            raise separation.constant_outcome(mean)
        if not has_constant:
            self.null = Null(0.0)
        elif self.null.eta is None:
            eta = float(self.options.model.link.link(np.array([mean]))[0])
            self.null = replace(self.null, eta=eta)
            if self.null.fixed and top == 1.0 and not totals.inner:
                failures = totals.weight - totals.outcome
                self.null.deviance = -2.0 * (totals.outcome * math.log(mean) + failures * math.log1p(-mean))

    def at(self, setting: Setting, b: Vector, model: GLM) -> Evaluated | None:
        """A pass at b; None where a mean is out of range."""
        task = replace(self._task(setting.design, model), at=setting.predictor(b))
        done = self.linearize(task)
        return self._evaluated(setting, b, model, task, done) if math.isfinite(done.totals.deviance) else None

    def check(self, at: Evaluated, b: Vector, model: GLM) -> Evaluated | None:
        """A pass at what seems to be the answer, with the expected information; None where a mean is out of range."""
        task = replace(self._task(at.setting.design, model), at=at.setting.predictor(b), observed=False)
        done = self.linearize(task)
        if not math.isfinite(done.totals.deviance):
            return None
        return self._evaluated(at.setting, b, model, task, done, at.past if is_slow(model) else ())

    def evaluate(self, trial: Trial, trail: Trail[Evaluated]) -> Evaluated:
        """A pass at a trial point of the loop; where steps do not settle, it looks for separation on the way."""
        at = trail.at
        b, model = trial
        suspects = self._suspects(at, trail.lengths)
        task = replace(self._task(at.setting.design, model), at=at.setting.predictor(b), suspects=suspects)
        done = self.linearize(task)
        self._judge(at, done)
        if not math.isfinite(done.totals.deviance):
            return replace(at, loss=math.inf)
        new = self._evaluated(at.setting, b, model, task, done, at.past if at.step.length < NEARBY else ())
        return replace(new, shaken=shaken(at.step, new.step))

    def _directions(self, at: Evaluated) -> tuple[Vector, Vector, Vector]:
        if self.spread is None:
            self.spread = _spread(at.setting, self.fold(Accumulate(at.setting.design, self.options.common.drop)))
        return at.step.move, separation.cleaned(at.step.move, at.setting, self.spread), at.b

    def _suspects(self, at: Evaluated, lengths: Sequence[float]) -> separation.Suspects | None:
        top = separation.top_of(self.options.model.family)
        if top is None or self.options.common.alpha or not separation.stuck(lengths):
            return None
        directions = self._directions(at)
        return separation.Suspects(tuple(at.setting.predictor(d) for d in directions), top)

    def _judge(self, at: Evaluated, done: Linearized) -> None:
        self.ratios = [*self.ratios, done.sides[0].ratio] if done.sides else []
        guilty = separation.found(done.sides, self.ratios)
        if guilty is not None and self.spread is not None:
            raise separation.separation(self._directions(at)[guilty], at.setting, self.spread)

    def _evaluated(
        self,
        setting: Setting,
        b: Vector,
        model: GLM,
        task: Linearize,
        done: Linearized,
        before: tuple[Past, ...] = (),
    ) -> Evaluated:
        if task.null is not None:
            self.null.note(done.totals)
        theta, totals, estimated = model.family.theta, done.totals, self.options.estimate_theta
        if estimated and theta is not None and theta >= MOST_THETA and totals.theta_score > 0.0:
            raise ConvergenceError(
                "no convergence: the counts vary no more than a Poisson distribution does, so theta grows without end; "
                'use family="poisson", or give theta='
            )
        if task.likelihood:
            self.outcome = done.totals
        step = newton(setting, done, b, self.options.common.alpha, model.family.known_dispersion)
        length = math.hypot(step.length, theta_length(totals)) if estimated else step.length
        loss = totals.deviance + step.penalty - (2.0 * totals.base if estimated else 0.0)
        past = (*before, Past(b, step.move))
        return Evaluated(setting, b, model, done, step, length, loss, proposed(model, step, past), past)

    def _task(self, design: Design, model: GLM) -> Linearize:
        estimated = self.options.estimate_theta
        return Linearize(
            design,
            model,
            null=None if self.null.known and not estimated else self.null.eta,
            observed=sharpened(model),
            likelihood=estimated or self.outcome is None,
            theta=estimated,
            drop=self.options.common.drop,
        )


def _spread(setting: Setting, done: Accumulated) -> Vector:
    """How far a unit of each coefficient moves a row: 1 within a level, a standard deviation for a number."""
    products, frame = solved_products(done.moments, setting.frame).hi[:-1, :-1], setting.frame
    if frame.constant is not None:
        ones = products[frame.constant]
        products = products - np.outer(ones, ones) / ones[frame.constant]
    norms = np.sqrt(np.maximum(products.diagonal(), 0.0)) if frame.made is None else maps.norms(frame.made, products)
    within = np.array([c.leading == CONSTANT for c in setting.columns])
    return np.where(within, 1.0, norms / math.sqrt(done.moments.weight))
