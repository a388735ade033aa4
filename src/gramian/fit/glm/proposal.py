"""Steps of a generalized linear fit: which information they use, and when earlier steps are combined into one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
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


MODELS = 32  # for which is known how steps converge: with an estimated theta every step has another
NEARBY = 0.3  # standard errors: for steps this short the iteration is nearly linear, as Anderson mixing assumes


class Trial(NamedTuple):
    """Where the next pass is made.

    Attributes
    ----------
    b : ndarray
        (p,) coefficients.
    model : GLM
        Link, and family with its theta, which moves with the coefficients where it is estimated.
    """

    b: Vector
    model: GLM


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A point with the sums of the pass at it, and the step from there.

    Attributes
    ----------
    setting : Setting
        Model columns and the basis of the solve.
    b : ndarray
        (p,) coefficients in the solved columns.
    model : GLM
        Family, with the current theta, and link.
    linearized : Linearized
        Sums of the pass.
    step : Step
        The Newton step.
    length : float
        Length of the step in standard errors; with an estimated theta both steps together.
    loss : float
        Deviance plus penalty; with an estimated theta -2 log-likelihood up to a constant.
    proposed_move : ndarray
        (p,) move of the next trial: the Newton step, or several combined.
    past_iterates : tuple of PastIterate
        The points that led here, this one last.
    se_change : float
        Largest relative change of a standard error since the point before; infinite for the first.
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
        """The point after this share of the step; shares below 1 shorten the Newton step, not the combined one."""
        # a combined step need not be a descent direction; Newton's is, so halving acts on that
        move = self.proposed_move if share == 1.0 else share * self.step.move
        return Trial(self.b + move, with_next_theta(self.model, self.linearized.totals, share))


def propose_move(model: GLM, step: Step, past_iterates: Sequence[PastIterate]) -> Vector:
    """The move to try, (p,): Anderson's combination of the last steps where they converge linearly, else Newton's."""
    return (
        anderson_step(past_iterates, step.products.hi[:-1, :-1])
        if converges_linearly(model) and step.length < NEARBY
        else step.move
    )


@lru_cache(maxsize=MODELS)
def uses_observed_information(model: GLM) -> bool:
    """Whether steps use the observed information.

    They do where it differs from the expected one and is positive in every row, because the log-likelihood is concave
    in eta: then Newton's method converges quadratically, while Fisher scoring converges linearly.
    """
    law, link = model.family.variance_function, model.link.name
    concave = CONCAVE.get("negative binomial" if model.family.theta is not None else law.name, ())
    return not model.is_canonical and link in concave


@lru_cache(maxsize=MODELS)
def converges_linearly(model: GLM) -> bool:
    """Whether steps converge linearly only: by the expected information of a link that is not canonical."""
    return not model.is_canonical and not uses_observed_information(model)


def se_change(before: Step, after: Step) -> float:
    """Largest relative change of a standard error from one step to the next."""
    a, b = (s.variances * s.dispersion for s in (before, after))
    used = (a > 0) & (b > 0)
    return float(np.max(np.abs(np.sqrt(b[used] / a[used]) - 1.0), initial=0.0))
