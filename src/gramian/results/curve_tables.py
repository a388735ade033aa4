"""Fitted curves as Arrow tables with broom's column names, and as plain JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.results.tables import SCHEMA, finite
from gramian.typing import Vector

if TYPE_CHECKING:
    from gramian.results.curve import CurveFit


def columns(fit: CurveFit, level: float) -> dict[str, Vector]:
    """The numbers of the table of parameters, each (p,)."""
    low, high = fit.conf_int(level).T
    return {
        "estimate": fit.coefficients,
        "std_error": fit.std_errors,
        "statistic": fit.statistics,
        "p_value": fit.p_values,
        "conf_low": low,
        "conf_high": high,
    }


def tidy(fit: CurveFit, level: float) -> pa.Table:
    """One row for each parameter, null where unknown."""
    numbers = {name: pa.array(v, pa.float64(), mask=np.isnan(v)) for name, v in columns(fit, level).items()}
    return pa.table({"term": pa.array(fit.names, pa.string()), **numbers})


def glance(fit: CurveFit) -> pa.Table:
    """One row for the fit, null where unknown."""
    numbers = {name: pa.array([finite(v)], pa.float64()) for name, v in _whole(fit).items()}
    counts = {"rows": fit.rows, "passes": fit.passes}
    return pa.table({**numbers, **{name: pa.array([n], pa.int64()) for name, n in counts.items()}})


def _whole(fit: CurveFit) -> dict[str, float]:
    return {
        "sigma": fit.sigma,
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "deviance": fit.deviance,
        "df_residual": fit.df_residual,
    }


def to_dict(fit: CurveFit, level: float) -> dict[str, Any]:
    """The versioned object of `--format json`."""
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "equation": fit.equation,
        "family": None,
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "coefficients": _coefficients(fit, level),
        **{name: finite(v) for name, v in _whole(fit).items()},
        "r_squared": None,
        "adj_r_squared": None,
        "rank": int((~fit.at_bound).sum()),
        "aliased": {},
        "at_bound": [name for name, held in zip(fit.names, fit.at_bound, strict=True) if held],
        "start": dict(fit.start),
        "vcov": fit.covariance.recipe,
        "converged": fit.converged,
        "accuracy": {"passes": fit.passes, "condition": finite(fit.condition), "step": finite(fit.solved.distance)},
    }


def _coefficients(fit: CurveFit, level: float) -> list[dict[str, Any]]:
    table = {name: v.tolist() for name, v in columns(fit, level).items()}
    rows = zip(*table.values(), strict=True)
    return [
        {"term": term, **{k: finite(v) for k, v in zip(table, row, strict=True)}}
        for term, row in zip(fit.names, rows, strict=True)
    ]
