"""Start from a subsample: a first guess good enough that two to four passes over all rows follow.

The start has no influence on the result, so it is lightly damped and ends early. The damping matters for levels with
few rows in the sample: all of these may be successes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gramian.engines.fold import one_thread
from gramian.errors import ConvergenceError, NumericalError
from gramian.fit.glm.accumulate import Linearize, Linearized, Totals
from gramian.fit.glm.columns import Setting, setting_of
from gramian.fit.glm.null_model import intercept
from gramian.fit.glm.options import GlmOptions
from gramian.fit.glm.row_cache import RowCache, StreamedRows, sample_rows
from gramian.fit.glm.step import Step, newton, next_theta, theta_length
from gramian.fit.leastsquares.system import solved_products
from gramian.fit.passes.subsample import Sample, case_control, compact, finite, rows_needed, subsample, varies
from gramian.formula.design import Design
from gramian.formula.row_reader import Observed
from gramian.models.families import Family, family_named, negative_binomial
from gramian.models.glm import GLM, start_theta
from gramian.models.links import link_named
from gramian.typing import Vector

GAUSSIAN = GLM(family_named("gaussian"), link_named("identity"))  # for the columns alone: it takes any outcome
DAMPING = 1e-4  # pseudo-rows where the sample holds all rows: then it may come close to the solution
MAX_STEPS = 30  # on the sample
TOLERANCE = 0.01  # standard errors of the sample
MIN_SHARE = 1e-3  # share of a step below which it is not halved again
MAX_RISE = 0.1  # what a loss may rise by: theta moves too, and the penalty is no part of it


@dataclass(frozen=True, slots=True)
class Start:
    """Where the passes over all rows begin.

    Attributes
    ----------
    setting : Setting
        Model columns for the levels of the sample.
    coefficients : ndarray
        (p,) in the solved columns of the setting.
    model : GLM
        Family and link, theta included.
    """

    setting: Setting
    coefficients: Vector
    model: GLM


def subsample_start(
    sample: Sample, design: Design, options: GlmOptions, row_cache: RowCache | None = None
) -> Start | None:
    """Coefficients fitted to a subsample; None where it has too few rows or an outcome that does not vary.

    row_cache : all rows, where they are cached; used in place of the sample where both hold the same rows.
    """
    (response,) = design.outcome
    if not sample.rows or not varies(sample, response):
        return None
    full_sample = sample
    sample, shift = _subsample(sample, response, options.model, rows_needed(sample, len(design.layout.dense)))
    # the cache serves as the sample only where it holds the same rows in the same blocks
    if row_cache is None or sample is not full_sample or not row_cache.equals(sample):
        row_cache = None
        sample = compact(replace(sample, parts=tuple(map(finite, sample.parts))))
        if not sample.rows or not varies(sample, response):
            return None
        design = replace(design, levels=sample.levels)
    model = options.model
    if options.estimate_theta:
        model = replace(model, family=_with_theta(_first_theta(sample, response)))
    try:
        with one_thread():
            rows = sample_rows(Linearize(design, model), sample) if row_cache is None else row_cache
            return _newton_on_sample(sample, rows, design, options, model, shift)
    # any start is allowed to fail: the passes then begin at the family's starting means
    except (NumericalError, np.linalg.LinAlgError):
        return None


def _subsample(sample: Sample, response: str, model: GLM, rows: int) -> tuple[Sample, float]:
    """Fewer rows of a sample, by case and control for a rare 0/1 outcome, and the intercept's shift that this causes.

    For the logit link the shift corrects the sampling exactly; other links get sampling weights in its place.
    """
    if model.family.variance_function.domain != "proportion":
        return subsample(sample, rows), 0.0
    case_control_sample, shift = case_control(sample, response, rows)
    if model.link.name == "logit" or not shift:
        return case_control_sample, shift
    return replace(
        case_control_sample, parts=tuple(_weighted(p, response, shift) for p in case_control_sample.parts)
    ), 0.0


def _weighted(part: Observed, response: str, shift: float) -> Observed:
    """The rows with sampling weights: each counts for all rows that it was drawn from."""
    ratio = np.where(part.values[response] == 1.0, 1.0, np.exp(shift))
    weight = ratio if part.weight is None else part.weight * ratio
    return replace(part, weight=weight)


def _first_theta(sample: Sample, response: str) -> float:
    """First guess of theta, from the variance of the outcome about its mean (a Poisson model, intercept only)."""
    y = np.concatenate([p.values[response] for p in sample.parts])
    if not (y > 0).any():
        return 1.0
    total, overdispersion = start_theta(y, np.full(len(y), y.mean()), np.ones(len(y)))
    return float(np.clip(total / overdispersion, 1e-3, 1e6)) if overdispersion > 0 else 1e6


def _newton_on_sample(
    sample: Sample, rows: RowCache | StreamedRows, design: Design, options: GlmOptions, model: GLM, shift: float
) -> Start:
    """Newton steps on the sample, halved while the loss rises; theta moves with them.

    Parameters
    ----------
    sample : Sample
        Rows, and their levels.
    rows : RowCache or StreamedRows
        The same rows, as the passes read them.
    design : Design
        Design with the levels of the sample.
    options : GlmOptions
        What was asked for.
    model : GLM
        Family with the first guess of theta.
    shift : float
        Added to the offset, so that the intercept is that of all rows.
    """
    setting, b, damping = _first_step(sample, rows, design, options, model, shift)
    rows = rows.shifted(shift)
    move, share, loss = np.zeros(len(b)), 1.0, math.inf
    for _ in range(MAX_STEPS):
        task = Linearize(design, model, setting.predictor(b), theta=options.estimate_theta)
        linearized = rows.fold(task)
        deviance = linearized.totals.deviance
        # a rise is tolerated up to a point, since theta and the penalty are not part of this loss
        if not deviance <= loss * (1.0 + MAX_RISE) and share > MIN_SHARE:
            share /= 2.0
            b = b - share * move
            continue
        if not math.isfinite(deviance):
            raise NumericalError("the sample gives no finite start")
        step = _newton(setting, linearized, b, options, damping)
        if not math.isfinite(step.length):
            raise NumericalError("the sample gives no finite start")
        # a step of more than 1000 standard errors is far outside the region where its quadratic model holds
        move, share, loss = step.move * min(1.0, 1e3 / max(step.length, 1e-300)), 1.0, deviance
        b, model = b + move, with_next_theta(model, linearized.totals)
        if max(step.length, theta_length(linearized.totals)) < TOLERANCE:
            break
    return Start(setting, b, model)


def _first_step(
    sample: Sample, rows: RowCache | StreamedRows, design: Design, options: GlmOptions, model: GLM, shift: float
) -> tuple[Setting, Vector, Vector]:
    """Setting, coefficients (p,) and damping (p,) after the first step.

    The step is from the family's starting means, or where the link gives none, from the intercept only.
    """
    linearized = rows.fold(Linearize(design, model))
    shared_options, is_finite = options.common, math.isfinite(linearized.totals.deviance)
    if not is_finite:
        linearized = rows.fold(Linearize(design, GAUSSIAN))
    setting = setting_of(
        design, linearized.moments, every_level=shared_options.every_level, penalized=shared_options.alpha is not None
    )
    damping = _pseudo_rows(setting, linearized) * (DAMPING if sample.is_complete else 1.0)
    if is_finite:
        return setting, _newton(setting, linearized, None, options, damping).move, damping
    (response,) = design.outcome
    eta, b = intercept(model, sample, response), np.zeros(len(setting.columns))
    if eta is None or setting.parametrization.constant is None:
        raise NumericalError("the sample gives no possible start")
    b[setting.parametrization.constant] = eta - shift
    return setting, b, damping


def _pseudo_rows(setting: Setting, linearized: Linearized) -> Vector:
    """A diagonal penalty (p,) that weighs as much as one row of each column's cell; it keeps small cells near zero."""
    squares = solved_products(linearized.moments, setting.parametrization).hi.diagonal()[:-1].copy()
    rows = {
        f: dict(zip(map(tuple, t.cells.tolist()), t.rows.tolist(), strict=True))
        for f, t in linearized.moments.tables.items()
    }
    for i, column in enumerate(setting.columns):
        cell = tuple(f for f, _ in column.cell), tuple(c for _, c in column.cell)
        squares[i] /= rows[cell[0]][cell[1]] if column.cell else max(linearized.moments.rows, 1)
    if setting.parametrization.constant is not None:
        squares[setting.parametrization.constant] = 0.0
    return np.asarray(squares)


def _newton(setting: Setting, linearized: Linearized, b: Vector | None, options: GlmOptions, damping: Vector) -> Step:
    """One Newton step on the sample. b : (p,), None at the starting means. damping : (p,)."""
    known_dispersion = options.model.family.known_dispersion
    return newton(setting, linearized, b, options.common.alpha, known_dispersion, damping)


def with_next_theta(model: GLM, totals: Totals, share: float = 1.0) -> GLM:
    """The model after this share of Newton's step for theta; the same model where theta is not estimated."""
    theta = model.family.theta
    if theta is None or not (totals.theta_score or totals.theta_information):
        return model
    return replace(model, family=_with_theta(next_theta(theta, totals, share)))


def _with_theta(theta: float) -> Family:
    """The negative binomial family with an estimated theta. Raises ConvergenceError where that is no number above 0."""
    if not 0.0 < theta < math.inf:
        raise ConvergenceError(
            f"theta of the negative binomial cannot be estimated from these outcomes: its step leads to {theta:g}; "
            "look at the largest ones, or give theta yourself"
        )
    return negative_binomial(theta)
