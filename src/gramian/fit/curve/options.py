"""Options of a curve, checked: start and bounds by the names of parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gramian.errors import OptionError, did_you_mean, listing
from gramian.fit.curve.loop import MAX_PASSES, TOLERANCE
from gramian.inference.vcov_spec import VcovSpec
from gramian.typing import Vector

Bounds = Mapping[str, tuple[float | None, float | None]]


@dataclass(frozen=True, slots=True)
class CurveOptions:
    """What was asked of a nonlinear regression.

    Attributes
    ----------
    start : mapping of str to float, or None
        Parameter -> start.
    bounds : mapping
        Parameter -> (low, high), None for an open end.
    weights : str or None
        Column of analytic weights.
    max_passes : int
        Largest number of passes.
    tolerance : float
        Error of the parameters that ends the search, in standard errors.
    vcov : VcovSpec or None
        A robust covariance, None for sigma^2 (J'WJ)^-1.
    """

    start: Mapping[str, float] | None = None
    bounds: Bounds = field(default_factory=dict)
    weights: str | None = None
    max_passes: int = MAX_PASSES
    tolerance: float = TOLERANCE
    vcov: VcovSpec | None = None


def curve_options(
    start: Any = None, bounds: Any = None, weights: Any = None, max_passes: Any = MAX_PASSES, tolerance: Any = TOLERANCE
) -> CurveOptions:
    """Options from the arguments of `curve`. Raises OptionError."""
    for name, value in (("start", start), ("bounds", bounds)):
        if value is not None and not isinstance(value, Mapping):
            raise OptionError(f"{name} must map names to values, as in {EXAMPLES[name]}, found {value!r}")
    if weights is not None and not isinstance(weights, str):
        raise OptionError(f"weights must be the name of a column, found {type(weights).__name__}")
    if isinstance(max_passes, bool) or not isinstance(max_passes, int) or max_passes < 1:
        raise OptionError(f"max_passes must be a whole number from 1 on, found {max_passes!r}")
    if not _is_number(tolerance) or not 0.0 < tolerance < 1.0:
        raise OptionError(f"tolerance must be a number of standard errors between 0 and 1, found {tolerance!r}")
    values = None if start is None else {str(name): _finite(str(name), v) for name, v in start.items()}
    ranges = {str(name): _range(str(name), v) for name, v in (bounds or {}).items()}
    return CurveOptions(values, ranges, weights, max_passes, float(tolerance))


EXAMPLES = {"start": 'start={"rate": 1, "mid": 0}', "bounds": 'bounds={"rate": (0, 10), "mid": (None, 5)}'}


def _is_number(value: Any) -> bool:
    """Whether the value is a Python or NumPy number, but not a bool."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _finite(name: str, value: Any) -> float:
    """The start of a parameter as a float; OptionError where it is not finite."""
    if not _is_number(value) or not math.isfinite(value):
        raise OptionError(f"the start of '{name}' must be a finite number, found {value!r}")
    return float(value)


def _range(name: str, value: Any) -> tuple[float, float]:
    """The bounds of a parameter; OptionError unless low < high."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise OptionError(f"the bounds of '{name}' must be a pair (low, high), found {value!r}")
    low, high = (_bound(name, v, unbounded) for v, unbounded in zip(value, (-math.inf, math.inf), strict=True))
    if low == math.inf or high == -math.inf or not low < high:
        equal = f"; to hold it at {low:g}, write the number in its place" if low == high else ""
        raise OptionError(f"the bounds of '{name}' must be low < high, found ({low:g}, {high:g}){equal}")
    return low, high


def _bound(name: str, value: Any, unbounded: float) -> float:
    """One bound as a float; `unbounded` for None."""
    if value is None:
        return unbounded
    if not _is_number(value) or math.isnan(value):
        raise OptionError(f"the bounds of '{name}' must be numbers, or None where there is none; found {value!r}")
    return float(value)


def bounds_of(bounds: Bounds, names: tuple[str, ...]) -> tuple[Vector, Vector]:
    """Lower and upper bounds, (p,) each. Raises OptionError for a name that is no parameter."""
    low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    for name, (least, most) in bounds.items():
        if name not in names:
            raise OptionError(_no_parameter("bounds", name, names))
        at = names.index(name)
        low[at] = -np.inf if least is None else least
        high[at] = np.inf if most is None else most
    return low, high


def start_of(start: Mapping[str, float] | None, names: tuple[str, ...], low: Vector, high: Vector) -> dict[str, float]:
    """The start that was given. Raises OptionError where it is outside the bounds, or names no parameter."""
    start_values = dict(start or {})
    for name, value in start_values.items():
        if name not in names:
            raise OptionError(_no_parameter("start", name, names))
        at = names.index(name)
        if not low[at] <= value <= high[at]:
            raise OptionError(f"the start of '{name}' is {value:g}, outside its bounds ({low[at]:g}, {high[at]:g})")
    return start_values


def _no_parameter(option: str, name: str, names: tuple[str, ...]) -> str:
    """The message for a name that is no parameter."""
    hint = did_you_mean(name, names) or ";"
    return f"{option}: '{name}' is no parameter of the curve{hint} its parameters are {listing(names)}"
