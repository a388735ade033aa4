"""Options of a generalized linear fit."""

from __future__ import annotations

from dataclasses import dataclass

from gramian.fit.options import Options
from gramian.models.glm import GLM


@dataclass(frozen=True, slots=True)
class GlmOptions:
    """How to fit.

    model : family and link; of a negative binomial whose theta is to be estimated it holds the first guess. common :
    weights, missing rows, dependent columns, ridge. tolerance : in standard errors. robust : HC0, HC1 or None.
    """

    model: GLM
    common: Options
    tolerance: float = 1e-8
    max_passes: int = 25
    estimate_theta: bool = False
    robust: str | None = None
