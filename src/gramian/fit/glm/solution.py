"""The solution of a generalized linear fit: numbers and facts, as they are saved."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.fit.leastsquares.solution import Solved
from gramian.models.glm import GLM
from gramian.typing import Level, NotBelowZero


@dataclass(frozen=True, slots=True)
class GlmSolved:
    """A generalized linear fit.

    Attributes
    ----------
    linear : Solved
        The last step as a weighted linear fit on the scale of the link. Its inverse is that of the expected information
        at dispersion 1, its rss is Pearson's chi-square, its tss is not used and NaN.
    model : GLM
        Family, with theta as given or estimated, and link.
    estimated_theta : bool
        Whether theta was estimated.
    deviance, null_deviance : float
        Deviance of the model, and of the model with an intercept only.
    base, size : float
        log L = base + size scale(phi) - deviance / (2 phi).
    lengths : tuple of float
        Lengths of all steps, in standard errors.
    binary : tuple of levels, or None
        Failure and success of a text outcome.
    """

    linear: Solved
    model: GLM
    estimated_theta: bool
    deviance: NotBelowZero
    null_deviance: NotBelowZero
    base: float
    size: NotBelowZero
    lengths: tuple[float, ...]
    binary: tuple[Level, Level] | None

    @property
    def pearson(self) -> float:
        """Pearson's chi-square."""
        return self.linear.rss
