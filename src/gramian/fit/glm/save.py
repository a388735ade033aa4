"""What a generalized linear fit leaves as plain JSON with arrays, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gramian.fit.glm.solution import GlmSolved
from gramian.fit.leastsquares.save import solved_from_json, solved_to_json
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named
from gramian.serialize import values as plain
from gramian.serialize.design import Arrays
from gramian.typing import Level

NUMBERS = ("deviance", "null_deviance", "base", "size")
CONTENT = ("linear", "family", "link", "theta", "estimated_theta", "variance", "lengths", "binary", *NUMBERS)


def glm_to_json(fit: GlmSolved) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """Manifest and arrays."""
    linear, arrays = solved_to_json(fit.linear)
    family = fit.model.family
    manifest: dict[str, object] = {
        "linear": linear,
        "family": family.name,
        "link": fit.model.link.name,
        "theta": family.theta,
        "estimated_theta": fit.estimated_theta,
        "variance": family.variance_function.name if family.name == "quasi" else None,
        "lengths": [plain.number_to_json(length) for length in fit.lengths],
        "binary": None if fit.binary is None else [plain.level_to_json(level) for level in fit.binary],
        **{name: plain.number_to_json(getattr(fit, name)) for name in NUMBERS},
    }
    return manifest, arrays


def glm_from_json(manifest: Mapping[str, Any], arrays: Arrays) -> GlmSolved:
    """What `from_glm` wrote; ValueError or OptionError for anything else."""
    plain.fields(manifest, CONTENT)
    theta = plain.optional(manifest["theta"], plain.number_from_json)
    variance = plain.optional(manifest["variance"], plain.text)
    return GlmSolved(
        linear=solved_from_json(manifest["linear"], arrays),
        model=GLM(family_named(plain.text(manifest["family"]), theta, variance), link_named(_text(manifest, "link"))),
        estimated_theta=plain.flag(manifest["estimated_theta"]),
        lengths=tuple(map(plain.number_from_json, plain.sequence(manifest["lengths"]))),
        binary=plain.optional(manifest["binary"], _binary),
        **{name: _not_negative(name, manifest[name]) for name in NUMBERS},
    )


def _text(manifest: Mapping[str, Any], name: str) -> str:
    return plain.text(manifest[name])


def _not_negative(name: str, obj: object) -> float:
    value = plain.number_from_json(obj)
    return value if name == "base" or value >= 0 or math.isnan(value) else plain.wrong(f"a {name}", obj)


def _binary(obj: object) -> tuple[Level, Level]:
    failure, success = map(plain.level_from_json, plain.sequence(obj, 2))
    return failure, success
