"""A point of a generalized linear fit, the step from there, and which information makes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gramian.fit.glm.accumulate import Linearized
from gramian.fit.glm.columns import Setting
from gramian.fit.glm.iterate import PastIterate, anderson_step
from gramian.fit.glm.start import with_next_theta
from gramian.fit.glm.step import Step
from gramian.models.glm import GLM
from gramian.typing import Vector

CONCAVE = {  # variance -> links with which every row's log-likelihood is concave in eta
    "mu(1-mu)": ("logit", "probit", "cloglog", "log", "identity"),
    "mu": ("log", "identity", "sqrt"),
    "mu^2": ("log", "inverse"),
    "negative binomial": ("log",),
}


NEARBY = 0.3  # standard errors: steps so short behave linearly


class Trial(NamedTuple):
    """A point to make a pass at."""

    b: Vector
    model: GLM


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A point that a pass has been made at, and Newton's step from there.

    shaken : relative change of a standard error since the point before. past : the points that led here, this one
    last. full : the move that is proposed.
    """

    setting: Setting
    b: Vector
    model: GLM
    linearized: Linearized
    step: Step
    length: float
    loss: float
    proposed_move: Vector
    past_iterates: tuple[PastIterate, ...]
    se_change: float = math.inf

    def trial(self, share: float) -> Trial:
        """The point reached by that share of the step."""
        move = self.proposed_move if share == 1.0 else share * self.step.move
        return Trial(self.b + move, with_next_theta(self.model, self.linearized.totals, share))


def propose_move(model: GLM, step: Step, past_iterates: Sequence[PastIterate]) -> Vector:
    """The move to try: Newton's, or mixed from those before it where steps converge slowly."""
    return (
        anderson_step(past_iterates, step.products.hi[:-1, :-1])
        if converges_linearly(model) and step.length < NEARBY
        else step.move
    )


def is_canonical(model: GLM) -> bool:
    """Whether expected and observed information are the same."""
    pairs = {"constant": "identity", "mu(1-mu)": "logit", "mu": "log", "mu^2": "inverse", "mu^3": "inverse_squared"}
    return pairs.get(model.family.variance_function.name) == model.link.name


def uses_observed_information(model: GLM) -> bool:
    """Whether steps use the observed information: where it differs from the expected one and no row's is negative."""
    law, link = model.family.variance_function, model.link.name
    concave = CONCAVE.get("negative binomial" if model.family.theta is not None else law.name, ())
    return not is_canonical(model) and link in concave


def converges_linearly(model: GLM) -> bool:
    """Whether steps by the expected information converge linearly only."""
    return not is_canonical(model) and not uses_observed_information(model)


def se_change(before: Step, after: Step) -> float:
    """Largest relative change of a standard error from one step to the next."""
    a, b = (s.variances * s.dispersion for s in (before, after))
    used = (a > 0) & (b > 0)
    return float(np.max(np.abs(np.sqrt(b[used] / a[used]) - 1.0), initial=0.0))
