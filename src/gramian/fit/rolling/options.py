"""Which windows: the lengths of windows and periods, and what gives a row its period."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from gramian.errors import OptionError, SchemaError
from gramian.schema import Kind, Schema
from gramian.typing import Level, Vector

DAY = 86_400
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
MONTHS = {"mo": 1, "q": 3, "y": 12}
LENGTH = re.compile(r"(\d+)\s*(s|min|mo|m|h|d|w|q|y)")
EXAMPLE = '"30d", "12mo" or "6h" of a date or time (units s, m or min, h, d, w, mo, q, y), or a number for a number'
ROUNDING = 2.0**-51  # relative, of a quotient: numbers, lengths and their quotients are each off by 2^-53 at most
MONDAY = 4 * DAY  # seconds from 1970-01-01 to a Monday, on which weeks begin


@dataclass(frozen=True, slots=True)
class Length:
    """A length on the axis of `on`.

    Attributes
    ----------
    size : float
        Seconds, months, or units of the column.
    kind : str
        "seconds", "months" or "number".
    text : str
        As it was given.
    """

    size: float
    kind: str
    text: str

    @property
    def unit(self) -> Length:
        """The unit that it was given in: 1d of 30d; 1 of a number."""
        match = LENGTH.fullmatch(self.text)
        return Length(1.0, self.kind, "1") if match is None else length_of("window", f"1{match[2]}")


def length_of(option: str, value: Any) -> Length:
    """The length that an option stands for. Raises OptionError for anything else."""
    if isinstance(value, str) and (match := LENGTH.fullmatch(value.strip())) and int(match[1]):
        unit = "m" if match[2] == "min" else match[2]
        size = int(match[1]) * (SECONDS | MONTHS)[unit]
        return Length(float(size), "seconds" if unit in SECONDS else "months", value.strip())
    if isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0.0 < value < math.inf:
        return Length(float(value), "number", f"{value:g}")
    raise OptionError(f"{option} must be a length such as {EXAMPLE}; found {value!r}")


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of periods.

    Attributes
    ----------
    on : str
        Column of dates, times or numbers.
    every : Length
        Length of a period; a window ends with every period that has rows.
    span : int or None
        Periods in a window; None from the first period on.
    half_life : float or None
        Periods after which a row has half its weight; None for equal weights.
    min_rows : int or None
        Rows that a window must have; None for one more than columns.
    """

    on: str
    every: Length
    span: int | None = None
    half_life: float | None = None
    min_rows: int | None = None

    def check(self, schema: Schema) -> None:
        """Raise where the column is none of time, or of another kind than the lengths."""
        column = schema[self.on]
        if column.kind not in (Kind.NUMBER, Kind.DATE) or column.type.startswith(("time32", "time64", "duration")):
            raise SchemaError(f"on='{self.on}': the column is {column.type}; windows go along dates, times or numbers")
        is_number = column.kind is Kind.NUMBER
        if is_number != (self.every.kind == "number"):
            wanted = "a number, in its units" if is_number else 'a text such as "30d"'
            given = "a length of time" if is_number else "a number"
            raise OptionError(f"on='{self.on}' is {column.type}: give lengths as {wanted}, not as {given}")
        if _is_date(column.type) and self.every.kind == "seconds" and self.every.size % DAY:
            raise OptionError(f"on='{self.on}' holds dates: periods are at least a day, not {self.every.text!r}")

    def numbers(self, values: Vector, kind: str) -> Vector:
        """Numbers of the periods of values (n,), whole float64. kind : Arrow type of the column."""
        if self.every.kind == "number":
            with np.errstate(over="ignore"):
                return np.floor(whole(values / self.every.size))
        unit = "D" if _is_date(kind) else "s"
        if self.every.kind == "months":
            times = np.floor(values).astype(np.int64).astype(f"datetime64[{unit}]")
            return np.floor(times.astype("datetime64[M]").astype(np.int64) / self.every.size)
        seconds = values * DAY if unit == "D" else values
        return np.floor((seconds - self._origin) / self.every.size)

    def start_of(self, period: int, kind: str) -> Level:
        """When a period begins: a number, or the ISO text of a date or time."""
        if self.every.kind == "number":
            start = float(period * Decimal(repr(self.every.size)))  # 5.1, and not 51 * 0.1 = 5.1000000000000005
            return int(start) if start.is_integer() else start
        if self.every.kind == "months":
            month = int(period * self.every.size)
            return date(1970 + month // 12, month % 12 + 1, 1).isoformat()
        begins = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=period * self.every.size + self._origin)
        whole_days = _is_date(kind) or not self.every.size % DAY
        return begins.date().isoformat() if whole_days else begins.replace(tzinfo=None).isoformat()

    @property
    def _origin(self) -> int:
        """Second at which a period begins: weeks begin on Mondays."""
        return MONDAY if self.every.kind == "seconds" and self.every.size % (7 * DAY) == 0 else 0


def whole(quotients: Vector) -> Vector:
    """Quotients (n,), those made whole that are it but for rounding: 5.1 / 0.1 is 50.99999999999999."""
    nearest: Vector = np.rint(quotients)
    with np.errstate(invalid="ignore"):  # an infinite one stays so
        return np.where(np.abs(quotients - nearest) <= ROUNDING * np.abs(quotients), nearest, quotients)


def _is_date(kind: str) -> bool:
    """Whether an Arrow type holds days."""
    return kind.startswith("date")


def windows_of(on: Any, window: Any, every: Any, half_life: Any, min_rows: Any) -> Windows:
    """The windows that the options of `gramian.rolling` ask for. Raises OptionError."""
    if not isinstance(on, str):
        raise OptionError(f"on must be the name of a column of dates, times or numbers, found {on!r}")
    if window is not None and half_life is not None:
        raise OptionError("half_life goes with all periods from the first on: leave window out")
    if min_rows is not None and (isinstance(min_rows, bool) or not isinstance(min_rows, int) or min_rows < 1):
        raise OptionError(f"min_rows must be a whole number above 0, found {min_rows!r}")
    given = {"window": window, "half_life": half_life, "every": every}
    lengths = {name: length_of(name, value) for name, value in given.items() if value is not None}
    if not lengths:
        raise OptionError("give window=, half_life=, or every= for windows from the first period on")
    period = lengths.get("every") or next(iter(lengths.values())).unit
    if any(length.kind != period.kind for length in lengths.values()):
        texts = ", ".join(f"{name}={length.text}" for name, length in lengths.items())
        raise OptionError(f"lengths must all be in days, hours and the like, or in months, or numbers; found {texts}")
    span = None if window is None else float(whole(np.array(lengths["window"].size / period.size)))
    if span is not None and not span.is_integer():
        raise OptionError(f"window={window!r} must be a multiple of every={period.text}")
    decay = None if half_life is None else lengths["half_life"].size / period.size
    return Windows(on, period, None if span is None else int(span), decay, min_rows)


def names_of(by: Sequence[str], windows: Windows) -> tuple[str, ...]:
    """Names of the parts of a key: the groups, then the time."""
    if windows.on in by:
        raise OptionError(f"by names '{windows.on}', along which the windows go")
    return (*by, windows.on)
