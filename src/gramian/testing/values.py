"""Comparison of results: bit by bit, or as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def same_bits(a: Any, b: Any) -> bool:
    """Whether two results are the same, with arrays and floats compared bit by bit.

    Parameters
    ----------
    a, b : object
        Dataclasses, mappings, lists, tuples, NumPy arrays and scalars, nested in any way.

    Returns
    -------
    bool
        True where types, shapes and all values are the same. -0.0 and 0.0 differ; a NaN equals itself if its bits are
        the same.

    Examples
    --------
    >>> from gramian.testing import same_bits
    >>> same_bits({"x": 0.1 + 0.2}, {"x": 0.3}), same_bits([float("nan")], [float("nan")])
    (False, True)
    """
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        # Bytes, not ==: NaN is not equal to itself, and -0.0 is equal to 0.0.
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, float):
        return float(a).hex() == float(b).hex()
    inside, other = _parts(a), _parts(b)
    if inside is None or other is None:
        return bool(a == b)
    return inside.keys() == other.keys() and all(same_bits(inside[k], other[k]) for k in inside)


def law(name: str, holds: bool) -> None:
    """Raise AssertionError with the name of a law unless it holds."""
    if not holds:
        raise AssertionError(f"a law does not hold: {name}")


def _parts(value: Any) -> dict[Any, Any] | None:
    """Parts of a value by field name, key or position; None for a value without parts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return dict(enumerate(value)) if isinstance(value, list | tuple) else None


def _is_float(value: Any) -> bool:
    """Whether a value is a float or an array of floats."""
    return isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def floats(value: Any) -> list[Any]:
    """All floats of a value as arrays, in an order that depends on the names alone."""
    if _is_float(value):
        return [np.asarray(value)]
    inside = _parts(value) or {}
    return [x for key in sorted(inside, key=repr) for x in floats(inside[key])]


def equal(a: Any, b: Any, *, with_floats: bool = True) -> bool:
    """Whether two values are equal as numbers, so that -0 equals 0; with `with_floats=False` all values but floats."""
    if _is_float(a) and _is_float(b):
        return not with_floats or np.array_equal(a, b, equal_nan=True)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and np.array_equal(a, b)
    inside, other = _parts(a), _parts(b)
    if inside is None or other is None:
        return bool(a == b)
    return inside.keys() == other.keys() and all(equal(inside[k], other[k], with_floats=with_floats) for k in inside)
