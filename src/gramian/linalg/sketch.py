"""Mergeable sketch of a distribution: counts of numbers, identified by their leading bits.

A number is mapped to an integer key that sorts as it does; when more than MAX_KEYS keys differ, the last bit of all of
them is dropped. How many bits are dropped depends on the set of numbers alone, since a subset never needs more:
sketches add, and the same numbers give the same sketch whatever the partition, the order and the threads. Up to
MAX_KEYS different numbers it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from gramian.linalg.factors.unique_codes import unique_codes
from gramian.typing import Codes, Vector

MAX_KEYS = 1 << 16  # different keys of a sketch
SIGN = np.int64(2**63 - 1)  # all bits but the sign; flipping them makes negative numbers sort as integers


@dataclass(frozen=True, slots=True)
class Sketch:
    """A histogram on a grid of floating-point numbers.

    Attributes
    ----------
    dropped_bits : int
        Trailing bits of the keys that were dropped.
    keys : (k,) int
        Leading bits of different numbers, rising.
    counts : (k,) int
        Numbers with each key.
    low, high : float
        Smallest and largest number, exact.
    """

    dropped_bits: int
    keys: Codes
    counts: Codes
    low: float = float("inf")
    high: float = float("-inf")

    @classmethod
    def of(cls, values: Vector, counts: Codes | None = None) -> Sketch:
        """The sketch of finite numbers. counts : frequency of each, one if None."""
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
        """Number of numbers, with their frequencies."""
        return int(self.counts.sum())

    def quantile(self, p: float) -> float:
        """Quantile p by linear interpolation of order statistics (R's type 7: Hyndman and Fan, 1996)."""
        place = (self.rows - 1) * p
        below = floor(place)
        ends = np.searchsorted(np.cumsum(self.counts), [below, min(below + 1, self.rows - 1)], side="right")
        left, right = numbers_of(self.keys[ends], self.dropped_bits)
        return min(max(float(left + (place - below) * (right - left)), self.low), self.high)


def keys_of(values: Vector) -> Codes:
    """int64 keys that sort as the finite float64 values do."""
    bits = np.ascontiguousarray(values + 0.0).view(np.int64)  # -0.0 becomes 0.0
    return np.where(bits < 0, bits ^ SIGN, bits)


def numbers_of(keys: Codes, dropped_bits: int) -> Vector:
    """The float64 in the middle of the interval that each key stands for."""
    middle = (keys << dropped_bits) + ((1 << dropped_bits) >> 1)
    return np.where(middle < 0, middle ^ SIGN, middle).view(np.float64)


def _merged_keys(sketch: Sketch) -> Sketch:
    """The sketch with equal keys merged and sorted."""
    keys, group = unique_codes(sketch.keys)
    counts = np.zeros(len(keys), np.int64)
    np.add.at(counts, group, sketch.counts)
    return Sketch(sketch.dropped_bits, keys, counts, sketch.low, sketch.high)


def _coarser(sketch: Sketch, dropped_bits: int) -> Sketch:
    """The sketch with more bits dropped."""
    if dropped_bits == sketch.dropped_bits:
        return sketch
    keys = sketch.keys >> (dropped_bits - sketch.dropped_bits)
    return _merged_keys(Sketch(dropped_bits, keys, sketch.counts, sketch.low, sketch.high))


def _coarsened_to_fit(sketch: Sketch) -> Sketch:
    """Drop bits until at most MAX_KEYS keys are left."""
    # The number of dropped bits is the least that suffices for these numbers, so it does not depend on the way of
    # merging.
    while len(sketch.keys) > MAX_KEYS:
        sketch = _coarser(sketch, sketch.dropped_bits + 1)
    return sketch
