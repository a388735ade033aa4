"""Fits as Arrow tables with broom's column names, and as plain JSON."""

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


def one_row(values: Mapping[str, float | None]) -> pa.Table:
    """Numbers by name as a table of one row, null where unknown; COUNTS are whole."""
    types = {name: pa.int64() if name in COUNTS else pa.float64() for name in values}
    return pa.table({name: pa.array([null_if_nan(v)], types[name]) for name, v in values.items()})


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
