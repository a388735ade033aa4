"""A sketch of a distribution: counts of numbers told by their leading bits.

A number is a key that sorts as it does; when more than MOST keys differ, the last bit of all of them is dropped. How
many bits are dropped depends on the numbers alone, since fewer numbers never need more: sketches merge, and the same
numbers give the same sketch whatever the cuts, the order and the threads. Up to MOST different numbers it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from gramian.linalg.distinct import distinct
from gramian.typing import Codes, Vector

MOST = 1 << 16
SIGN = np.int64(2**63 - 1)


@dataclass(frozen=True, slots=True)
class Sketch:
    """keys : (k,) leading bits of different numbers, rising, without the last `dropped` bits. counts : (k,) of each.

    low, high : the smallest and the largest number, exactly.
    """

    dropped: int
    keys: Codes
    counts: Codes
    low: float = float("inf")
    high: float = float("-inf")

    @classmethod
    def of(cls, values: Vector, counts: Codes | None = None) -> Sketch:
        """The sketch of finite numbers, each as often as its count."""
        if not len(values):
            return cls(0, np.zeros(0, np.int64), np.zeros(0, np.int64))
        many = np.ones(len(values), np.int64) if counts is None else counts
        raw = cls(0, keys_of(values), many, float(values.min()), float(values.max()))
        return _fitting(_collected(raw))

    def __add__(self, other: Sketch, /) -> Sketch:
        dropped = max(self.dropped, other.dropped)
        a, b = _coarser(self, dropped), _coarser(other, dropped)
        both = Sketch(
            dropped,
            np.concatenate([a.keys, b.keys]),
            np.concatenate([a.counts, b.counts]),
            min(a.low, b.low),
            max(a.high, b.high),
        )
        return _fitting(_collected(both))

    @property
    def rows(self) -> int:
        """How many numbers."""
        return int(self.counts.sum())

    def quantile(self, p: float) -> float:
        """The quantile that R calls type 7; between two numbers it is interpolated."""
        place = (self.rows - 1) * p
        below = floor(place)
        ends = np.searchsorted(np.cumsum(self.counts), [below, min(below + 1, self.rows - 1)], side="right")
        left, right = numbers_of(self.keys[ends], self.dropped)
        return min(max(float(left + (place - below) * (right - left)), self.low), self.high)


def keys_of(values: Vector) -> Codes:
    """Whole numbers that sort as finite float64 do."""
    bits = np.ascontiguousarray(values + 0.0).view(np.int64)  # -0.0 becomes 0.0
    return np.where(bits < 0, bits ^ SIGN, bits)


def numbers_of(keys: Codes, dropped: int) -> Vector:
    """The numbers in the middle of what keys stand for."""
    middle = (keys << dropped) + ((1 << dropped) >> 1)
    return np.where(middle < 0, middle ^ SIGN, middle).view(np.float64)


def _collected(sketch: Sketch) -> Sketch:
    keys, group = distinct(sketch.keys)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, group, sketch.counts)
    return Sketch(sketch.dropped, keys, counts, sketch.low, sketch.high)


def _coarser(sketch: Sketch, dropped: int) -> Sketch:
    if dropped == sketch.dropped:
        return sketch
    keys = sketch.keys >> (dropped - sketch.dropped)
    return _collected(Sketch(dropped, keys, sketch.counts, sketch.low, sketch.high))


def _fitting(sketch: Sketch) -> Sketch:
    while len(sketch.keys) > MOST:
        sketch = _coarser(sketch, sketch.dropped + 1)
    return sketch
