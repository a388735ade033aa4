"""Proof that a combination of columns vanishes: whole arithmetic on the sums as they are."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

import numpy as np

from gramian.typing import Matrix, Vector

WIDEST = 2000  # columns of a combination that is looked at
SIMPLE = 10_000  # denominators of a combination that somebody may have meant
NEAR = 1e-6  # relative distance at which a number is taken for a simple fraction


def simple(null: Vector) -> dict[int, Fraction] | None:
    """The simple fractions that a null vector's elements are near to, None where one is near to none."""
    out = {}
    if not np.isfinite(null).all():
        return None
    for i in np.flatnonzero(null):
        value = float(null[i])
        near = Fraction(value).limit_denominator(SIMPLE)
        if not near or abs(float(near) - value) > NEAR * abs(value):
            return None
        out[int(i)] = near
    return out


def vanishes(S: Matrix, v: Mapping[int, Fraction], constant: int | None) -> bool:
    """Whether v'Sv is zero, exactly, for the best coefficient of the constant column if there is one.

    S : (q, q) products, positive semidefinite as far as they are exact: then X v = 0 up to that constant.
    """
    at = [i for i in v if i != constant]
    if len(at) > WIDEST:
        return False
    used = at if constant is None else [*at, constant]
    whole = _whole(S[np.ix_(used, used)])
    unit = lcm(*(v[i].denominator for i in at))
    told = np.array([int(v[i] * unit) for i in at], object)
    inner = whole[: len(at), : len(at)]
    square = told.dot(inner.dot(told)) if at else 0
    if constant is None:
        return bool(square == 0)
    first = told.dot(whole[: len(at), -1]) if at else 0
    return bool(whole[-1, -1] * square == first * first)


def _whole(S: Matrix) -> np.ndarray:
    """S times a power of two, as Python integers."""
    fraction, exponent = np.frexp(S)
    digits = np.ldexp(fraction, 53).astype(np.int64).astype(object)
    low = int(exponent[fraction != 0.0].min(initial=10_000))
    shift = np.where(fraction != 0.0, exponent - low, 0).astype(object)
    return np.asarray(digits << shift)
