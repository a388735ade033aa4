"""Decimal numbers without rounding: integers and a common number of decimal places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gramian.linalg.exact.digits import Values
from gramian.typing import Mask, Vector

NUMBER = re.compile(r"(?P<sign>[+-]?)(?=\.?[0-9])(?P<before>[0-9]*)\.?(?P<after>[0-9]*)(?:[eE](?P<power>[+-]?[0-9]+))?")
FARTHEST = 308  # largest decimal exponent that is accepted, about that of float64
PLACES = 22  # 10^22 is the largest power of ten that float64 holds exactly


class Decimals(NamedTuple):
    """Numbers integers / 10^places.

    Attributes
    ----------
    integers : (n,)
        int64, or Python integers; zero where absent.
    places : int
        Decimal places.
    present : (n,) bool or None
        Which are present; None: all.
    """

    integers: Values
    places: int
    present: Mask | None

    @property
    def rounded(self) -> Vector:
        """The numbers rounded to float64."""
        if self.integers.dtype != object and self.places <= PLACES:
            return np.asarray(self.integers / 10.0**self.places)
        return np.array([int(v) / 10**self.places for v in self.integers], np.float64)


def parse(texts: Sequence[str | None]) -> Decimals:
    """Decimals from texts such as "12", "-0.50" or "1.5e-3"; None, an empty text and "nan" are absent.

    Raises
    ------
    ValueError
        With the text that is not a finite decimal number.
    """
    numbers = [None if text is None or text.strip().lower() in ("", "nan") else _number(text) for text in texts]
    places = max((max(-exponent, 0) for _, exponent in _present(numbers)), default=0)
    integers = np.zeros(len(numbers), object)
    # Assignment into an object array, so that NumPy does not convert large integers.
    integers[:] = [0 if pair is None else pair[0] * 10 ** (pair[1] + places) for pair in numbers]
    present = np.array([pair is not None for pair in numbers], np.bool_)
    return Decimals(to_int64(integers), places, None if present.all() else present)


def to_int64(values: Values) -> Values:
    """Python integers as int64 if all of them are below 2^62."""
    largest = max((abs(int(v)) for v in values), default=0)
    return values.astype(np.int64) if largest < 1 << 62 else values


def _present(numbers: Iterable[tuple[int, int] | None]) -> Iterable[tuple[int, int]]:
    """The numbers that are present."""
    return (pair for pair in numbers if pair is not None)


def _number(text: str) -> tuple[int, int]:
    """Integer and decimal exponent of a text: number = integer 10^exponent."""
    match = NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a decimal number")
    before, after, power = (match[k] or "" for k in ("before", "after", "power"))
    exponent = int(power or "0") - len(after)
    digits = int(match["sign"] + before + after)
    if digits and abs(exponent + len((before + after).lstrip("0"))) > FARTHEST:
        raise ValueError(f"'{text}' is beyond the range of numbers")
    return digits, exponent if digits else 0
