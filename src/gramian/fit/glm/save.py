"""Codec of generalized linear fits."""

from __future__ import annotations

from math import isnan

from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.save import SOLVED
from gramian.fit.leastsquares.solution import Solved
from gramian.models.families import Family, family_named
from gramian.models.links import Link, link_named
from gramian.serialize.codec import Codec
from gramian.serialize.record import at, record
from gramian.serialize.values import NUMBER, TEXT

NOT_NEGATIVE = NUMBER.checked(lambda value: value >= 0 or isnan(value), "a number that is not negative")


GLM_SOLVED: Codec[GlmSolved] = record(
    GlmSolved,
    "linear family=model.family.name link=model.link.name theta=model.family.theta estimated_theta",
    at("variance=model.family.variance", TEXT.optional(), of=lambda fit: fit.model.family.chosen_variance),
    "lengths binary",
    at("deviance null_deviance", NOT_NEGATIVE),
    "base",
    at("size", NOT_NEGATIVE),
    types={Solved: SOLVED},
    makers={Family: family_named, Link: link_named},
)
