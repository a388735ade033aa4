"""Arrow tables and the JSON object of a nonlinear regression, with the column names of R's broom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.results.tables import NOT_CERTIFIED, SCHEMA, coefficients, finite, one_row

if TYPE_CHECKING:
    from gramian.fit.curve.result import CurveFit


def glance(fit: CurveFit) -> pa.Table:
    """The statistics in a table with one row, null where not finite."""
    return one_row({**{n: finite(v) for n, v in fit_statistics(fit).items()}, "rows": fit.rows, "passes": fit.passes})


def fit_statistics(fit: CurveFit) -> dict[str, float]:
    """The statistics of the fit, by name."""
    return {
        "sigma": fit.sigma,
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "deviance": fit.deviance,
        "df_residual": fit.df_residual,
    }


def to_dict(fit: CurveFit, level: float) -> dict[str, Any]:
    """The object that `--format json` prints; its schema has a version. level : of the confidence intervals."""
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "equation": fit.equation,
        "family": None,
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "coefficients": coefficients(fit, level),
        **{name: finite(v) for name, v in fit_statistics(fit).items()},
        "r_squared": None,
        "adj_r_squared": None,
        "rank": fit.rank,
        "aliased": {},
        "at_bound": [name for name, is_at_bound in zip(fit.names, fit.at_bound, strict=True) if is_at_bound],
        "start": dict(fit.start),
        "vcov": fit.covariance.name,
        "converged": fit.converged,
        "accuracy": {
            "passes": fit.passes,
            "condition": finite(fit.condition),
            "step": finite(fit.solved.distance),
            "not_certified": NOT_CERTIFIED,
        },
    }
