"""Comparisons, choices and parts of dates, row by row, of Arrow arrays: what is missing stays missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def _second(values: Any) -> Any:
    return pc.add(pc.cast(pc.second(values), pa.float64()), pc.subsecond(values))


def _weekday(values: Any) -> Any:
    """1 is Sunday and 7 is Saturday, as in R's lubridate."""
    return pc.day_of_week(values, count_from_zero=False, week_start=7)


DATE_PARTS: Mapping[str, Callable[[Any], Any]] = {
    "year": pc.year, "quarter": pc.quarter, "month": pc.month, "day": pc.day, "wday": _weekday, "yday": pc.day_of_year,
    "hour": pc.hour, "minute": pc.minute, "second": _second,
}  # fmt: skip
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
JOINS: Mapping[str, Callable[[Any, Any], Any]] = {"&": pc.and_kleene, "|": pc.or_kleene}
FAILURES = (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError)  # of functions of Arrow for types without one


def arrow(column: Any) -> Any:
    """A column for Arrow's functions, NaN as missing, decimals as float64."""
    if isinstance(column, np.ndarray):
        return pa.array(column, from_pandas=True)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py():
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column


def compared(op: str, left: Any, right: Any) -> Any:
    """A comparison of arrays or constants of Python as a boolean array, missing where one side is.

    A column of codes is compared with a constant once for each of its levels. Raises ValueError, which says why, for
    what cannot be compared.
    """
    if isinstance(left, pa.DictionaryArray) and not is_array(right):
        return compared(op, left.dictionary, right).take(left.indices)
    left, right = plain(left), plain(right)
    left, right = like(left, right), like(right, left)
    try:
        return COMPARISONS[op](left, right)
    except FAILURES as error:
        raise ValueError(f"{kind(left)} and {kind(right)} cannot be compared") from error


def among(values: Any, options: Sequence[Any]) -> Any:
    """Whether each value is one of these constants, missing where it is missing; ValueError as of `compared`."""
    if isinstance(values, pa.DictionaryArray):
        return among(values.dictionary, options).take(values.indices)
    parts = [pc.equal(values, like(option, values)) for option in options]
    found = parts[0] if parts else pc.and_(pc.is_valid(values), False)
    for part in parts[1:]:
        found = pc.or_kleene(found, part)
    return found


def like(constant: Any, column: Any) -> Any:
    """A constant as a value of the type of a column; anything else as it is. Raises ValueError where it has none."""
    if not is_array(column) or is_array(constant):
        return constant
    try:
        return constant_of(constant, column.type)
    except ValueError as error:
        hint = "; text stands in quotes" if is_text(column.type) else ""
        raise ValueError(f"{kind(column)} is compared with {constant!r}{hint}") from error


def constant_of(constant: Any, type_: Any) -> Any:
    """A constant that compares with values of an Arrow type, as an Arrow scalar.

    Raises ValueError where it does not.
    """
    if isinstance(constant, str) and pa.types.is_temporal(type_):
        try:
            return pa.scalar(constant).cast(type_)
        except pa.ArrowInvalid as error:
            raise ValueError(str(error)) from error
    is_boolean = pa.types.is_boolean(type_)
    if isinstance(constant, str) != is_text(type_) or isinstance(constant, bool) != is_boolean:
        raise ValueError("another type")
    return pa.scalar(constant)


def is_array(value: Any) -> bool:
    """Whether a value is an Arrow array."""
    return isinstance(value, pa.Array | pa.ChunkedArray)


def is_text(type_: Any) -> bool:
    """Whether an Arrow type is text."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def is_integer(value: Any) -> bool:
    """Whether a value is an array of integers."""
    return is_array(value) and bool(pa.types.is_integer(value.type))


def is_boolean(value: Any) -> bool:
    """Whether a value is an array of true and false."""
    return is_array(value) and bool(pa.types.is_boolean(value.type))


def plain(value: Any) -> Any:
    """An array of codes as the array of their levels; anything else as it is."""
    return value.dictionary_decode() if isinstance(value, pa.DictionaryArray) else value


def kind(value: Any) -> str:
    """What a value is, for messages."""
    if is_array(value):
        return "text" if is_text(value.type) else f"{value.type}"
    return repr(value)
