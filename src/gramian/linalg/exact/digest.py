"""Digest of exact sums: SHA-256 of their canonical form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from gramian.linalg.exact.planes import PLANE, Integers, Planes, scatter
from gramian.typing import Codes

FORM = "exact moments 1"


def digest(header: object, counts: Iterable[Codes], sums: Iterable[tuple[Planes, Codes]]) -> str:
    """Hexadecimal SHA-256 of a header, counts and sums.

    Parameters
    ----------
    header : object
        Anything that JSON can express.
    counts : iterable of int arrays
        Counts, each with its shape.
    sums : iterable of (Planes, int array)
        Exact values, to be divided by these powers of ten.
    """
    hasher = hashlib.sha256(_text([FORM, header]))
    for array in counts:
        hasher.update(_text(list(array.shape)))
        hasher.update(array.astype("<i8").tobytes())
    for planes, tens in sums:
        _update(hasher, planes, tens)
    return hasher.hexdigest()


def _text(value: object) -> bytes:
    """Canonical JSON of a value, as bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _update(hasher: Any, planes: Planes, tens: Codes) -> None:
    """Add planes divided by powers of ten to the hash.

    Values with decimal places are hashed as a dyadic number and a power of five in lowest terms, so that equal values
    have equal digests whatever their number of places.
    """
    fives = np.zeros(planes.shape, np.int64)
    if tens.any():
        planes, fives = _reduced(planes, tens)
    parts = planes.nonempty_planes()
    hasher.update(_text([planes.shape, [number for number, _ in parts], bool(fives.any())]))
    for _, bits in parts:
        hasher.update(bits)
    if fives.any():
        hasher.update(fives.astype("<i8").tobytes())


def _reduced(planes: Planes, tens: Codes) -> tuple[Planes, Codes]:
    """Values / 10^tens as dyadic numbers / 5^fives in lowest terms."""
    low = PLANE * planes.low
    numbers, powers = planes.integers(low).ravel(), tens.ravel()
    fives = np.zeros(len(numbers), np.int64)
    for i, (number, power) in enumerate(zip(numbers.tolist(), powers.tolist(), strict=True)):
        numbers[i], fives[i] = _without_fives(number, power)
    return _from_integers(numbers, low - powers, planes.shape), fives.reshape(planes.shape)


def _without_fives(number: int, power: int) -> tuple[int, int]:
    """Divide by common factors of five: number / 5^power in lowest terms."""
    if not number:
        return 0, 0
    # Twos need no treatment: planes are dyadic, so 10^-k is 5^-k and a shift of the exponent.
    while power and number % 5 == 0:
        number, power = number // 5, power - 1
    return number, power


def _from_integers(numbers: Integers, exponents: Codes, shape: tuple[int, ...]) -> Planes:
    """Planes of Python integers times 2^exponent."""
    mask = (1 << PLANE) - 1
    digits: list[tuple[int, int, int]] = []
    for place, (number, exponent) in enumerate(zip(numbers.tolist(), exponents.tolist(), strict=True)):
        sign, rest = (-1, -number) if number < 0 else (1, number)
        while rest:
            digits.append((sign * (rest & mask), exponent, place))
            rest, exponent = rest >> PLANE, exponent + PLANE
    values, powers, places = np.array(digits, np.int64).reshape(-1, 3).T
    return scatter(values, powers, places, shape)
