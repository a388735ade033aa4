"""The model with an intercept only, whose deviance is the null deviance of a generalized linear fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gramian.fit.glm.accumulate import Totals
from gramian.fit.passes.subsample import Sample
from gramian.linalg.moments import combined_weight
from gramian.models.glm import GLM
from gramian.typing import Vector

MAX_STEPS = 50  # Newton steps on the sample
TOLERANCE = 1e-12  # of eta, relative, at which they end
SETTLED = 1e-5  # of eta: a Newton step so short leaves an error of third order


@dataclass(slots=True)
class NullModel:
    """The null model, updated by the passes of the fit that it is compared with.

    Attributes
    ----------
    eta : float or None
        Its intercept, zero for a model without one; None before the first pass.
    fixed : bool
        Whether eta is final from the start: without an intercept, or without an offset, where eta is the link of the
        mean outcome. Otherwise each pass makes one Newton step.
    deviance : float
        The null deviance; NaN until a pass has computed it.
    """

    eta: float | None = None
    fixed: bool = True
    deviance: float = math.nan

    def update(self, totals: Totals) -> None:
        """Update from the totals of a pass at eta: one Newton step, and the deviance once the step is short."""
        if self.fixed or self.eta is None:
            self.deviance = totals.null_deviance
            return
        move = totals.null_score / totals.null_information if totals.null_information > 0 else 0.0
        self.eta += move
        if abs(move) <= SETTLED * max(1.0, abs(self.eta)):
            # the deviance after the step, by its quadratic model: d - step * score saves another pass
            self.deviance = max(totals.null_deviance - move * totals.null_score, 0.0)


def intercept(model: GLM, sample: Sample, response: str) -> float | None:
    """Intercept of the null model with the offsets of a sample, by Newton's method with step halving.

    None where the sample is empty or the iteration fails.
    """
    if not sample.rows:
        return None
    y = np.concatenate([p.values[response] for p in sample.parts])
    offset = _joined(sample, [p.offset for p in sample.parts], 0.0)
    weight = _joined(sample, [combined_weight(p.weight, p.count) for p in sample.parts], 1.0)
    mean = float(weight @ y / weight.sum())
    # the solution without offsets, less the mean offset: close enough for Newton's method to start
    eta = float(model.link.link(np.array([mean]))[0]) - float(weight @ offset / weight.sum())
    current = model.linearize(y, eta + offset, weight)
    for _ in range(MAX_STEPS):
        slope, curvature = float(current.s.sum()), float(current.w.sum())
        if not math.isfinite(current.loss) or not curvature > 0.0:
            return None
        step = slope / curvature
        new = model.linearize(y, eta + step + offset, weight)
        while not new.loss <= current.loss * (1 + 1e-12) and abs(step) > TOLERANCE:
            step /= 2
            new = model.linearize(y, eta + step + offset, weight)
        eta, current = eta + step, new
        if abs(step) <= TOLERANCE * max(1.0, abs(eta)):
            break
    return eta if math.isfinite(eta) else None


def _joined(sample: Sample, parts: list[Vector | None], default: float) -> Vector:
    """One vector over all parts of a sample; `default` for parts that have none."""
    pairs = zip(sample.parts, parts, strict=True)
    return np.concatenate([np.full(p.rows, default) if v is None else v for p, v in pairs])
