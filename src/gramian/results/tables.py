"""Fits as Arrow tables with the column names of R's broom, and as values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gramian.typing import Vector

if TYPE_CHECKING:
    from gramian.results.estimates import Estimates

SCHEMA = "gramian.fit/1"
NOT_CERTIFIED = "digits not certified: the iterations stop at a tolerance"
COUNTS = ("rows", "df_null", "passes")  # integers in tables


def columns(fit: Estimates, level: float) -> dict[str, Vector]:
    """Numeric columns of the table of coefficients by name, each (p,)."""
    low, high = fit.conf_int(level).T
    # Some solvers certify no digits; their tables do without the column.
    certified = getattr(fit.solved, "accuracy", None)
    digits = {} if certified is None else {"digits": certified.digits}
    degrees = fit.coefficient_df
    return {
        "estimate": fit.coefficients,
        "std_error": fit.std_errors,
        "statistic": fit.statistics,
        **({} if degrees is None else {"df": degrees}),
        "p_value": fit.p_values,
        "conf_low": low,
        "conf_high": high,
        **digits,
    }


def tidy(fit: Estimates, level: float, *, exponentiate: bool = False) -> pa.Table:
    """Arrow table with one row for each coefficient; NaN becomes null."""
    values = exponentiated(columns(fit, level)) if exponentiate else columns(fit, level)
    numbers = {name: pa.array(v, pa.float64(), mask=np.isnan(v)) for name, v in values.items()}
    return pa.table({"term": pa.array(fit.names, pa.string()), **numbers})


def exponentiated(values: Mapping[str, Vector]) -> dict[str, Vector]:
    """Columns with exponentiated estimates and intervals, and standard errors of these by the delta method.

    Certified digits are of the coefficients, and are left out.
    """
    with np.errstate(over="ignore"):
        estimate = np.exp(values["estimate"])
        out = {name: np.exp(v) if name in ("conf_low", "conf_high") else v for name, v in values.items()}
    out.pop("digits", None)
    return {**out, "estimate": estimate, "std_error": estimate * values["std_error"]}


def one_row(values: Mapping[str, float | None]) -> pa.Table:
    """Arrow table of one row from numbers by name; NaN becomes null."""
    types = {name: pa.int64() if name in COUNTS else pa.float64() for name in values}
    return pa.table({name: pa.array([null_if_nan(v)], types[name]) for name, v in values.items()})


def finite(value: float | None) -> float | None:
    """The number, or None where it is not finite: JSON has no NaN and no infinity."""
    return value if value is not None and math.isfinite(value) else None


def null_if_nan(value: float | None) -> float | None:
    """The number, or None where it is NaN."""
    return None if value is None or math.isnan(value) else value


def coefficients(fit: Estimates, level: float) -> list[dict[str, Any]]:
    """One dict for each coefficient, as JSON has it."""
    table = {name: v.tolist() for name, v in columns(fit, level).items()}
    rows = zip(*table.values(), strict=True)
    return [
        {"term": term, **{k: finite(v) for k, v in zip(table, row, strict=True)}}
        for term, row in zip(fit.names, rows, strict=True)
    ]
