"""Fits with instruments as Arrow tables with broom's column names, and as JSON objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.fit.linear.tables import absorbed_to_dict, accuracy, test_to_dict
from gramian.results.tables import SCHEMA, coefficients, finite, one_row

if TYPE_CHECKING:
    from gramian.fit.iv.result import IvFit


def glance(fit: IvFit) -> pa.Table:
    """Statistics of the fit in one row, null where they are not defined."""
    return one_row(fit_statistics(fit))


def fit_statistics(fit: IvFit) -> dict[str, float | None]:
    """Statistics of the fit by name, as broom's glance.ivreg; `df` is that of the numerator of the Wald test."""
    f = fit.f_test
    return {
        "r_squared": fit.r_squared,
        "adj_r_squared": fit.adj_r_squared,
        "sigma": fit.sigma,
        "statistic": None if f is None else f.statistic,
        "p_value": None if f is None else f.p_value,
        "df": None if f is None else f.df[0],
        "deviance": fit.deviance,
        "df_residual": fit.df_residual,
        "rows": fit.rows,
    }


def to_dict(fit: IvFit, level: float) -> dict[str, Any]:
    """The JSON object of `--format json`, with the version of its schema."""
    numbers = {
        name: finite(v) for name, v in fit_statistics(fit).items() if name not in ("statistic", "p_value", "df", "rows")
    }
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "family": "gaussian",
        "estimator": fit.estimator,
        "kappa": finite(fit.kappa),
        "endogenous": list(fit.endogenous),
        "instruments": list(fit.instruments),
        "unused_instruments": list(fit.unused_instruments),
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "coefficients": coefficients(fit, level),
        **numbers,
        "f_test": test_to_dict(fit.f_test),
        "absorbed": absorbed_to_dict(fit),
        "rank": fit.rank,
        "aliased": dict(fit.aliased),
        "vcov": fit.covariance.name,
        "recipe": fit.covariance.description,
        "accuracy": accuracy(fit),
    }
