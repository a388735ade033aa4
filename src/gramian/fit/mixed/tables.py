"""Mixed models as Arrow tables with broom's column names, and as JSON objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gramian.fit.mixed.component_tables import variance_components
from gramian.results.tables import SCHEMA, coefficients, finite, one_row

if TYPE_CHECKING:
    from gramian.fit.mixed.result import MixedFit


def glance(fit: MixedFit) -> pa.Table:
    """Statistics of the fit in one row."""
    return one_row(fit_statistics(fit))


def fit_statistics(fit: MixedFit) -> dict[str, float | None]:
    """Statistics of the fit by name, as broom.mixed's glance."""
    return {
        "rows": fit.rows,
        "sigma": fit.sigma,
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "deviance": fit.deviance,
        "df_residual": fit.df_residual,
    }


def to_dict(fit: MixedFit, level: float) -> dict[str, Any]:
    """The JSON object of `--format json`, with the version of its schema."""
    numbers = {name: finite(v) for name, v in fit_statistics(fit).items() if name != "rows"}
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "family": "gaussian",
        "method": fit.covariance.name,
        "by": list(fit.by),
        "groups": fit.groups,
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "coefficients": coefficients(fit, level),
        "variance_components": variance_components(fit.mixed, level).to_pylist(),
        **numbers,
        "singular": fit.singular,
        "rank": fit.rank,
        "aliased": dict(fit.aliased),
    }
