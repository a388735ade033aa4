"""Fits as Arrow tables with broom's column names, and as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.inference.anova import AnovaRow
from gramian.inference.tests import Test
from gramian.typing import Vector

if TYPE_CHECKING:
    from gramian.fit.linear.result import LinearFit
    from gramian.results.estimates import Estimates

SCHEMA = "gramian.fit/1"
COUNTS = ("rows", "df_null", "passes")


def columns(fit: Estimates, level: float) -> dict[str, Vector]:
    """The numbers of the coefficient table, each (p,)."""
    low, high = fit.conf_int(level).T
    certified = getattr(fit.solved, "accuracy", None)
    digits = {} if certified is None else {"digits": certified.digits}
    return {
        "estimate": fit.coefficients,
        "std_error": fit.std_errors,
        "statistic": fit.statistics,
        "p_value": fit.p_values,
        "conf_low": low,
        "conf_high": high,
        **digits,
    }


def tidy(fit: Estimates, level: float) -> pa.Table:
    """One row for each coefficient, null where unknown."""
    numbers = {name: pa.array(v, pa.float64(), mask=np.isnan(v)) for name, v in columns(fit, level).items()}
    return pa.table({"term": pa.array(fit.names, pa.string()), **numbers})


def anova(lines: list[AnovaRow]) -> pa.Table:
    """One row for each term, the residuals last, null where there is nothing to say."""
    numbers = ("df", "sum_sq", "mean_sq", "statistic", "p_value")
    values = {name: pa.array([null_if_nan(getattr(line, name)) for line in lines], pa.float64()) for name in numbers}
    return pa.table({"term": pa.array([line.term for line in lines], pa.string()), **values})


def glance(fit: LinearFit) -> pa.Table:
    """One row for the fit, null where unknown."""
    return one_row(fit_statistics(fit))


def one_row(values: Mapping[str, float | None]) -> pa.Table:
    """Numbers by name as a table of one row, null where unknown; COUNTS are whole."""
    types = {name: pa.int64() if name in COUNTS else pa.float64() for name in values}
    return pa.table({name: pa.array([null_if_nan(v)], types[name]) for name, v in values.items()})


def fit_statistics(fit: LinearFit) -> dict[str, float | None]:
    """The numbers of the fit as a whole, as broom's glance.lm; `df` is that of the F test's numerator."""
    f = fit.f_test
    return {
        "r_squared": fit.r_squared,
        "adj_r_squared": fit.adj_r_squared,
        "sigma": fit.sigma,
        "statistic": None if f is None else f.statistic,
        "p_value": None if f is None else f.p_value,
        "df": None if f is None else f.df[0],
        "loglik": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "deviance": fit.deviance,
        "df_residual": fit.df_residual,
        "rows": fit.rows,
    }


def to_dict(fit: LinearFit, level: float) -> dict[str, Any]:
    """The versioned object of `--format json`."""
    numbers = {
        name: finite(v) for name, v in fit_statistics(fit).items() if name not in ("statistic", "p_value", "df", "rows")
    }
    return {
        "schema": SCHEMA,
        "formula": fit.formula,
        "family": "gaussian",
        "rows": fit.rows,
        "dropped_rows": dict(fit.dropped_rows),
        "missing": dict(fit.missing),
        "level": level,
        "coefficients": coefficients(fit, level),
        **numbers,
        "f_test": _test(fit.f_test),
        "absorbed": _absorbed(fit),
        "rank": fit.rank,
        "aliased": dict(fit.aliased),
        "alpha": fit.alpha,
        "vcov": fit.covariance.name,
        "recipe": fit.covariance.description,
        "accuracy": accuracy(fit),
    }


def accuracy(fit: LinearFit) -> dict[str, Any]:
    """How the digits were had, and the fewest of any coefficient."""
    certified = fit.solved.accuracy
    common = {"passes": fit.passes, "condition": finite(fit.condition)}
    if certified is None:
        return common
    return {
        "tier": certified.precision,
        "digits": finite(certified.fewest_digits),
        "rss_digits": finite(certified.rss_digits),
        "reached": certified.reached,
        **common,
    }


def _absorbed(fit: LinearFit) -> dict[str, Any] | None:
    absorbed = fit.absorbed
    if absorbed is None:
        return None
    return {
        "levels": dict(absorbed.levels),
        "singletons": dict(absorbed.singletons),
        "rank": absorbed.rank,
        "rank_is_exact": absorbed.exact,
        "within_r_squared": finite(fit.within_r_squared),
    }


def _test(test: Test | None) -> dict[str, Any] | None:
    if test is None:
        return None
    return {"statistic": finite(test.statistic), "df": list(test.df), "p_value": finite(test.p_value)}


def finite(value: float | None) -> float | None:
    """The number, or None where JSON has no word for it."""
    return value if value is not None and math.isfinite(value) else None


def null_if_nan(value: float | None) -> float | None:
    """The number, or None where an Arrow table has null."""
    return None if value is None or math.isnan(value) else value


def coefficients(fit: Estimates, level: float) -> list[dict[str, Any]]:
    """One object for each coefficient."""
    table = {name: v.tolist() for name, v in columns(fit, level).items()}
    rows = zip(*table.values(), strict=True)
    return [
        {"term": term, **{k: finite(v) for k, v in zip(table, row, strict=True)}}
        for term, row in zip(fit.names, rows, strict=True)
    ]
