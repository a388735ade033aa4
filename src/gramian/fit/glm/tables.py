"""Arrow tables and the JSON object of a generalized linear fit, with the column names of R's broom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.fit.glm.solution import GlmSolved
from gramian.models.families import Likelihood
from gramian.results import tables
from gramian.results.tables import NOT_CERTIFIED, SCHEMA, finite

if TYPE_CHECKING:
    from gramian.fit.glm.result import GlmFit
    from gramian.fit.leastsquares.absorbed import Absorbed


def loglik(solved: GlmSolved, likelihood: Likelihood, *, known_dispersion: bool) -> float:
    """log L = base + size scale(phi) - deviance / (2 phi); phi is 1 if known, else the maximum likelihood estimate."""
    phi = 1.0 if known_dispersion else solved.deviance / solved.size
    if phi <= 0.0:
        return math.inf
    return solved.base + solved.size * likelihood.scale(phi) - solved.deviance / (2.0 * phi)


def fit_statistics(fit: GlmFit) -> dict[str, float | None]:
    """The statistics of the fit, with the names of broom's `glance.glm` where it has them."""
    return {
        "null_deviance": fit.null_deviance,
        "df_null": fit.df_null,
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "deviance": fit.deviance,
        "df_residual": fit.df_residual,
        "rows": fit.rows,
        "dispersion": fit.dispersion,
        "pearson": fit.pearson,
        "theta": fit.theta,
    }


def glance(fit: GlmFit) -> pa.Table:
    """The statistics in a table with one row, null where a family has none."""
    return tables.one_row(fit_statistics(fit))


def levels_to_dict(absorbed: Absorbed | None) -> dict[str, Any] | None:
    """Levels and degrees of freedom of absorbed factors, None without any."""
    return None if absorbed is None else absorbed.to_dict()


def to_dict(fit: GlmFit, level: float) -> dict[str, Any]:
    """The object that `--format json` prints; its schema has a version. level : of the confidence intervals."""
    numbers = {name: finite(v) for name, v in fit_statistics(fit).items() if name != "rows"}
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "family": fit.family,
        "link": fit.link,
        "outcomes": None if fit.outcomes is None else list(fit.outcomes),
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "statistic": fit.statistic,
        "coefficients": tables.coefficients(fit, level),
        **numbers,
        "rank": fit.rank,
        "aliased": dict(fit.aliased),
        "alpha": fit.alpha,
        "absorbed": levels_to_dict(fit.absorbed),
        "vcov": fit.covariance.name,
        "recipe": fit.covariance.description,
        "converged": fit.converged,
        "accuracy": {"passes": fit.passes, "condition": finite(fit.condition), "not_certified": NOT_CERTIFIED},
    }
