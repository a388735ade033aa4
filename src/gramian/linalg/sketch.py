"""A sketch of a distribution: counts of numbers told by their leading bits.

A number is a key that sorts as it does; when more than MOST keys differ, the last bit of all of them is dropped. How
many bits are dropped depends on the numbers alone, since fewer numbers never need more: sketches merge, and the same
numbers give the same sketch whatever the cuts, the order and the threads. Up to MOST different numbers it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from gramian.linalg.factors.unique_codes import unique_codes
from gramian.typing import Codes, Vector

MAX_KEYS = 1 << 16
SIGN = np.int64(2**63 - 1)


@dataclass(frozen=True, slots=True)
class Sketch:
    """keys : (k,) leading bits of different numbers, rising, without the last `dropped` bits. counts : (k,) of each.

    low, high : the smallest and the largest number, exactly.
    """

    dropped_bits: int
    keys: Codes
    counts: Codes
    low: float = float("inf")
    high: float = float("-inf")

    @classmethod
    def of(cls, values: Vector, counts: Codes | None = None) -> Sketch:
        """The sketch of finite numbers, each as often as its count."""
        if not len(values):
            return cls(0, np.zeros(0, np.int64), np.zeros(0, np.int64))
        multiplicities = np.ones(len(values), np.int64) if counts is None else counts
        raw = cls(0, keys_of(values), multiplicities, float(values.min()), float(values.max()))
        return _coarsened_to_fit(_merged_keys(raw))

    def __add__(self, other: Sketch, /) -> Sketch:
        dropped_bits = max(self.dropped_bits, other.dropped_bits)
        a, b = _coarser(self, dropped_bits), _coarser(other, dropped_bits)
        merged = Sketch(
            dropped_bits,
            np.concatenate([a.keys, b.keys]),
            np.concatenate([a.counts, b.counts]),
            min(a.low, b.low),
            max(a.high, b.high),
        )
        return _coarsened_to_fit(_merged_keys(merged))

    @property
    def rows(self) -> int:
        """How many numbers."""
        return int(self.counts.sum())

    def quantile(self, p: float) -> float:
        """The quantile that R calls type 7; between two numbers it is interpolated."""
        place = (self.rows - 1) * p
        below = floor(place)
        ends = np.searchsorted(np.cumsum(self.counts), [below, min(below + 1, self.rows - 1)], side="right")
        left, right = numbers_of(self.keys[ends], self.dropped_bits)
        return min(max(float(left + (place - below) * (right - left)), self.low), self.high)


def keys_of(values: Vector) -> Codes:
    """Whole numbers that sort as finite float64 do."""
    bits = np.ascontiguousarray(values + 0.0).view(np.int64)  # -0.0 becomes 0.0
    return np.where(bits < 0, bits ^ SIGN, bits)


def numbers_of(keys: Codes, dropped_bits: int) -> Vector:
    """The numbers in the middle of what keys stand for."""
    middle = (keys << dropped_bits) + ((1 << dropped_bits) >> 1)
    return np.where(middle < 0, middle ^ SIGN, middle).view(np.float64)


def _merged_keys(sketch: Sketch) -> Sketch:
    keys, group = unique_codes(sketch.keys)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, group, sketch.counts)
    return Sketch(sketch.dropped_bits, keys, counts, sketch.low, sketch.high)


def _coarser(sketch: Sketch, dropped_bits: int) -> Sketch:
    if dropped_bits == sketch.dropped_bits:
        return sketch
    keys = sketch.keys >> (dropped_bits - sketch.dropped_bits)
    return _merged_keys(Sketch(dropped_bits, keys, sketch.counts, sketch.low, sketch.high))


def _coarsened_to_fit(sketch: Sketch) -> Sketch:
    while len(sketch.keys) > MAX_KEYS:
        sketch = _coarser(sketch, sketch.dropped_bits + 1)
    return sketch
