"""The method `with_vcov` of results, and the robust covariance that they show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gramian.data.source import source_of
from gramian.engines.choice import Engine, engine_of
from gramian.errors import OptionError
from gramian.fit.leastsquares.solution import RobustCovariance, Solved
from gramian.fit.passes.runner import PassRunner
from gramian.fit.vcov.fit import with_robust
from gramian.fit.vcov.scores import FittedModel
from gramian.inference.covariance import Covariance, robust_covariance
from gramian.inference.vcov_spec import glm_vcov_spec, vcov_spec
from gramian.models.glm import GLM


def covariance(robust: RobustCovariance) -> Covariance:
    """A robust covariance as tests and intervals use it."""
    return robust_covariance(robust.vcov, robust.covariance, robust.df, robust.factor, robust.groups, robust.negative)


def with_vcov(
    solved: Solved,
    model: GLM | None,
    loss: float,
    vcov: Any,
    data: object,
    like: str | None,
    engine: Engine | str | None,
    information: str | None = None,
    estimated_theta: float | None = None,
) -> Solved:
    """The fit with the covariance that the options ask for; "iid" reads no rows.

    Parameters
    ----------
    solved : Solved
        The fit.
    model : GLM or None
        None for a linear fit.
    loss : float
        Its residual sum of squares, or deviance.
    vcov, like
        As in `vcov_spec`.
    data : object
        The rows of the fit.
    engine : Engine or str, optional
        What reads them.
    information : str, optional
        As in `glm_vcov_spec`.
    estimated_theta : float, optional
        Theta of a negative binomial, if it was estimated.

    Raises
    ------
    OptionError
        Without data, or for options that do not exist.
    DataError
        Where the rows are not those of the fit.
    NumericalError
        Where the covariance is not defined.
    """
    spec = vcov_spec(vcov, like) if model is None else glm_vcov_spec(vcov, like, information)
    if spec is None:
        return replace(solved, robust=None)
    if data is None:
        raise OptionError(
            f"{spec.name} needs the rows of the fit: pass the data, as in fit.with_vcov({spec.argument}, data)"
        )
    fitted_model = FittedModel(solved, model, estimated_theta=estimated_theta)
    return with_robust(fitted_model, loss, spec, PassRunner(source_of(data), engine_of(engine, data)))
