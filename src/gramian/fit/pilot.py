"""The pilot: a first guess from a sample, so that two to four passes over all rows are enough.

It is a start and never part of the answer, so it is lightly damped and stops early. The damping matters for levels of
few rows in the sample: all of them may be successes there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.blas import one_thread
from gramian.errors import NumericalError
from gramian.fit.glm_null import intercept
from gramian.fit.glm_options import GlmOptions
from gramian.fit.glm_step import Step, newton, next_theta, theta_length
from gramian.fit.held import Held, Streamed, of_sample
from gramian.fit.linear import solved_products
from gramian.fit.linearize import Linearize, Linearized, Totals
from gramian.fit.point import Setting, setting_of
from gramian.fit.sample import Sample, case_control, compact, enough, finite, thinned, varies
from gramian.formula.design import Design
from gramian.formula.reading import Observed
from gramian.models.families import family_named, negative_binomial
from gramian.models.glm import GLM, start_theta
from gramian.models.links import link_named
from gramian.typing import Vector

PLAIN = GLM(family_named("gaussian"), link_named("identity"))  # for the columns alone: it takes any outcome
LIGHT = 1e-4  # pseudo-rows where the sample is all there is
STEPS = 30
CLOSE = 0.01  # standard errors of the sample
SHORTEST = 1e-3  # share of a step below which it is not halved again
WORSE = 0.1  # what a loss may rise by: theta moves too, and the penalty is no part of it


@dataclass(frozen=True, slots=True)
class Start:
    """Where the passes over all rows begin."""

    setting: Setting
    coefficients: Vector
    model: GLM


def pilot(sample: Sample, design: Design, options: GlmOptions, held: Held | None = None) -> Start | None:
    """Coefficients from a sample; None where it has too few rows, or too few kinds of outcomes, to say anything.

    held : all rows, where they are held.
    """
    (response,) = design.outcome
    if not sample.rows or not varies(sample, response):
        return None
    whole = sample
    sample, shift = _thin(sample, response, options.model, enough(sample, len(design.layout.dense)))
    if held is None or sample is not whole or not held.equals(sample):
        held = None
        sample = compact(replace(sample, parts=tuple(map(finite, sample.parts))))
        if not sample.rows or not varies(sample, response):
            return None
        design = replace(design, levels=sample.levels)
    model = options.model
    if options.estimate_theta:
        model = replace(model, family=negative_binomial(_first_theta(sample, response)))
    try:
        with one_thread():
            rows = of_sample(Linearize(design, model), sample) if held is None else held
            return _walk(sample, rows, design, options, model, shift)
    except (NumericalError, np.linalg.LinAlgError):
        return None


def _thin(sample: Sample, response: str, model: GLM, rows: int) -> tuple[Sample, float]:
    """Fewer rows: by case and control for a rare outcome, its shift of the intercept or its weights."""
    if model.family.law.domain != "proportion":
        return thinned(sample, rows), 0.0
    rare, shift = case_control(sample, response, rows)
    if model.link.name == "logit" or not shift:
        return rare, shift
    return replace(rare, parts=tuple(_weighted(p, response, shift) for p in rare.parts)), 0.0


def _weighted(part: Observed, response: str, shift: float) -> Observed:
    """Sampling weights: a row counts for all that it was taken from."""
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


def _walk(
    sample: Sample, rows: Held | Streamed, design: Design, options: GlmOptions, model: GLM, shift: float
) -> Start:
    """Newton's steps on the sample, halved while the loss rises; theta moves with them."""
    setting, b, light = _first(sample, rows, design, options, model, shift)
    rows = rows.shifted(shift)
    move, share, loss = np.zeros(len(b)), 1.0, math.inf
    for _ in range(STEPS):
        task = Linearize(design, model, setting.predictor(b), theta=options.estimate_theta)
        done = rows.fold(task)
        now = done.totals.deviance
        if not now <= loss * (1.0 + WORSE) and share > SHORTEST:
            share /= 2.0
            b = b - share * move
            continue
        if not math.isfinite(now):
            raise NumericalError("the sample gives no finite start")
        step = _newton(setting, done, b, options, light)
        if not math.isfinite(step.length):
            raise NumericalError("the sample gives no finite start")
        move, share, loss = step.move * min(1.0, 1e3 / max(step.length, 1e-300)), 1.0, now
        b, model = b + move, moved(model, done.totals)
        if max(step.length, theta_length(done.totals)) < CLOSE:
            break
    return Start(setting, b, model)


def _first(
    sample: Sample, rows: Held | Streamed, design: Design, options: GlmOptions, model: GLM, shift: float
) -> tuple[Setting, Vector, Vector]:
    """From the family's own starting means, or where the link cannot tell them the intercept alone; the damping."""
    done = rows.fold(Linearize(design, model))
    common, possible = options.common, math.isfinite(done.totals.deviance)
    if not possible:
        done = rows.fold(Linearize(design, PLAIN))
    setting = setting_of(design, done.moments, every_level=common.every_level, penalized=common.alpha is not None)
    light = _pseudo_rows(setting, done) * (LIGHT if sample.whole else 1.0)
    if possible:
        return setting, _newton(setting, done, None, options, light).move, light
    (response,) = design.outcome
    eta, b = intercept(model, sample, response), np.zeros(len(setting.columns))
    if eta is None or setting.frame.constant is None:
        raise NumericalError("the sample gives no possible start")
    b[setting.frame.constant] = eta - shift
    return setting, b, light


def _pseudo_rows(setting: Setting, done: Linearized) -> Vector:
    """A penalty that weighs as much as one row of each column's cell, so that a cell of few rows stays near zero."""
    squares = solved_products(done.moments, setting.frame).hi.diagonal()[:-1].copy()
    rows = {
        f: dict(zip(map(tuple, t.cells.tolist()), t.rows.tolist(), strict=True)) for f, t in done.moments.tables.items()
    }
    for i, column in enumerate(setting.columns):
        cell = tuple(f for f, _ in column.cell), tuple(c for _, c in column.cell)
        squares[i] /= rows[cell[0]][cell[1]] if column.cell else max(done.moments.rows, 1)
    if setting.frame.constant is not None:
        squares[setting.frame.constant] = 0.0
    return np.asarray(squares)


def _newton(setting: Setting, done: Linearized, b: Vector | None, options: GlmOptions, light: Vector) -> Step:
    known = options.model.family.known_dispersion
    return newton(setting, done, b, options.common.alpha, known, light)


def moved(model: GLM, totals: Totals, share: float = 1.0) -> GLM:
    """The model after that share of Newton's step for theta; the same where none is estimated."""
    theta = model.family.theta
    if theta is None or not (totals.theta_score or totals.theta_information):
        return model
    return replace(model, family=negative_binomial(next_theta(theta, totals, share)))
