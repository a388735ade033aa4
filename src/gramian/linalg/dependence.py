"""Proof that a combination of columns vanishes: whole arithmetic on the sums as they are."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

import numpy as np

from gramian.typing import Matrix, Vector

MAX_COLUMNS = 2000  # columns of a combination that is looked at
MAX_DENOMINATOR = 10_000  # denominators of a combination that somebody may have meant
MAX_DISTANCE = 1e-6  # relative distance at which a number is taken for a simple fraction


def simple_fractions(null: Vector) -> dict[int, Fraction] | None:
    """The simple fractions that a null vector's elements are near to, None where one is near to none."""
    out = {}
    if not np.isfinite(null).all():
        return None
    for i in np.flatnonzero(null):
        value = float(null[i])
        fraction = Fraction(value).limit_denominator(MAX_DENOMINATOR)
        if not fraction or abs(float(fraction) - value) > MAX_DISTANCE * abs(value):
            return None
        out[int(i)] = fraction
    return out


def vanishes(S: Matrix, v: Mapping[int, Fraction], constant: int | None) -> bool:
    """Whether v'Sv is zero, exactly, for the best coefficient of the constant column if there is one.

    S : (q, q) products, positive semidefinite as far as they are exact: then X v = 0 up to that constant.
    """
    at = [i for i in v if i != constant]
    if len(at) > MAX_COLUMNS:
        return False
    used = at if constant is None else [*at, constant]
    integers = _as_integers(S[np.ix_(used, used)])
    denominator = lcm(*(v[i].denominator for i in at))
    coefficients = np.array([int(v[i] * denominator) for i in at], object)
    inner = integers[: len(at), : len(at)]
    square = coefficients.dot(inner.dot(coefficients)) if at else 0
    if constant is None:
        return bool(square == 0)
    first = coefficients.dot(integers[: len(at), -1]) if at else 0
    return bool(integers[-1, -1] * square == first * first)


def _as_integers(S: Matrix) -> np.ndarray:
    """S times a power of two, as Python integers."""
    fraction, exponent = np.frexp(S)
    digits = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    low = int(exponent[fraction != 0.0].min(initial=10_000))
    shift = np.where(fraction != 0.0, exponent - low, 0).astype(object)
    return np.asarray(digits << shift)
