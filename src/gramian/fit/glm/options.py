"""Options of a generalized linear fit, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

from gramian.errors import OptionError, no_choice
from gramian.fit.passes.options import Options
from gramian.inference.vcov_spec import VcovSpec, glm_vcov_spec
from gramian.keywords import DEFAULTS, SEPARATIONS, IteratedKeywords
from gramian.models.families import family_named
from gramian.models.glm import GLM
from gramian.models.links import link_named

NEGATIVE_BINOMIAL = "negative_binomial"


@dataclass(frozen=True, slots=True)
class GlmOptions:
    """What was asked of a generalized linear fit.

    Attributes
    ----------
    model : GLM
        Family and link. For a negative binomial whose theta is estimated, theta is the first guess.
    common : Options
        Weights, missing rows, dependent columns, ridge penalty.
    offset : str or None
        Column added to the linear predictor.
    tolerance : float
        Error of the coefficients at which the iteration ends, in standard errors.
    max_passes : int
        Largest number of passes over the data.
    estimate_theta : bool
        Whether theta is estimated.
    robust : VcovSpec or None
        Robust covariance; None for the model-based one.
    drop_separated : bool
        Whether rows that columns separate are left out; if not, they are an error.
    """

    model: GLM
    common: Options
    offset: str | None = None
    tolerance: float = 1e-8
    max_passes: int = 25
    estimate_theta: bool = False
    robust: VcovSpec | None = None
    drop_separated: bool = False


def glm_options(
    family: str,
    link: str | None = None,
    *,
    common: Options,
    vcov: Any = "iid",
    like: str | None = None,
    **settings: Unpack[IteratedKeywords],
) -> GlmOptions:
    """Options from names and numbers; the parameters are those of `gramian.glm`. Raises OptionError."""
    theta, offset = settings.get("theta"), settings.get("offset")
    tolerance, max_passes = (
        settings.get("tolerance", DEFAULTS["tolerance"]),
        settings.get("max_passes", DEFAULTS["max_passes"]),
    )
    estimate_theta = family == NEGATIVE_BINOMIAL and theta is None
    named_family = family_named(family, 1.0 if estimate_theta else _theta(theta), settings.get("variance"))
    if offset is not None and not isinstance(offset, str):
        raise OptionError(f"offset must be the name of a column, found {type(offset).__name__}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0.0 < tolerance < 1.0:
        raise OptionError(f"tolerance must be a number of standard errors between 0 and 1, found {tolerance!r}")
    if isinstance(max_passes, bool) or not isinstance(max_passes, int) or max_passes < 1:
        raise OptionError(f"max_passes must be a whole number above 0, found {max_passes!r}")
    separation = settings.get("separation", DEFAULTS["separation"])
    if separation not in SEPARATIONS:
        raise no_choice("separation", separation, SEPARATIONS)
    if separation == "drop" and common.alpha is not None:
        raise OptionError(
            "with a ridge penalty nothing is separated, so that there are no rows to leave out: leave out "
            "separation='drop', or the penalty"
        )
    spec = glm_vcov_spec(vcov, like, settings.get("information"))
    model = GLM(named_family, link_named(named_family.default_link if link is None else link))
    drops = separation == "drop"
    return GlmOptions(model, common, offset, tolerance, max_passes, estimate_theta, spec, drops)


def _theta(theta: float | None) -> float | None:
    """A theta that is a number or None; OptionError for anything else."""
    if theta is not None and (isinstance(theta, bool) or not isinstance(theta, int | float)):
        raise OptionError(f"theta must be a number above 0, found {theta!r}")
    return theta
