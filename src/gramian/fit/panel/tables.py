"""Fits to panels as Arrow tables with broom's column names, and as JSON objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.results.tables import SCHEMA, coefficients, finite, one_row

if TYPE_CHECKING:
    from gramian.fit.panel.result import PanelFit


def glance(fit: PanelFit) -> pa.Table:
    """Statistics of the fit in one row."""
    return one_row(fit_statistics(fit))


def fit_statistics(fit: PanelFit) -> dict[str, float | None]:
    """Statistics of the fit by name."""
    return {
        "r_squared": fit.r_squared,
        "sigma": fit.sigma,
        "sigma_residual": fit.sigma_residual,
        "sigma_group": fit.sigma_group,
        "df_residual": fit.df_residual,
        "rows": fit.rows,
    }


def to_dict(fit: PanelFit, level: float) -> dict[str, Any]:
    """The JSON object of `--format json`, with the version of its schema."""
    numbers = {name: finite(v) for name, v in fit_statistics(fit).items() if name != "rows"}
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "family": "gaussian",
        "estimator": fit.estimator,
        "panel": fit.panel,
        "groups": fit.groups,
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "coefficients": coefficients(fit, level),
        **numbers,
        "rank": fit.rank,
        "aliased": dict(fit.aliased),
        "vcov": fit.covariance.name,
    }
