"""The pilot: a first guess from a sample, so that two to four passes over all rows are enough.

It is a start and never part of the answer, so it is lightly damped and stops early.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gramian.batch import Source
from gramian.errors import NumericalError
from gramian.fit.glm_options import GlmOptions
from gramian.fit.glm_step import Step, newton
from gramian.fit.linearize import GlmLift, Linearize, Linearized
from gramian.fit.point import Setting, setting_of
from gramian.fit.sample import Sample, case_control, compact, draw, thinned
from gramian.formula.design import Design
from gramian.models.glm import GLM, start_theta
from gramian.models.families import negative_binomial
from gramian.typing import Vector

STEPS = 15
CLOSE = 0.01  # standard errors of the sample
LIGHT = 1e-4  # share of the diagonal that damps the guess


@dataclass(frozen=True, slots=True)
class Start:
    """Where the passes over all rows begin."""

    setting: Setting
    coefficients: Vector
    model: GLM


def pilot(source: Source, design: Design, options: GlmOptions) -> Start | None:
    """Coefficients from a sample; None where it has too few rows to say anything."""
    sample = draw(source, design)
    (response,) = design.outcome
    sample, shift = _thin(sample, response, options.model)
    if not sample.rows:
        return None
    sample = compact(sample)
    design = replace(design, levels=sample.levels)
    model = options.model
    if options.estimate_theta:
        model = replace(model, family=negative_binomial(_first_theta(sample, response)))
    try:
        return _walk(sample, design, options, model, shift)
    except (NumericalError, np.linalg.LinAlgError):
        return None


def _thin(sample: Sample, response: str, model: GLM) -> tuple[Sample, float]:
    """Fewer rows: by case and control for a rare outcome, its shift of the intercept or its weights."""
    if model.family.law.domain != "proportion":
        return thinned(sample), 0.0
    rare, shift = case_control(sample, response)
    if model.link.name == "logit" or not shift:
        return rare, shift
    return replace(rare, parts=tuple(_weighted(p, response, shift) for p in rare.parts)), 0.0


def _weighted(part, response: str, shift: float):  # type: ignore[no-untyped-def]
    ratio = np.where(part.values[response] == 1.0, 1.0, np.exp(shift))
    weight = ratio if part.weight is None else part.weight * ratio
    return replace(part, weight=weight)


def _first_theta(sample: Sample, response: str) -> float:
    """By the spread of the outcome about its mean (a Poisson model with an intercept alone)."""
    y = np.concatenate([p.values[response] for p in sample.parts])
    if not (y > 0).any():
        return 1.0
    total, spread = start_theta(y, np.full(len(y), y.mean()), np.ones(len(y)))
    return float(np.clip(total / spread, 1e-3, 1e6)) if spread > 0 else 1e6


def _walk(sample: Sample, design: Design, options: GlmOptions, model: GLM, shift: float) -> Start:
    setting, step, b = _first(sample, design, options, model)
    for _ in range(STEPS):
        task = Linearize(design, model, setting.predictor(b), likelihood=False, theta=options.estimate_theta)
        done = _evaluate(sample, task, shift)
        step = _newton(setting, done, b, options)
        if not np.isfinite(done.totals.deviance) or not np.isfinite(step.length):
            raise NumericalError("the sample gives no finite start")
        b = b + step.move * min(1.0, 1e3 / max(step.length, 1e-300))
        model = next_model(model, done, options)
        if step.length < CLOSE:
            break
    return Start(setting, b, model)


def _first(sample: Sample, design: Design, options: GlmOptions, model: GLM) -> tuple[Setting, Step, Vector]:
    done = _evaluate(sample, Linearize(design, model, likelihood=False), 0.0)
    setting = setting_of(design, done.moments, every_level=options.common.every_level, penalized=_penalized(options))
    step = _newton(setting, done, None, options)
    return setting, step, step.move


def _newton(setting: Setting, done: Linearized, b: Vector | None, options: GlmOptions) -> Step:
    known = options.model.family.known_dispersion
    return newton(setting, done, b, options.common.alpha, known, light=LIGHT)


def _penalized(options: GlmOptions) -> bool:
    return options.common.alpha is not None


def next_model(model: GLM, done: Linearized, options: GlmOptions) -> GLM:
    """A Newton step for theta, at most by a factor of five."""
    theta = model.family.theta
    if not options.estimate_theta or theta is None:
        return model
    score, information = done.totals.theta_score, done.totals.theta_information
    step = score / information if information > 0 else np.sign(score) * theta
    return replace(model, family=negative_binomial(float(np.clip(theta + step, theta / 5, min(theta * 5, 1e8)))))


def _evaluate(sample: Sample, task: Linearize, shift: float) -> Linearized:
    lift = GlmLift(task)
    with np.errstate(all="ignore"):
        for part in sample.parts:
            offset = part.offset
            if shift:
                offset = np.full(part.rows, shift) if offset is None else offset + shift
            lift.add(replace(part, offset=offset))
    return lift.linearized()
