"""Codec of generalized linear fits."""

from __future__ import annotations

from math import isnan
from typing import Any

from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.save import SOLVED
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.serialize.codec import Codec
from gramian.serialize.record import at, record
from gramian.serialize.values import NUMBER

NOT_NEGATIVE = NUMBER.checked(lambda value: value >= 0 or isnan(value), "a number that is not negative")


def _solved(family: str, link: str, theta: float | None, variance: str | None, **parts: Any) -> GlmSolved:
    return GlmSolved(model=GLM(family_named(family, theta, variance), link_named(link)), **parts)


def _variance(fit: GlmSolved) -> str | None:
    return fit.model.family.variance_function.name if fit.model.family.name == "quasi" else None


GLM_SOLVED: Codec[GlmSolved] = record(
    GlmSolved,
    at("linear", SOLVED),
    at("family", of=lambda fit: fit.model.family.name),
    at("link", of=lambda fit: fit.model.link.name),
    at("theta", of=lambda fit: fit.model.family.theta),
    "estimated_theta",
    at("variance", of=_variance),
    "lengths binary",
    at("deviance null_deviance", NOT_NEGATIVE),
    "base",
    at("size", NOT_NEGATIVE),
    make=_solved,
)
