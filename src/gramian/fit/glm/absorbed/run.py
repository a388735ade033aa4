"""The passes of a generalized linear fit with absorbed factors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from gramian.errors import SeparationError
from gramian.fit.glm import separation
from gramian.fit.glm.absorbed.boundary import without_separated_levels
from gramian.fit.glm.absorbed.setting import AbsorbedSetting, absorbed_setting
from gramian.fit.glm.absorbed.step import AbsorbedStep, absorbed_step
from gramian.fit.glm.accumulate import Linearized
from gramian.fit.glm.columns import Setting, model_coefficients
from gramian.fit.glm.iterate import IterationHistory, PastIterate, anderson_step
from gramian.fit.glm.loop import Run
from gramian.fit.glm.null_model import NullModel
from gramian.fit.glm.proposal import NEARBY, Evaluated, Trial, converges_linearly
from gramian.fit.glm.step import Step
from gramian.fit.leastsquares.absorbed import Absorbed
from gramian.fit.leastsquares.absorbed_effects import (
    are_connected,
    constant_beside,
    singletons,
    slopes_of_factors,
    zeros_of,
)
from gramian.formula.design import Design
from gramian.formula.dropped_rows import DroppedRows
from gramian.linalg.absorb.partial_out import Absorption
from gramian.linalg.moments import Moments
from gramian.models.glm import GLM
from gramian.typing import Vector


@dataclass(slots=True)
class AbsorbedRun(Run):
    """The passes of a fit whose points are coefficients and effects of levels.

    Attributes
    ----------
    left_out : DroppedRows
        Rows in levels of which all outcomes lie at one end of the range.
    """

    left_out: DroppedRows = field(default_factory=DroppedRows)

    @property
    def separated(self) -> DroppedRows:
        """Rows that were left out because coefficients or levels have no finite effect."""
        return self.dropped + self.left_out

    def begin(self, design: Design) -> Evaluated:
        """Leave out levels without a finite effect, then start at the family's starting means."""
        model = self.options.model
        self.runner.source, self.left_out = without_separated_levels(
            design, self.runner, model.family.separable_end, drop=self.options.common.drop
        )
        if design.offsets:
            self.null_model = NullModel(fixed=False)
        return self._from_outcome(design)

    def setting(self, design: Design, moments: Moments) -> Setting:
        """The model columns for the levels that the moments have."""
        common = self.options.common
        return absorbed_setting(design, moments, every_level=common.every_level, penalized=common.alpha is not None)

    def step(self, setting: Setting, linearized: Linearized, b: Vector | None, model: GLM) -> Step:
        """One Newton step from b, (p + levels,)."""
        assert isinstance(setting, AbsorbedSetting)
        return absorbed_step(setting, linearized, b, self.options.common.alpha, model.family.known_dispersion)

    def evaluate_at(self, setting: Setting, b: Vector, model: GLM) -> Evaluated | None:
        """Pass at b; None where a mean is out of range."""
        point = Run.evaluate_at(self, setting, b, model)
        return None if point is None else _without_sums(point)

    def evaluate(self, trial: Trial, history: IterationHistory[Evaluated]) -> Evaluated:
        """Pass at a trial point. Raises SeparationError."""
        return _without_sums(Run.evaluate(self, trial, history))

    def move(self, model: GLM, step: Step, iterates: tuple[PastIterate, ...]) -> Vector:
        """The move to try, (p + levels,): Anderson's combination where steps converge linearly, else the last step."""
        assert isinstance(step, AbsorbedStep)
        nearby = converges_linearly(model) and step.length < NEARBY
        return anderson_step(iterates, step.metric) if nearby else step.move

    def constant_start(self, setting: Setting) -> Vector:
        """The point of the null model: its intercept as the effect of every level of one factor."""
        assert isinstance(setting, AbsorbedSetting)
        effects = {f: np.zeros((len(setting.monomials(f)), size)) for f, size in setting.sizes.items()}
        for factor in setting.design.terms.absorbed_intercepts[:1]:
            effects[factor][0] = self.null_model.eta or 0.0
        return setting.joined(Run.constant_start(self, setting), effects)

    def directions(self, point: Evaluated) -> tuple[Vector, Vector, Vector]:
        """Candidate directions (p + levels,) of separation: as without absorbed factors."""
        setting, p, move = point.setting, len(point.setting.columns), point.step.move
        stds = self.stds(setting)
        largest = float(max(np.abs(model_coefficients(setting, move[:p]) * stds).max(initial=0.0), np.abs(move).max()))
        effects = np.where(np.abs(move[p:]) > separation.SMALL * largest, move[p:], 0.0)
        large = separation.without_small_parts(move[:p], setting, stds) if p else move[:p]
        return move, np.concatenate([large, effects]), point.b

    def separation_error(self, direction: Vector, setting: Setting) -> SeparationError:
        """The error that names the columns of a separating direction, or the factors if it is made of levels alone."""
        p = len(setting.columns)
        if np.abs(direction[:p]).max(initial=0.0) > separation.EXACT * np.abs(direction).max():
            return separation.separation_error(direction[:p], setting, self.stds(setting))
        names = setting.design.terms.absorbed_texts
        return SeparationError(
            f"the outcome is separated by levels of {' and '.join(names)} together: the likelihood rises without end "
            "as their effects grow apart, so there is no finite answer; absorb fewer factors, leave out the levels "
            "that have outcomes at an end of the range but for a few rows, or the rows that are separated "
            '(separation="drop")',
            names,
        )

    def absorption(self, last: Evaluated) -> Absorption:
        """The elimination of the levels at the last point."""
        return _absorption_of(last.step)

    def absorbed(self, last: Evaluated, b: Vector) -> Absorbed:
        """Estimates and degrees of freedom of the absorbed factors. b : (p + levels,) final point."""
        setting, step, moments = last.setting, last.step, last.linearized.moments
        assert isinstance(setting, AbsorbedSetting)
        absorption = _absorption_of(step)
        own = b[: len(setting.columns)]
        return Absorbed(
            levels=setting.sizes,
            rank=absorption.rank,
            exact=absorption.exact,
            singletons=singletons(moments, tuple(setting.sizes)),
            tss=float(step.products.hi[-1, -1]),
            effects={factor: own[0] for factor, own in setting.effects(b).items()},
            connected=are_connected(absorption, setting.sizes),
            slopes=slopes_of_factors(absorption, setting.effects(b), setting.design),
            zeros=zeros_of(absorption, setting.design.terms.slopes),
            constant=constant_beside(
                setting.columns,
                setting.levels,
                setting.parametrization,
                setting.stored(own),
                model_coefficients(setting, own),
            ),
        )


def _absorption_of(step: Step) -> Absorption:
    """The elimination of the levels in the step of the last point."""
    assert isinstance(step, AbsorbedStep)
    assert step.partialled_out is not None
    return step.partialled_out.absorption


def _without_sums(point: Evaluated) -> Evaluated:
    """A point without its sums over levels: once its step is known they would only take memory in the next pass.

    The last point, of `Run.check`, keeps them.
    """
    assert isinstance(point.step, AbsorbedStep)
    linearized = replace(point.linearized, moments=replace(point.linearized.moments, tables={}))
    return replace(point, linearized=linearized, step=replace(point.step, partialled_out=None))
