"""Codec of generalized linear fits."""

from __future__ import annotations

from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.save import SOLVED
from gramian.models.families import Family, family_named
from gramian.models.links import Link, link_named
from gramian.serialize.codec import Codec
from gramian.serialize.record import at, record
from gramian.serialize.values import TEXT

GLM_SOLVED: Codec[GlmSolved] = record(
    GlmSolved,
    "linear family=model.family.name link=model.link.name theta=model.family.theta estimated_theta",
    at("variance=model.family.variance", TEXT.optional(), of=lambda fit: fit.model.family.chosen_variance),
    "lengths binary deviance null_deviance base size",
    types=[SOLVED],
    makers={Family: family_named, Link: link_named},
)
