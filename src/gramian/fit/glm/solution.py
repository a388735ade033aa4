"""What a generalized linear fit leaves: numbers and facts, no methods."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.fit.leastsquares.solution import Solved
from gramian.models.glm import GLM
from gramian.typing import Level


@dataclass(frozen=True, slots=True)
class GlmSolved:
    """A generalized linear fit.

    linear : the last step as a weighted linear fit on the scale of the link. Its inverse is that of the expected
    information at dispersion 1, its rss is Pearson's chi-square; its tss is not used, NaN.
    base, size : log L = base + size scale(phi) - deviance / (2 phi).
    lengths : of all steps, in standard errors. binary : failure and success of a text outcome.
    """

    linear: Solved
    model: GLM
    estimated_theta: bool
    deviance: float
    null_deviance: float
    base: float
    size: float
    lengths: tuple[float, ...]
    binary: tuple[Level, Level] | None

    @property
    def pearson(self) -> float:
        """Pearson's chi-square."""
        return self.linear.rss
