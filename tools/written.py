"""Results as text in which every bit shows: numbers in hexadecimal, long text as its SHA-256."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

Parts: TypeAlias = dict[str, str]  # part of a result -> its text

LONGEST = 100  # characters that are kept as they are
VOLATILE = {"seconds", "pass_seconds", "sha256"}  # times, and digests of inputs
ATTRIBUTES = (
    "adj_r_squared", "aic", "alpha", "alphas", "aliased", "at_bound", "attainable", "best", "best_alpha", "bic", "by",
    "certificate", "chosen", "cluster", "coefficients", "columns", "condition", "cost_after", "deviance", "df",
    "df_residual", "digest", "digits", "dispersion", "dropped_rows", "effective", "equation", "errors", "estimate",
    "f_test", "fit", "folds", "groups", "identified", "indexes", "inputs", "intercept", "intercepts", "l1_ratio",
    "loglik", "matrix", "mean_error", "method", "missing", "names", "null_deviance", "one_se_alpha", "one_se_fit",
    "p_value", "p_values", "passed", "passes", "pearson", "proportions", "r_squared", "rank", "rows", "rss", "sigma",
    "solver", "start", "statistic", "statistics", "std_error", "std_errors", "steps", "table", "terms", "theta",
    "tier", "vcov", "weight", "within_r_squared", "without_rows",
)  # fmt: skip
METHODS = ("conf_int", "tidy", "glance", "to_dict", "summary", "__str__")


def written(result: object, folder: Path) -> Parts:
    """The parts of a result, without the name of the folder."""
    parts = {part: text.replace(str(folder), "") for part, text in _parts(result).items()}
    return {part: text if len(text) <= LONGEST else _digest(text.encode()) for part, text in parts.items()}


def _parts(result: Any) -> Parts:
    if isinstance(result, Path):
        return _file(result)
    if hasattr(result, "get_params"):  # an estimator, which has what it found in names that end with an underscore
        return {name: bits(value) for name, value in sorted(vars(result).items()) if name[-1] == "_" != name[0]}
    if not type(result).__module__.startswith("gramian"):
        return {"value": bits(result)}
    kind = type(result)
    parts = {name: _tried(result, name) for name in ATTRIBUTES if not callable(getattr(kind, name, callable))}
    if kind.__name__ == "Comparison":  # all that it says in words has seconds in it
        return parts | {"to_dict": bits(result.to_dict())}
    parts |= {name: _tried(result, name) for name in METHODS if hasattr(kind, name)}
    each = {f"[{key!r}]": bits(_parts(result[key])) for key in result} if isinstance(result, Mapping) else {}
    return parts | each


def _tried(result: Any, name: str) -> str:
    """An attribute, or what a method gives; or why it cannot be had: a fit may refuse to tell a covariance."""
    try:
        value = getattr(result, name)
        return bits(value() if callable(value) else value)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def bits(value: Any) -> str:
    """A value as text that differs where a bit does."""
    if is_dataclass(value) and not isinstance(value, type):
        return bits({f.name: getattr(value, f.name) for f in fields(value)} if _is_record(value) else _parts(value))
    match value:
        case None | bool() | int() | str():
            return repr(value)
        case float():
            return value.hex()
        case np.generic():
            return bits(value.item())
        case np.ndarray():
            return f"{value.dtype}{value.shape}{bits(value.ravel().tolist())}"
        case pa.Table():
            return f"{[(field.name, str(field.type)) for field in value.schema]}{bits(value.to_pydict())}"
        case Mapping():
            return f"{{{', '.join(f'{bits(k)}: {bits(v)}' for k, v in value.items() if k not in VOLATILE)}}}"
        case list() | tuple():
            return f"[{', '.join(map(bits, value))}]"
    raise TypeError(f"{type(value)} cannot be written down")


def _is_record(value: Any) -> bool:
    """Whether all that it has is in its fields, as in a test."""
    return not any(hasattr(value, name) for name in ("summary", "table", "ols"))


def _file(path: Path) -> Parts:
    """A saved fit or Gram: its manifest, and the bytes of its arrays."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    return {"manifest": bits(manifest)} | {name: _digest(content) for name, content in members.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
