"""Fits with another covariance: what `with_vcov` does, and what a robust covariance is told as."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.data.source import source_of
from gramian.engines.choice import engine_of
from gramian.errors import OptionError
from gramian.fit.engine import Engine
from gramian.fit.robust import Reading, with_robust
from gramian.fit.solved import Robust, Solved
from gramian.inference.covariance import Covariance, described
from gramian.inference.recipes import recipe
from gramian.models.glm import GLM


def covariance(robust: Robust) -> Covariance:
    """For tests and intervals."""
    return described(robust.recipe, robust.told, robust.df, robust.factor, robust.groups, robust.negative)


def with_vcov(
    solved: Solved,
    model: GLM | None,
    loss: float,
    vcov: Any,
    data: object,
    like: str | None,
    engine: Engine | str | None,
) -> Solved:
    """The fit with the covariance that the options ask for; "iid" reads nothing."""
    wanted = recipe(vcov, like)
    if wanted is None:
        return replace(solved, robust=None)
    if data is None:
        raise OptionError(f"{wanted.name} needs the rows of the fit: pass the data, as in with_vcov('HC3', data)")
    return with_robust(solved, model, loss, wanted, Reading(source_of(data), engine_of(engine, data)))
